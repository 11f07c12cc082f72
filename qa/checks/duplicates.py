"""Near duplicates and bursts: photographs so alike that a test which holds one is answered by the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qa.checks.subjects import numbered
from qa.finding import Hit, Outcome, Severity
from qa.measures.similar_pairs import Pairs, Rows, alike_pairs, likenesses
from qa.view import View

Limits = Mapping[str, float]
Flags = NDArray[np.bool_]

_BLOCK = 1 << 12


def near_duplicates(view: View, limits: Limits) -> Outcome:
    """Images that look alike and show the same pose, or mirror images of one: errors across splits.

    Alike: thumbnails correlate by `likeness` (`strangers`, where the subjects are known to differ) and
    perceptual hashes lie within `distance` bits. On a white ground many hands are as alike, so that
    keypoints, where both have them, must lie within `pose` of each other: the mean distance, in hand sizes.
    Within a split, one hit a group, a note. Where an image looks like more than `compared` others, it is
    compared with so many only, and a note says so.
    """
    rows = np.flatnonzero(view.pixels.error == np.array(None))
    least, at_most = min(limits["likeness"], limits["strangers"]), int(limits["compared"])
    pairs, crowded = alike_pairs(view.pixels.thumbs[rows], least, at_most)
    pairs, crowded = Pairs(rows[pairs.first], rows[pairs.second], pairs.mirrored), rows[crowded]
    for alike in (_hashes_alike, _poses_alike, _pictures_alike, _other_pixels):
        pairs = pairs.where(alike(view, pairs, limits))
    groups = _groups(pairs, len(view))
    group_of = {row: group for group in groups for row in group}
    apart = (view.split[pairs.first] != view.split[pairs.second]) & _every_split(view, pairs)
    hits = []
    told = set[int]()
    for a, b in zip(pairs.first[apart].tolist(), pairs.second[apart].tolist(), strict=True):
        row, other = (a, b) if view.split[b] == "train" else (b, a)
        if row not in told:
            told.add(row)
            splits = f"{view.split[row]} and {view.split[other]}"
            hits.append(_hit(view, row, other, splits, rows=group_of[row], severity="error"))
    for group in groups:
        if told.isdisjoint(group):
            splits = view.split[group[0]] or "no split"
            hits.append(_hit(view, group[0], group[1], splits, rows=group, severity="info"))
    if len(crowded):
        hits.append(_crowd(crowded, at_most))
    return Outcome(len(rows), hits)


def _hit(view: View, row: int, other: int, splits: str, *, rows: tuple[int, ...], severity: Severity) -> Hit:
    words = {"other": view.sample_id[other], "splits": splits, "what": "the same hand in the same pose"}
    return Hit(float(len(rows)), 1.0, row=row, severity=severity, words=words, rows=rows)


def _crowd(rows: Rows, at_most: int) -> Hit:
    """The note that not all of those that look alike were compared."""
    words = {
        "other": f"more than {at_most:,} others",
        "splits": f"so are {len(rows):,} images" if len(rows) > 1 else "no other image is",
        "what": f"and was compared with {at_most:,} of them only",
    }
    return Hit(float(len(rows)), 0.0, row=int(rows[0]), severity="info", words=words)


def _every_split(view: View, pairs: Pairs) -> Flags:
    known = view.split != np.array(None)
    both: Flags = known[pairs.first] & known[pairs.second]
    return both


def _hashes_alike(view: View, pairs: Pairs, limits: Limits) -> Flags:
    hashes, turned = view.pixels.hashes, pairs.mirrored.astype(np.intp)
    # A bit on the median may fall either way: of a mirrored pair, each has its turn to be mirrored.
    one = np.bitwise_count(hashes[pairs.first, 0] ^ hashes[pairs.second, turned])
    other = np.bitwise_count(hashes[pairs.first, turned] ^ hashes[pairs.second, 0])
    near: Flags = np.minimum(one, other) <= limits["distance"]
    return near


def _poses_alike(view: View, pairs: Pairs, limits: Limits) -> Flags:
    low, high = view.boxes()
    size = (high - low).max(axis=1)
    size = np.where(size > 0, size, np.nan)
    poses = (view.points - ((low + high) / 2)[:, None]) / size[:, None, None]
    alike = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), _BLOCK):
        part = slice(start, start + _BLOCK)
        first, second = poses[pairs.first[part]], poses[pairs.second[part]]
        turn = np.where(pairs.mirrored[part], -1.0, 1.0)[:, None]
        gap = np.hypot(first[..., 0] - turn * second[..., 0], first[..., 1] - second[..., 1])
        shared = np.isfinite(gap)
        count = shared.sum(axis=1)
        apart = np.where(shared, gap, 0).sum(axis=1) / np.maximum(count, 1)
        alike[part] = (count < limits["points"]) | (apart < limits["pose"])
    return alike


def _pictures_alike(view: View, pairs: Pairs, limits: Limits) -> Flags:
    one, other = view.subject_id[pairs.first], view.subject_id[pairs.second]
    strangers = (one != other) & (one != np.array(None)) & (other != np.array(None))
    least = np.where(strangers, limits["strangers"], limits["likeness"])
    alike: Flags = likenesses(view.pixels.thumbs, pairs) >= least
    return alike


def _other_pixels(view: View, pairs: Pairs, limits: Limits) -> Flags:
    """Neither two hands in one image, nor copies: these are exact-duplicates'."""
    a, b = pairs.first, pairs.second
    same = (view.dataset_of[a] == view.dataset_of[b]) & (view.image[a] == view.image[b])
    other: Flags = ~same & (view.pixels.sha256[a] != view.pixels.sha256[b])
    return other


