"""Pinhole cameras: projection, and the camera of a picture that was cut out and scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def intrinsics(fx: float, fy: float, cx: float, cy: float) -> NDArray[np.float64]:
    """K (3, 3) of focal lengths and principal point, pixels."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def project(xyz: NDArray[Any], K: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels (n, 2) of points (n, 3) in the camera's frame, in any unit; NaN for a point that is not in front
    of the camera."""
    with np.errstate(all="ignore"):
        seen = xyz.astype(np.float64) @ K.T
        points: NDArray[np.float64] = seen[:, :2] / seen[:, 2:]
    points[~(xyz[:, 2] > 0)] = np.nan
    return points


def cut_out(K: NDArray[np.float64], box: NDArray[Any], width: float, height: float) -> NDArray[np.float64]:
    """K (3, 3) of the picture that shows `box` (x, y, w, h, pixels) of the camera's own, scaled to a size."""
    x, y, w, h = (float(side) for side in box)
    move = np.array([[width / w, 0.0, -x * width / w], [0.0, height / h, -y * height / h], [0.0, 0.0, 1.0]])
    return move @ K
