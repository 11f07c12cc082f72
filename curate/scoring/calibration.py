"""What a score means: whether points with a score of 0.9 are right nine times in ten, and how well the scores
tell the right from the wrong.

Scores and flags are (N,): one of each point, or of each image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BINS = 10
# Beyond these a handful of points would decide, and every score would seem to be 0, 1 or a half.
COLDEST, HOTTEST = 0.1, 10.0
_FINE = 1e-4  # of the temperature's logarithm
EDGE = 1e-6  # no score is taken for certain


def reliability(
    scores: NDArray[Any], right: NDArray[Any], bins: int = BINS
) -> list[tuple[float, float, int]]:
    """Mean score, share of the right, and count, of as many as possible of `bins` groups of equal size, the
    lowest scores first. Of equal scores, each order counts alike."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    expected = (np.bincount(place, np.asarray(right, np.float64), len(count)) / count)[place]
    order = np.argsort(scores, kind="stable")
    groups = [group for group in np.array_split(order, bins) if len(group)]
    return [
        (float(np.mean(scores[group], dtype=np.float64)), float(np.mean(expected[group])), len(group))
        for group in groups
    ]


def calibration_error(scores: NDArray[Any], right: NDArray[Any], bins: int = BINS) -> float:
    """Expected calibration error: mean distance of a group's score from its share of the right, over groups
    of equal size (Guo et al. 2017, Nixon et al. 2019). NaN of no points."""
    groups = reliability(scores, right, bins)
    count = sum(size for _, _, size in groups)
    return sum(size * abs(score - share) for score, share, size in groups) / count if count else float("nan")


def risk_coverage_area(scores: NDArray[Any], right: NDArray[Any]) -> float:
    """Area under the risk-coverage curve: the share of the wrong among the k with the highest scores, mean
    over all k (Geifman et al. 2019). Of equal scores, each order counts alike. NaN of no points."""
    if not len(scores):
        return float("nan")
    values, place, count = np.unique(-np.asarray(scores, np.float64), return_inverse=True, return_counts=True)
    wrong = np.bincount(place, ~np.asarray(right, bool), len(values)) / count  # expected of each of a group
    risks = np.cumsum(wrong[np.sort(place)]) / (1 + np.arange(len(scores)))
    return float(risks.mean())


def discrimination(scores: NDArray[Any], right: NDArray[Any]) -> float:
    """Area under the ROC curve of "is this right": how often a right one has a higher score than a wrong one,
    where equal scores count half. NaN where all are right, or none."""
    right = np.asarray(right, bool)
    hits, misses = int(right.sum()), int((~right).sum())
    if not hits or not misses:
        return float("nan")
    _, place, count = np.unique(np.asarray(scores, np.float64), return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[right].sum() - hits * (hits + 1) / 2) / (hits * misses))


def tempered(scores: NDArray[Any], temperature: float) -> NDArray[np.float32]:
    """Scores at another temperature: 1 / (1 + exp(-logit / T)); T above 1 brings them nearer to a half.

    A score of 0, which says that there is no point, stays 0.
    """
    logit = _logit(scores) / temperature
    return np.where(scores > 0, 1 / (1 + np.exp(-logit)), 0.0).astype(np.float32)


def fit_temperature(scores: NDArray[Any], right: NDArray[Any]) -> float | None:
    """The temperature at which the scores are the most likely to have given what was right (Guo et al. 2017).

    Returns
    -------
    Between COLDEST and HOTTEST; None where all are right or none, which tells nothing.
    """
    right = np.asarray(right, bool)
    if right.all() or not right.any():
        return None
    logit = np.where(right, 1, -1) * _logit(scores)

    def cost(log: float) -> float:
        return float(np.logaddexp(0, -logit / np.exp(log)).mean())

    low, high = np.log(COLDEST), np.log(HOTTEST)
    golden = (np.sqrt(5) - 1) / 2
    while high - low > _FINE:  # the cost has one minimum, being convex in 1 / T
        inner, outer = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, outer) if cost(inner) < cost(outer) else (inner, high)
    return float(np.exp((low + high) / 2))


def _logit(scores: NDArray[Any]) -> Array:
    sure = np.clip(np.asarray(scores, np.float64), EDGE, 1 - EDGE)
    return np.log(sure / (1 - sure))
