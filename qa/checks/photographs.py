"""Checks of how a hand is photographed: cut by the edge, small in its crop, blurred, badly lit."""

from __future__ import annotations

import numpy as np

from curate.basics.wording import percent
from qa.checks.check import Check, Limits, Outcome, sample_outcome
from qa.checks.wording import keypoint_names, size_text
from qa.measures import robust
from qa.view import View


def near_edge(view: View, limits: Limits) -> Outcome:
    """Points inside the image but within `pixels` of its border: a hand that was cut, or clamped labels."""
    size = view.frame[:, None, :]
    points = view.points
    inside = ((points >= 0) & (points < size)).all(axis=2)
    room = np.minimum(points, size - points).min(axis=2)
    near = inside & (room < limits["pixels"])
    count = near.sum(axis=1).astype(float)
    judged = np.all(np.isfinite(view.frame), axis=1) & view.labelled.any(axis=1)

    def words(i: int) -> dict[str, object]:
        return {"pixels": f"{limits['pixels']:g}", "points": keypoint_names(near[i])}

    return sample_outcome(judged, judged & (count > limits["points"]), count, limits["points"], words)


def hand_scale(view: View, limits: Limits) -> Outcome:
    """Longer side of the hand's box as a share of its crop's."""
    low, high = view.boxes()
    share = ((high - low) / view.frame).max(axis=1)
    judged = view.cut & np.isfinite(share)
    small, large = share < limits["least"], share > limits["most"]
    off = np.where(small, limits["least"] - share, share - limits["most"])
    broken = np.where(small, limits["least"], limits["most"])

    def words(i: int) -> dict[str, object]:
        return {"share": percent(share[i], limit=float(broken[i]))}

    wrong = judged & (small | large)
    return sample_outcome(judged, wrong, share, limits["most"], words, rank=off, broken=broken)


def blur(view: View, limits: Limits) -> Outcome:
    """Sharpness of the hand against its source's others: robust z of log var(Laplacian), sign reversed.

    Pech-Pacheco et al. 2000. The hand is scaled to 128 px first, or larger photographs would seem blurred.
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
    return sample_outcome(judged, judged & (score > limits["z"]), score, limits["z"])


def exposure(view: View, limits: Limits) -> Outcome:
    """Hands that are too dark, too light, or clipped (cleanvision's percentiles, within the hand's box).

    A white ground is rightly clipped: only what is clipped beyond the source's median counts.
    """
    looks = view.pixels.looks
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing breaks a limit of 0
        dark = (limits["dark"] - looks["bright"]) / limits["dark"]
        light = (limits["light"] - (1 - looks["dark"])) / limits["light"]
    clipped = np.zeros(len(view))
    for rows in robust.groups(view.source, 1):
        usual = np.nanmedian(np.append(looks["clipped"][rows], 0.0))
        clipped[rows] = looks["clipped"][rows] - usual - limits["clipped"]
    judged = np.isfinite(looks["bright"])
    kinds = np.nan_to_num(np.stack([dark, light, clipped], axis=1), nan=-1.0)
    score = np.where(judged, kinds.max(axis=1), -1.0)

    def words(i: int) -> dict[str, object]:
        kind = int(kinds[i].argmax())
        share = f"clipped: {percent(looks['clipped'][i])} of its box is pure black or white"
        return {"what": ("too dark", "almost white", share)[kind]}

    return sample_outcome(judged, score > 0, score, 0.0, words)


def low_information(view: View, limits: Limits) -> Outcome:
    """Images with next to no structure (entropy of the lightness), and colour images without colour."""
    looks = view.pixels.looks
    empty = looks["entropy"] / 10 < limits["entropy"]
    grey = (looks["grey"] == 1) & (np.nanmean(np.append(looks["grey"], 0)) < limits["grey"])
    judged = np.isfinite(looks["entropy"])
    score = np.where(empty, 1 - looks["entropy"] / 10, 0.0)

    def words(i: int) -> dict[str, object]:
        return {"what": "next to no structure" if empty[i] else "no colour, unlike the others"}

    return sample_outcome(judged, judged & (empty | grey), score, 0.0, words)


def odd_size(view: View, limits: Limits) -> Outcome:
    """Long, narrow images, and sizes beyond `iqr` interquartile ranges of their source's."""
    size = view.pixels.size
    judged = np.all(np.isfinite(size), axis=1)
    narrow = size.min(axis=1) / size.max(axis=1)
    pixels = np.sqrt(size.prod(axis=1))
    far = np.zeros(len(view))
    for rows in robust.groups(view.source, limits["samples"]):
        known = rows[judged[rows]]
        if not len(known):
            continue
        first, third = np.quantile(pixels[known], (0.25, 0.75))
        # Where all sizes are the same, a small difference is still no exception.
        reach = max(third - first, 0.1 * third)
        far[known] = np.maximum(first - pixels[known], pixels[known] - third) / reach
    wrong = judged & ((narrow < limits["aspect"]) | (far > limits["iqr"]))

    def words(i: int) -> dict[str, object]:
        kind = "very narrow" if narrow[i] < limits["aspect"] else "unlike others of its source"
        return {"size": size_text(size[i]), "kind": kind}

    return sample_outcome(judged, wrong, far, limits["iqr"], words)


CHECKS: tuple[Check, ...] = (
    Check(
        "near-edge",
        "Hands are not cut by the image's edge",
        "warning",
        "sample",
        near_edge,
        "Within {pixels} px of the image's edge: {points}.",
        "Check whether the points were clamped to the edge; points outside keep their true place.",
        {"pixels": 2.0, "points": 3},
        alone=True,
    ),
    Check(
        "hand-scale",
        "Hands fill their crops",
        "warning",
        "sample",
        hand_scale,
        "The hand takes up {share} of its crop's side.",
        "Crop again around the keypoints; a hand this small or this large is often a wrong label.",
        {"least": 0.45, "most": 0.98},
        alone=True,
    ),
    Check(
        "blur",
        "Photographs are sharp",
        "warning",
        "sample",
        blur,
        "The hand is blurred: {score:.1f} robust standard deviations less sharp than others of its source.",
        "If the joints cannot be made out, leave it out, of the test split at least.",
        {"z": 3.5, "samples": 50},
    ),
    Check(
        "exposure",
        "Photographs are well exposed",
        "warning",
        "sample",
        exposure,
        "The hand is {what}.",
        "Leave it out if the joints cannot be made out.",
        {"dark": 0.32, "light": 0.05, "clipped": 0.25},
    ),
    Check(
        "low-information",
        "Images show something",
        "info",
        "sample",
        low_information,
        "The image has {what}.",
        "Check whether it is the right image.",
        {"entropy": 0.2, "grey": 0.05},
    ),
    Check(
        "odd-size",
        "Images have usual sizes",
        "warning",
        "sample",
        odd_size,
        "{size} pixels: {kind}.",
        "Check whether it is a thumbnail, a strip or another source's image.",
        {"aspect": 0.35, "iqr": 3.0, "samples": 50},
    ),
)
