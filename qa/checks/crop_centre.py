"""Checks of where hands lie in their crops."""

from __future__ import annotations

import numpy as np

from curate.basics.wording import counted
from qa.checks.check import Check, Hit, Limits, Outcome, graded, highest_first
from qa.checks.wording import offset_text
from qa.measures import robust
from qa.measures.arrays import Floats, blocks
from qa.view import View

# A difference must exceed this many standard errors too, or a small split would be blamed for its luck.
_STANDARD_ERRORS = 3.0


def crop_centre(view: View, limits: Limits) -> Outcome:
    """Crops whose hands lie off the middle, per split.

    The limit is on the centre of the keypoints' box, as a share of the crop's side. The mean of the keypoints
    is reported too, but has no limit: a hand is not symmetric.
    """
    box, mean = centre_offsets(view)
    hits: list[Hit] = []
    checked = 0
    for split, rows in view.splits().items():
        inside = rows[np.isfinite(box[rows]).all(axis=1)]
        if len(inside) < 2:
            continue
        checked += 1
        offset, error = robust.mean_and_error(box[inside])
        size = np.abs(offset)
        # Less what chance may have added.
        sure = (size - _STANDARD_ERRORS * error).max()
        if sure <= limits["warning"]:
            continue
        words = {
            "split": split or "no split",
            "box": offset_text(offset),
            "mean": offset_text(np.nanmean(mean[inside], axis=0)),
            "crops": counted(len(inside), "crop"),
        }
        severity, limit = graded(sure, limits)
        hits.append(Hit(float(size.max()), limit, split=split, severity=severity, words=words))
    return Outcome(checked, highest_first(hits))


def crop_centre_drift(view: View, limits: Limits) -> Outcome:
    """Whether the hands of val or test lie elsewhere in their crops than those of train."""
    box, mean = centre_offsets(view)
    hits: list[Hit] = []
    checked = 0
    for split, rows, train in view.against_train():
        worst, limit, judged = 0.0, limits["share"], False
        words: dict[str, object] = {"split": split}
        for name, values in (("box centre", box), ("keypoint mean", mean)):
            here, there = (values[r][np.isfinite(values[r]).all(axis=1)] for r in (rows, train))
            if min(len(here), len(there)) < 2:
                continue
            judged = True
            (a, ea), (b, eb) = robust.mean_and_error(here), robust.mean_and_error(there)
            far = np.abs(a - b)
            beyond = far[(far > limit) & (far > _STANDARD_ERRORS * np.hypot(ea, eb))]
            if len(beyond) and beyond.max() > worst:
                worst = float(beyond.max())
                words |= {"what": name, "here": offset_text(a), "train": offset_text(b)}
        checked += judged
        if worst:
            hits.append(Hit(worst, limit, split=split, words=words))
    return Outcome(checked, hits)


def centre_offsets(view: View) -> tuple[Floats, Floats]:
    """Offsets of the keypoints' box and of their mean from the crop's middle, (n, 2) each.

    As shares of the crop's width and height; NaN for samples that are not crops.
    """
    size = np.where(view.cut[:, None], view.frame, np.nan)
    low, high = view.boxes()
    count = view.labelled.sum(axis=1)[:, None]
    total = np.empty((len(view), 2))
    for rows in blocks(len(view)):
        total[rows] = np.nansum(view.hands(rows), axis=1)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return (low + high) / 2 / size - 0.5, mean / size - 0.5


CHECKS: tuple[Check, ...] = (
    Check(
        "crop-centre",
        "Hands lie in the middle of their crops",
        "error",
        "split",
        crop_centre,
        "In {split} ({crops}) the hands' boxes lie {box} off the middle, and the keypoints' mean {mean}.",
        "Crop again around the keypoints' box; else a network learns the offset instead of the hand.",
        {"warning": 0.02, "error": 0.04},
    ),
    Check(
        "crop-centre-drift",
        "All splits are cropped alike",
        "error",
        "split",
        crop_centre_drift,
        "The {what} lies {here} off the crop's middle in {split}, but {train} in train.",
        "Crop every split with the same settings.",
        {"share": 0.015},
    ),
)
