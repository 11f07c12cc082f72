"""curate crop: hands cut out of their photos."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.basics.wording import counted
from curate.commands.console import add_options, command, common, how_to_run, options_of, tell, typed
from curate.options.crop import CropOptions


def add(commands: Any) -> None:
    parser = command(
        commands,
        "crop",
        run,
        "  curate crop data/11k --out data/crops\n"
        "  curate crop data/rhd --by keypoints --out data/rhd-crops\n"
        "  curate crop data/11k --jitter 0.1 --seed 1 --out data/off-centre\n"
        "  seq 8 | xargs -P 8 -I {} curate crop data/11k --out data/crops --workers 1 --part {}/8",
    )
    parser.add_argument("dataset", type=Path, metavar="D", help="a dataset")
    parser.add_argument("--out", type=Path, required=True, metavar="CROPS", help="dataset folder to make")
    add_options(parser, CropOptions)
    common(parser, strict=True, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    from curate.commands.next_step import next_step
    from curate.crop import crop
    from curate.data.dataset import Dataset
    from curate.hands.cropping import WHOLE_KEPT
    from curate.hands.finding import FOUND_BY, WHOLE

    summary = crop(a.dataset, a.out, options_of(a, CropOptions), **how_to_run(a))
    kept = summary.notes.get(WHOLE_KEPT, 0)
    photos = counted(kept, "photo")
    told = f"kept whole, as no hand was seen or none could be trusted: {photos} ({FOUND_BY}: {WHOLE})\n"
    then = next_step(Dataset(summary.out), typed("build", a.out, "--out", "SET", "--size", 96))
    return tell(a, summary, advice=(told if kept else "") + then)
