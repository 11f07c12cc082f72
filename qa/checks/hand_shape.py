"""Checks of the hand's shape in the image plane: what a hand can do, and what those of its source do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from qa.checks.points import every, outcome, palm_turn
from qa.finding import Hit, Outcome, Severity, graded
from qa.measures import robust
from qa.view import View

Limits = Mapping[str, float]
Floats = NDArray[np.float64]

_MCPS = (5, 9, 13, 17)
_BONES = np.array(kp.BONES)
# The fingers' bones, and what lies across them: between the MCPs, and from the thumb's CMC.
_ACROSS = ((5, 9), (9, 13), (13, 17), (5, 17), (1, 17), (1, 5))
_SEGMENTS = np.array([bone for bone in kp.BONES if kp.WRIST not in bone] + list(_ACROSS))
_LABEL_NOISE = 0.03  # of a segment's length: none is known better than labels are placed
_STANDARD_ERRORS = 5.0  # hands of one subject are alike: a stretch must stand out well
# What must be found wrong together: each point by itself, each finger, the whole hand.
_BLOCKS: tuple[tuple[int, ...], ...] = (
    *((k,) for k in range(kp.COUNT)),
    *(tuple(range(base, base + 4)) for base in kp.BASES),
    tuple(range(kp.COUNT)),
)
_RIDGE = 0.01  # of the mean variance: nothing is predicted better than labels are placed
_TRIM = 0.9  # share of the hands that the shape is fitted to, in the second round
_FOLDS = 5
_ROUNDS = 4  # of the alignment; it moves by less than 1 % after three


def mcp_fan(view: View, limits: Limits) -> Outcome:
    """The rays from the palm's near end to the four MCPs turn one way; swapped fingers break that.

    The score is the angle, in degrees, by which two neighbours stand the wrong way round.
    """
    turn = palm_turn(view.points)
    anchor = np.where(np.isnan(view.points[:, 0]), view.points[:, 1], view.points[:, 0])
    rays = view.points[:, _MCPS] - anchor[:, None]
    angles = np.degrees(_turn(rays[:, :-1], rays[:, 1:])) * np.sign(turn)[:, None]
    back = -angles.min(axis=1)
    judged = np.isfinite(back) & (np.abs(turn) > limits["turn"])

    def words(i: int) -> dict[str, object]:
        first = int(angles[i].argmin())
        return {"one": kp.FINGERS[first + 1], "other": kp.FINGERS[first + 2]}

    def severity(i: int) -> Severity:
        return graded(float(back[i]), limits)[0]

    limit = limits["warning"]
    return outcome(judged, judged & (back > limit), back, limit, words, severity)


def fold_back(view: View, limits: Limits) -> Outcome:
    """Smallest angle inside a PIP or DIP joint (fingers 2 to 5), degrees: swapped joints fold back."""
    chains = view.points[:, 5:].reshape(len(view), 4, 4, 2)
    bones = np.diff(chains, axis=2)
    inside = 180 - np.degrees(np.abs(_turn(bones[:, :, :-1], bones[:, :, 1:])))
    flat = np.where(np.isfinite(inside), inside, np.inf).reshape(len(view), 8)
    least = flat.min(axis=1)
    judged = np.isfinite(least)

    def words(i: int) -> dict[str, object]:
        place = int(flat[i].argmin())
        return {"joint": kp.NAMES[5 + 4 * (place // 2) + 1 + place % 2]}

    limit = limits["degrees"]
    return outcome(judged, judged & (least < limit), least, limit, words, rank=-least)


def bone_length(view: View, limits: Limits) -> Outcome:
    """A bone's length, as a share of the hand's mean radius, against the same bone in its source.

    The score is the largest robust z of log(length / radius). Foreshortening makes it wide in posed sets.
    """
    lengths = _bone_shares(view.points)
    with np.errstate(divide="ignore"):
        log = np.where(lengths > 0, np.log(lengths), -9.0)
    log[np.isnan(lengths)] = np.nan
    z = np.full(log.shape, np.nan)
    for rows in robust.groups(view.source, limits["samples"]):
        known = np.isfinite(log[rows]).sum(axis=0) >= limits["samples"]
        if known.any():
            z[np.ix_(rows, known)] = robust.z_scores(log[rows][:, known])
    far = np.where(np.isfinite(z), np.abs(z), -1)
    score = far.max(axis=1)

    def words(i: int) -> dict[str, object]:
        bone = int(far[i].argmax())
        a, b = kp.BONES[bone]
        kind = "long" if z[i, bone] > 0 else "short"
        return {"bone": f"{kp.NAMES[a]} to {kp.NAMES[b]}", "kind": kind}

    judged = score >= 0
    return outcome(judged, judged & (score > limits["z"]), score, limits["z"], words)


def pose_outlier(view: View, limits: Limits) -> Outcome:
    """Points, fingers and whole hands that do not fit the rest of their hand as in their source's others.

    Hands are turned to one side and aligned (Procrustes); each point, each finger and the whole is then
    predicted from the rest by the source's covariance (Gaussian conditional), and its squared error
    compared with the median of that block. See `block_errors`.
    """
    score = np.full(len(view), np.nan)
    worst = np.zeros(len(view), np.intp)
    for rows in robust.groups(view.source, limits["samples"]):
        rows = rows[view.labelled[rows].sum(axis=1) >= limits["points"]]
        complete = every(view.labelled[rows][:, 1:]).sum()
        if complete < limits["samples"]:
            continue
        errors = np.nan_to_num(block_errors(view.points[rows]), nan=-1.0)
        worst[rows] = errors.argmax(axis=1)
        score[rows] = robust.excess(errors.max(axis=1))
    judged = np.isfinite(score)

    def words(i: int) -> dict[str, object]:
        return {"what": _block_name(int(worst[i]))}

    def severity(i: int) -> Severity:
        return "error" if score[i] > limits["error"] else "warning"

    limit = limits["warning"]
    filled = np.nan_to_num(score, nan=-np.inf)
    return outcome(judged, filled > limit, filled, limit, words, severity)


def block_errors(points: Floats) -> Floats:
    """How ill each block of a hand fits the rest of it, (n, 27): points, fingers, the whole.

    The squared Mahalanobis error of a block given all other points, x_B - E[x_B | rest], is
    (Px)_B' (P_BB)^-1 (Px)_B with P the inverse covariance; its square root is given, over the median of
    the block. Points that are missing are left out of P. Fitted twice, the second time to the 90 % that
    fit best (a concentration step of FAST-MCD, Rousseeuw & Van Driessen 1999).

    Parameters
    ----------
    points: (n, 21, 2) of one source, NaN where unlabelled.
    """
    shape, seen, _, _ = _alignment(points)
    # Hands are often cut at the wrist: the fit takes those that have as many points as most.
    usual = seen & (seen.mean(axis=0) > 0.5)
    fit = every(seen | (seen.mean(axis=0) <= 0.5))
    fold = np.arange(len(points)) * _FOLDS // len(points)
    errors = np.full((len(points), len(_BLOCKS)), np.nan)
    for _ in range(2):
        for number in range(_FOLDS):
            judged, taught = fold == number, fit & (fold != number)
            middle = _masked_mean(shape[taught], usual[taught])
            offset = np.where(seen[..., None], shape - middle, 0).reshape(len(points), -1)
            covariance = offset[taught].T @ offset[taught] / max(1, taught.sum() - 1)
            covariance += _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
            errors[judged] = _conditional_errors(offset[judged], seen[judged], covariance)
        errors /= np.maximum(np.nanmedian(errors, axis=0), 1e-9)
        total = np.nanmax(errors, axis=1)
        fit = fit & (total <= np.quantile(total[fit], _TRIM))
    return errors


def stretched_hand(view: View, limits: Limits) -> Outcome:
    """Hands that seem stretched along x or y beside their source's others: palms too wide for their fingers,
    or too narrow, in the direction of the image's axes.

    A stretch of x by r lengthens a segment at the angle u to the x axis by about r^cos^2(u): per hand, log r
    is the weighted slope of log length, less the segment's own median, over cos^2(u). Its distance from the
    source's median counts, and from that of the same person's other hands, where there are `photos` of them:
    people differ by 6 %, pictures of one by 3 %, one of 4:3 shown as a square by 33 %. Both go either way
    alike, so that plain robust z says how far they are from what is usual.
    """
    score, along_x = np.full(len(view), np.nan), np.zeros(len(view), bool)
    for rows in robust.groups(view.source, limits["samples"]):
        slope = _own_stretch(view.points[rows])
        if np.isfinite(slope).sum() >= limits["samples"]:
            own = _off_subject(slope, view.subject_id[rows], limits["photos"])
            far = np.stack([robust.z_scores(off) for off in (slope, own) if np.isfinite(off).any()])
            score[rows] = np.fmax.reduce(np.abs(far))
            along_x[rows] = np.where(np.isnan(far[-1]), far[0], far[-1]) > 0
    judged = np.isfinite(score)
    filled = np.nan_to_num(score, nan=-np.inf)

    def words(i: int) -> dict[str, object]:
        return {"axis": "x" if along_x[i] else "y"}

    def severity(i: int) -> Severity:
        return graded(float(score[i]), limits)[0]

    limit = limits["warning"]
    return outcome(judged, filled > limit, filled, limit, words, severity)


def _off_subject(values: Floats, subjects: NDArray[np.object_], least: float) -> Floats:
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


def anisotropy(view: View, limits: Limits) -> Outcome:
    """Whether a source was stretched: bones that point along x against the same bones along y.

    A stretch of x by r lengthens a bone at the angle u to the x axis by about r^cos^2(u), so that log r is
    the slope of log length over cos^2(u), once each bone's and each hand's own mean are taken out.
    """
    hits: list[Hit] = []
    checked = 0
    for rows in robust.groups(view.source, limits["samples"]):
        ratio, error = _stretch(view.points[rows])
        if not np.isfinite(ratio):
            continue
        checked += 1
        off = abs(float(np.log(ratio)))
        if off <= np.log1p(limits["warning"]) or off <= _STANDARD_ERRORS * error:
            continue
        severity, limit = graded(np.expm1(off), limits)
        words = {"source": view.source[rows[0]], "ratio": f"{ratio:.2f}", "count": len(rows)}
        hits.append(Hit(float(np.expm1(off)), limit, severity=severity, words=words))
    return Outcome(checked, sorted(hits, key=lambda hit: -hit.score))


def _stretch(points: Floats) -> tuple[float, float]:
    """Estimated stretch of x against y, and the standard error of its log; NaN where it cannot be told.

    The directions are those of the median hand's bones, turned as the whole hand is: a finger's own
    direction goes with its spread and bend, and these with its length.
    """
    points = points[np.isfinite(points[:, 1:]).all(axis=(1, 2))]
    if len(points) < 2:
        return float("nan"), float("nan")
    _, _, factor, model = _alignment(points)
    fingers = _BONES[1:]
    bones = (model[fingers[:, 1]] - model[fingers[:, 0]])[None, :] / factor[:, None]
    along = np.square(np.cos(np.angle(bones)))
    squares = np.square(points[:, fingers[:, 1]] - points[:, fingers[:, 0]]).sum(axis=2)
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


def _alignment(
    points: Floats,
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.complex128], NDArray[np.complex128]]:
    """Hands turned to one side, moved, turned and scaled onto their median hand (Procrustes).

    Returns
    -------
    shape: (n, 21, 2), zero where unknown. seen: (n, 21) which points are known.
    factor: (n,) the turn and scale of each, as a complex number. model: (21,) the median hand.
    """
    plane = points[..., 0] + 1j * points[..., 1]
    plane = np.where(palm_turn(points)[:, None] < 0, -np.conj(plane), plane)
    seen = np.isfinite(plane)
    count = np.maximum(seen.sum(axis=1), 1)
    hand = np.where(seen, plane, 0)
    hand = np.where(seen, hand - (hand.sum(axis=1) / count)[:, None], 0)
    energy = np.maximum(np.square(np.abs(hand)).sum(axis=1), 1e-12)
    model = hand[seen.sum(axis=1).argmax()]
    placed, factor = hand, np.ones(len(hand), complex)
    for _ in range(_ROUNDS):
        middle = (seen * model).sum(axis=1) / count
        target = np.where(seen, model - middle[:, None], 0)
        factor = (np.conj(hand) * target).sum(axis=1) / energy
        placed = hand * factor[:, None] + middle[:, None]
        known = np.where(seen, placed, np.nan)
        some = seen.any(axis=0)
        model = np.zeros(kp.COUNT, complex)
        model[some] = np.nanmedian(known.real[:, some], axis=0) + 1j * np.nanmedian(
            known.imag[:, some], axis=0
        )
        model -= model[some].mean()
        model /= max(float(np.sqrt(np.square(np.abs(model)).mean())), 1e-12)
    return np.stack([placed.real, placed.imag], axis=-1), seen, factor, model


def _masked_mean(values: Floats, mask: NDArray[np.bool_]) -> Floats:
    count = np.maximum(mask.sum(axis=0), 1)[:, None]
    mean: Floats = np.where(mask[..., None], values, 0).sum(axis=0) / count
    return mean


def _conditional_errors(offset: Floats, seen: NDArray[np.bool_], covariance: Floats) -> Floats:
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
    known = np.isfinite(points).all(axis=2)
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
        return f"the {kp.FINGERS[block - kp.COUNT]} finger" if block > kp.COUNT else "the thumb"
    return "the hand as a whole"


def _turn(a: Floats, b: Floats) -> Floats:
    """Signed angle from a to b, radians, of vectors along the last axis; NaN where one has no length."""
    cross = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    angle: Floats = np.arctan2(cross, (a * b).sum(axis=-1))
    angle[(np.square(a).sum(axis=-1) == 0) | (np.square(b).sum(axis=-1) == 0)] = np.nan
    return angle
