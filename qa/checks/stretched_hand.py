"""Check of single pictures that were stretched: hands too wide or too narrow for their length."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from qa.checks.check import Check, Limits, Outcome, graded_outcome
from qa.measures import robust
from qa.measures.arrays import Floats, Names
from qa.view import View

# The fingers' bones, and what lies across them: between the MCPs, and from the thumb's CMC.
_ACROSS = ((5, 9), (9, 13), (13, 17), (5, 17), (1, 17), (1, 5))
_SEGMENTS = np.array([bone for bone in kp.BONES if kp.WRIST not in bone] + list(_ACROSS))
_LABEL_NOISE = 0.03  # of a segment's length: none is known better than labels are placed


def stretched_hand(view: View, limits: Limits) -> Outcome:
    """Hands that seem stretched along x or y, compared with their source's others.

    A stretch of x by r lengthens a segment at the angle u to the x axis by about r^cos^2(u). So log r of a
    hand is the weighted slope, over cos^2(u), of its segments' log lengths less their medians in the source.
    It is compared with the source's median, and with that of the same person's other hands where there are
    `photos` of them; the score is the larger of the two distances, in robust standard deviations. People
    differ by 6 %, pictures of one person by 3 %; a picture of 4:3 shown as a square differs by 33 %.
    """
    score, along_x = np.full(len(view), np.nan), np.zeros(len(view), bool)
    for rows in robust.groups(view.kinds, limits["samples"]):
        slope = _own_stretch(view.points[rows])
        if np.isfinite(slope).sum() >= limits["samples"]:
            own = _off_subject(slope, view.subject_id[rows], limits["photos"])
            fold = view.folds(rows)
            far = np.stack([robust.z_scores(off, fold) for off in (slope, own) if np.isfinite(off).any()])
            score[rows] = np.fmax.reduce(np.abs(far))
            along_x[rows] = np.where(np.isnan(far[-1]), far[0], far[-1]) > 0
    judged = np.isfinite(score)

    def words(i: int) -> dict[str, object]:
        return {"axis": "x" if along_x[i] else "y"}

    return graded_outcome(judged, score, limits, words)


def _off_subject(values: Floats, subjects: Names, least: float) -> Floats:
    """Each value less the median of its subject's others, (n,); NaN where the subject has fewer than `least`
    values."""
    off = np.full(len(values), np.nan)
    known = np.flatnonzero((subjects != np.array(None)) & np.isfinite(values))
    for rows in robust.groups(subjects[known], least):
        off[known[rows]] = values[known[rows]] - robust.medians_of_others(values[known[rows]])
    return off


def _own_stretch(points: Floats) -> Floats:
    """Each hand's log r, (n,); NaN where fewer than half of the segments are known."""
    steps = points[:, _SEGMENTS[:, 1]] - points[:, _SEGMENTS[:, 0]]
    squares = np.square(steps).sum(axis=2)
    known = squares > 0
    log = 0.5 * np.log(np.where(known, squares, np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        along = np.where(known, np.square(steps[..., 0]) / squares, 0)
    some = known.any(axis=0) & (known.sum(axis=1) >= len(_SEGMENTS) // 2)[:, None]
    rows = some.any(axis=1)
    if not rows.any():
        return np.full(len(points), np.nan)
    shape = log[rows] - np.nanmean(log[rows], axis=1, keepdims=True)
    middle = np.nanmedian(shape, axis=0)
    weight = 1 / (np.square(1.4826 * np.nanmedian(np.abs(shape - middle), axis=0)) + _LABEL_NOISE**2)
    weight = np.where(known & rows[:, None], weight, 0)
    rest = np.where(weight > 0, log - middle, 0)
    total = np.maximum(weight.sum(axis=1), 1e-9)[:, None]
    along = along - (weight * along).sum(axis=1, keepdims=True) / total
    spread = (weight * np.square(along)).sum(axis=1)
    slope: Floats = np.full(len(points), np.nan)
    np.divide((weight * along * rest).sum(axis=1), spread, out=slope, where=rows & (spread > 0))
    return slope


CHECKS: tuple[Check, ...] = (
    Check(
        "stretched-hand",
        "Hands are as wide for their length as the source's others",
        "warning",
        "sample",
        stretched_hand,
        "The hand seems stretched along {axis}: {score:.1f} robust standard deviations off what is usual "
        "for its person or source.",
        "Look whether the picture was resized without keeping its aspect ratio.",
        {"warning": 4.5, "error": 6.0, "samples": 100, "photos": 4},
    ),
)
