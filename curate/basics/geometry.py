"""Affine maps of the image plane.

Coordinates are continuous: the origin is the outer corner of the top-left pixel and the centre of
pixel (i, j) is (i + 0.5, j + 0.5), so a resize by s is exactly x' = s x. An affine map is a 2 x 3
float64 array M with p' = M[:, :2] p + M[:, 2].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Affine = NDArray[np.float64]
Points = NDArray[np.floating]

IDENTITY: Affine = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def apply(affine: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
    """Move points of shape (..., 2) by an affine map; NaN (unlabelled) stays NaN."""
    matrix = np.asarray(affine, np.float64)
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def compose(second: ArrayLike, first: ArrayLike) -> Affine:
    """The map that does `first` and then `second`."""
    a, b = np.asarray(second, np.float64), np.asarray(first, np.float64)
    return np.hstack([a[:, :2] @ b[:, :2], a[:, :2] @ b[:, 2:] + a[:, 2:]])


def invert(affine: ArrayLike) -> Affine:
    """The inverse map. Raises numpy.linalg.LinAlgError where there is none."""
    # By hand: to call LAPACK for four numbers takes longer than all else here.
    (a, b, x), (c, d, y) = np.asarray(affine, np.float64).tolist()
    size = a * d - b * c
    if size == 0:
        raise np.linalg.LinAlgError("a map without an inverse")
    a, b, c, d = d / size, -b / size, -c / size, a / size
    return np.array([[a, b, -a * x - b * y], [c, d, -c * x - d * y]])


def box_to_size(box: ArrayLike, size: tuple[float, float]) -> Affine:
    """Map of a box (x, y, w, h) onto [0, width) x [0, height)."""
    x, y, w, h = np.asarray(box, np.float64)
    across, down = size[0] / w, size[1] / h
    return np.array([[across, 0.0, -across * x], [0.0, down, -down * y]])


def square_around(box: ArrayLike, margin: float) -> NDArray[np.float64]:
    """Smallest square (x, y, s, s) with the box's centre that holds it with `margin` (share of the side)
    on each side."""
    x, y, w, h = np.asarray(box, np.float64)
    side = max(w, h) * (1 + 2 * margin)
    return np.array([x + w / 2 - side / 2, y + h / 2 - side / 2, side, side])


def bounding_box(points: ArrayLike) -> NDArray[np.float64] | None:
    """Box (x, y, w, h) of the finite points among (n, 2); None where there is none."""
    xy = np.asarray(points, np.float64)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if not len(xy):
        return None
    low, high = xy.min(axis=0), xy.max(axis=0)
    return np.concatenate([low, high - low])


def to_index_space(affine: ArrayLike) -> Affine:
    """The same map for libraries that put pixel centres at whole numbers (cv2.warpAffine)."""
    matrix = np.asarray(affine, np.float64)
    shift = matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return np.hstack([matrix[:, :2], (matrix[:, 2] + shift)[:, None]])
