"""curate evaluate: metrics of a run on a split."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import FINDINGS, OK, add_options, command, common, options_of, show
from curate.options.evaluate import EvaluateOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "evaluate",
        run,
        "  curate evaluate run set96\n"
        "  curate evaluate run set96 --by side --against turned/predictions.parquet --out by-side\n"
        "  curate evaluate set96 --predictions results.json --out theirs",
    )
    parser.add_argument("run_folder", type=Path, nargs="?", metavar="RUN", help="made by curate train")
    parser.add_argument("training_set", type=Path, metavar="SET", help="made by curate build")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: RUN/evaluation-SPLIT")
    add_options(parser, EvaluateOptions)
    common(parser, workers=False)


def run(a: argparse.Namespace) -> int:
    from curate.evaluate import evaluate

    options = options_of(a, EvaluateOptions)
    result = evaluate(a.run_folder, a.training_set, a.out, options, overwrite=a.overwrite, quiet=a.quiet)
    show(a, result.as_json(), str(result))
    return OK if result.fair else FINDINGS
