"""Checks of the hand's mask: whether the points lie in it as they should, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.wording import percent, verb
from qa.checks.check import Check, Limits, Outcome, graded_outcome, sample_outcome
from qa.checks.wording import keypoint_names
from qa.measures import robust
from qa.measures.arrays import Flags, Floats, Names, Rows
from qa.measures.people import apart_from_own
from qa.view import View

_FAR = 10.0  # robust standard deviations


def off_hand(view: View, limits: Limits) -> Outcome:
    """Points that lie outside the hand's mask: the sample's own, or one found by the hand's colour.

    A point counts if it lies more than `joint` of the hand's size outside, a fingertip more than `tip`; the
    wrist never counts, as sleeves cover it. Outside a mask of the sample's own, any point is a warning, and a
    share of more than `error` an error. A mask found by colour is less certain: one that may be of something
    else, such as a face, says nothing, and outside others a point counts only if it looks like the ground
    (see HandLook.likeness), not like a part of the hand that the mask lost. Then a share of more than `found`
    is an error, and so is a single point more than `far` outside. If a network confirms the labels, it is a
    warning at most.
    """
    depth = view.pixels.depth[:, : kp.COUNT]
    by_colour = view.pixels.looks["found"] == 1
    off = _outside(view, limits)
    off &= ~by_colour[:, None] | (view.pixels.likeness < limits["ground"])
    known = np.isfinite(depth[:, 1:]).sum(axis=1)
    judged = (known >= limits["points"]) & ~(view.pixels.looks["doubted"] == 1)
    share = off.sum(axis=1) / np.maximum(known, 1)
    far = by_colour & (off & (depth < -limits["far"])).any(axis=1)
    # In a small source it is unknown whether colour tells hands from the ground at all.
    many = np.zeros(len(view), bool)
    for rows in robust.groups(view.source, limits["samples"]):
        many[rows] = True
    least = np.where(by_colour & ~(far & many), limits["found"], 0.0)
    worst = np.select([by_colour & far & many, by_colour & many, by_colour], [0.0, limits["found"], np.inf])
    worst = np.where(by_colour, worst, limits["error"])

    def words(i: int) -> dict[str, object]:
        way = " (found by its colour)" if by_colour[i] else ""
        return {
            "points": keypoint_names(off[i]),
            "count": int(off[i].sum()),
            "known": int(known[i]),
            "way": way,
            "lie": verb(int(off[i].sum()), "lies", "lie"),
        }

    wrong = (share > worst) & ~view.residuals.confirmed
    severity = np.where(wrong, "error", "warning")
    broken = np.where(wrong, worst, least)
    usual = limits["found"] if by_colour.any() else limits["error"]
    return sample_outcome(judged, judged & (share > least), share, usual, words, severity, broken=broken)


def _outside(view: View, limits: Limits) -> Flags:
    """(n, 21) which points lie outside the mask, see `off_hand`."""
    allowed = np.full(kp.COUNT, limits["joint"])
    allowed[list(kp.TIPS)] = limits["tip"]
    allowed[kp.WRIST] = np.inf
    outside: Flags = view.pixels.depth[:, : kp.COUNT] < -allowed
    return outside


def mask_fit(view: View, limits: Limits) -> Outcome:
    """Whether each point lies as deep inside the hand's mask as it does in the source's other hands.

    A knuckle lies deep in the palm, a fingertip close to the mask's edge. Labels that are shifted, or belong
    to another image, do not, even where most of them still lie on the hand. Each point's depth is compared
    with that of the source's others (robust z); the root mean square over the points but the wrist is then
    compared with its own distribution in the source. It is no error where the mask was found by colour and
    `lost` or more points off it look like the hand; nor where it is much the same in the person's other
    photographs, whose nails or rings the mask may have lost; nor where a network confirms the labels.
    """
    depth = view.pixels.depth[:, 1:]
    by_colour = view.pixels.looks["found"]
    score, own = np.full((2, len(view)), np.nan)
    worst = np.zeros(len(view), np.intp)
    enough = np.isfinite(view.pixels.depth[:, 1 : kp.COUNT]).sum(axis=1) >= limits["points"]
    for way in (0, 1):
        for rows in view.peers(limits["samples"]):
            rows = rows[enough[rows] & (by_colour[rows] == way)]
            if len(rows) < limits["samples"]:
                continue
            # A single point far off is for other checks to find.
            fold = view.folds(rows)
            z = robust.z_scores(depth[rows], fold)
            square = np.minimum(np.square(z), _FAR**2)
            total = np.sqrt(np.nanmean(square, axis=1))
            usual = robust.upper(total, fold)
            score[rows] = robust.excess(total, usual=usual)
            rare = np.flatnonzero(score[rows] > limits["error"]).tolist()
            own[rows] = robust.excess(_apart_from_own(z, rare, view.subject_id[rows]), usual=usual)
            worst[rows] = np.nan_to_num(square, nan=-1.0).argmax(axis=1) + 1
    judged = np.isfinite(score)

    def words(i: int) -> dict[str, object]:
        return {"keypoint": _place_name(int(worst[i]))}

    like_hand = _outside(view, limits) & (view.pixels.likeness > limits["hand"])
    torn = like_hand.sum(axis=1) >= limits["lost"]
    grave = np.fmin(score, own) > limits["error"]
    return graded_outcome(judged, score, limits, words, grave & ~torn & ~view.residuals.confirmed)


def _apart_from_own(z: Floats, rows: Iterable[int], person: Names) -> Floats:
    """Root mean square difference of (n, k) scores from the second-nearest of the person's others, (n,)."""

    def apart(row: int, others: Rows) -> Floats:
        square = np.minimum(np.square(z[row] - z[others]), _FAR**2)
        known = np.isfinite(square)
        mean = np.where(known, square, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return np.asarray(np.where(known.any(axis=1), np.sqrt(mean), np.inf))

    return apart_from_own(rows, person, apart)


def _place_name(number: int) -> str:
    if number < kp.COUNT:
        return kp.NAMES[number]
    return f"the point beyond {kp.NAMES[kp.TIPS[number - kp.COUNT]]}"


def side_mask(view: View, limits: Limits) -> Outcome:
    """Share of a hand's points that lie in the part ids of its side (RHD's masks tell left from right)."""
    share = view.pixels.looks["parts"]
    judged = np.isfinite(share)

    def words(i: int) -> dict[str, object]:
        return {"share": percent(share[i], limit=limits["share"]), "side": view.side[i]}

    off = 1 - np.nan_to_num(share, nan=1.0)
    return sample_outcome(judged, judged & (share < limits["share"]), off, 1 - limits["share"], words)


def mask_shape(view: View, limits: Limits) -> Outcome:
    """A mask of its own: its area, pieces, holes, the image's sides it touches, and its fingertips."""
    looks = view.pixels.looks
    area, main, holes, sides = (looks[name] for name in ("area", "main", "holes", "sides"))
    judged = np.isfinite(area)
    tips = (np.nan_to_num(view.pixels.depth[:, kp.TIPS], nan=0.0) < -limits["tip"]).sum(axis=1)
    faults: list[tuple[Flags, str]] = [
        (area == 0, "it is empty"),
        ((area > 0) & ((area < limits["least"]) | (area > limits["most"])), "its area is unusual"),
        (main < limits["main"], "it has several pieces"),
        (holes > limits["holes"], "it has holes"),
        (sides > limits["sides"], "it touches several sides of the image"),
        (tips > 0, "fingertips lie outside"),
    ]
    count = np.sum([wrong for wrong, _ in faults], axis=0).astype(float)

    def words(i: int) -> dict[str, object]:
        said = [text for wrong, text in faults if wrong[i]]
        return {"what": "; ".join(said), "area": percent(area[i])}

    return sample_outcome(judged, judged & (count > 0), count, 0.0, words)


def mask_halo(view: View, limits: Limits) -> Outcome:
    """A rim of another colour around a mask of its own, as an old background leaves one.

    The rim is how far the colour of the ground right beside the mask is from the colour a little farther off.
    The score is its logarithm against the source's others, in robust standard deviations; a rim of less than
    `levels` (of 255) is invisible and does not count.
    """
    rim = view.pixels.looks["rim"]
    z = np.full(len(view), np.nan)
    for rows in robust.groups(view.source, limits["samples"]):
        rows = rows[np.isfinite(rim[rows])]
        if len(rows) >= limits["samples"]:
            z[rows] = robust.excess(rim[rows] + 1.0)
    judged = np.isfinite(z)
    score = np.where(judged, z, 0.0)

    def words(i: int) -> dict[str, object]:
        return {"rim": rim[i]}

    wrong = judged & (score > limits["z"]) & (rim > limits["levels"])
    return sample_outcome(judged, wrong, score, limits["z"], words)


CHECKS: tuple[Check, ...] = (
    Check(
        "off-hand",
        "Points lie on the hand",
        "error",
        "sample",
        off_hand,
        "{count} of {known} points {lie} off the hand{way}: {points}.",
        "Look at the picture: the labels are shifted, or belong to another image.",
        {
            "joint": 0.02,
            "tip": 0.03,
            "error": 0.2,
            "found": 0.08,
            "far": 0.05,
            "ground": 0.15,
            "points": 12,
            "samples": 100,
        },
    ),
    Check(
        "mask-fit",
        "Points lie as deep in the hand as they should",
        "error",
        "sample",
        mask_fit,
        "The points do not fit the hand in the picture, least of all {keypoint}: {score:.1f} robust "
        "standard deviations above what is usual in its source.",
        "Look at the picture: the labels are shifted, or belong to another image.",
        {
            "warning": 2.8,
            "error": 3.5,
            "joint": 0.02,
            "tip": 0.03,
            "hand": 0.5,
            "lost": 2,
            "points": 12,
            "samples": 100,
        },
    ),
    Check(
        "side-mask",
        "Points lie in the mask of their side",
        "error",
        "sample",
        side_mask,
        "Only {share} of the points lie in the mask's parts for the {side} hand.",
        "Check whether left and right were swapped, in the slots of the labels or in the mask's part ids.",
        {"share": 0.9},
        alone=True,
    ),
    Check(
        "mask-shape",
        "Masks are whole",
        "warning",
        "sample",
        mask_shape,
        "The mask covers {area} of the image; {what}.",
        "Look at the mask; segment again, or leave it out.",
        {"least": 0.05, "most": 0.85, "main": 0.95, "holes": 0.01, "sides": 1, "tip": 0.03},
        alone=True,
    ),
    Check(
        "mask-halo",
        "No rim of the old background is left around the hand",
        "warning",
        "sample",
        mask_halo,
        "The background right beside the mask differs by {rim:.0f} of 255 from that farther away: "
        "{score:.1f} robust standard deviations above what is usual in its source.",
        "Look at the rim; cut the hand out again, with a softer or narrower edge.",
        {"z": 3.5, "levels": 12.0, "samples": 100},
    ),
)
