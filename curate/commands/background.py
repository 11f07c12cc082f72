"""curate background: hands before another ground."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import BACKGROUNDS, command, common, engine_of, given, tell


def add(commands: Any) -> None:
    parser = command(
        commands,
        "background",
        run,
        "  curate background tagged --backgrounds white --out on-white\n"
        "  curate background tagged --backgrounds photos/ --seed 1 --out busy",
    )
    parser.add_argument("dataset", type=Path, metavar="D")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--backgrounds",
        default="white",
        metavar=BACKGROUNDS,
        help="what to put behind the hands; of a folder, one picture a sample (default: white)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice of backgrounds")
    common(parser)


def run(a: argparse.Namespace) -> int:
    from curate.background import background

    summary = background(
        a.dataset, a.out, engine=engine_of(a), **given(a, "backgrounds seed overwrite quiet")
    )
    return tell(a, summary, advice=f"next: curate crop {a.out} --out CROPS")
