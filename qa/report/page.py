"""report.html: one file that a person can mail, with the verdict, every check, and pictures.

It holds no script and loads nothing. What it shows below the verdict is in the table of sections.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from curate.basics import files, pages
from curate.basics.errors import CurateError
from qa.checks.check import Checked
from qa.report import charts
from qa.report.changes import Changes
from qa.report.pictures import Album
from qa.report.sections import SECTIONS, Material
from qa.report.verdict import Verdict
from qa.severity import SEVERITIES
from qa.view import View

HARD_LIMIT = 10_000_000
TARGET = 3_000_000

# Pictures of each check, and of random samples: tried in this order until the page fits.
_PLENTY = ((12, 48), (6, 24), (3, 12), (1, 6), (0, 0))
_LISTED = 20  # findings listed for a check without pictures
_TEXT_LIMIT = 160
_SIDE_ALONE = re.compile("([0-9]-)?(left|right)?")  # how ids end where a photograph has two hands


def write_report(
    view: View,
    results: Sequence[Checked],
    verdict: Verdict,
    path: Path,
    *,
    seed: int,
    changes: Changes | None = None,
) -> None:
    """Write the page, atomically, with as many pictures as fit into TARGET bytes.

    Raises
    ------
    CurateError: even without pictures the page is larger than HARD_LIMIT.
    """
    environment = _environment(Album(view))
    template = environment.get_template("report.html.j2")
    about = _about(view, results, verdict)
    material = Material(view, results, changes, seed)
    gathered = [
        (section, environment.get_template(f"sections/{section.name}.html.j2"), section.gather(material))
        for section in SECTIONS
    ]
    for per_check, sheet in _PLENTY:
        sections = [
            (section, Markup(text))
            for section, part, shown in gathered
            if (text := part.render(shown, per_check=per_check, sheet=sheet).strip())
        ]
        page = template.render(about, sections=sections).encode()
        if len(page) <= TARGET:
            break
    if len(page) > HARD_LIMIT:
        raise CurateError(f"{path}: the report would take {len(page):,} bytes; allowed: {HARD_LIMIT:,}")
    files.write(path, page)


def _environment(album: Album) -> Environment:
    environment = pages.environment("qa.report", "palette.css", "report.css")
    environment.filters |= {"shorten": _shorten, "name": _name, "number": lambda n: f"{n:,}"}
    environment.globals |= {"picture": album, "share_bar": charts.share_bar, "listed": _LISTED}
    return environment


def _about(view: View, results: Sequence[Checked], verdict: Verdict) -> dict[str, Any]:
    """What is shown above the sections."""
    return {
        "verdict": verdict,
        "state": verdict.severity if verdict.severity in SEVERITIES[:2] else "passed",
        "names": [dataset.name for dataset in view.datasets],
        "totals": {s: sum(r.count(s) for r in results) for s in SEVERITIES},
        "subjects": len(set(view.subject_id) - {None}),
        "count": len(view),
    }


def _shorten(text: object, limit: int = _TEXT_LIMIT) -> str:
    """At most `limit` characters, with the middle left out, and spaces for what cannot be printed."""
    plain = "".join(c if c.isprintable() else " " for c in str(text))
    if len(plain) <= limit:
        return plain
    return f"{plain[: limit * 2 // 3]} … {plain[-limit // 4 :]}"


def _name(sample_id: object) -> str:
    """The part of a sample's id that tells it from its neighbours: what follows the last slash, or, if that
    is only a side, the last slash but one."""
    parts = str(sample_id).split("/")
    return "/".join(parts[-2:] if _SIDE_ALONE.fullmatch(parts[-1]) else parts[-1:])
