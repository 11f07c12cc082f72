"""Pictures in a terminal that can show them: kitty's, iTerm's and sixel's escape sequences.

Sources: sw.kovidgoyal.net/kitty/graphics-protocol, iterm2.com/documentation-images.html, and DEC's sixel as
in vt100.net/docs/vt3xx-gp/chapter14.html.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from itertools import groupby

import numpy as np
from PIL import Image

from curate.basics import images
from curate.basics.images import Pixels

_CHUNK = 4096  # characters a sequence of kitty's holds
_COLOURS = 128  # of a sixel picture
_BAND = 6  # rows of a sixel


def protocol(environment: Mapping[str, str]) -> str | None:
    """Which of "kitty", "iterm" and "sixel" the terminal understands, by the variables that it sets."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if environment.get("TMUX") or term.startswith("screen"):
        return None  # it does not pass them on
    if "KITTY_WINDOW_ID" in environment or "kitty" in term or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm", "mintty", "vscode"):
        return "iterm"
    return "sixel" if term in ("foot", "mlterm") or "sixel" in term or program == "contour" else None


def encode(picture: Pixels, way: str) -> str:
    """The picture, (H, W, 3) uint8, as the text to print."""
    return {"kitty": _kitty, "iterm": _iterm, "sixel": _sixel}[way](picture)


def _kitty(picture: Pixels) -> str:
    data = base64.b64encode(images.encode(picture)).decode()
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    last = len(chunks) - 1
    heads = ["a=T,f=100," if number == 0 else "" for number in range(len(chunks))]
    return "".join(
        f"\x1b_G{head}m={int(number < last)};{chunk}\x1b\\"
        for number, (head, chunk) in enumerate(zip(heads, chunks, strict=True))
    )


def _iterm(picture: Pixels) -> str:
    data = images.encode(picture)
    return f"\x1b]1337;File=inline=1;size={len(data)}:{base64.b64encode(data).decode()}\x07"


def _sixel(picture: Pixels) -> str:
    quantised = Image.fromarray(picture).quantize(_COLOURS)
    places = np.asarray(quantised)
    palette = np.asarray(quantised.getpalette() or [], np.int64).reshape(-1, 3)
    height, width = places.shape
    colours = "".join(
        f"#{number};2;" + ";".join(str(round(value * 100 / 255)) for value in colour)
        for number, colour in enumerate(palette.tolist())
    )
    bands = (places[top : top + _BAND] for top in range(0, height, _BAND))
    body = "-".join("$".join(_band(band)) for band in bands)
    return f'\x1bPq"1;1;{width};{height}{colours}{body}\x1b\\'


def _band(band: Pixels) -> Iterator[str]:
    """Six rows, colour by colour; a run of the same sixels as its length."""
    bits = 1 << np.arange(len(band))[:, None]
    for colour in np.unique(band).tolist():
        sixels = ((band == colour) * bits).sum(axis=0).tolist()
        runs = ((chr(63 + value), len(list(run))) for value, run in groupby(sixels))
        yield f"#{colour}" + "".join(
            f"!{count}{sixel}" if count > 3 else sixel * count for sixel, count in runs
        )
