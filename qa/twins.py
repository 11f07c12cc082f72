"""Near duplicates and bursts: photographs so alike that a test which holds one is answered by the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from curate.images import Pixels
from qa.finding import Hit, Outcome
from qa.measure import THUMB
from qa.people import numbered
from qa.view import View

Limits = Mapping[str, float]
Rows = NDArray[np.intp]

_AGREE = 3  # bands that must be equal; with `distance` + _AGREE bands two hashes so near always have them
_REACH = 256  # neighbours looked at in a bucket; a larger one is of images that are all alike
_BLOCK = 1 << 16
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: Fibonacci hashing (Knuth 6.4)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of rows (first < second), and whether the second is the first's mirror image."""

    first: Rows
    second: Rows
    mirrored: NDArray[np.bool_]

    def where(self, keep: NDArray[np.bool_]) -> _Pairs:
        return _Pairs(self.first[keep], self.second[keep], self.mirrored[keep])


def near_duplicates(view: View, limits: Limits) -> Outcome:
    """Images that look alike and show the same pose, or mirror images of one: errors across splits.

    Alike: perceptual hashes within `distance` bits. Hashes alone would take hands on a white ground for one
    another, so that thumbnails must correlate by `likeness` (`strangers`, where the subjects are known to
    differ), and keypoints, where both have them, lie within `pose` of each other: the mean distance, in hand
    sizes. Within a split, one hit a group, a note.
    """
    rows = np.flatnonzero(view.pixels.error == np.array(None))
    pairs = near_pairs(view.pixels.hashes[rows], int(limits["distance"]))
    pairs = _Pairs(rows[pairs.first], rows[pairs.second], pairs.mirrored)
    image = np.unique(
        np.array([f"{d}/{name}" for d, name in zip(view.dataset_of, view.image, strict=True)] or [""]),
        return_inverse=True,
    )[1]
    other = (image[pairs.first] != image[pairs.second]) & (
        view.pixels.sha256[pairs.first] != view.pixels.sha256[pairs.second]
    )
    pairs = pairs.where(other)
    pairs = pairs.where(_same_picture(view, pairs, limits))
    groups = _groups(pairs, len(view))
    group_of = {row: group for group in groups for row in group}
    apart = (view.split[pairs.first] != view.split[pairs.second]) & _every_split(view, pairs)
    hits = []
    told = set[int]()
    for a, b in zip(pairs.first[apart].tolist(), pairs.second[apart].tolist(), strict=True):
        row, other = (a, b) if view.split[b] == "train" else (b, a)
        if row not in told:
            told.add(row)
            words = {"other": view.sample_id[other], "splits": f"{view.split[row]} and {view.split[other]}"}
            group = group_of[row]
            hits.append(Hit(float(len(group)), 1.0, row=row, severity="error", words=words, rows=group))
    for group in groups:
        if told.isdisjoint(group):
            words = {"other": view.sample_id[group[1]], "splits": view.split[group[0]] or "no split"}
            hits.append(Hit(float(len(group)), 1.0, row=group[0], severity="info", words=words, rows=group))
    return Outcome(len(rows), hits)


def _every_split(view: View, pairs: _Pairs) -> NDArray[np.bool_]:
    known = view.split != np.array(None)
    both: NDArray[np.bool_] = known[pairs.first] & known[pairs.second]
    return both


