"""curate train-baseline: the reference CNN on a training set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import OK, command, common, given, positive, show


def add(commands: Any) -> None:
    parser = command(
        commands,
        "train-baseline",
        run,
        "  curate train-baseline set96 --out run\n"
        "  curate train-baseline set96 --out paper --preset paper --max-minutes 20\n\n"
        "A killed training goes on from its last epoch when the same command is given again.",
    )
    parser.add_argument("training_set", type=Path, metavar="SET")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN")
    parser.add_argument("--preset", choices=["reference", "paper"], default="reference")
    parser.add_argument("--epochs", type=positive, help="default: the preset's (reference 15, paper 300)")
    parser.add_argument("--max-minutes", type=float, help="stop at the end of the epoch that passes this")
    parser.add_argument("--batch", type=positive, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--devices", default="auto", help="as Lightning understands them: auto, 1, 2, 0,1")
    common(parser, workers=False)


def run(a: argparse.Namespace) -> int:
    from curate.train import train

    result = train(
        a.training_set,
        a.out,
        **given(a, "preset epochs max_minutes batch seed devices overwrite quiet"),
    )
    show(a, result.as_json(), str(result))
    return OK
