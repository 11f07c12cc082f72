"""curate export: a dataset into another tool's format; or a run, as ONNX."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from converters.table import FORMATS
from curate.basics.settings import NoOptions
from curate.commands.console import FINDINGS, OK, command, common, how_to_run, show
from curate.commands.own_options import add_own_options, own_options

_ONNX = "onnx"
_KINDS = {row.name: row.writes for row in FORMATS.values() if row.writes} | {_ONNX: NoOptions}
_SAYS = {name: row.says for name, row in FORMATS.items()}
_SAYS[_ONNX] = "a run, including the decoding of its points: model.onnx and a model card"


def add(commands: Any) -> None:
    parser = command(
        commands,
        "export",
        run,
        "  curate export data/tagged --to coco --out coco/\n"
        "  curate export data/tagged --to labelme --out labels/\n"
        "  curate export run --to onnx --out model/\n\nformats:\n"
        + "\n".join(f"  {name:15s} {_SAYS[name]}" for name in _KINDS),
    )
    parser.add_argument("dataset", type=Path, metavar="D", help="a dataset; a run for onnx")
    parser.add_argument("--to", required=True, choices=list(_KINDS), metavar="FORMAT", help="see below")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    add_own_options(parser, _KINDS)
    common(parser, cluster=True)


def run(a: argparse.Namespace) -> int:
    own = own_options(a, _KINDS, a.to)
    if a.to == _ONNX:
        from curate.export_run import export_run  # torch, which no dataset waits for

        made = export_run(a.dataset, a.out, overwrite=a.overwrite)
        show(a, made.as_json(), str(made))
        return OK
    from curate.data.dataset import Dataset
    from curate.export import export

    result = export(
        Dataset(a.dataset),
        FORMATS[a.to].write,
        a.to,
        a.out,
        own=own,
        **how_to_run(a),
    )
    show(a, result.as_json(), str(result))
    return OK if result.complete else FINDINGS
