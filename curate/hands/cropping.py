"""Which part of a photo becomes the picture of a hand, and how it is cut out exactly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry, images
from curate.basics.errors import InputError
from curate.basics.images import ImageInfo, Kind, Pixels
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
# A photo is decoded at this many times the size of its crop, or more. The crop then differs from that of a
# full decode by a PSNR of 50 dB in the median.
_OVERSAMPLED = 2.5


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


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of a photo and the size it is brought to.

    The part is made of whole pixels of the decoded photo. So it is resampled only once, when it is brought to
    its size, and the map from the photo is exact.

    Attributes
    ----------
    shrink: the photo is decoded at 1/`shrink`, as `images.read` does.
    box: (x, y, w, h) in pixels of the decoded photo; what lies beyond it repeats its edge.
    size: (width, height) of the result.
    """

    shrink: int
    box: tuple[int, int, int, int]
    size: tuple[int, int]

    @classmethod
    def around(
        cls, info: ImageInfo, part: NDArray[np.floating], size: int | None, *, enlarge: bool = False
    ) -> Frame:
        """The frame that holds a part (x, y, w, h) of a photo; a square stays one.

        Parameters
        ----------
        size: longer side of the result, pixels; None: the part's own.
        enlarge: bring a part that is smaller than `size` to it, too; otherwise it keeps its own size.
        """
        x, y, w, h = part
        shrink = 1 if size is None else images.shrink_for(info, _OVERSAMPLED * size / max(w, h))
        left, top = math.floor(x / shrink), math.floor(y / shrink)
        across, down = math.ceil((x + w) / shrink) - left, math.ceil((y + h) / shrink) - top
        if w == h:
            across = down = max(across, down)
        longer = max(across, down)
        new = longer if size is None else size if enlarge else min(size, longer)
        fitted = tuple(max(1, round(side * new / longer)) for side in (across, down))
        return cls(shrink, (left, top, across, down), (fitted[0], fitted[1]))

    @property
    def affine(self) -> geometry.Affine:
        """(2, 3) from the photo to the result."""
        return geometry.box_to_size(np.array(self.box) * self.shrink, self.size)

    def of(self, image: Pixels) -> Pixels:
        """The result, from the photo as decoded at 1/`shrink`."""
        return images.cut(image, self.box, self.size)

    def of_labels(self, labels: NDArray[Kind]) -> NDArray[Kind]:
        """The same part of a mask or depth map of the photo's full size; its values are never mixed."""
        x, y, w, h = (self.shrink * value for value in self.box)
        return images.cut(labels, (x, y, w, h), self.size, labels=True)
