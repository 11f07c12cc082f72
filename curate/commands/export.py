"""curate export: a dataset into another tool's format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from converters.table import FORMATS
from curate.commands.console import OK, command, common, given, show


def add(commands: Any) -> None:
    writable = [row for row in FORMATS.values() if row.writes]
    parser = command(
        commands,
        "export",
        run,
        "  curate export data/tagged --to coco --out coco/\n"
        "  curate export data/tagged --to labelme --out labels/\n\nformats:\n"
        + "\n".join(f"  {row.name:15s} {row.says}" for row in writable),
    )
    parser.add_argument("dataset", type=Path, metavar="D")
    names = [row.name for row in writable]
    parser.add_argument("--to", required=True, choices=names, metavar="FORMAT", help="see below")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    common(parser, workers=False)


def run(a: argparse.Namespace) -> int:
    from curate.data.dataset import Dataset
    from curate.export import export

    result = export(
        Dataset(a.dataset),
        FORMATS[a.to].write,
        a.to,
        a.out,
        **given(a, "overwrite quiet"),
    )
    show(a, result.as_json(), str(result))
    return OK