def same_burst(view: View, limits: Limits) -> Outcome:
    """Photographs with neighbouring numbers of one subject and aspect in different splits.

    Of unknown subjects the images must look alike as well (hashes within `distance`), and it is a warning.
    """
    known = view.split != np.array(None)
    pairs: list[tuple[int, int]] = []
    for rows, values in numbered(view):
        rows, values = rows[known[rows]], values[known[rows]]
        first, second = rows[:-1], rows[1:]
        close = np.diff(values) <= limits["numbers"]
        close &= (view.split[first] != view.split[second]) & (view.aspect[first] == view.aspect[second])
        pairs += zip(first[close].tolist(), second[close].tolist(), strict=True)
    hits = []
    for a, b in pairs:
        unknown = view.subject_id[a] is None or view.subject_id[b] is None
        far = int(np.bitwise_count(view.pixels.hashes[a, 0] ^ view.pixels.hashes[b, 0]))
        alike = view.pixels.error[a] is None and view.pixels.error[b] is None and far <= limits["distance"]
        if (unknown and alike) or (not unknown and view.subject_id[a] == view.subject_id[b]):
            words = {"other": view.sample_id[b], "splits": f"{view.split[a]} and {view.split[b]}"}
            severity = "warning" if unknown else "error"
            hits.append(Hit(1.0, limits["numbers"], row=a, severity=severity, words=words))  # type: ignore[arg-type]
    return Outcome(int(known.sum()), sorted(hits, key=lambda hit: hit.severity or ""))


def _groups(pairs: Pairs, count: int) -> list[tuple[int, ...]]:
    """Connected pairs, as rows in order; largest first."""
    parent = np.arange(count)
    while True:
        top = np.minimum(parent[pairs.first], parent[pairs.second])
        before = parent.copy()
        np.minimum.at(parent, pairs.first, top)
        np.minimum.at(parent, pairs.second, top)
        parent = parent[parent]
        if (parent == before).all():
            break
    members = np.unique(np.concatenate([pairs.first, pairs.second]))
    order = members[np.argsort(parent[members], kind="stable")]
    cuts = np.flatnonzero(np.diff(parent[order])) + 1
    groups = [tuple(part.tolist()) for part in np.split(order, cuts) if len(part)]
    return sorted(groups, key=lambda group: (-len(group), group[0]))
