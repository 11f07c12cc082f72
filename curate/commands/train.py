"""curate train and curate train-baseline: a network on a training set."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.basics.settings import choice, whole
from curate.commands.console import OK, add_options, command, common, options_of, show, typed
from curate.networks.table import TABLE
from curate.options.train import TrainOptions

BASELINE = "figure12"
_RESUMES = "A killed training resumes from its last epoch when the same command is given again."


@dataclass(frozen=True, slots=True)
class BaselineOptions(TrainOptions):
    """How `curate train-baseline` trains."""

    preset: str | None = choice("reference", ("reference", "paper"), "how to train")
    epochs: int | None = whole(
        None, 1, 1_000_000, "number of epochs; by default the preset's: reference 15, paper 300"
    )


def add(commands: Any) -> None:
    networks = "\n".join(f"  {name:<16}{row.says}" for name, row in TABLE.items())
    parser = command(
        commands,
        "train",
        run,
        f"  curate train set96 --network {BASELINE} --out run\n\nnetworks:\n{networks}\n\n{_RESUMES}",
    )
    parser.add_argument("--network", required=True, metavar="NAME", help="one of those listed below")
    _arguments(parser, TrainOptions)


def add_baseline(commands: Any) -> None:
    parser = command(
        commands,
        "train-baseline",
        run,
        "  curate train-baseline set96 --out run\n"
        "  curate train-baseline set96 --out paper --preset paper --max-minutes 20\n\n" + _RESUMES,
    )
    parser.set_defaults(network=BASELINE)
    _arguments(parser, BaselineOptions)


def _arguments(parser: argparse.ArgumentParser, kind: type[TrainOptions]) -> None:
    parser.add_argument("training_set", type=Path, metavar="SET", help="made by curate build")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run to make")
    add_options(parser, kind)
    common(parser, workers=False)
    parser.set_defaults(kind=kind)


def run(a: argparse.Namespace) -> int:
    from curate.train import train

    options = options_of(a, a.kind)
    result = train(a.training_set, a.out, a.network, options, overwrite=a.overwrite, quiet=a.quiet)
    advice = f"next: {typed('evaluate', a.out, a.training_set)}"
    show(a, result.as_json(), f"{result}\n{advice}")
    return OK
