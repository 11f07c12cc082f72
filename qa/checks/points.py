"""Checks of one sample at a time: its image, its points, its side. All are pure and work on whole columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from qa.finding import Hit, Outcome, Severity
from qa.view import View

Limits = Mapping[str, float]

_INDEX_MCP, _LITTLE_MCP = 5, 17
_THUMB_CMC = 1


def unreadable_image(view: View, limits: Limits) -> Outcome:
    """Images that do not decode fully (ultralytics' verify_image asks the same)."""
    rows = np.flatnonzero(view.pixels.error != np.array(None))
    hits = [
        Hit(
            1.0,
            0.0,
            row=int(i),
            words={"reason": view.pixels.error[i], "image": PurePosixPath(view.image[i]).name},
        )
        for i in rows
    ]
    return Outcome(len(view), hits)


def image_size(view: View, limits: Limits) -> Outcome:
    """Width and height in the table against the decoded, EXIF-oriented image."""
    told, real = view.size, view.pixels.size
    known = every(np.isfinite(told)) & every(np.isfinite(real))
    off = np.abs(told - real).max(axis=1)

    def words(i: int) -> dict[str, object]:
        return {"told": size_text(told[i]), "real": size_text(real[i])}

    return outcome(known, known & (off > limits["pixels"]), off, limits["pixels"], words)


def placeholder_points(view: View, limits: Limits) -> Outcome:
    """Labelled points at (0, 0): where other tools put what is not labelled."""
    at_origin = view.labelled & every(np.abs(view.points) <= limits["pixels"])
    count = at_origin.sum(axis=1)
    judged = view.visibility.max(axis=1, initial=0) > 0

    def words(i: int) -> dict[str, object]:
        return {"points": names_of(at_origin[i])}

    return outcome(judged, count > 0, count.astype(float), 0.0, words)


def coincident_points(view: View, limits: Limits) -> Outcome:
    """Points that lie on each other: copies, or several pairs within `pixels` (a collapsed hand).

    Two joints may project onto one place in a bent hand, so that one close pair says nothing.
    """
    rows, columns = np.triu_indices(kp.COUNT, 1)
    pairs = np.zeros(len(view))
    copies = np.zeros(len(view))
    for block in _blocks(len(view)):
        gap = np.linalg.norm(view.points[block][:, rows] - view.points[block][:, columns], axis=2)
        pairs[block] = (gap < limits["pixels"]).sum(axis=1)
        copies[block] = (gap == 0).sum(axis=1)
    judged = view.labelled.sum(axis=1) >= 2
    score = np.where(copies > 0, np.maximum(pairs, limits["pairs"]), pairs)

    def words(i: int) -> dict[str, object]:
        count = int(max(copies[i], pairs[i]))
        return {"pairs": f"{count} pair{'s' * (count != 1)}"}

    return outcome(judged, score >= limits["pairs"], score, limits["pairs"], words)


def few_points(view: View, limits: Limits) -> Outcome:
    """How many keypoints are labelled: under `least` an error, short of the set a warning, only the wrist
    missing a note (it often lies outside a photograph of a hand)."""
    expected = view.expected.sum(axis=1)
    found = (view.labelled & view.expected).sum(axis=1)
    fingers = every(view.labelled[:, 1:])

    def words(i: int) -> dict[str, object]:
        missing = view.expected[i] & ~view.labelled[i]
        return {"count": int(found[i]), "expected": int(expected[i]), "missing": names_of(missing)}

    def severity(i: int) -> Severity:
        if found[i] < limits["least"]:
            return "error"
        return "info" if fingers[i] else "warning"

    everyone = np.ones(len(view), bool)
    least = limits["least"]
    return outcome(everyone, found < expected, -found.astype(float), -least, words, severity)


def out_of_frame(view: View, limits: Limits) -> Outcome:
    """Points outside [0, w) x [0, h): an error where labelled visible or far outside, else a warning.

    A crop keeps the true coordinates of what it cut off: there it is a warning only.
    """
    size = view.frame
    known = every(np.isfinite(size)) & (view.visibility.max(axis=1, initial=0) > 0)
    frame = np.where(np.isfinite(size), size, 1.0)[:, None, :]
    beyond = np.maximum(-view.points, view.points - frame)
    outside = view.labelled & ((view.points < 0) | (view.points >= frame)).any(axis=2)
    share = np.where(outside, (np.maximum(beyond, 0) / frame).max(axis=2), 0).max(axis=1)
    visible = (outside & (view.visibility == kp.VISIBLE)).any(axis=1)
    wrong = ~view.cut & (visible | (share > limits["far"]))

    def words(i: int) -> dict[str, object]:
        far = f"by up to {100 * share[i]:.1f} % of its side" if share[i] >= 0.0005 else "on its very edge"
        return {"points": names_of(outside[i]), "size": size_text(size[i]), "far": far}

    def severity(i: int) -> Severity:
        return "error" if wrong[i] else "warning"

    rank = share + wrong
    return outcome(known, known & outside.any(axis=1), share, 0.0, words, severity, rank)


def handedness(view: View, limits: Limits) -> Outcome:
    """Side and aspect against the turn from the index to the little MCP, seen from the wrist.

    With y down, s = sign(cross(MCP2 - anchor, MCP5 - anchor)) is + for a right hand seen from the back
    or a left palm, - for the other two. The anchor is the wrist, else the thumb's CMC joint, which lies
    on the same side of the line of MCPs in every pose, since the palm is stiff (the fingers' direction is
    no anchor: it turns round in a fist). Judged where |cross| / (|a| |b|) > `turn`: a palm seen edge-on
    says nothing.
    """
    turn = palm_turn(view.points)
    sides = np.select([view.side == "right", view.side == "left"], [1, -1], 0)
    aspects = np.select([view.aspect == "dorsal", view.aspect == "palmar"], [1, -1], 0)
    told = sides * aspects
    judged = (told != 0) & (np.abs(turn) > limits["turn"])
    wrong = judged & (np.sign(turn) != told)

    def words(i: int) -> dict[str, object]:
        other = "left" if view.side[i] == "right" else "right"
        return {"found": other, "side": view.side[i], "aspect": view.aspect[i]}

    return outcome(judged, wrong, np.abs(turn), limits["turn"], words)


def palm_turn(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sine of the angle from the index to the little MCP seen from the palm's near end, (n,); y down.

    NaN where an MCP, or both the wrist and the thumb's CMC, are missing. The points are (n, 21, 2).
    """
    index, little = points[:, _INDEX_MCP], points[:, _LITTLE_MCP]
    wrist = points[:, kp.WRIST]
    anchor = np.where(np.isnan(wrist), points[:, _THUMB_CMC], wrist)
    return _sine(index - anchor, little - anchor)


def finger_order(view: View, limits: Limits) -> Outcome:
    """Fingers numbered from the tip to the palm, as RHD stores them."""
    backward, measured = backward_fingers(view.points)
    judged = measured >= 3
    share = np.divide(backward, measured, out=np.zeros(len(view)), where=measured > 0)

    def words(i: int) -> dict[str, object]:
        return {"backward": int(backward[i]), "measured": int(measured[i])}

    return outcome(judged, judged & (share >= limits["share"]), share, limits["share"], words)


def backward_fingers(points: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How many fingers of each hand run from tip to palm, and how many could be judged; both (n,).

    A finger runs backward when its first point is farther from the palm's near end than its last, and
    its last bone is longer than the one before: the tips of a fist too lie near the wrist, but the last
    phalanx is the shortest, while read backward it is the longest (Buryanov & Kotiuk 2010).
    """
    chains = points[:, 1:].reshape(len(points), 5, 4, 2)
    bones = np.linalg.norm(np.diff(chains, axis=2), axis=3)
    # Without a wrist: tips fan out farther from their middle than the fingers' bases do.
    wrist = np.broadcast_to(points[:, None, None, kp.WRIST], chains.shape)
    near = np.where(np.isnan(wrist), chains.mean(axis=1, keepdims=True), wrist)
    distance = np.linalg.norm(chains - near, axis=3)
    complete = every(every(np.isfinite(chains)))
    backward = complete & (distance[..., 0] > distance[..., 3]) & (bones[..., 2] > bones[..., 1])
    return backward.sum(axis=1), complete.sum(axis=1)


def outcome(
    judged: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    score: NDArray[np.float64],
    threshold: float,
    words: Callable[[int], dict[str, object]],
    severity: Callable[[int], Severity] | None = None,
    rank: NDArray[np.float64] | None = None,
) -> Outcome:
    """Hits for the rows in `wrong`, worst (highest rank, or score) first."""
    rows = np.flatnonzero(wrong)
    order = rows[np.argsort(-(score if rank is None else rank)[rows], kind="stable")]
    hits = [
        Hit(
            float(score[i]),
            threshold,
            row=int(i),
            severity=severity(int(i)) if severity else None,
            words=words(int(i)),
        )
        for i in order
    ]
    return Outcome(int(judged.sum()), hits, np.where(judged, score, np.nan), threshold)


def _blocks(count: int, size: int = 4096) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]


def every(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all hold, along the last axis."""
    every: NDArray[np.bool_] = np.all(mask, axis=-1)
    return every


def _sine(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    sine: NDArray[np.float64] = np.divide(cross, length, out=np.full(len(a), np.nan), where=length > 0)
    return sine


def names_of(mask: NDArray[np.bool_]) -> str:
    """Names of the keypoints in a mask (21,), a few of them."""
    names = [kp.NAMES[i] for i in np.flatnonzero(mask)]
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def size_text(size: NDArray[np.float64]) -> str:
    """Width and height, as people write them."""
    return f"{size[0]:.0f} x {size[1]:.0f}"
