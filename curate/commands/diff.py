"""curate diff: two versions of a dataset compared."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.basics import files
from curate.basics.errors import InputError
from curate.commands import console


def add(commands: Any) -> None:
    parser = console.command(
        commands,
        "diff",
        run,
        "  curate diff tagged tagged-2\n"
        "  curate diff tagged tagged-2 --out moved.html\n"
        "  curate diff set96 set96-2 --json",
    )
    parser.add_argument("a", type=Path, metavar="A", help="a dataset or a training set")
    parser.add_argument("b", type=Path, metavar="B", help="another version of it")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="a page (.html) with the points that moved furthest"
    )
    parser.add_argument(
        "--pictures",
        type=console.positive,
        default=24,
        metavar="N",
        help="samples on the page (default: %(default)s)",
    )
    console.common(parser, workers=False)


def run(a: argparse.Namespace) -> int:
    from curate import diff as verb

    found = verb.diff(a.a, a.b)
    if a.out is not None:
        if a.out.suffix.lower() != ".html":
            raise InputError(a.out, f"ends with {a.out.suffix!r}", allowed=".html")
        page = verb.page(a.a, a.b, found, a.pictures).encode()
        files.write_result(a.out, page, overwrite=a.overwrite)
    console.show(a, found.as_json(), str(found))
    return console.OK
