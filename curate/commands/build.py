"""curate build: a training set of one or more datasets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.commands.console import BACKGROUNDS, BY, command, common, engine_of, given, tell


def add(commands: Any) -> None:
    parser = command(
        commands,
        "build",
        run,
        "  curate build crops --out set96 --size 96 --keypoints 20\n"
        "  curate build tagged --crop colour --backgrounds own --backgrounds photos/ --out mixed96\n"
        "  curate build crops rhd-crops --out set128 --size 128 --keypoints 21 --colour",
    )
    parser.add_argument("datasets", type=Path, nargs="+", metavar="D")
    parser.add_argument("--out", type=Path, required=True, metavar="SET")
    parser.add_argument(
        "--size",
        type=int,
        default=96,
        metavar="PX",
        help="96 (default), 128, or any multiple of 16 from 32 to 512",
    )
    parser.add_argument("--keypoints", type=int, choices=[20, 21], default=20, help="20: without the wrist")
    parser.add_argument("--colour", action="store_true", help="keep colour (default: grey)")
    parser.add_argument("--sigma", type=float, default=5.0, help="of the heatmaps, px (default 5)")
    parser.add_argument(
        "--split",
        default=None,
        metavar="subject|source|CSV",
        help="by subject, as the source says, or from a list (sample_id, subject_id or image, and split); "
        "default: as the source says where it does for every sample, else by subject",
    )
    parser.add_argument("--test", type=float, default=0.1, help="share of the test split (default 0.1)")
    parser.add_argument("--val", type=float, default=0.0, help="share of the validation split (default 0)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--store-heatmaps",
        choices=["float32", "float16", "uint16", "uint8-peak1"],
        help="also write heatmaps.npy; a type that would destroy the maps is refused",
    )
    parser.add_argument(
        "--masks",
        action="store_true",
        help="also write masks.npy, for networks that learn the hand's outline; samples without a mask are "
        "left out",
    )
    steps = parser.add_argument_group(
        "steps on the way, in memory", "from photo to sample at once, with nothing stored in between"
    )
    steps.add_argument("--crop", choices=BY, help="cut the hand out first, as curate crop --by does")
    steps.add_argument(
        "--margin", type=float, default=0.1, help="share of the hand's box added on each side by --crop"
    )
    steps.add_argument(
        "--backgrounds",
        action="append",
        metavar=f"own|{BACKGROUNDS}",
        help="put the hand before another ground first, as curate background does; given several times, each "
        "photo becomes a sample before each (own: as it is)",
    )
    common(parser)


def run(a: argparse.Namespace) -> int:
    from curate.build import build

    summary = build(
        a.datasets,
        a.out,
        colour="colour" if a.colour else "grey",
        **given(a, "size keypoints sigma split test val seed store_heatmaps masks crop margin backgrounds"),
        engine=engine_of(a),
        **given(a, "overwrite quiet"),
    )
    return tell(
        a, summary, advice=f"next: curate qa {a.out} --out QA; curate train-baseline {a.out} --out RUN"
    )
