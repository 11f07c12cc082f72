"""Checks of the EXIF data of image files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from curate.basics.wording import counted
from qa.checks.check import Check, Hit, Limits, Outcome, highest_first
from qa.measures.arrays import Flags
from qa.view import View


def exif_orientation(view: View, limits: Limits) -> Outcome:
    """Images whose EXIF orientation is not 1: what is stored is not what is displayed and labelled."""
    return _of_image_files(view, {"": view.pixels.looks["orientation"] > 1})


def private_metadata(view: View, limits: Limits) -> Outcome:
    """Images whose EXIF data reveal where they were taken, or whose camera took them. The values themselves
    are not kept."""
    looks = view.pixels.looks
    told = {
        "where they were taken (GPS)": looks["located"] == 1,
        "a serial number or owner of the camera or lens": looks["owned"] == 1,
    }
    return _of_image_files(view, told)


def _of_image_files(view: View, found: Mapping[str, Flags]) -> Outcome:
    """A hit for each thing found of image files, with its count; hands in one image count once."""
    known = np.isfinite(view.pixels.looks["orientation"])
    first = {key: i for i, key in enumerate(zip(view.dataset_of, view.image, strict=True)) if known[i]}
    rows = np.array(list(first.values()), np.intp)
    counts = {what: int(flags[rows].sum()) for what, flags in found.items()}
    hits = [
        Hit(float(count), 0.0, words={"images": f"{count:,} of {counted(len(rows), 'image')}", "what": what})
        for what, count in counts.items()
        if count
    ]
    return Outcome(len(rows), highest_first(hits))


CHECKS: tuple[Check, ...] = (
    Check(
        "exif-orientation",
        "Images are stored upright",
        "info",
        "dataset",
        exif_orientation,
        "Stored rotated or mirrored, with an EXIF tag that sets them upright: {images}.",
        "Nothing here: curate applies the tag. In a tool that ignores it, the pictures would not fit the "
        "labels. Give it the output of curate export, crop or build, which is stored upright.",
    ),
    Check(
        "private-metadata",
        "Images do not reveal where and by whom they were taken",
        "warning",
        "dataset",
        private_metadata,
        "The EXIF data of {images} reveal {what}.",
        "Pass on crops or a training set (curate crop, curate build), which hold pixels only. "
        "curate convert --copy and curate export copy files as they are.",
    ),
)
