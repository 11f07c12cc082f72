"""curate angles: how hands are turned, from their keypoints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import command, common, how_to_run, tell, typed


def add(commands: Any) -> None:
    parser = command(
        commands,
        "angles",
        run,
        '  curate angles tagged --out turned\n  curate select turned --where "tilt > 30" --out tilted',
    )
    parser.add_argument("dataset", type=Path, metavar="D", help="a dataset")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="dataset folder to make")
    common(parser, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    from curate.angles import angles

    summary = angles(a.dataset, a.out, **how_to_run(a))
    return tell(a, summary, advice=f"next: {typed('show', a.out, '--out', f'{a.out}.html')}")
