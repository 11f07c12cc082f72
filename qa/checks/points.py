"""Checks of labels as numbers: placeholders, copies, missing points, and points and boxes outside."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.wording import counted, percent, verb
from qa.checks.check import Check, Limits, Outcome, sample_outcome
from qa.checks.wording import keypoint_names, size_text
from qa.measures.arrays import Flags, Floats
from qa.view import View

_RENDER = "render"  # a label_source: what is odd about its points is so on purpose
_COARSE = 256  # px: two joints of a smaller hand are often rounded to the same pixel


def placeholder_points(view: View, limits: Limits) -> Outcome:
    """Labelled points at (0, 0): where other tools put what is not labelled."""
    at_origin = view.labelled & (np.abs(view.points) <= limits["pixels"]).all(axis=2)
    count = at_origin.sum(axis=1)
    judged = view.visibility.max(axis=1, initial=0) > 0

    def words(i: int) -> dict[str, object]:
        return {"points": keypoint_names(at_origin[i])}

    return sample_outcome(judged, count > 0, count.astype(float), 0.0, words)


def coincident_points(view: View, limits: Limits) -> Outcome:
    """Points that lie on each other: any copy, or `pairs` pairs within `pixels` (a collapsed hand).

    One close pair says nothing: in a bent hand two joints may project onto one place. Nor does one copy in a
    hand of less than _COARSE pixels whose labels are all rounded to whole pixels.
    """
    rows, columns = np.triu_indices(kp.COUNT, 1)
    points = view.points
    gap = np.linalg.norm(points[:, rows] - points[:, columns], axis=2)
    pairs = (gap < limits["pixels"]).sum(axis=1).astype(float)
    low, high = view.boxes()
    coarse = _rounded(points) & ((high - low).max(axis=1) < _COARSE)
    copies = np.where(coarse, 0, (gap == 0).sum(axis=1))
    judged = view.labelled.sum(axis=1) >= 2
    score = np.where(copies > 0, np.maximum(pairs, limits["pairs"]), pairs)

    def words(i: int) -> dict[str, object]:
        count = int(max(copies[i], pairs[i]))
        return {"pairs": counted(count, "pair")}

    return sample_outcome(judged, score >= limits["pairs"], score, limits["pairs"], words)


def _rounded(points: Floats) -> Flags:
    """(n,) whether all labelled points (n, 21, 2) lie on pixels' corners, or all on pixels' centres."""
    part = points % 1
    corners, centres = ((np.isnan(part) | (part == at)).all(axis=(1, 2)) for at in (0, 0.5))
    return np.asarray(corners | centres)


def few_points(view: View, limits: Limits) -> Outcome:
    """How many keypoints are labelled: fewer than `least` is an error, fewer than all a warning. If only the
    wrist is missing it is a note: the wrist often lies outside the photograph. So is a render without a
    hand."""
    expected = view.expected.sum(axis=1)
    found = (view.labelled & view.expected).sum(axis=1)
    fingers = np.all(view.labelled[:, 1:], axis=1)

    def words(i: int) -> dict[str, object]:
        missing = view.expected[i] & (view.visibility[i] == kp.UNLABELLED)
        are = verb(int(found[i]), "is", "are")
        return {"count": found[i], "expected": expected[i], "are": are, "missing": keypoint_names(missing)}

    least = limits["least"]
    no_hand = (view.label_source == _RENDER) & (found == 0)
    severity = np.select([no_hand, found < least, fingers], ["info", "error", "info"], "warning")
    everyone = np.ones(len(view), bool)
    broken = -np.where(found < least, least, expected)
    score = -found.astype(float)
    return sample_outcome(everyone, found < expected, score, -least, words, severity, broken=broken)


def out_of_frame(view: View, limits: Limits) -> Outcome:
    """Points outside [0, w) x [0, h): an error where labelled visible or far outside, else a warning.

    A crop keeps the true coordinates of what it cut off: there it is a warning only. Those of a render are
    exact, wherever they lie: a note.
    """
    size = view.frame
    known = np.all(np.isfinite(size), axis=1) & (view.visibility.max(axis=1, initial=0) > 0)
    frame = np.where(np.isfinite(size), size, 1.0)[:, None, :]
    points = view.points
    beyond = np.maximum(-points, points - frame)
    outside = view.labelled & ((points < 0) | (points >= frame)).any(axis=2)
    share = np.where(outside, (np.maximum(beyond, 0) / frame).max(axis=2), 0).max(axis=1)
    visible = (outside & (view.visibility == kp.VISIBLE)).any(axis=1)
    wrong = ~view.cut & (visible | (share > limits["far"]))

    def words(i: int) -> dict[str, object]:
        far = f"by up to {percent(share[i], 1)} of its side" if share[i] >= 0.0005 else "on its very edge"
        return {"points": keypoint_names(outside[i]), "size": size_text(size[i]), "far": far}

    severity = np.select([view.label_source == _RENDER, wrong], ["info", "error"], "warning")
    rank = share + wrong
    return sample_outcome(known, known & outside.any(axis=1), share, 0.0, words, severity, rank)


def box_apart(view: View, limits: Limits) -> Outcome:
    """Boxes that lie outside their image, or more than `pixels` (rounding) away from every labelled point: an
    error, as hands are cut out by their boxes; in a crop, which is cut already, a warning.

    How much of the hand a box takes in is the source's choice and not judged. Nor is the box of a hand
    without a point in its image: it may be around what is seen of the hand.
    """
    box, size = view.bbox.astype(np.float64), view.frame
    low, high = box[:, :2], box[:, :2] + box[:, 2:]
    from_image = np.max(np.maximum(low - size, -high), axis=1)
    points = view.points
    beyond = np.maximum(np.maximum(low[:, None] - points, points - high[:, None]), 0)
    from_points = np.fmin.reduce(np.linalg.norm(beyond, axis=2), axis=1)  # those not labelled are NaN
    within = np.all((points >= 0) & ~(points >= size[:, None]), axis=2).any(
        axis=1
    )  # also where no size is known
    outside, empty = from_image >= 0, within & (from_points > limits["pixels"])

    def words(i: int) -> dict[str, object]:
        told = [f"it lies outside the {size_text(size[i])} image"] if outside[i] else []
        if empty[i]:
            told.append(f"it holds no labelled point (the nearest is {from_points[i]:.0f} px away)")
        place = f"{size_text(box[i, 2:])} at x {box[i, 0]:.0f}, y {box[i, 1]:.0f}"
        return {"box": place, "told": "; ".join(told)}

    judged = np.isfinite(from_image) | np.isfinite(from_points)
    score = np.nan_to_num(np.fmax(np.fmax(from_image, from_points), 0))
    severity = np.where(view.cut, "warning", "error")
    return sample_outcome(judged, outside | empty, score, limits["pixels"], words, severity)


CHECKS: tuple[Check, ...] = (
    Check(
        "placeholder-points",
        "No labelled point is a placeholder at (0, 0)",
        "error",
        "sample",
        placeholder_points,
        "Labelled at (0, 0), where some tools put unlabelled points: {points}.",
        "Mark these points as not labelled (visibility 0) in the source.",
        {"pixels": 0.01},
        alone=True,
    ),
    Check(
        "coincident-points",
        "No two points of a hand coincide",
        "error",
        "sample",
        coincident_points,
        "{pairs} of points coincide: the hand has collapsed, or points were copied.",
        "Label the hand again, or leave the sample out.",
        {"pixels": 0.5, "pairs": 3},
        alone=True,
    ),
    Check(
        "few-points",
        "Hands are fully labelled",
        "warning",
        "sample",
        few_points,
        "{count} of {expected} keypoints {are} labelled; missing: {missing}.",
        "Label the rest, or train with a loss that leaves unlabelled points out.",
        {"least": 12},
        alone=True,
    ),
    Check(
        "out-of-frame",
        "Labelled points lie inside their image",
        "error",
        "sample",
        out_of_frame,
        "Outside the {size} image, {far}: {points}.",
        "Mark points that cannot be seen as hidden (visibility 1); points far outside are wrong. "
        "In crops, a larger margin keeps them in.",
        {"far": 0.10},
        alone=True,
    ),
    Check(
        "box-apart",
        "Boxes lie in their image and hold points of their hand",
        "error",
        "sample",
        box_apart,
        "The box ({box}) is not this hand's: {told}.",
        "Correct the box, or the points if they are wrong. curate crop --by keypoints needs no box.",
        {"pixels": 1},
        alone=True,
    ),
)
