"""Pages of HTML in one file: templates around one frame, which lets nothing run and nothing load.

Whatever stands in a dataset's names is text on such a page, and stays text.
"""

from __future__ import annotations

import base64
import hashlib

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from curate.basics import images
from curate.basics.images import Pixels
from curate.basics.version import VERSION
from curate.basics.wording import counted, percent

# Letters that turn the order of those behind them, so that gnp.exe is read as exe.png.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\N{REPLACEMENT CHARACTER}")


def environment(package: str, *sheets: str) -> Environment:
    """The templates in the folder `templates` of a package. Text is escaped, and
    letters that turn its order are shown as such; an unknown name is an error.

    A page extends page.html.j2, the frame, which has the blocks `title` and `body`. The frame holds the style
    and a Content-Security-Policy for it; `version` is curate's. Numbers are told by the filters `counted` and
    `percent`, as they are elsewhere.

    Parameters
    ----------
    sheets: style sheets, joined in this order: files beside the templates, or palette.css, the colours.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("curate.basics")]),
        autoescape=True,
        finalize=_in_order,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    assert made.loader is not None
    style = "".join(made.loader.get_source(made, sheet)[0] for sheet in sheets)
    made.filters |= {"counted": counted, "percent": percent}
    made.globals |= {
        "version": VERSION,
        "style": Markup(style),  # our own files
        "style_hash": policy_hash(style),
    }
    return made


def _in_order(value: object) -> object:
    """Text as it stands, letter by letter; markup, which is ours, as it is."""
    return value.translate(_TURNING) if type(value) is str else value


def data_url(picture: Pixels, *, quality: int = 80) -> str:
    """A picture as the address that an image of a page has, which loads nothing."""
    data = base64.b64encode(images.encode(picture, ".webp", quality=quality)).decode("ascii")
    return f"data:image/webp;base64,{data}"


def policy_hash(text: str) -> str:
    """How a Content-Security-Policy names a style or a script that it allows, after "sha256-"."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
