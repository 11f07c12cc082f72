"""Tilt, rotation and roll, told from the keypoints alone, against what renders were made with.

    python benchmarks/angles.py RENDERS... [--predictions FILE]

RENDERS are datasets of curate render, training sets of them, or folders of the parts of one. With
--predictions, the predictions.parquet of curate evaluate, those of their samples count that a run was
evaluated on, once by their exact points and once by those that the run found.

Prints the median error and the 90th percentile, in degrees, of all, by pose and by tilt; how often tilt was
taken for its opposite; and, with the side withheld, how often it is told, and rightly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.predictions import read_predictions
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
    parser.add_argument("--predictions", type=Path, metavar="FILE")
    given = parser.parse_args()
    found = {} if given.predictions is None else predicted(given.predictions)
    for folder in given.renders:
        samples = [s for s in read(folder) if s.sample_id in found or not found]
        if not samples:
            sys.exit(f"{folder}: no render")
        report(f"{folder}, exact points", samples, [s.keypoints for s in samples])
        if found:
            report(f"{folder}, points of the run", samples, [found[s.sample_id] for s in samples])


def predicted(path: Path) -> dict[str, NDArray[np.floating]]:
    """The points that a run found, by the names of the samples."""
    told = read_predictions(path)
    return dict(zip(told.sample_ids, told.predicted, strict=True))


def report(name: str, samples: Sequence[Sample], found_points: Sequence[NDArray[np.floating]]) -> None:
    """Print what the points tell."""
    points = np.stack(found_points)
    sides = [sample.side for sample in samples]
    known = np.array([(s.tilt, s.rotation, s.attrs.get("roll", np.nan)) for s in samples], np.float64)
    found = orientations(points, sides)
    errors = np.stack([found.tilt, found.rotation, found.roll], axis=1) - known
    errors = np.abs((errors + 180) % 360 - 180)
    people = len({sample.subject_id for sample in samples})
    print(f"{name}: {len(samples)} hands of {people} people, {np.isnan(found.tilt).sum()} not told")
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
