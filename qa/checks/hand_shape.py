"""Checks of a hand's shape in the image plane, against the other hands of its source."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from qa.checks.check import Check, Limits, Outcome, graded_outcome, sample_outcome
from qa.measures import robust
from qa.measures.alignment import align
from qa.measures.arrays import Flags, Floats, Names, Rows, blocks
from qa.measures.people import apart_from_own
from qa.view import View

_BONES = np.array(kp.BONES)
# What may be wrong together: each point by itself, each finger, the whole hand.
_BLOCKS: tuple[tuple[int, ...], ...] = (
    *((k,) for k in range(kp.COUNT)),
    *(tuple(range(base, base + 4)) for base in kp.BASES),
    tuple(range(kp.COUNT)),
)
_RIDGE = 0.01  # of the mean variance: no prediction is more exact than labels are
_TRIM = 0.9  # share of the hands that the shape is fitted to, in the second round
_NEIGHBOURS = 8  # how many of a person's other photographs a hand is compared with


def bone_length(view: View, limits: Limits) -> Outcome:
    """A bone's length, as a share of the hand's mean radius, against the same bone in its source.

    The score is the largest robust z of log(length / radius). Where hands bend and turn, foreshortening makes
    bones short: they can be too short only where the robust standard deviation of the log is at most `alike`.
    It is 0.07 to 0.12 where hands lie flat before the camera, and more among gestures.
    """
    score, worst, too_long = np.full(len(view), -1.0), np.zeros(len(view), np.intp), np.zeros(len(view), bool)
    for rows in view.peers(limits["samples"]):
        lengths = _bone_shares(view.hands(rows))
        with np.errstate(divide="ignore"):
            log = np.where(lengths > 0, np.log(lengths), -9.0)
        log[np.isnan(lengths)] = np.nan
        log[:, np.isfinite(log).sum(axis=0) < limits["samples"]] = np.nan
        z = robust.z_scores(log)
        turned = robust.deviation(log, robust.medians(log)) > limits["alike"]
        far = np.where(np.isfinite(z) & ~(turned & (z < 0)), np.abs(z), -1)
        score[rows], worst[rows] = far.max(axis=1), far.argmax(axis=1)
        too_long[rows] = np.take_along_axis(z, worst[rows, None], axis=1)[:, 0] > 0

    def words(i: int) -> dict[str, object]:
        a, b = kp.BONES[worst[i]]
        return {"bone": f"{kp.NAMES[a]} to {kp.NAMES[b]}", "kind": "long" if too_long[i] else "short"}

    judged = score >= 0
    return sample_outcome(judged, judged & (score > limits["z"]), score, limits["z"], words)


def pose_outlier(view: View, limits: Limits) -> Outcome:
    """Points, fingers and whole hands that do not fit the rest of the hand as they do in the source's others.

    Hands are laid onto each other. Then each point, each finger and the whole is predicted from the rest by
    the source's covariance, see `block_errors`; the score says how far a hand's largest error is above what
    is usual in its source. It is an error only if the hand is as far from its person's other photographs:
    people tuck the thumb in or spread their fingers in several, labels go wrong in one. If a network confirms
    the labels, it is a warning.
    """
    score, own = np.full((2, len(view)), np.nan)
    worst = np.zeros(len(view), np.intp)
    for rows in view.peers(limits["samples"]):
        rows = rows[view.labelled[rows].sum(axis=1) >= limits["points"]]
        complete = np.all(view.labelled[rows][:, 1:], axis=1).sum()
        if complete < limits["samples"]:
            continue
        fold = view.folds(rows)
        errors, apart = block_errors(view.hands(rows), fold, view.subject_id[rows])
        worst[rows] = np.nan_to_num(errors, nan=-1.0).argmax(axis=1)
        total = np.fmax.reduce(errors, axis=1)
        usual = robust.upper(total, fold)
        score[rows], own[rows] = (robust.excess(some, usual=usual) for some in (total, apart))
    judged = np.isfinite(score)

    def words(i: int) -> dict[str, object]:
        return {"what": _block_name(int(worst[i])), "rest": _rest_name(int(worst[i]))}

    grave = np.fmin(score, own) > limits["error"]
    return graded_outcome(judged, score, limits, words, grave & ~view.residuals.confirmed)


def block_errors(points: Floats, fold: Rows, person: Names) -> tuple[Floats, Floats]:
    """How badly each block of a hand fits the rest of it: 21 points, five fingers, the whole.

    The squared Mahalanobis error of a block B given all other points, x_B - E[x_B | rest], is (Px)_B'
    (P_BB)^-1 (Px)_B with P the inverse covariance. Returned is its square root over the median of that block.
    Missing points are left out of P. No hand is judged by a fit to its own fold. The fit is made twice, the
    second time to the 90 % that fit best (a concentration step of FAST-MCD, Rousseeuw &
    Van Driessen 1999).

    Parameters
    ----------
    points: (n, 21, 2) of one source, NaN where unlabelled. fold: (n,) see `View.folds`.
    person: (n,), None where unknown.

    Returns
    -------
    errors: (n, 27); NaN where a hand has no point of the block that most hands have, too.
    apart: (n,) the largest error compared with the second-nearest of the person's other photographs instead
        of the mean; inf where unknown.
    """
    # Hands are often cut at the wrist. Points that few hands have are left out: they are too few to fit, and
    # hands that have them would be aligned differently from the others.
    usual = np.isfinite(points).all(axis=2).mean(axis=0) > 0.5
    hands = align(np.where(usual[:, None], points, np.nan))
    shape, seen = hands.shape, hands.seen
    fit = (seen | ~usual).all(axis=1)
    errors = np.full((len(points), len(_BLOCKS)), np.nan)
    scale = np.ones(len(_BLOCKS))
    fits: dict[int, Floats] = {}
    for _ in range(2):
        for number in np.unique(fold).tolist():
            middle, fits[number] = _fit(shape, seen, fit & (fold != number))
            judged = np.flatnonzero(fold == number)
            for some in blocks(len(judged)):
                rows = judged[some]
                offset = np.where(seen[rows, :, None], shape[rows] - middle, 0)
                errors[rows] = _conditional_errors(offset, seen[rows], fits[number])
        scale = np.maximum(robust.medians(errors), 1e-9)
        errors /= scale
        total = np.fmax.reduce(errors, axis=1)
        fit = fit & (total <= np.quantile(total[fit], _TRIM))

    def apart(row: int, others: Rows) -> Floats:
        both = seen[others] & seen[row]
        step = np.where(both[..., None], shape[row] - shape[others], 0)
        near = np.argsort(np.square(step).sum(axis=(1, 2)), kind="stable")[:_NEIGHBOURS]
        left = _conditional_errors(step[near], both[near], fits[int(fold[row])])
        return np.asarray(np.fmax.reduce(left / scale, axis=1))

    # Only hands that stand out are compared with their person's others.
    rare = np.flatnonzero(total > np.nanquantile(total, _TRIM)).tolist()
    return errors, apart_from_own(rare, person, apart)


def _fit(shape: Floats, seen: Flags, taught: Flags) -> tuple[Floats, Floats]:
    """Mean hand (21, 2) and covariance (42, 42) of the hands marked in `taught` (n,)."""
    teachers = np.flatnonzero(taught)
    parts = [teachers[some] for some in blocks(len(teachers))]
    count = np.maximum(seen[teachers].sum(axis=0), 1)[:, None]
    middle = np.zeros((kp.COUNT, 2))
    for rows in parts:
        middle += np.where(seen[rows, :, None], shape[rows], 0).sum(axis=0) / count
    covariance = np.zeros((2 * kp.COUNT, 2 * kp.COUNT))
    for rows in parts:
        offset = np.where(seen[rows, :, None], shape[rows] - middle, 0).reshape(len(rows), -1)
        covariance += offset.T @ offset / max(1, len(teachers) - 1)
    mean = np.trace(covariance) / len(covariance) or 1.0  # a single hand has no variance
    covariance += _RIDGE * mean * np.eye(len(covariance))
    return middle, covariance


def _conditional_errors(offset: Floats, seen: Flags, covariance: Floats) -> Floats:
    """Each block's Mahalanobis error given the rest, (n, 27), for offsets (n, 21, 2) from the mean; NaN where
    a hand has no point of the block."""
    offset = offset.reshape(len(offset), -1)
    errors = np.full((len(offset), len(_BLOCKS)), np.nan)
    patterns, inverse = np.unique(seen, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(inverse == number)
        known = np.flatnonzero(np.repeat(pattern, 2))
        precision = np.zeros_like(covariance)
        precision[np.ix_(known, known)] = np.linalg.inv(covariance[np.ix_(known, known)])
        pull = offset[rows] @ precision
        for block, members in enumerate(_BLOCKS):
            axes = [2 * k + d for k in members if pattern[k] for d in (0, 1)]
            if axes:
                inner = np.linalg.inv(precision[np.ix_(axes, axes)])
                part = pull[:, axes]
                errors[rows, block] = np.sqrt(np.maximum(((part @ inner) * part).sum(axis=1), 0))
    return errors


def _bone_shares(points: Floats) -> Floats:
    """Bones' lengths over the mean distance of the points from their middle, (n, 20)."""
    known = np.all(np.isfinite(points), axis=2)
    count = np.maximum(known.sum(axis=1), 1)
    middle = np.nansum(points, axis=1) / count[:, None]
    radius = np.nansum(np.linalg.norm(points - middle[:, None], axis=2), axis=1) / count
    length = np.linalg.norm(points[:, _BONES[:, 1]] - points[:, _BONES[:, 0]], axis=2)
    share: Floats = length / np.where(radius > 0, radius, np.nan)[:, None]
    return share


