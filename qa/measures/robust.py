"""Statistics that a few wrong labels do not move: medians and spreads, per source and never across."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qa.measures.arrays import Floats, Names, Rows

# A normal distribution's standard deviation from its median absolute deviation, and from its 85 % quantile.
_MAD = 1.4826
_UPPER = 1.0364
_FITS, _OUTLIER = 3, 3.0


def groups(names: Names, least: float) -> Iterator[Rows]:
    """Rows of each name that has at least `least` of them, by name."""
    found, inverse = np.unique(names.astype(str), return_inverse=True)
    for i in range(len(found)):
        rows = np.flatnonzero(inverse == i)
        if len(rows) >= least:
            yield rows


def z_scores(values: Floats) -> Floats:
    """Distance from the column's median in robust standard deviations; NaN stays NaN.

    Parameters
    ----------
    values: (n,) or (n, k), each column judged by itself.
    """
    middle = np.nanmedian(values, axis=0)
    spread = _MAD * np.nanmedian(np.abs(values - middle), axis=0)
    z: Floats = (values - middle) / np.where(spread > 0, spread, np.inf)
    return z


def medians(values: Floats) -> Floats:
    """Of (n,) values or each of (n, k) columns what is known of them; NaN where nothing is."""
    known = np.isfinite(values).any(axis=0)
    found: Floats = np.full(values.shape[1:], np.nan)
    found[known] = np.nanmedian(values[..., known], axis=0)
    return found


def medians_of_others(values: Floats) -> Floats:
    """For each of (n,) values, or of those in a column of (n, k), the median of all others; NaN for NaN, and
    where there is no other. Where values are few, a median that included the value itself would follow it."""
    order = np.argsort(values, axis=0, kind="stable")  # NaN last
    ordered = np.take_along_axis(values, order, axis=0)
    count = np.isfinite(values).sum(axis=0)
    place = np.arange(len(values)).reshape(-1, *(1,) * (values.ndim - 1))
    # Without the value at `place`, all behind it move up by one.
    middle = [
        np.take_along_axis(ordered, np.clip(i + (place <= i), 0, len(values) - 1), axis=0)
        for i in ((count - 2) // 2, (count - 1) // 2)
    ]
    found = np.empty(values.shape)
    np.put_along_axis(found, order, (middle[0] + middle[1]) / 2, axis=0)
    return np.where(np.isfinite(values) & (count > 1), found, np.nan)


def excess(scores: Floats) -> Floats:
    """How far positive scores lie above their median, on a log scale, in units of the upper half's spread.

    The spread is taken from the 85 % quantile, so that a skewed score is judged by its own skew. It is fitted
    again without what it called outliers: where one label in twenty is wrong, the limit stays where it was.
    """
    log = np.log(np.maximum(scores, 1e-12))
    kept = np.isfinite(scores)
    above = np.full(scores.shape, np.nan)
    for _ in range(_FITS if kept.any() else 0):
        middle, high = np.quantile(log[kept], (0.5, 0.85))
        above = np.where(np.isfinite(scores), (log - middle) / max((high - middle) / _UPPER, 1e-9), np.nan)
        kept = above < _OUTLIER
    return above


def mean_and_error(values: Floats) -> tuple[Floats, Floats]:
    """Mean of (n, k) values and its standard error, (k,) each; n >= 2."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
