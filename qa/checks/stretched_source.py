"""Check of whole sources that were stretched: bones along x against the same bones along y."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from qa.checks.check import Check, Hit, Limits, Outcome, graded, highest_first
from qa.measures import robust
from qa.measures.alignment import align
from qa.measures.arrays import Floats, blocks, evenly
from qa.view import View

_FINGER_BONES = np.array(kp.BONES[1:])  # all but the thumb's first, from the wrist
_STANDARD_ERRORS = 5.0  # hands of one subject are alike: a stretch must stand out well


def anisotropy(view: View, limits: Limits) -> Outcome:
    """Whether a source was stretched: bones that point along x against the same bones along y.

    A stretch of x by r lengthens a bone at the angle u to the x axis by about r^cos^2(u), so that log r is
    the slope of log length over cos^2(u), once each bone's and each hand's own mean are taken out.
    """
    hits: list[Hit] = []
    checked = 0
    for rows in robust.groups(view.source, limits["samples"]):
        ratio, error = _stretch(view.hands(evenly(rows)))
        if not np.isfinite(ratio):
            continue
        checked += 1
        off = abs(float(np.log(ratio)))
        if off <= np.log1p(limits["warning"]) or off <= _STANDARD_ERRORS * error:
            continue
        severity, limit = graded(np.expm1(off), limits)
        words = {"source": view.source[rows[0]], "ratio": f"{ratio:.2f}", "count": len(rows)}
        hits.append(Hit(float(np.expm1(off)), limit, severity=severity, words=words))
    return Outcome(checked, highest_first(hits))


def _stretch(points: Floats) -> tuple[float, float]:
    """Estimated stretch of x against y, and the standard error of its log; NaN if it cannot be estimated.

    The directions are those of the median hand's bones, rotated like the whole hand: a finger's own direction
    depends on its spread and bend, and so does its length.
    """
    points = points[np.isfinite(points[:, 1:]).all(axis=(1, 2))]
    if len(points) < 2:
        return float("nan"), float("nan")
    hands = align(points)
    factor, model = hands.factor, hands.model
    del hands
    ends, starts = _FINGER_BONES[:, 1], _FINGER_BONES[:, 0]
    along, squares = np.empty((2, len(points), len(ends)))
    for rows in blocks(len(points)):
        bones = (model[ends] - model[starts])[None, :] / factor[rows, None]
        along[rows] = np.square(np.cos(np.angle(bones)))
        squares[rows] = np.square(points[rows, ends] - points[rows, starts]).sum(axis=2)
    present = (squares > 0).all(axis=0)
    length = 0.5 * np.log(squares[:, present])
    along = along[:, present]
    for values in (along, length):
        values -= values.mean(axis=1, keepdims=True)
        values -= np.median(values, axis=0)
    weight = np.square(along).sum()
    if weight <= 0:
        return float("nan"), float("nan")
    slope = (along * length).sum() / weight
    rest = (along * (length - slope * along)).sum(axis=1)
    return float(np.exp(slope)), float(np.sqrt(np.square(rest).sum()) / weight)


CHECKS: tuple[Check, ...] = (
    Check(
        "anisotropy",
        "Photographs are not stretched",
        "error",
        "dataset",
        anisotropy,
        "In {source} ({count} hands) bones along x seem {ratio} times as long as along y.",
        "Look for a resize that did not keep the aspect ratio, in the images or in the labels.",
        {"warning": 0.08, "error": 0.15, "samples": 100},
    ),
)
