"""curate demo: all of it, small."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from curate.commands.console import command, positive


def add(commands: Any) -> None:
    parser = command(
        commands,
        "demo",
        run,
        "  curate demo --out demo",
    )
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR")
    parser.add_argument("--photos", type=positive, default=480, help="hands to draw (default 480)")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training (default 2)")
    parser.add_argument("--seed", type=int, default=0)


def run(a: argparse.Namespace) -> int:
    from curate.demo import demo

    return demo(
        a.out,
        run=a.command_line,  # as the demo does each of its steps
        say=lambda line: print(line, file=sys.stderr, flush=True),
        photos=a.photos,
        minutes=a.minutes,
        seed=a.seed,
    )
