"""curate build: a training set of one or more datasets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import (
    add_options,
    command,
    common,
    count_splits,
    how_to_run,
    options_of,
    tell,
    typed,
)
from curate.options.build import BuildOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "build",
        run,
        "  curate build crops --out set96 --size 96 --keypoints 20\n"
        "  curate build tagged --crop colour --backgrounds own --backgrounds photos/ --out mixed96\n"
        "  curate build crops rhd-crops --out set128 --size 128 --keypoints 21 --colour",
    )
    parser.add_argument("datasets", type=Path, nargs="+", metavar="D", help="one or more datasets to combine")
    parser.add_argument("--out", type=Path, required=True, metavar="SET", help="training set to make")
    add_options(parser, BuildOptions)
    common(parser, strict=True, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    from curate.build import build

    summary = build(a.datasets, a.out, options_of(a, BuildOptions), **how_to_run(a))
    splits = count_splits(summary)
    then = f"{typed('qa', a.out, '--out', 'QA')}; {typed('train-baseline', a.out, '--out', 'RUN')}"
    if "train" not in splits:
        then = "nothing to train on: build with another --split, or other datasets"
    return tell(a, summary, splits=splits, advice=f"next: {then}")
