"""curate background: hands before another ground."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import add_options, command, common, how_to_run, options_of, tell, typed
from curate.options.background import BackgroundOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "background",
        run,
        "  curate background tagged --backgrounds white --out on-white\n"
        "  curate background tagged --backgrounds photos/ --seed 1 --out busy",
    )
    parser.add_argument("dataset", type=Path, metavar="D", help="a dataset")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="dataset folder to make")
    add_options(parser, BackgroundOptions)
    common(parser, strict=True, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    from curate.background import background
    from curate.commands.next_step import next_step
    from curate.data.dataset import Dataset

    summary = background(a.dataset, a.out, options_of(a, BackgroundOptions), **how_to_run(a))
    # By the mask that each hand has now: on most of these backgrounds its colour does not tell it apart.
    then = typed("crop", a.out, "--by", "mask", "--out", "CROPS")
    return tell(a, summary, advice=next_step(Dataset(summary.out), then))
