"""Check of single pictures that were stretched: hands too wide or too narrow for their length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.basics import keypoints as kp
from qa.checks.check import Check, Limits, Outcome, graded_outcome
from qa.measures import robust
from qa.measures.arrays import Floats, Names, is_known
from qa.view import View

# The fingers' bones, and what lies across them: between the MCPs, and from the thumb's CMC.
_ACROSS = ((5, 9), (9, 13), (13, 17), (5, 17), (1, 17), (1, 5))
_SEGMENTS = np.array([bone for bone in kp.BONES if kp.WRIST not in bone] + list(_ACROSS))
_LABEL_NOISE = 0.03  # of a segment's length: how exact labels are at best


@dataclass(frozen=True, slots=True)
class _Segments:
    """The segments of hands.

    Attributes
    ----------
    shape: log lengths less each hand's mean, (n, s); NaN where unknown, and for hands without half of them.
    along: cos^2 of the angle between each segment and the x axis, (n, s).
    """

    shape: Floats
    along: Floats

    @classmethod
    def of(cls, points: Floats) -> _Segments:
        """Of hands' keypoints, (n, 21, 2)."""
        steps = points[:, _SEGMENTS[:, 1]] - points[:, _SEGMENTS[:, 0]]
        squares = np.square(steps).sum(axis=2)
        known = squares > 0
        known &= (known.sum(axis=1) >= len(_SEGMENTS) // 2)[:, None]
        squares = np.where(known, squares, 1)
        shape = np.where(known, 0.5 * np.log(squares), 0)
        shape -= shape.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1), 1)[:, None]
        along = np.where(known, np.square(steps[..., 0]) / squares, 0)
        return cls(np.where(known, shape, np.nan), along)

    def usual_of_others(self, subjects: Names, least: float) -> Floats:
        """The medians of the other hands of each hand's subject, (n, s); NaN where it has fewer than `least`
        hands."""
        usual = np.full_like(self.shape, np.nan)
        named = np.flatnonzero(is_known(subjects) & np.isfinite(self.shape).any(axis=1))
        for some in robust.groups(subjects[named], least):
            rows = named[some]
            usual[rows] = robust.medians_of_others(self.shape[rows])
        return usual

    def stretch(self, usual: Floats) -> Floats:
        """Each hand's log r against the `usual` shape, (s,) or (n, s): (n,) with a median of 0; NaN where
        unknown."""
        rest = self.shape - usual
        variance = np.square(robust.deviation(rest, robust.medians(rest))) + _LABEL_NOISE**2
        weight = np.where(np.isfinite(rest), 1 / variance, 0)
        rest = np.where(weight > 0, rest, 0)
        total = np.maximum(weight.sum(axis=1), 1e-9)[:, None]
        along = self.along - (weight * self.along).sum(axis=1, keepdims=True) / total
        power = (weight * np.square(along)).sum(axis=1)
        slope: Floats = np.full(len(rest), np.nan)
        np.divide((weight * along * rest).sum(axis=1), power, out=slope, where=power > 0)
        return slope - robust.medians(slope)


def stretched_hand(view: View, limits: Limits) -> Outcome:
    """Hands that seem stretched along x or y, compared with their source's others.

    A stretch of x by r lengthens a segment at the angle u to the x axis by about r^cos^2(u). So log r of a
    hand is the weighted slope, over cos^2(u), of its segments' log lengths less the medians of the hands that
    it is compared with: those of its source, and the same person's others where there are `photos` of them.
    The score is the larger of the two, in robust standard deviations. People differ by 6 %, pictures of one
    person by 3 %; a picture of 4:3 shown as a square differs by 33 %. Where hands are much alike, a bent
    finger is far from what is usual, too: an error is a stretch by `least` or more.
    """
    score, graver, along_x = np.full(len(view), np.nan), np.zeros(len(view)), np.zeros(len(view), bool)
    for rows in view.peers(limits["samples"]):
        hands, fold = _Segments.of(view.hands(rows)), view.folds(rows)
        in_source = hands.stretch(robust.medians(hands.shape))
        spread = robust.deviation(in_source, np.zeros(()))  # their median is 0
        if np.isfinite(in_source).sum() < limits["samples"] or spread > limits["alike"]:
            continue
        of_person = hands.stretch(hands.usual_of_others(view.subject_id[rows], limits["photos"]))
        log_r = np.stack([log for log in (in_source, of_person) if np.isfinite(log).any()])
        far = np.abs(np.stack([robust.z_scores(log, fold) for log in log_r]))
        score[rows] = np.fmax.reduce(far)
        graver[rows] = np.fmax.reduce(np.where(np.abs(log_r) > np.log(limits["least"]), far, 0))
        along_x[rows] = np.where(np.isnan(log_r[-1]), log_r[0], log_r[-1]) > 0
    judged = np.isfinite(score)

    def words(i: int) -> dict[str, object]:
        return {"axis": "x" if along_x[i] else "y"}

    return graded_outcome(judged, score, limits, words, graver > limits["error"])


CHECKS: tuple[Check, ...] = (
    Check(
        "stretched-hand",
        "Hands have the usual width for their length",
        "warning",
        "sample",
        stretched_hand,
        "The hand seems stretched along {axis}: {score:.1f} robust standard deviations from what is usual "
        "for its person or source.",
        "Check whether the picture was resized without keeping its aspect ratio.",
        {"warning": 4.5, "error": 5.5, "least": 1.2, "samples": 100, "photos": 4, "alike": 0.11},
    ),
)
