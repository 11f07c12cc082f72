"""Checks of what the pixels show: blur, exposure, odd sizes, and points that lie off the hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from qa.checks.points import every, names_of, outcome, size_text
from qa.finding import Hit, Outcome, Severity, graded
from qa.measures import robust
from qa.view import View

Limits = Mapping[str, float]

_FAR = 10.0  # robust standard deviations


def near_edge(view: View, limits: Limits) -> Outcome:
    """Points inside the image but within `pixels` of its border: a hand that was cut, or clamped labels."""
    size = view.frame[:, None, :]
    inside = ((view.points >= 0) & (view.points < size)).all(axis=2)
    room = np.minimum(view.points, size - view.points).min(axis=2)
    near = inside & (room < limits["pixels"])
    count = near.sum(axis=1).astype(float)
    judged = every(np.isfinite(view.frame)) & view.labelled.any(axis=1)

    def words(i: int) -> dict[str, object]:
        return {"points": names_of(near[i])}

    return outcome(judged, judged & (count > limits["points"]), count, limits["points"], words)


def hand_scale(view: View, limits: Limits) -> Outcome:
    """Longer side of the hand's box over its crop's side."""
    low, high = view.boxes()
    share = ((high - low) / view.frame).max(axis=1)
    judged = view.cut & np.isfinite(share)
    small, large = share < limits["least"], share > limits["most"]
    off = np.where(small, limits["least"] - share, share - limits["most"])

    def words(i: int) -> dict[str, object]:
        return {"share": f"{100 * share[i]:.0f} %"}

    return outcome(judged, judged & (small | large), share, limits["most"], words, rank=off)


def blur(view: View, limits: Limits) -> Outcome:
    """Sharpness of the hand against its source's: robust z of log var(Laplacian), negative when blurred.

    Pech-Pacheco et al. 2000; the hand is scaled to 128 px first, or larger photographs would seem blurred.
    """
    sharp = view.pixels.looks["sharpness"]
    log = np.log(np.where(sharp > 0, sharp, np.nan))
    log[sharp == 0] = -9.0
    z = np.full(len(view), np.nan)
    for rows in robust.groups(view.source, limits["samples"]):
        if np.isfinite(log[rows]).any():
            z[rows] = robust.z_scores(log[rows])
    judged = np.isfinite(z)
    score = -np.nan_to_num(z)
    return outcome(judged, judged & (score > limits["z"]), score, limits["z"], lambda i: {})


def exposure(view: View, limits: Limits) -> Outcome:
    """Hands that are too dark, too light, or clipped (cleanvision's percentiles, within the hand's box).

    A white ground is clipped by right: only more of it than in the source's other images counts.
    """
    looks = view.pixels.looks
    dark = (limits["dark"] - looks["bright"]) / limits["dark"]
    light = (limits["light"] - (1 - looks["dark"])) / limits["light"]
    clipped = np.zeros(len(view))
    for rows in robust.groups(view.source, 1):
        usual = np.nanmedian(np.append(looks["clipped"][rows], 0.0))
        clipped[rows] = looks["clipped"][rows] - usual - limits["clipped"]
    judged = np.isfinite(dark)
    kinds = np.stack([dark, light, clipped], axis=1)
    score = np.where(judged, kinds.max(axis=1), -1.0)

    def words(i: int) -> dict[str, object]:
        kind = int(kinds[i].argmax())
        share = f"clipped: {100 * looks['clipped'][i]:.0f} % of its box is pure black or white"
        return {"what": ("too dark", "almost white", share)[kind]}

    return outcome(judged, score > 0, score, 0.0, words)


def low_information(view: View, limits: Limits) -> Outcome:
    """Images with next to no structure (entropy of the lightness), and colour images without colour."""
    looks = view.pixels.looks
    empty = looks["entropy"] / 10 < limits["entropy"]
    grey = (looks["grey"] == 1) & (np.nanmean(np.append(looks["grey"], 0)) < limits["grey"])
    judged = np.isfinite(looks["entropy"])
    score = np.where(empty, 1 - looks["entropy"] / 10, 0.0)

    def words(i: int) -> dict[str, object]:
        return {"what": "next to no structure" if empty[i] else "no colour, unlike the others"}

    return outcome(judged, judged & (empty | grey), score, 0.0, words)


def odd_size(view: View, limits: Limits) -> Outcome:
    """Long, narrow images, and sizes beyond `iqr` interquartile ranges of their source's."""
    size = view.pixels.size
    judged = every(np.isfinite(size))
    narrow = size.min(axis=1) / size.max(axis=1)
    pixels = np.sqrt(size.prod(axis=1))
    far = np.zeros(len(view))
    for rows in robust.groups(view.source, limits["samples"]):
        known = rows[judged[rows]]
        if not len(known):
            continue
        first, third = np.quantile(pixels[known], (0.25, 0.75))
        # Where all are alike, an exception must still be one.
        reach = max(third - first, 0.1 * third)
        far[known] = np.maximum(first - pixels[known], pixels[known] - third) / reach
    wrong = judged & ((narrow < limits["aspect"]) | (far > limits["iqr"]))

    def words(i: int) -> dict[str, object]:
        kind = "very narrow" if narrow[i] < limits["aspect"] else "unlike its source's others"
        return {"size": size_text(size[i]), "kind": kind}

    return outcome(judged, wrong, far, limits["iqr"], words)