def _block_name(block: int) -> str:
    if block < kp.COUNT:
        return kp.NAMES[block]
    if block < kp.COUNT + len(kp.FINGERS):
        return f"The {kp.FINGERS[block - kp.COUNT]} finger" if block > kp.COUNT else "The thumb"
    return "The hand as a whole"


def _rest_name(block: int) -> str:
    return "the rest of the hand" if block < kp.COUNT + len(kp.FINGERS) else "the other hands"


CHECKS: tuple[Check, ...] = (
    Check(
        "bone-length",
        "Bones are as long as in the source's other hands",
        "warning",
        "sample",
        bone_length,
        "The bone from {bone} is too {kind}: {score:.1f} robust standard deviations from what is usual in "
        "its source.",
        "Look at its two points; in sets of bent hands, foreshortened bones are no error.",
        {"z": 6.0, "samples": 50, "alike": 0.12},
    ),
    Check(
        "pose-outlier",
        "Each point fits the rest of the hand",
        "error",
        "sample",
        pose_outlier,
        "{what} does not fit {rest}: {score:.1f} robust standard deviations above what is usual in its "
        "source.",
        "Look at the points named. Label them again, or leave the sample out; keep it if the pose is "
        "merely rare.",
        {"warning": 2.7, "error": 4.2, "samples": 100, "points": 12},
    ),
)
