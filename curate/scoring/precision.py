"""How many of the labels that a program made are kept, and how many of those are right, at any strictness."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry
from curate.basics import keypoints as kp
from curate.scoring import metrics

_MARGIN = 0.1  # around the hand in the pictures of 96 px that 9 px are counted in
_STEPS = 20  # of the curve
_MORE = 1.01  # beyond the hardest hand there is
_Z = 1.96  # of an interval that holds the true share in 95 of 100 cases
_FINGERS = slice(1, kp.COUNT)
PRECISION = 0.95  # that a threshold is chosen for
_DIGITS = 1e4  # of a threshold


def is_right(found: NDArray[Any], truth: NDArray[Any], visibility: NDArray[Any]) -> bool | None:
    """Whether every labelled point of the fingers is within 9 px at 96 px of where it was found.

    The 9 px (Arslanova et al. 2020) count in a square around the labelled hand with a margin of a tenth, as
    hands are cropped, brought to 96 px. The wrist, which the reference CNN does not find, is not asked.

    Parameters
    ----------
    found, truth: (21, 2) pixels. visibility: (21,) of the truth.

    Returns
    -------
    None where no point of a finger is labelled.
    """
    labelled = np.asarray(visibility > 0)
    box = geometry.bounding_box(np.where(labelled[:, None], truth, np.nan))
    if box is None or not labelled[_FINGERS].any():
        return None
    limit = metrics.right_within(float(geometry.square_around(box, _MARGIN)[2]))
    gaps = metrics.distances(found[None, _FINGERS], truth[None, _FINGERS], labelled[None, _FINGERS])
    return bool(metrics.all_points_within(gaps, limit) == 1)


def share_with_interval(hits: int, count: int) -> dict[str, float | int | None]:
    """A share with the 95 % interval of Wilson (1927), which holds for few and for extreme shares, too."""
    if not count:
        return {"n": 0, "share": None, "low": None, "high": None}
    share, z2 = hits / count, _Z**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    reach = _Z * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    told = {"share": share, "low": max(0.0, middle - reach), "high": min(1.0, middle + reach)}
    return {"n": count, **{name: round(value, 4) for name, value in told.items()}}


def hardness_for(
    hardness: NDArray[Any], certain: NDArray[np.bool_], right: NDArray[np.bool_], precision: float
) -> float | None:
    """The highest hardness up to which the share of right hands is at least `precision`.

    It lies halfway to the next harder hand, so that none is at the limit. None: there is no such hardness.

    Parameters
    ----------
    hardness, certain, right: as for `curve`.
    """
    steps, place = np.unique(hardness[certain], return_inverse=True)
    counts = np.cumsum(np.bincount(place, minlength=len(steps)))
    hits = np.cumsum(np.bincount(place, right[certain], minlength=len(steps)))
    good = np.flatnonzero(hits >= precision * counts - 1e-9)
    if not len(good):
        return None
    last = float(steps[good[-1]])
    return (last + float(steps[good[-1] + 1])) / 2 if good[-1] + 1 < len(steps) else last * _MORE


@dataclass(frozen=True, slots=True)
class Threshold:
    """A score from which on hands are trusted, chosen on hands that have labels.

    Attributes
    ----------
    score: mean of the points' scores, 0 to 1. precision: share of right points that it was chosen for.
    hands, of: how many of those hands reach this score, and how many there were.
    """

    score: float
    precision: float
    hands: int
    of: int

    def __post_init__(self) -> None:
        """Raise ValueError: no threshold can have these values."""
        if not (0 <= self.score <= 1 and 0 < self.precision <= 1 and 0 <= self.hands <= self.of):
            raise ValueError(f"a threshold of {self.score!r} for {self.precision!r}")


def threshold_for(
    scores: NDArray[Any], right: NDArray[Any], labelled: NDArray[Any], precision: float = PRECISION
) -> Threshold | None:
    """The lowest score from which on hands have a share of at least `precision` of their points right.

    That is not the mean over all hands above it, which many good hands would hold up while bad ones are let
    in: the hands just above it have this share, too, if shares grow with the score (isotonic regression).
    Below the lowest score that occurs nothing is known, and nothing is trusted.

    Parameters
    ----------
    scores: (n,) of hands, the mean of their points' scores. right, labelled: (n,) how many points of each
        hand are right, and how many are labelled; hands without a labelled point do not count.

    Returns
    -------
    None: there is no such score.
    """
    known = labelled > 0
    scores, right, labelled = scores[known], right[known], labelled[known]
    steps, place = np.unique(-np.asarray(scores, np.float64), return_inverse=True)
    # A right point earns what a wrong one costs: the most is earned where the isotonic fit is at `precision`.
    earned = np.cumsum(np.bincount(place, right - precision * labelled, len(steps))).round(6)
    if not len(steps) or earned.max() < 0:
        return None
    last = len(steps) - 1 - int(np.argmax(earned[::-1]))
    score = math.floor(-steps[last] * _DIGITS) / _DIGITS
    return Threshold(score, precision, int((place <= last).sum()), len(scores))


def curve(
    hardness: NDArray[Any], certain: NDArray[np.bool_], right: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """What is kept up to some hardnesses, the strictest first, and how much of it is right.

    Parameters
    ----------
    hardness, certain: (n,), see `curate.hands.sifting.Verdict`; what is not certain is never kept.
    right: (n,) whether every point is.

    Returns
    -------
    Entries of {"hardness", "kept" (a share of all n), "right" (of those, see `share_with_interval`)}.
    """
    shares = np.arange(1, _STEPS + 1) / _STEPS
    steps = np.quantile(hardness[certain], shares) if certain.any() else np.empty(0)
    entries = []
    for limit in sorted({*steps.tolist(), 1.0}):
        kept = certain & (hardness <= limit)
        right_kept = share_with_interval(int(right[kept].sum()), int(kept.sum()))
        entry = {"hardness": round(limit, 4), "kept": round(float(kept.mean()), 4), "right": right_kept}
        entries.append(entry)
    return entries
