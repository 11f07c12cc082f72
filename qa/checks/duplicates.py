"""Checks for photographs that are in the set twice: where train holds one, test must not hold the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from curate.basics.wording import percent
from qa.checks.check import Check, Hit, Limits, Outcome
from qa.measures.arrays import Flags, Floats, Rows, blocks, is_known, shared
from qa.measures.similar_pairs import Pairs, correlations, similar_pairs
from qa.severity import Severity
from qa.view import View, boxes_of


def exact_duplicates(view: View, limits: Limits) -> Outcome:
    """The same pixels under two names: a warning within a split, an error across splits.

    Several hands in one image file are no copies, as long as they are in the same split.
    """
    across: list[Hit] = []
    within: list[Hit] = []
    for rows in _copies(view):
        splits = sorted({view.split[i] for i in rows} - {None})
        leaks = len(splits) > 1
        first, *others = rows
        file = view.dataset_of[first], view.image[first]
        for row in others:
            same_file = (view.dataset_of[row], view.image[row]) == file
            if same_file and (not leaks or view.split[row] == view.split[first]):
                continue
            words = {"other": view.sample_id[first], "splits": " and ".join(splits) or "no split"}
            hit = Hit(float(len(rows)), 1.0, row=row, severity="error" if leaks else "warning", words=words)
            (across if leaks else within).append(hit)
    judged = int(is_known(view.pixels.sha256).sum())
    return Outcome(judged, [*across, *within])


def hand_twice(view: View, limits: Limits) -> Outcome:
    """Hands of one image whose points lie on each other: one hand, labelled twice.

    Their mean distance, over the points that both have, is less than `apart` of the hand's size.
    """
    enough = np.flatnonzero(view.labelled.sum(axis=1) >= limits["points"])
    hits = []
    for own in shared(view.image[enough], view.dataset_of[enough]):
        rows = enough[own].tolist()
        hands = view.hands(enough[own])
        low, high = boxes_of(hands)
        size = (high - low).max(axis=1)
        for number, row in enumerate(rows[1:], start=1):
            gaps = np.linalg.norm(hands[:number] - hands[number], axis=2)
            measured = np.isfinite(gaps)
            count = measured.sum(axis=1)
            apart = np.where(measured, gaps, 0).sum(axis=1) / np.maximum(count, 1) / max(size[number], 1e-9)
            apart[count < limits["points"]] = np.inf
            first = int(apart.argmin())
            if apart[first] < limits["apart"]:
                other = rows[first]
                words = {"other": view.sample_id[other], "far": percent(apart[first], 1)}
                hits.append(
                    Hit(float(apart[first]), limits["apart"], row=row, words=words, rows=(other, row))
                )
    return Outcome(len(enough), hits)


def near_duplicates(view: View, limits: Limits) -> Outcome:
    """Images that look alike and show a hand in the same pose, as they are or one of them mirrored.

    They look alike where their thumbnails correlate by `likeness` (by `strangers`, where the subjects are
    known to differ) and their perceptual hashes differ by at most `distance` bits. On a white ground,
    different photographs do so too; so the keypoints that both have, if they are `points` or more, must also
    lie within `pose` of each other: their mean distance, in hand sizes.

    Across splits every image is an error; within a split each group is one note. An image that looks like
    more than `compared` others is compared with that many only, and a note says so.
    """
    judged, pairs, crowded = _near_pairs(view, limits)
    groups = _groups(pairs, len(view))
    group_of = {row: group for group in groups for row in group}
    one, other = view.split[pairs.first], view.split[pairs.second]
    apart = (one != other) & is_known(one) & is_known(other)
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
        hits.append(_crowd(crowded, int(limits["compared"])))
    return Outcome(judged, hits)


def _near_pairs(view: View, limits: Limits) -> tuple[int, Pairs, Rows]:
    """How many images were judged, the pairs that look alike, and rows that were not compared with all."""
    rows = np.flatnonzero(~is_known(view.pixels.error))
    least, at_most = min(limits["likeness"], limits["strangers"]), int(limits["compared"])
    pairs, crowded = similar_pairs(view.pixels.thumbs[rows], least, at_most)
    pairs, crowded = Pairs(rows[pairs.first], rows[pairs.second], pairs.mirrored), rows[crowded]
    for alike in (_hashes_alike, _poses_alike, _pictures_alike, _other_pixels):
        pairs = pairs.where(alike(view, pairs, limits))
    return len(rows), pairs, crowded


def look_alikes(view: View) -> Pairs:
    """Pairs of the same hand in the same pose, by the check's default limits: images that look alike, and
    copies. Two hands in one image are no pair."""
    (limits,) = (check.limits for check in CHECKS if check.run is near_duplicates)
    near = _near_pairs(view, limits)[1]
    copies = _pairs_of_copies(view)
    return near + copies.where(_poses_alike(view, copies, limits))


def _copies(view: View) -> Iterator[list[int]]:
    """Rows whose images have the same pixels."""
    anywhere = np.zeros(len(view), np.intp)
    return (rows.tolist() for rows in shared(view.pixels.sha256, anywhere))


def _pairs_of_copies(view: View) -> Pairs:
    """Pairs of hands in images with the same pixels under two names: each of the first image's with each of
    the others'."""
    found = []
    for rows in _copies(view):
        places = {row: (view.dataset_of[row], view.image[row]) for row in rows}
        one = [row for row in rows if places[row] == places[rows[0]]]
        others = [row for row in rows if places[row] != places[rows[0]]]
        found += [(first, row) for first in one for row in others]
    first, second = np.array(found, np.intp).reshape(-1, 2).T
    return Pairs(np.minimum(first, second), np.maximum(first, second), np.zeros(len(found), bool))


