"""curate train and curate train-baseline: a network on a training set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import OK, command, common, given, positive, show
from curate.networks.table import TABLE

BASELINE = "figure12"
_RESUMES = "A killed training goes on from its last epoch when the same command is given again."


def add(commands: Any) -> None:
    networks = "\n".join(f"  {name:<16}{row.says}" for name, row in TABLE.items())
    parser = command(
        commands,
        "train",
        run,
        "Train a network on a training set.",
        f"  curate train set96 --network {BASELINE} --out run\n\nnetworks:\n{networks}\n\n{_RESUMES}",
    )
    parser.add_argument("--network", required=True, metavar="NAME", help="one of those below")
    parser.add_argument("--preset", metavar="NAME", help="a way to train it; default: its first")
    _options(parser, "default: the preset's")


def add_baseline(commands: Any) -> None:
    parser = command(
        commands,
        "train-baseline",
        run,
        "Train the reference CNN (figure 12, 12.1 million weights) on a training set.",
        "  curate train-baseline set96 --out run\n"
        "  curate train-baseline set96 --out paper --preset paper --max-minutes 20\n\n" + _RESUMES,
    )
    parser.set_defaults(network=BASELINE)
    parser.add_argument("--preset", choices=["reference", "paper"], default="reference")
    _options(parser, "default: the preset's (reference 15, paper 300)")


def _options(parser: argparse.ArgumentParser, epochs: str) -> None:
    parser.add_argument("training_set", type=Path, metavar="SET")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN")
    parser.add_argument("--epochs", type=positive, help=epochs)
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
        **given(a, "network preset epochs max_minutes batch seed devices overwrite quiet"),
    )
    show(a, result.as_json(), str(result))
    return OK
