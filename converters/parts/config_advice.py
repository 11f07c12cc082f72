"""Compare what a source's configuration says of mirroring and of bones with the hands in its pictures.

A mirrored hand keeps its points, and only its side changes: the tip of the thumb remains the tip of the
thumb. A rule that exchanges points (`flip_idx` of YOLO pose), as in the published hand-keypoints.yaml,
teaches a network wrong points in half of its pictures. A skeleton whose links are not bones, as in mmpose's
RHD, draws and scores another hand. Neither is used here; these functions say what is wrong, and which line
to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp

OURS = tuple(range(kp.COUNT))
_SHOWN = 2  # pairs of points that are named; the others are counted
# Links that skeletons have: bones, and those of the palm.
_PALM = (kp.WRIST, *kp.BASES)
_SOUND = frozenset(frozenset(bone) for bone in kp.BONES) | {frozenset((a, b)) for a in _PALM for b in _PALM}


def of_flip(
    flip: object,
    where: str,
    points: NDArray[np.floating],
    places: Sequence[int] = OURS,
    line: str = f"flip_idx: {list(OURS)}",
) -> str:
    """What is wrong with a rule for mirroring, and what to write instead; empty if it is sound.

    Parameters
    ----------
    where: the rule's name in the message. line: what to write instead.
    points: (n, 21, 2) of the hands, pixels or shares, in our order, NaN where unlabelled.
    places: where each of our keypoints stands in the file's order.
    """
    order = [int(i) if isinstance(i, int) else -1 for i in flip] if isinstance(flip, list) else []
    if order == list(OURS):
        return ""
    if sorted(order) != list(OURS):
        return f"{where} is no order of 21 points, and was not used; write there: {line}"
    ours = {place: i for i, place in enumerate(places)}
    turned = [ours[order[place]] for place in places]
    pairs = [(i, turned[i]) for i in OURS if i < turned[i] or (i > turned[i] and turned[turned[i]] != i)]
    found = f"{where} exchanges {_names(pairs)}, though a mirrored hand keeps its points"
    stretch = _length(points[:, turned]) / _length(points)
    if np.isfinite(stretch).any():
        found += f" (its bones become {np.nanmedian(stretch):.1f} times as long)"
    return f"{found}; it was not used; write there: {line}"


def of_skeleton(
    skeleton: object,
    where: str,
    points: NDArray[np.floating],
    places: Sequence[int] = OURS,
    line: str = "",
) -> str:
    """What is wrong with a skeleton, and what to write instead; empty if it is sound, or there is none.

    Parameters
    ----------
    skeleton: pairs of points, counted from 1 as in COCO. The others are as for `of_flip`; `line` is by
        default that of a COCO file.
    """
    if not isinstance(skeleton, list) or not skeleton:
        return ""
    line = line or f'"skeleton": {[[places[a] + 1, places[b] + 1] for a, b in kp.BONES]}'
    ours = {place + 1: i for i, place in enumerate(places)}
    links = [
        (ours[link[0]], ours[link[1]])
        for link in skeleton
        if isinstance(link, list) and len(link) == 2 and all(type(i) is int and i in ours for i in link)
    ]
    if len(links) < len(skeleton):
        return f"{where} has links that are no pairs of its points; it was not used; write there: {line}"
    odd = [link for link in links if frozenset(link) not in _SOUND]
    if not odd:
        return ""
    found = f"{where} links {_names(odd)}, which no bone does"
    longest = np.fmax.reduce(_lengths(points, kp.BONES), axis=1)
    share = _lengths(points, odd) / np.where(longest > 0, longest, np.nan)[:, None]
    if np.isfinite(share).any():
        found += f" (up to {np.nanmax(share):.1f} times as long as a hand's longest bone)"
    return f"{found}; it was not used; write there: {line}"


def _names(pairs: Sequence[tuple[int, int]]) -> str:
    told = ", ".join(f"{kp.NAMES[a]} and {kp.NAMES[b]}" for a, b in pairs[:_SHOWN])
    more = len(pairs) - _SHOWN
    return f"{told} and {more} more pair{'s' if more > 1 else ''}" if more > 0 else told


def _length(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) the total length of each hand's bones; NaN if none of them is labelled."""
    lengths = _lengths(points, kp.BONES)
    known = np.isfinite(lengths).any(axis=1)
    total = np.nansum(lengths, axis=1)
    return np.where(known & (total > 0), total, np.nan)


def _lengths(points: NDArray[np.floating], links: Iterable[tuple[int, int]]) -> NDArray[np.float64]:
    """(n, links) the length of each link in each hand; NaN if an end is unlabelled."""
    ends = np.array(list(links))
    with np.errstate(over="ignore"):
        lengths: NDArray[np.float64] = np.linalg.norm(
            points[:, ends[:, 0]].astype(np.float64) - points[:, ends[:, 1]], axis=2
        )
    return lengths