def _hit(view: View, row: int, other: int, splits: str, *, rows: tuple[int, ...], severity: Severity) -> Hit:
    words = {"other": view.sample_id[other], "splits": splits, "what": "with the same hand in the same pose"}
    return Hit(float(len(rows)), 1.0, row=row, severity=severity, words=words, rows=rows)


def _crowd(rows: Rows, at_most: int) -> Hit:
    """The note that some look-alikes were not compared with each other."""
    words = {
        "other": f"more than {at_most:,} others",
        "splits": f"{len(rows):,} such images" if len(rows) > 1 else "the only such image",
        "what": f"but was compared with only {at_most:,} of them",
    }
    return Hit(float(len(rows)), 0.0, row=int(rows[0]), severity="info", words=words)


def _hashes_alike(view: View, pairs: Pairs, limits: Limits) -> Flags:
    hashes, turned = view.pixels.hashes, pairs.mirrored.astype(np.intp)
    # A bit on the median may fall either way: of a mirrored pair, compare with either one mirrored.
    one = np.bitwise_count(hashes[pairs.first, 0] ^ hashes[pairs.second, turned])
    other = np.bitwise_count(hashes[pairs.first, turned] ^ hashes[pairs.second, 0])
    near: Flags = np.minimum(one, other) <= limits["distance"]
    return near


def _poses_alike(view: View, pairs: Pairs, limits: Limits) -> Flags:
    alike = np.zeros(len(pairs), bool)
    for part in blocks(len(pairs)):
        first, second = _poses(view, pairs.first[part]), _poses(view, pairs.second[part])
        turn = np.where(pairs.mirrored[part], -1.0, 1.0)[:, None]
        gap = np.hypot(first[..., 0] - turn * second[..., 0], first[..., 1] - second[..., 1])
        shared = np.isfinite(gap)
        count = shared.sum(axis=1)
        apart = np.where(shared, gap, 0).sum(axis=1) / np.maximum(count, 1)
        alike[part] = (count < limits["points"]) | (apart < limits["pose"])
    return alike


def _poses(view: View, rows: Rows) -> Floats:
    """Points (n, 21, 2) of some rows, from the middle of their box, in units of its longer side."""
    hands = view.hands(rows)
    low, high = boxes_of(hands)
    size = (high - low).max(axis=1)
    poses: Floats = (hands - ((low + high) / 2)[:, None]) / np.where(size > 0, size, np.nan)[:, None, None]
    return poses


def _pictures_alike(view: View, pairs: Pairs, limits: Limits) -> Flags:
    one, other = view.subject_id[pairs.first], view.subject_id[pairs.second]
    strangers = (one != other) & is_known(one) & is_known(other)
    least = np.where(strangers, limits["strangers"], limits["likeness"])
    alike: Flags = correlations(view.pixels.thumbs, pairs) >= least
    return alike


def _other_pixels(view: View, pairs: Pairs, limits: Limits) -> Flags:
    """Pairs that are neither two hands in one image nor copies, which `exact_duplicates` finds."""
    a, b = pairs.first, pairs.second
    same = (view.dataset_of[a] == view.dataset_of[b]) & (view.image[a] == view.image[b])
    other: Flags = ~same & (view.pixels.sha256[a] != view.pixels.sha256[b])
    return other


def _groups(pairs: Pairs, count: int) -> list[tuple[int, ...]]:
    """Groups of rows connected by pairs, each in order; the largest first."""
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


CHECKS: tuple[Check, ...] = (
    Check(
        "exact-duplicates",
        "No image is in the set twice",
        "warning",
        "sample",
        exact_duplicates,
        "Has the same pixels as {other} ({splits}).",
        "Keep one of them; across splits, a network is tested on what it was trained on.",
    ),
    Check(
        "hand-twice",
        "No hand is labelled twice in its image",
        "warning",
        "sample",
        hand_twice,
        "Is the same hand in the same image as {other}: the points are {far} of the hand's size apart.",
        "Keep one of them: the source has a line or a file twice, or a tagger took one hand for two.",
        {"apart": 0.05, "points": 5},
    ),
    Check(
        "near-duplicates",
        "No photograph is in the set twice, re-encoded, resized or mirrored",
        "error",
        "sample",
        near_duplicates,
        "Looks almost the same as {other} ({splits}), {what}.",
        "Put both into one split, or keep one of them: curate select --near-duplicates one.",
        {"distance": 8, "likeness": 0.99, "strangers": 0.997, "pose": 0.02, "points": 12, "compared": 1000},
    ),
)