def off_hand(view: View, limits: Limits) -> Outcome:
    """Points that lie outside the hand's mask: the sample's own, or one found by the hand's colour.

    A point counts beyond `joint` of the hand's size, a fingertip beyond `tip`. The wrist does not count:
    sleeves cover it. With a mask of its own a sample must keep `error` of its points off it to be an error;
    colour alone is less sure, and asks `found` of them.
    """
    depth = view.pixels.depth[:, : kp.COUNT]
    allowed = np.full(kp.COUNT, limits["joint"])
    allowed[list(kp.TIPS)] = limits["tip"]
    allowed[kp.WRIST] = np.inf
    off = np.nan_to_num(depth, nan=1.0) < -allowed
    known = np.isfinite(depth[:, 1:]).sum(axis=1)
    judged = known >= limits["points"]
    share = off.sum(axis=1) / np.maximum(known, 1)
    by_colour = view.pixels.looks["found"] == 1
    # In a small source nothing tells whether its ground can be told from hands.
    many = np.zeros(len(view), bool)
    for rows in robust.groups(view.source, limits["samples"]):
        many[rows] = True
    worst = np.where(by_colour, np.where(many, limits["found"], np.inf), limits["error"])
    least = np.where(by_colour, limits["found"], 0.0)

    def words(i: int) -> dict[str, object]:
        way = " (found by its colour)" if by_colour[i] else ""
        return {"points": names_of(off[i]), "count": int(off[i].sum()), "known": int(known[i]), "way": way}

    def severity(i: int) -> Severity:
        return "error" if share[i] > worst[i] else "warning"

    return outcome(judged, judged & (share > least), share, limits["error"], words, severity)


def mask_fit(view: View, limits: Limits) -> Outcome:
    """Whether each point lies as deep inside the hand's mask as it does in the source's other hands.

    A knuckle lies a palm's depth inside, a fingertip a nail's: labels that are shifted, or belong to another
    image, do not, though most of them still lie on the hand. The root mean square, over the points but the
    wrist, of the robust z of their depths is compared with its own distribution in the source.
    """
    depth = view.pixels.depth[:, 1:]
    by_colour = view.pixels.looks["found"]
    score = np.full(len(view), np.nan)
    worst = np.zeros(len(view), np.intp)
    enough = np.isfinite(view.pixels.depth[:, 1 : kp.COUNT]).sum(axis=1) >= limits["points"]
    for way in (0, 1):
        for rows in robust.groups(view.source, limits["samples"]):
            rows = rows[enough[rows] & (by_colour[rows] == way)]
            if len(rows) < limits["samples"]:
                continue
            # One point far off is the matter of other checks.
            square = np.minimum(np.square(robust.z_scores(depth[rows])), _FAR**2)
            score[rows] = robust.excess(np.sqrt(np.nanmean(square, axis=1)))
            worst[rows] = np.nan_to_num(square, nan=-1.0).argmax(axis=1) + 1
    judged = np.isfinite(score)

    def words(i: int) -> dict[str, object]:
        return {"keypoint": _place_name(int(worst[i]))}

    def severity(i: int) -> Severity:
        return graded(float(score[i]), limits)[0]

    limit = limits["warning"]
    filled = np.nan_to_num(score, nan=0.0)
    return outcome(judged, filled > limit, filled, limit, words, severity)


