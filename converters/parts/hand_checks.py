"""What the numbers of a hand cannot be, whatever format they come from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.parts.numbers import FARTHEST
from curate.basics import keypoints as kp
from curate.data.sample import Sample, impossible, stored

NO_CAMERA = (
    "K: focal lengths that are not above 0, or a last row that is not 0 0 1; allowed: fx 0 cx, 0 fy cy, 0 0 1"
)
HAND_METRES = (0.001, 1.0)  # the extent a hand may have; beyond, another unit was meant
NO_HAND_SIZE = (
    "xyz: a hand of less than 1 mm or more than 1 m, as points in another unit than the format's have"
)


def fault(hand: Sample) -> str:
    """Why a hand cannot be used; empty where it can."""
    labelled = hand.visibility != kp.UNLABELLED
    wild = labelled & ~(np.abs(hand.keypoints) < FARTHEST).all(axis=1)
    if wild.any():
        point = int(np.argmax(wild))
        x, y = hand.keypoints[point]
        return f"{kp.NAMES[point]} at {x:g}, {y:g}; allowed: finite pixels"
    for name, values in (("xyz", hand.xyz), ("K", hand.K), ("bbox", hand.bbox)):
        if values is not None and impossible(name, stored(name, values)[None]).any():
            return f"{name}: a number that is infinite, or missing beside others"
    if hand.K is not None and no_camera(hand.K[None]).any():
        return NO_CAMERA
    if hand.xyz is not None and (hand.xyz[:, 2] <= 0).any():
        return "xyz: a point that is not in front of the camera"
    if hand.xyz is not None and no_hand_size(hand.xyz[None]).any():
        return NO_HAND_SIZE
    return ""


def no_camera(K: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether each matrix (n, 3, 3) mirrors what it projects, or projects nothing. One that is all NaN
    is unknown, and passes."""
    without = (K[:, [0, 1], [0, 1]] <= 0).any(axis=1) | (K[:, 2] != (0, 0, 1)).any(axis=1)
    found: NDArray[np.bool_] = without & ~np.isnan(K).all(axis=(1, 2))
    return found


def no_hand_size(xyz: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) whether each hand (n, 21, 3), metres, has a size that no hand has: its projection does not tell
    the unit. NaN is unknown; points that are all in one place stand for a hand that is not there."""
    low = np.where(np.isnan(xyz), np.inf, xyz).min(axis=1)
    high = np.where(np.isnan(xyz), -np.inf, xyz).max(axis=1)
    with np.errstate(invalid="ignore"):  # infinite ones are reported as such
        size = (high - low).max(axis=1)
    found: NDArray[np.bool_] = ((size > 0) & (size < HAND_METRES[0])) | (size > HAND_METRES[1])
    return found
