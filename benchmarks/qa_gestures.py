"""What QA's checks of points say of hands in any pose: findings on sound labels, and errors that they catch.

    python benchmarks/qa_gestures.py DATASET [DATASET ...] [--share 0.04] [--seed 5]

The labels of each DATASET should be right, as those of renders are, so that each finding on them is false.
Then one kind of error at a time is planted in a share of the hands with 15 keypoints or more, and the set is
judged again. No image is opened.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.engine import ONE
from qa.checks.check import Outcome
from qa.checks.table import CHECKS
from qa.view import View, open_view

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Rng = np.random.Generator
LEAST = 15  # keypoints of a hand in which an error is planted
CHECK = {check.id: check for check in CHECKS}
FALSE = ("few-points", "out-of-frame", "coincident-points", "bone-length", "bone-ratio-3d", "pose-outlier")


def moved(change: Callable[[Floats, Rng], Floats]) -> Callable[[View, Rows, Rng], View]:
    """Plants an error by changing the points (21, 2) of each of the rows."""

    def plant(view: View, rows: Rows, rng: Rng) -> View:
        points = view.points
        for row in rows:
            points[row] = change(points[row].copy(), rng)
        return dataclasses.replace(view, keypoints=points.astype(np.float32))

    return plant


def other_side(view: View, rows: Rows, rng: Rng) -> View:
    side: NDArray[Any] = view.side.copy()
    side[rows] = [{"left": "right", "right": "left"}.get(name) for name in side[rows]]
    return dataclasses.replace(view, side=side)


def fingers_swapped(points: Floats, rng: Rng) -> Floats:
    first = kp.BASES[rng.integers(1, 4)]
    points[first : first + 8] = np.roll(points[first : first + 8], 4, axis=0)
    return points


def joints_swapped(points: Floats, rng: Rng) -> Floats:
    joint = kp.BASES[rng.integers(1, 5)] + rng.integers(0, 3)
    points[[joint, joint + 1]] = points[[joint + 1, joint]]
    return points


def stretched(points: Floats, rng: Rng) -> Floats:
    points[:, rng.integers(2)] *= 4 / 3
    return points


PLANTS: dict[str, Callable[[View, Rows, Rng], View]] = {
    "handedness": other_side,
    "finger-order": moved(lambda points, rng: points[list(kp.TIP_TO_PALM)]),
    "mcp-fan": moved(fingers_swapped),
    "fold-back": moved(joints_swapped),
    "stretched-hand": moved(stretched),
}


def rows_of(check: str, outcome: Outcome) -> tuple[set[int], set[int]]:
    """Rows with an error, and with a warning alone."""
    graded = {hit.row: hit.severity or CHECK[check].severity for hit in outcome.hits if hit.row is not None}
    errors, warnings = ({row for row, is_ in graded.items() if is_ == told} for told in ("error", "warning"))
    return errors, warnings


def main() -> None:
    about, _, _ = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("datasets", nargs="+", metavar="DATASET")
    parser.add_argument("--share", type=float, default=0.04)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    for folder in options.datasets:
        view, rng = (
            open_view([folder], engine=ONE, quiet=True, images=False),
            np.random.default_rng(options.seed),
        )
        enough = np.flatnonzero(view.labelled.sum(axis=1) >= LEAST)
        rows = rng.permutation(enough)[: max(10, round(options.share * len(enough)))]
        print(f"{folder}: {len(view):,} hands; errors in {len(rows)}")
        for check in (*PLANTS, *FALSE):
            errors, warnings = rows_of(check, CHECK[check].measure(view))
            line = f"  {check:<18} on sound labels: {len(errors):4} errors, {len(warnings):4} warnings"
            if check in PLANTS:
                found, also = rows_of(check, CHECK[check].measure(PLANTS[check](view, rows, rng)))
                planted = set(rows.tolist())
                line += f"; caught as errors {len(found & planted) / len(rows):6.1%}"
                line += f", with warnings {len((found | also) & planted) / len(rows):6.1%}"
            print(line)


if __name__ == "__main__":
    main()
