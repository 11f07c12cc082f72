"""Statistics that a few wrong labels do not move: medians and spreads, per source and never across."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qa.measures.arrays import Flags, Floats, Names, Rows, grouped, numbered

# A normal distribution's standard deviation from its median absolute deviation, and from its 85 % quantile.
_MAD = 1.4826
_UPPER = 1.0364
_FITS, _OUTLIER = 3, 3.0


def groups(names: Names, least: float) -> Iterator[Rows]:
    """Rows of each name that has at least `least` of them, by name."""
    for rows in grouped(numbered(names)[1]):
        if len(rows) >= least:
            yield rows


def z_scores(values: Floats, fold: Rows | None = None, *, least: float = 0.0) -> Floats:
    """Distance from the column's median in robust standard deviations; NaN where a value, or all that it is
    judged by, is NaN.

    Parameters
    ----------
    values: (n,) or (n, k), each column judged by itself.
    fold: (n,) each value is judged by the median and spread of all other folds; None: by those of all values.
    least: the smallest spread to divide by.
    """
    z = np.full(values.shape, np.nan)
    for judged, taught in _by_fold(len(values), fold):
        middle = medians(values[taught])
        spread = np.maximum(deviation(values[taught], middle), least)
        z[judged] = (values[judged] - middle) / np.where(spread > 0, spread, np.inf)
    return z


def deviation(values: Floats, middle: Floats) -> Floats:
    """Robust standard deviation of (n,) values, or of each of (n, k) columns, about their `medians`; NaN
    where nothing is known."""
    return _MAD * medians(np.abs(values - middle))


def medians(values: Floats) -> Floats:
    """Median of what is known of (n,) values, or of each of (n, k) columns; NaN where nothing is known."""
    known = np.isfinite(values).any(axis=0)
    found: Floats = np.full(values.shape[1:], np.nan)
    found[known] = np.nanmedian(values[..., known], axis=0)
    return found


def _by_fold(count: int, fold: Rows | None) -> Iterator[tuple[Flags, Flags]]:
    """For each fold: which values are judged, and which they are judged by."""
    if fold is None:
        everyone = np.ones(count, bool)
        yield everyone, everyone
        return
    for number in np.unique(fold).tolist():
        yield fold == number, fold != number


def medians_of_others(values: Floats) -> Floats:
    """For each of (n,) values, or each in a column of (n, k), the median of all others; NaN for NaN, and
    where there are no others. Among few values, a median that included the value itself would follow it."""
    order = np.argsort(values, axis=0, kind="stable")  # NaN last
    ordered = np.take_along_axis(values, order, axis=0)
    count = np.isfinite(values).sum(axis=0)
    place = np.arange(len(values)).reshape(-1, *(1,) * (values.ndim - 1))
    # Without the value at `place`, all later ones move up by one.
    middle = [
        np.take_along_axis(ordered, np.clip(i + (place <= i), 0, len(values) - 1), axis=0)
        for i in ((count - 2) // 2, (count - 1) // 2)
    ]
    found = np.empty(values.shape)
    np.put_along_axis(found, order, (middle[0] + middle[1]) / 2, axis=0)
    return np.where(np.isfinite(values) & (count > 1), found, np.nan)


def upper(scores: Floats, fold: Rows | None = None) -> tuple[Floats, Floats]:
    """The median of positive scores on a log scale, and the spread of the upper half: (n,) each, for each of
    (n,) scores, by the others' folds as in `z_scores`.

    The spread comes from the 85 % quantile, so that a skewed score is judged by its own skew. It is fitted
    again without the outliers of the fit before: where one label in twenty is wrong, the limit stays put.
    """
    middle, spread = np.zeros(len(scores)), np.ones(len(scores))
    for judged, taught in _by_fold(len(scores), fold):
        log = np.log(np.maximum(scores[taught & np.isfinite(scores)], 1e-12))
        kept = log
        for _ in range(_FITS if len(log) else 0):
            usual, high = np.quantile(kept, (0.5, 0.85))
            middle[judged], spread[judged] = usual, max((high - usual) / _UPPER, 1e-9)
            kept = log[(log - usual) / max((high - usual) / _UPPER, 1e-9) < _OUTLIER]
    return middle, spread


def excess(scores: Floats, usual: tuple[Floats, Floats] | None = None) -> Floats:
    """How far (n,) positive scores lie above what is usual, in the upper half's spread.

    Parameters
    ----------
    usual: what `upper` gave; None: what is usual among these scores.
    """
    middle, spread = upper(scores) if usual is None else usual
    above: Floats = (np.log(np.maximum(scores, 1e-12)) - middle) / spread
    return above


def mean_and_error(values: Floats) -> tuple[Floats, Floats]:
    """Mean of (n, k) values and its standard error, (k,) each; n >= 2."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
