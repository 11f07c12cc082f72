"""Checks of the images themselves: there are some, they open, and they have the size of their labels."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np

from qa.checks.check import Check, Hit, Limits, Outcome, sample_outcome
from qa.checks.wording import size_text
from qa.measures.arrays import is_known
from qa.view import View


def no_samples(view: View, limits: Limits) -> Outcome:
    """A set without a sample: whatever made it went wrong silently."""
    return Outcome(1, [] if len(view) else [Hit(0.0, 1.0)])


def unreadable_image(view: View, limits: Limits) -> Outcome:
    """Images that do not decode fully (ultralytics' verify_image asks the same)."""
    if not view.pixels.opened:
        return Outcome(0)
    rows = np.flatnonzero(is_known(view.pixels.error))
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
    judged = np.all(np.isfinite(told), axis=1) & np.all(np.isfinite(real), axis=1)
    off = np.abs(told - real).max(axis=1)

    def words(i: int) -> dict[str, object]:
        return {"told": size_text(told[i]), "real": size_text(real[i])}

    return sample_outcome(judged, judged & (off > limits["pixels"]), off, limits["pixels"], words)


CHECKS: tuple[Check, ...] = (
    Check(
        "no-samples",
        "The set holds samples",
        "error",
        "dataset",
        no_samples,
        "The set holds no sample.",
        "See what was dropped: the counts in dataset.json, and quarantine.jsonl.",
    ),
    Check(
        "unreadable-image",
        "Every image opens",
        "error",
        "sample",
        unreadable_image,
        "The image {image} cannot be read: {reason}.",
        "Fetch the file again, or leave the sample out.",
    ),
    Check(
        "image-size",
        "Images have the size their labels were made for",
        "error",
        "sample",
        image_size,
        "The labels are for a {told} image, but the image is {real}.",
        "Convert again from the images that were labelled: if a file was rotated or resized since, "
        "every point is in the wrong place.",
        {"pixels": 0.5},
        alone=True,
    ),
)