def _place_name(number: int) -> str:
    if number < kp.COUNT:
        return kp.NAMES[number]
    return f"what lies beyond {kp.NAMES[kp.TIPS[number - kp.COUNT]]}"


def side_mask(view: View, limits: Limits) -> Outcome:
    """Share of a hand's points that lie in the part ids of its side (RHD's masks tell left from right)."""
    share = view.pixels.looks["parts"]
    judged = np.isfinite(share)

    def words(i: int) -> dict[str, object]:
        return {"share": f"{100 * share[i]:.0f} %", "side": view.side[i]}

    off = 1 - np.nan_to_num(share, nan=1.0)
    return outcome(judged, judged & (share < limits["share"]), off, 1 - limits["share"], words)


def mask_halo(view: View, limits: Limits) -> Outcome:
    """A rim of another colour around a mask of its own, as an old background leaves it: how much the ground
    beside the mask differs from that a little farther off, in robust standard deviations of its logarithm in
    the source; a rim of fewer than `levels` (of 255) is not seen.
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
    return outcome(judged, wrong, score, limits["z"], words)


def mask_shape(view: View, limits: Limits) -> Outcome:
    """A mask of its own: its area, pieces, holes, the image's sides it touches, and its fingertips."""
    looks = view.pixels.looks
    area, main, holes, sides = (looks[name] for name in ("area", "main", "holes", "sides"))
    judged = np.isfinite(area)
    tips = (np.nan_to_num(view.pixels.depth[:, kp.TIPS], nan=0.0) < -limits["tip"]).sum(axis=1)
    faults: list[tuple[NDArray[np.bool_], str]] = [
        (area == 0, "it is empty"),
        ((area > 0) & ((area < limits["least"]) | (area > limits["most"])), "its area is odd"),
        (main < limits["main"], "it has several pieces"),
        (holes > limits["holes"], "it has holes"),
        (sides > limits["sides"], "it touches several sides of the image"),
        (tips > 0, "fingertips lie outside"),
    ]
    count = np.sum([wrong for wrong, _ in faults], axis=0).astype(float)

    def words(i: int) -> dict[str, object]:
        said = [text for wrong, text in faults if wrong[i]]
        return {"what": ", ".join(said), "area": f"{100 * area[i]:.0f} %"}

    return outcome(judged, judged & (count > 0), count, 0.0, words)


def exif_orientation(view: View, limits: Limits) -> Outcome:
    """Images whose EXIF orientation is not 1: what is stored is not what is displayed and labelled."""
    return _told_of_files(view, {"": view.pixels.looks["orientation"] > 1})


def private_metadata(view: View, limits: Limits) -> Outcome:
    """Images whose EXIF data tell a place, or whose camera it was; the values are kept nowhere."""
    looks = view.pixels.looks
    told = {
        "where they were taken (GPS)": looks["located"] == 1,
        "a serial number or owner of the camera or lens": looks["owned"] == 1,
    }
    return _told_of_files(view, told)


def _told_of_files(view: View, found: Mapping[str, NDArray[np.bool_]]) -> Outcome:
    """A hit for each thing found of image files, with its count; hands in one image count once."""
    known = np.isfinite(view.pixels.looks["orientation"])
    first = {key: i for i, key in enumerate(zip(view.dataset_of, view.image, strict=True)) if known[i]}
    rows = np.array(list(first.values()), np.intp)
    counts = {what: int(flags[rows].sum()) for what, flags in found.items()}
    hits = [
        Hit(float(count), 0.0, words={"count": count, "total": len(rows), "what": what})
        for what, count in counts.items()
        if count
    ]
    return Outcome(len(rows), sorted(hits, key=lambda hit: -hit.score))
