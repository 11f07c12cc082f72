"""Which hand is which from frame to frame: boxes that are found against those that are followed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Box = NDArray[np.floating]  # (4,) x, y, w, h, pixels
_NEAR = 1.0  # in sizes of the hand: farther off, it is another
_SAME = 0.25  # points of one hand lie nearer than this to each other, the same


def apart(first: Box, second: Box) -> float:
    """Distance of the centres of two boxes, in sizes: the geometric mean of their longer sides."""
    size = np.sqrt(_size(first) * _size(second))
    if size <= 0:
        return float("inf")
    return float(np.linalg.norm((first[:2] + first[2:] / 2) - (second[:2] + second[2:] / 2)) / size)


def matched(followed: Sequence[Box], found: Sequence[Box]) -> dict[int, int]:
    """Which of the boxes found is which of those that are followed: found -> followed, the nearest first.

    Their centres count, since boxes of a fast hand do not overlap; what is farther off than the hand is large
    is another.
    """
    pairs = sorted(
        (apart(one, other), row, column)
        for row, one in enumerate(found)
        for column, other in enumerate(followed)
    )
    taken: dict[int, int] = {}
    for distance, row, column in pairs:
        if distance <= _NEAR and row not in taken and column not in taken.values():
            taken[row] = column
    return taken


def same_hand(first: ArrayLike, second: ArrayLike) -> bool:
    """Whether two sets of points, (21, 2), lie on one hand: the median distance between them is small."""
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    both = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
    if not both.any():
        return False
    one, other = one[both], other[both]
    size = max(np.ptp(one, axis=0).max(), np.ptp(other, axis=0).max())
    return bool(np.median(np.linalg.norm(one - other, axis=1)) < _SAME * size)


def _size(box: Box) -> float:
    return float(max(box[2], box[3]))