def near_pairs(hashes: NDArray[np.uint64], distance: int) -> _Pairs:
    """All pairs of images whose hashes, or one's hash and the other's mirror hash, are that near.

    Bands: 64 bits are cut into `distance` + 3 pieces; two hashes that differ in at most `distance` bits share
    at least three of them, so that sorting by each three pieces brings them together. A pair that shares more
    is taken where its first three meet.

    Parameters
    ----------
    hashes: (n, 2) of each image and of its mirror image.
    """
    count = len(hashes)
    flat = np.concatenate([hashes[:, 0], hashes[:, 1]])
    found = [np.zeros(0, np.uint64)]
    crowded = np.zeros(len(flat), bool)
    cuts = np.linspace(0, 64, distance + _AGREE + 1).round().astype(int)
    bands = [np.uint64(((1 << int(b - a)) - 1) << int(a)) for a, b in pairwise(cuts)]
    for chosen in combinations(range(len(bands)), _AGREE):
        first, second = _candidates(flat, np.bitwise_or.reduce([bands[i] for i in chosen]), crowded)
        apart = flat[first] ^ flat[second]
        near = np.flatnonzero(np.bitwise_count(apart) <= distance)
        first, second, apart = first[near], second[near], apart[near]
        # Of a bucket too full to be compared in whole, pairs are taken wherever they meet.
        keep = crowded[first] & crowded[second]
        once = np.ones(len(near), bool)
        for i in range(chosen[-1]):
            if i not in chosen:
                once &= (apart & bands[i]) != 0
        # Two mirror images say what their originals say.
        keep = (keep | once) & (first < count) & (first != second - count)
        first, second = first[keep], second[keep]
        mirrored = second >= count
        second = second - count * mirrored
        low, high = np.minimum(first, second), np.maximum(first, second)
        found.append((low * count + high).astype(np.uint64) * np.uint64(2) + mirrored.astype(np.uint64))
    keys = np.unique(np.concatenate(found))
    pair = (keys >> np.uint64(1)).astype(np.intp)
    size = max(count, 1)
    return _Pairs(pair // size, pair % size, (keys & np.uint64(1)).astype(bool))


def _candidates(hashes: NDArray[np.uint64], mask: np.uint64, crowded: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Pairs (first < second) that agree under a mask; buckets of more than _REACH make rows `crowded`."""
    places = np.arange(len(hashes), dtype=np.uint64)
    low = np.uint64((1 << len(hashes).bit_length()) - 1)
    # Mixed and joined with the row, plain sorting does; what collides is no pair in the end.
    key = ((hashes & mask) * _MIX & ~low) | places
    key.sort()
    order = (key & low).astype(np.intp)
    key >>= np.uint64(int(low).bit_length())
    same = key[1:] == key[:-1]
    run, reach = same, 1
    parts = [(np.zeros(0, np.intp), np.zeros(0, np.intp))]
    while reach < _REACH and run.any():
        starts = np.flatnonzero(run)
        parts.append((order[starts], order[starts + reach]))
        # Three in a row are equal where the first two are, and the last two.
        run, reach = run[:-1] & same[reach:], reach + 1
    if run.any():
        full = np.isin(key, key[np.flatnonzero(run)])
        crowded[order[full]] = True
    first, second = (np.concatenate(side) for side in zip(*parts, strict=True))
    return first, second


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


def _same_picture(view: View, pairs: _Pairs, limits: Limits) -> NDArray[np.bool_]:
    low, high = view.boxes()
    size = (high - low).max(axis=1)
    size = np.where(size > 0, size, np.nan)
    poses = (view.points - ((low + high) / 2)[:, None]) / size[:, None, None]
    thumbs = _unit_thumbs(view.pixels.thumbs)
    keep = np.zeros(len(pairs.first), bool)
    for start in range(0, len(keep), _BLOCK):
        part = slice(start, start + _BLOCK)
        first, second = pairs.first[part], pairs.second[part]
        turn = np.where(pairs.mirrored[part], -1.0, 1.0)[:, None]
        gap = np.hypot(
            poses[first, :, 0] - turn * poses[second, :, 0], poses[first, :, 1] - poses[second, :, 1]
        )
        shared = np.isfinite(gap)
        count = shared.sum(axis=1)
        apart = np.where(shared, gap, 0).sum(axis=1) / np.maximum(count, 1)
        agree = (count < limits["points"]) | (apart < limits["pose"])
        alike = np.zeros(len(first))
        some = np.flatnonzero(agree)
        place = second[some] + len(view) * pairs.mirrored[part][some]
        alike[some] = np.einsum("ij,ij->i", thumbs[first[some]], thumbs[place])
        subjects = view.subject_id[first], view.subject_id[second]
        strange = (subjects[0] != subjects[1]) & (subjects[0] != None) & (subjects[1] != None)  # noqa: E711
        keep[part] = alike >= np.where(strange, limits["strangers"], limits["likeness"])
    return keep


def _unit_thumbs(thumbs: Pixels) -> NDArray[np.float32]:
    """Thumbnails, then their mirror images, so scaled that a product of two is their correlation."""
    flat = np.concatenate([thumbs, thumbs[:, :, ::-1]]).reshape(-1, THUMB * THUMB).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat


def _groups(pairs: _Pairs, count: int) -> list[tuple[int, ...]]:
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
