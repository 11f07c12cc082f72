"""How sure a figure is: intervals by drawing the images again, with replacement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.scoring import metrics
from curate.scoring.metrics import Array

_DRAWS = 1000
_AT_ONCE = 4_000_000  # numbers of one batch of draws
_TAILS = (2.5, 97.5)  # percentiles: an interval of 95 %


@dataclass(frozen=True)
class Ratio:
    """A figure that is a sum over images divided by another, or the mean of several such.

    total, count: (N, J), what each image adds to each.
    """

    total: Array
    count: Array

    def of(self, times: Array) -> Array:
        """(R,) the figure where each image counts so many times, (R, N)."""
        count = times @ self.count
        shares = np.where(count > 0, times @ self.total / np.maximum(count, 1), np.nan)
        known = ~np.isnan(shares)
        there = known.sum(1)
        mean: Array = np.where(there > 0, np.where(known, shares, 0).sum(1) / np.maximum(there, 1), np.nan)
        return mean

    @property
    def value(self) -> float:
        """The figure."""
        return float(self.of(np.ones((1, len(self.total))))[0])

    def rows(self, chosen: NDArray[np.intp]) -> Ratio:
        """That of some images alone."""
        return Ratio(self.total[chosen], self.count[chosen])


def mean_error(table: Array) -> Ratio:
    """The mean error over all points, from (N, K) distances in pixels."""
    known = np.isfinite(table)
    return Ratio(np.where(known, table, 0).sum(1, keepdims=True), known.sum(1, keepdims=True).astype(float))


def share_within(table: Array, sides: Array, part: float) -> Ratio:
    """PCK at a part of the hands' (N,) longer sides: mean over keypoints, as `metrics.pck_normalised`."""
    ratio = metrics.normalised(table, sides)
    return Ratio((ratio < part).astype(float), (~np.isnan(ratio)).astype(float))


def interval(figure: Ratio, other: Ratio | None = None) -> tuple[float, float]:
    """From where to where 95 % of draws of the same number of images put a figure.

    Parameters
    ----------
    other: the same images' figure by other means; the interval is then of `figure` - `other`, image by
        image the same in each draw.

    Returns
    -------
    Low and high; NaN where there are fewer than two images that the figure counts.
    """
    count = len(figure.total)
    if any((one.count > 0).any(1).sum() < 2 for one in (figure, other) if one is not None):
        return float("nan"), float("nan")
    found = np.concatenate(
        [figure.of(times) - (0 if other is None else other.of(times)) for times in _draws(count)]
    )
    low, high = np.nanpercentile(found, _TAILS) if np.isfinite(found).any() else (np.nan, np.nan)
    return float(low), float(high)


def _draws(count: int) -> Iterator[Array]:
    """How often each of `count` images is drawn: _DRAWS rows in batches, the same each time."""
    rng = np.random.default_rng(0)
    batch = max(1, _AT_ONCE // count)
    for first in range(0, _DRAWS, batch):
        rows = min(batch, _DRAWS - first)
        yield rng.multinomial(count, np.full(count, 1 / count), size=rows).astype(np.float64)
