"""Gaussian heatmaps, the training target of a keypoint network.

Formula (1) of Arslanova et al. 2020, a normal density of mass one around the keypoint (mu_x, mu_y):

    H(i, j) = 1 / (2 pi sigma^2) exp(-((x - mu_x)^2 + (y - mu_y)^2) / (2 sigma^2))

Cell (i, j) stands for the pixel centre x = i + 0.5, y = j + 0.5 (as in `curate.basics.geometry`). The `peak1`
form leaves the factor out: a point on a pixel's centre has height one there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from curate.basics.errors import InputError

# With fewer steps than this between nothing and the peak, a map is no longer a Gaussian.
MIN_LEVELS = 32


def draw(
    points: ArrayLike,
    visibility: ArrayLike | None,
    size: int,
    sigma: float,
    *,
    peak1: bool = False,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """A map for each point.

    Parameters
    ----------
    points: (..., 2), pixels of the map: (K, 2) for a hand, (n, K, 2) for several. A point outside the
        frame leaves the tail of its Gaussian in it.
    visibility: (...), 0 where unlabelled: that map is zero, and so is that of a point that is not finite.
        None: every finite point is labelled.
    size: S, the side of the maps, pixels. sigma: pixels.
    out: an array (..., S, S) to draw into.

    Returns
    -------
    (..., S, S) float32; the last axis is x.
    """
    centres = np.asarray(points, np.float64)
    labelled = np.asarray(np.isfinite(centres).all(axis=-1))
    if visibility is not None:
        labelled = labelled & (np.asarray(visibility) > 0)
    height = 1.0 if peak1 else peak(sigma)
    offsets = np.arange(0.5, size) - np.where(labelled[..., None], centres, 0.0)[..., None]
    offsets *= offsets
    offsets *= -0.5 / sigma**2
    # A Gaussian is the product of one along x and one along y: 2 S exponentials a map instead of S^2.
    # NumPy hands a product of matrices to the BLAS only when they share an axis longer than one, which
    # is three times as fast as a broadcast: hence a second term, of zeros.
    lines = np.zeros((*labelled.shape, 2, 2, size), np.float32)
    np.exp(offsets, out=lines[..., 0, :], casting="same_kind")
    lines[..., 1, 0, :] *= np.multiply(labelled, height)[..., None]
    rows, columns = lines[..., 1, :, :], lines[..., 0, :, :]
    maps: NDArray[np.float32] = np.matmul(rows.swapaxes(-1, -2), columns, out=out)
    return maps


def peak(sigma: float) -> float:
    """Height of formula (1) at its centre, 1 / (2 pi sigma^2)."""
    return 1.0 / (2.0 * math.pi * sigma**2)


def mass(points: ArrayLike, size: int, sigma: float) -> NDArray[np.float64]:
    """What formula (1) sums to over the cells of the frame, as a map of it does.

    Not the integral: that differs by 0.1 % at sigma 5, but by 3 % at sigma 1, and by more where the point
    lies outside the frame.

    Parameters
    ----------
    points: (..., 2), pixels. size: side of the maps, pixels. sigma: pixels.

    Returns
    -------
    (...): 1 deep inside the frame, 1/2 on an edge, 1/4 in a corner; NaN for a point that is not finite.
    """
    offsets = np.arange(0.5, size) - np.asarray(points, np.float64)[..., None]
    along = np.exp(-0.5 * np.square(offsets / sigma)) * math.sqrt(peak(sigma))
    return np.asarray(along.sum(axis=-1).prod(axis=-1))


def levels(dtype: DTypeLike, sigma: float, *, peak1: bool = False) -> int:
    """How many different values a stored map can take from zero to its peak.

    Integers hold the range 0..1 in steps of 1 / max; floats hold their own numbers. At sigma 5, formula (1)
    has 3 levels as uint8, 418 as uint16 and 7,814 as float16.

    Raises
    ------
    InputError: a type that holds no heatmaps.
    """
    kind = _storable(dtype)
    height = 1.0 if peak1 else peak(sigma)
    if kind.kind == "u":
        return round(height * int(np.iinfo(kind).max)) + 1
    # Positive floats are ordered as their bit patterns are.
    return int(np.array(height, kind).view(f"u{kind.itemsize}")) + 1


def check_dtype(dtype: DTypeLike, sigma: float, *, peak1: bool = False) -> np.dtype[Any]:
    """The type, if maps stored in it are still Gaussians.

    float16 rounds by at most 2^-11 = 4.9e-4 of a value down to 6.1e-5 (1 % of formula (1)'s peak at
    sigma 5) and by 3.0e-8 below.

    Raises
    ------
    InputError: fewer than MIN_LEVELS values between nothing and the peak, or a type that holds no heatmaps.
    """
    kind = _storable(dtype)
    count = levels(kind, sigma, peak1=peak1)
    if count < MIN_LEVELS:
        raise InputError(
            "dtype of the heatmaps",
            f"{kind} leaves {count} level{'s' * (count > 1)} of formula (1) at sigma {sigma:g}",
            allowed=f"at least {MIN_LEVELS} levels",
            remedy="store float32, float16 or the peak-1 form, or no heatmaps: they are then drawn when read",
        )
    return kind


def as_dtype(maps: NDArray[np.float32], dtype: DTypeLike) -> NDArray[Any]:
    """Maps as they are stored: integers hold round(value * max), floats the value."""
    kind = np.dtype(dtype)
    if kind.kind == "u":
        maps = np.rint(maps * np.float32(np.iinfo(kind).max))
    return np.asarray(maps, kind)


def _storable(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind.kind not in "uf" or kind.itemsize not in (1, 2, 4, 8):
        raise InputError("dtype of the heatmaps", str(dtype), allowed="float16, float32, uint8, uint16")
    return kind
