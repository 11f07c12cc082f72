"""Tilt, rotation and roll, told from the keypoints alone, against what renders were made with.

    python benchmarks/angles.py RENDERS...     datasets of curate render, or folders of the parts of one

Prints the median error and the 90th percentile, in degrees, of all, by pose and by tilt; how often tilt was
taken for its opposite; and, with the side withheld, how often it is told, and rightly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, from_batch
from curate.hands.orientation import orientations

STEP = 15  # degrees of tilt
OPPOSITE = 15  # from here on tilt has a side


def read(folder: Path) -> Iterator[Sample]:
    """Samples whose angles are known."""
    if (folder / "dataset.json").exists():
        samples: Iterator[Sample] = iter(Dataset(folder))
    else:
        samples = (s for path in sorted(folder.rglob("*.arrow")) for s in from_batch(Part.load(path).batch))
    return (sample for sample in samples if sample.tilt is not None)


def told(errors: NDArray[np.float64]) -> str:
    """Median and 90th percentile of (n, 3)."""
    middle, worst = np.nanquantile(errors, [0.5, 0.9], axis=0)
    return "   ".join(
        f"{name} {a:4.1f} {b:5.1f}"
        for name, a, b in zip(("tilt", "rotation", "roll"), middle, worst, strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("renders", nargs="+", type=Path)
    for folder in parser.parse_args().renders:
        samples = list(read(folder))
        if not samples:
            sys.exit(f"{folder}: no render")
        points = np.stack([sample.keypoints for sample in samples])
        sides = [sample.side for sample in samples]
        known = np.array([(s.tilt, s.rotation, s.attrs.get("roll", np.nan)) for s in samples], np.float64)
        found = orientations(points, sides)
        errors = np.stack([found.tilt, found.rotation, found.roll], axis=1) - known
        errors = np.abs((errors + 180) % 360 - 180)
        people = len({sample.subject_id for sample in samples})
        print(f"{folder}: {len(samples)} hands of {people} people, {np.isnan(found.tilt).sum()} not told")
        print(f"  all                 {told(errors)}")
        poses = np.array([sample.attrs.get("pose", "") for sample in samples])
        for pose in np.unique(poses):
            print(f"  {pose:12} {np.sum(poses == pose):6} {told(errors[poses == pose])}")
        tilt = np.abs(known[:, 0])
        for low in range(0, 90, STEP):
            if (some := (tilt >= low) & (tilt < low + STEP)).any():
                print(f"  tilt {low:2} to {low + STEP:2} {some.sum():6} {told(errors[some])}")
        clear = tilt > OPPOSITE
        turned = np.sum(found.tilt[clear] * known[clear, 0] < 0)
        print(f"  taken for the opposite: {turned} of {clear.sum()} tilted by more than {OPPOSITE}")
        free = orientations(points, [None] * len(points))
        open_ = np.array([side is None for side in free.side])
        right = np.array([a == b for a, b in zip(free.side, sides, strict=True)])
        print(f"  side withheld: told of {np.mean(~open_):.1%}, rightly of {right.sum()} of {np.sum(~open_)}")


if __name__ == "__main__":
    main()
