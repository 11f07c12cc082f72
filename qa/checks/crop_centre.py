"""Checks of a whole set: leaks between splits, duplicates, what a crop or an order did to every sample."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qa.checks.points import backward_fingers
from qa.finding import Hit, Outcome, graded
from qa.measures.image_pass import Names
from qa.measures.robust import mean_and_error
from qa.view import View

Limits = Mapping[str, float]

# A difference must exceed this many standard errors too, or a small split would be blamed for its luck.
_STANDARD_ERRORS = 3.0


def no_samples(view: View, limits: Limits) -> Outcome:
    """A set without a sample: whatever made it went wrong silently."""
    return Outcome(1, [] if len(view) else [Hit(0.0, 1.0)])


def finger_order_set(view: View, limits: Limits) -> Outcome:
    """Share of the hands whose fingers run from tip to palm: many of them mean a wrong order map."""
    backward, measured = backward_fingers(view.points)
    judged = measured >= 3
    count = int(judged.sum())
    bad = int((backward[judged] >= limits["fingers"] * measured[judged]).sum())
    if not count or bad <= limits["share"] * count:
        return Outcome(count)
    share = bad / count
    return Outcome(count, [Hit(share, limits["share"], words={"bad": bad, "count": count})])


def subject_leak(view: View, limits: Limits) -> Outcome:
    """Subjects with samples in more than one split."""
    return _leak(view, view.subject_id, per_dataset=False)


def parent_leak(view: View, limits: Limits) -> Outcome:
    """Photographs with crops in more than one split (`parent_id`)."""
    return _leak(view, view.parent_id, per_dataset=True)


def exact_duplicates(view: View, limits: Limits) -> Outcome:
    """The same pixels under two names: a warning within a split, an error across splits.

    Several hands in one image file share its pixels by right, as long as they share its split.
    """
    groups = defaultdict[str, list[int]](list)
    for row, digest in enumerate(view.pixels.sha256):
        if digest is not None:
            groups[digest].append(row)
    across: list[Hit] = []
    within: list[Hit] = []
    for rows in groups.values():
        if len(rows) == 1:
            continue
        places = {(view.dataset_of[i], view.image[i]) for i in rows}
        splits = sorted({view.split[i] for i in rows} - {None})
        first = rows[0]
        for row in rows[1:]:
            leaks = len(splits) > 1
            if not leaks and len(places) == 1:
                continue
            words = {"other": view.sample_id[first], "splits": " and ".join(splits) or "no split"}
            hit = Hit(float(len(rows)), 1.0, row=row, severity="error" if leaks else "warning", words=words)
            (across if leaks else within).append(hit)
    judged = int((view.pixels.sha256 != np.array(None)).sum())
    return Outcome(judged, [*across, *within])


def crop_centre(view: View, limits: Limits) -> Outcome:
    """Crops whose hands lie off the middle, per split.

    Measured by the centre of the keypoints' box, in shares of the crop's side; the mean of the keypoints
    is told as well, though no limit is put on it, as a hand is not symmetric.
    """
    box, mean = centre_offsets(view)
    hits: list[Hit] = []
    checked = 0
    for split, rows in view.splits().items():
        inside = rows[np.isfinite(box[rows]).all(axis=1)]
        if len(inside) < 2:
            continue
        checked += 1
        offset, error = mean_and_error(box[inside])
        size = np.abs(offset)
        # What chance may have added is taken off: a small split is not blamed for its luck.
        sure = (size - _STANDARD_ERRORS * error).max()
        if sure <= limits["warning"]:
            continue
        words = {
            "split": split or "no split",
            "box": _percent(offset),
            "mean": _percent(np.nanmean(mean[inside], axis=0)),
            "count": len(inside),
        }
        severity, limit = graded(sure, limits)
        hits.append(Hit(float(size.max()), limit, split=split, severity=severity, words=words))
    return Outcome(checked, sorted(hits, key=lambda hit: -hit.score))


def crop_centre_drift(view: View, limits: Limits) -> Outcome:
    """Whether the hands of val or test lie elsewhere in their crops than those of train."""
    box, mean = centre_offsets(view)
    groups = {name: rows for name, rows in view.splits().items() if name}
    train = groups.pop("train", np.zeros(0, np.intp))
    hits: list[Hit] = []
    checked = 0
    for split, rows in groups.items():
        worst, limit, judged = 0.0, limits["share"], False
        words: dict[str, object] = {"split": split}
        for name, values in (("box centre", box), ("keypoint mean", mean)):
            here, there = (values[r][np.isfinite(values[r]).all(axis=1)] for r in (rows, train))
            if min(len(here), len(there)) < 2:
                continue
            judged = True
            (a, ea), (b, eb) = mean_and_error(here), mean_and_error(there)
            far = np.abs(a - b)
            beyond = far[(far > limit) & (far > _STANDARD_ERRORS * np.hypot(ea, eb))]
            if len(beyond) and beyond.max() > worst:
                worst = float(beyond.max())
                words |= {"what": name, "here": _percent(a), "train": _percent(b)}
        checked += judged
        if worst:
            hits.append(Hit(worst, limit, split=split, words=words))
    return Outcome(checked, hits)


def centre_offsets(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre of the keypoints' box, and mean of the keypoints, from the crop's middle: (n, 2) each.

    In shares of the crop's width and height; NaN for samples that are no crops.
    """
    size = np.where(view.cut[:, None], view.frame, np.nan)
    low, high = view.boxes()
    count = view.labelled.sum(axis=1)[:, None]
    total = np.nansum(view.points, axis=1)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return (low + high) / 2 / size - 0.5, mean / size - 0.5


def _leak(view: View, names: Names, *, per_dataset: bool) -> Outcome:
    """Names that stand in more than one split. Ids of parents are told apart per folder."""
    counts = defaultdict[tuple[int, str], Counter[str]](Counter)
    folder = view.dataset_of.tolist() if per_dataset else [0] * len(view)
    for where, name, split in zip(folder, names, view.split, strict=True):
        if name is not None and split is not None:
            counts[where, name][split] += 1
    hits = []
    for (_, name), splits in counts.items():
        if len(splits) > 1:
            text = ", ".join(f"{count} in {split}" for split, count in sorted(splits.items()))
            hits.append(Hit(float(len(splits)), 1.0, words={"name": name, "splits": text}))
    return Outcome(len(counts), hits)


def _percent(offset: NDArray[np.float64]) -> str:
    x, y = np.round(100 * offset, 1) + 0.0  # no minus before a zero
    return f"({x:+.1f} %, {y:+.1f} %)"
