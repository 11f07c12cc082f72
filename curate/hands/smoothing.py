"""Points that tremble from frame to frame, calmed by the one-euro filter (Casiez et al., CHI 2012).

A low-pass filter whose cut-off frequency grows with speed: a hand at rest stands still, and a fast one is
followed with little lag. Speeds count in sizes of the hand, so that one setting fits hands near and far. Of
a recording, whose future is known, both directions of time are asked, and nothing lags.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
_SPEED_CUTOFF = 1.0  # Hz, of the speeds; the paper's


@dataclass(frozen=True, slots=True)
class OneEuro:
    """The filter's two settings.

    Attributes
    ----------
    least: cut-off frequency of a point at rest, Hz (f_cmin): lower is calmer.
    slope: Hz by which it grows for a speed of a hand's size a second (beta): higher lags less.
    """

    least: float
    slope: float


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """A hand's points after a frame, which is all that the filter remembers.

    Attributes
    ----------
    points: (n, 2) filtered, NaN where there are none. speeds: (n, 2) filtered, hand sizes a second.
    seconds: the frame's time.
    """

    points: Points
    speeds: Points
    seconds: float


def smooth(
    before: Smoothed | None, points: NDArray[np.floating], seconds: float, size: float, by: OneEuro
) -> Smoothed:
    """The points of the next frame, filtered.

    A point that the frame before lacked begins anew, and so does a hand whose frame has no later time.

    Parameters
    ----------
    points: (n, 2) as found, NaN where not. seconds: their time. size: of the hand, in units of the points.
    """
    here = np.asarray(points, np.float64)
    if before is None or seconds <= before.seconds:
        return Smoothed(here, np.zeros_like(here), seconds)
    step = seconds - before.seconds
    speeds = (here - before.points) / (step * size)
    speeds = before.speeds + _share(_SPEED_CUTOFF, step) * (speeds - before.speeds)
    cutoff = by.least + by.slope * np.linalg.norm(speeds, axis=1, keepdims=True)
    filtered = before.points + _share(cutoff, step) * (here - before.points)
    known = np.isfinite(before.points).all(axis=1, keepdims=True)
    found = np.isfinite(here).all(axis=1, keepdims=True)
    return Smoothed(np.where(known, filtered, here), np.where(known & found, speeds, 0.0), seconds)


def smooth_forward(points: NDArray[np.floating], seconds: NDArray[np.floating], by: OneEuro) -> Points:
    """The points of all frames, each filtered by those before it, as a camera's are.

    Parameters
    ----------
    points: (frames, n, 2) of one hand, NaN where a point was not found.
    seconds: (frames,), growing.
    """
    past: Smoothed | None = None
    result = []
    for frame, time in zip(points, seconds.tolist(), strict=True):
        past = smooth(past, frame, time, hand_size(frame), by)
        result.append(past.points)
    return np.stack(result)


def smooth_whole(points: NDArray[np.floating], seconds: NDArray[np.floating], by: OneEuro) -> Points:
    """The points of all frames, as the mean of the filter forward and of the filter backward in time.

    What one brings too late, the other brings too early by as much.

    Parameters
    ----------
    points: (frames, n, 2) of one hand that is seen in all, NaN where a point was not found.
    seconds: (frames,), growing.
    """
    here, times = np.asarray(points, np.float64), np.asarray(seconds, np.float64)
    forward = smooth_forward(here, times, by)
    return (forward + smooth_forward(here[::-1], -times[::-1], by)[::-1]) / 2


def hand_size(points: NDArray[np.floating]) -> float:
    """Longer side of the box of those that are there, at least 1: what speeds count in."""
    known = points[np.isfinite(points).all(axis=1)]
    return max(1.0, float(np.ptp(known, axis=0).max())) if len(known) else 1.0


def _share(cutoff: NDArray[np.float64] | float, step: float) -> NDArray[np.float64]:
    """How much of a change a low-pass filter lets through in a step of so many seconds (equation 3)."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * np.asarray(cutoff) * step)))
