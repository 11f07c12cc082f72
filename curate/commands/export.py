"""curate export: a dataset into another tool's format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from converters.table import FORMATS
from curate.commands.console import FINDINGS, OK, command, common, engine_of, given, show
from curate.commands.own_options import add_own_options, own_options

_KINDS = {row.name: row.writes for row in FORMATS.values() if row.writes}


def add(commands: Any) -> None:
    parser = command(
        commands,
        "export",
        run,
        "  curate export data/tagged --to coco --out coco/\n"
        "  curate export data/tagged --to labelme --out labels/\n\nformats:\n"
        + "\n".join(f"  {name:15s} {FORMATS[name].says}" for name in _KINDS),
    )
    parser.add_argument("dataset", type=Path, metavar="D")
    parser.add_argument("--to", required=True, choices=list(_KINDS), metavar="FORMAT", help="see below")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_own_options(parser, _KINDS)
    common(parser)


def run(a: argparse.Namespace) -> int:
    from curate.data.dataset import Dataset
    from curate.export import export

    result = export(
        Dataset(a.dataset),
        FORMATS[a.to].write,
        a.to,
        a.out,
        own=own_options(a, _KINDS, a.to),
        engine=engine_of(a),
        **given(a, "overwrite quiet"),
    )
    show(a, result.as_json(), str(result))
    return OK if result.complete else FINDINGS
