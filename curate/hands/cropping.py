"""Which part of a photo becomes the picture of a hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry
from curate.basics.errors import InputError
from curate.basics.images import ImageInfo
from curate.data.part import Part
from curate.data.sample import Sample, generator
from curate.hands.finding import (
    FINDERS,
    OWN_HAND,
    WHOLE,
    Finder,
    Found,
    first,
    labels_contradict_colour,
)
from curate.hands.photograph import BadMask, Photograph
from curate.options.crop import Cropping

WHOLE_KEPT = "whole_photo_kept"  # the note of a photo in which the hand's place is not known
SHARED_WITHOUT_MASK = "shares its photo with another hand and has no mask"

_FAR = 4  # a square this many times larger than its image comes from a broken label


class Dropped(Exception):
    """A sample that gives no crop, and why."""


@contextmanager
def set_aside(part: Part, sample_id: str, out: Path) -> Iterator[None]:
    """Work on one sample. If it cannot be used, it is counted or put into quarantine; the work goes on."""
    try:
        yield
    except Dropped as reason:
        part.dropped[str(reason)] += 1
    except BadMask as bad:
        bad.record(part, sample_id, out)
    except InputError as error:
        part.quarantine.append((sample_id, error.reason))


def record_of(cropping: Cropping, finders: Mapping[str, Finder] = FINDERS) -> dict[str, Any]:
    """The options for dataset.json: the same for the same run, wherever it lies."""
    return {**asdict(cropping), "by": finders[cropping.by].identity}


def find_hand(
    cropping: Cropping,
    photograph: Photograph,
    shared: bool,
    notes: Counter[str],
    finders: Mapping[str, Finder] = FINDERS,
) -> Found:
    """The part of a photo to cut, before it is fitted to whole pixels, and what the hand was found by.

    Parameters
    ----------
    shared: the photo shows other samples too, and whose hand is seen only labels can tell.
    notes: counts "cut_by_label" and "whole_photo_kept". finders: the table, with the run that `by` names.

    Raises
    ------
    Dropped: nothing to crop by, or no size or place for a hand. BadMask: its mask is no hand's.
    """
    finder = finders[cropping.by]
    found = first(photograph, _order(cropping, finder, photograph, shared), finders)
    if found is None:
        raise Dropped(f"no {cropping.by} to crop by")
    if found.by == WHOLE:
        notes[WHOLE_KEPT] += 1
        return replace(found, box=geometry.square_around(found.box, 0.0)) if cropping.square else found
    if found.by != finder.name:
        notes["cut_by_label"] += 1
    part = _around(cropping, found.box, photograph.sample.sample_id)
    return replace(found, box=_checked(part, photograph.info))


def _order(cropping: Cropping, finder: Finder, photograph: Photograph, shared: bool) -> tuple[str, ...]:
    if finder.labels:
        return (cropping.by,)
    if shared or (cropping.by == "colour" and labels_contradict_colour(photograph)):
        return (*OWN_HAND, WHOLE)
    return (cropping.by, WHOLE)


def _around(cropping: Cropping, box: NDArray[np.floating], sample_id: str) -> NDArray[np.float64]:
    part = geometry.square_around(box, cropping.margin)
    if not cropping.square:
        wider = np.asarray(box[2:], np.float64) + 2 * cropping.margin * max(box[2:])
        part = np.concatenate([part[:2] + (part[2:] - wider) / 2, wider])
    if cropping.jitter:
        across, down, larger = generator(cropping.seed, sample_id).uniform(
            -cropping.jitter, cropping.jitter, 3
        )
        middle = part[:2] + part[2:] / 2 + np.array([across, down]) * max(part[2:])
        part = np.concatenate([middle - part[2:] * (1 + larger) / 2, part[2:] * (1 + larger)])
    return part


def _checked(part: NDArray[np.float64], info: ImageInfo) -> NDArray[np.float64]:
    x, y, w, h = part
    if not 1 <= min(w, h) <= max(w, h) <= _FAR * max(info.width, info.height):
        raise Dropped("its box is no size for a hand in its photo")
    if x >= info.width or y >= info.height or x + w <= 0 or y + h <= 0:
        raise Dropped("its box lies outside its photo")
    return part


def count_points(made: Sample, notes: Counter[str]) -> None:
    """Count how many labelled points a crop has, and how many of them lie outside it."""
    labelled = made.keypoints[made.visibility > 0]
    end = np.array([made.width, made.height], np.float32)
    outside = int(((labelled < 0) | (labelled > end)).any(axis=1).sum())
    notes["labelled_points"] += len(labelled)
    notes["labelled_points_outside_crop"] += outside
    notes["samples_with_points_outside_crop"] += outside > 0
