"""curate trust: let a dataset refer to files outside it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import OK, command, common, show


def add(commands: Any) -> None:
    parser = command(
        commands,
        "trust",
        run,
        "  curate trust from-a-colleague\n\n"
        "A dataset that was made here does not need this, nor does one that contains all its files.",
    )
    parser.add_argument("dataset", type=Path, metavar="D", help="a dataset")
    common(parser, workers=False, overwrite=False)


def run(a: argparse.Namespace) -> int:
    from curate.basics.wording import counted
    from curate.data.dataset import Dataset
    from curate.data.references import outside, take_word

    dataset = Dataset(a.dataset)
    take_word(a.dataset)
    folders = dict(sorted(outside(dataset).items()))
    lines = [f"{a.dataset}: commands may now read the files that it refers to"]
    lines += [
        f"  {counted(count, 'image')} in {folder}, outside the dataset" for folder, count in folders.items()
    ]
    show(a, {"dataset": str(a.dataset), "outside": folders}, "\n".join(lines))
    return OK
