"""curate crop: hands cut out of their photos."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import BY, command, common, engine_of, given, positive, tell


def add(commands: Any) -> None:
    parser = command(
        commands,
        "crop",
        run,
        "Cut each hand out of its photo; keypoints move along, the way back is kept.",
        "  curate crop data/11k --out data/crops\n"
        "  curate crop data/rhd --by keypoints --out data/rhd-crops\n"
        "  curate crop data/11k --jitter 0.1 --seed 1 --out data/off-centre",
    )
    parser.add_argument("dataset", type=Path, metavar="D")
    parser.add_argument("--out", type=Path, required=True, metavar="CROPS")
    parser.add_argument("--by", choices=BY, default="colour", help="default: colour")
    parser.add_argument(
        "--margin", type=float, default=0.1, help="share of the hand's box added on each side"
    )
    parser.add_argument("--size", type=positive, default=256, help="largest side of a crop, px (default 256)")
    parser.add_argument(
        "--no-square", dest="square", action="store_false", help="keep the shape of the hand's box"
    )
    parser.add_argument(
        "--jitter",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="move and scale each crop at random by up to this share of its side, to study a bias of crops",
    )
    parser.add_argument("--seed", type=int, default=0, help="of --jitter")
    common(parser)


def run(a: argparse.Namespace) -> int:
    from curate.crop import crop

    summary = crop(
        a.dataset,
        a.out,
        engine=engine_of(a),
        **given(a, "by margin size square jitter seed overwrite quiet"),
    )
    return tell(a, summary, advice=f"next: curate build {a.out} --out SET --size 96")
