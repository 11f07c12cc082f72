"""curate evaluate: metrics of a run on a split."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import OK, command, show


def add(commands: Any) -> None:
    parser = command(
        commands,
        "evaluate",
        run,
        "  curate evaluate run set96\n  curate evaluate run set96 --json",
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument("training_set", type=Path, metavar="SET")
    parser.add_argument("--split", choices=["train", "val", "test"], default="test")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: RUN/evaluation-SPLIT")
    parser.add_argument("--json", action="store_true", help="print the metrics as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")


def run(a: argparse.Namespace) -> int:
    from curate.evaluate import evaluate

    result = evaluate(a.run_folder, a.training_set, split=a.split, out=a.out, quiet=a.quiet)
    show(a, result.as_json(), str(result))
    return OK
