"""Which part of a photo becomes the picture of a hand, and how it is cut out exactly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry, images
from curate.basics.errors import InputError
from curate.basics.images import ImageInfo, Kind, Pixels
from curate.basics.settings import Options, choice, flag, number, whole
from curate.data.part import Part
from curate.data.sample import Sample, generator
from curate.hands.photograph import BadMask, Photograph

# What the hand is found by.
BY = ("colour", "keypoints", "mask", "bbox")

SHARED_WITHOUT_MASK = "shares its photo with another hand and has no mask"

_FAR = 4  # a square this many times larger than its image comes from a broken label
# A photo is decoded at so many times the size of its crop at least: the crop then is as from a full decode,
# PSNR 50 dB in the median.
_OVERSAMPLED = 2.5


class Dropped(Exception):
    """A sample that gives no crop, with its reason."""


@contextmanager
def set_aside(part: Part, sample_id: str, out: Path) -> Iterator[None]:
    """Work on one sample: one that cannot be used is counted, or in quarantine, and the next one follows."""
    try:
        yield
    except Dropped as reason:
        part.dropped[str(reason)] += 1
    except BadMask as bad:
        bad.record(part, sample_id, out)
    except InputError as error:
        part.quarantine.append((sample_id, error.reason))


@dataclass(frozen=True, slots=True)
class Cropping(Options):
    """How crops are chosen; `jitter` depends on `seed` and the sample's id alone."""

    by: str = choice("colour", BY, "what the hand is found by")
    margin: float = number(
        0.1, 0, 2, "what is left on each side, as a share of the longer side of the hand's box"
    )
    square: bool = flag(True, "keep the shape of the hand's box instead of cutting a square")
    jitter: float = number(
        0.0,
        0,
        0.5,
        "move and scale each crop at random by up to this share of its side, to study a bias of crops",
    )
    seed: int = whole(0, 0, 2**63 - 1, "of --jitter")

    def box(self, photograph: Photograph, shared: bool, notes: Counter[str]) -> NDArray[np.float64]:
        """The part (x, y, w, h) of a photo to cut, before it is fitted to whole pixels.

        Parameters
        ----------
        shared: the photo shows other samples too, so that colour cannot tell whose hand is seen.
        notes: counts "cut_by_label" and "whole_photo_kept".

        Raises
        ------
        Dropped: nothing to crop by, or no size or place for a hand. BadMask: its mask is no hand's.
        """
        if self.by == "colour" and shared:
            box = photograph.box("bbox")
            box = photograph.box("keypoints") if box is None else box
            notes["cut_by_label"] += box is not None
        else:
            box = photograph.box(self.by)
        if box is None and self.by == "colour":
            notes["whole_photo_kept"] += 1
            return geometry.square_around(photograph.whole, 0.0) if self.square else photograph.whole
        if box is None:
            raise Dropped(f"no {self.by} to crop by")
        return self._checked(self._around(box, photograph.sample.sample_id), photograph.info)

    def _around(self, box: NDArray[np.floating], sample_id: str) -> NDArray[np.float64]:
        part = geometry.square_around(box, self.margin)
        if not self.square:
            wider = np.asarray(box[2:], np.float64) + 2 * self.margin * max(box[2:])
            part = np.concatenate([part[:2] + (part[2:] - wider) / 2, wider])
        if self.jitter:
            across, down, larger = generator(self.seed, sample_id).uniform(-self.jitter, self.jitter, 3)
            middle = part[:2] + part[2:] / 2 + np.array([across, down]) * max(part[2:])
            part = np.concatenate([middle - part[2:] * (1 + larger) / 2, part[2:] * (1 + larger)])
        return part

    def _checked(self, part: NDArray[np.float64], info: ImageInfo) -> NDArray[np.float64]:
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

    Whole pixels of the photo decoded at 1/`shrink`, so that there is no resampling but one reduction, and the
    map from the photo is exact.

    Attributes
    ----------
    box: (x, y, w, h) in pixels of the decoded photo; beyond it the photo's edge is repeated.
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
        size: longer side of the result; without `enlarge` a smaller part keeps its own. None: it always does.
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
        """That part of the photo decoded at 1/`shrink`."""
        return images.cut(image, self.box, self.size)

    def of_labels(self, labels: NDArray[Kind]) -> NDArray[Kind]:
        """That part of a mask or depth map at full size, without mixing its values."""
        x, y, w, h = (self.shrink * value for value in self.box)
        return images.cut(labels, (x, y, w, h), self.size, labels=True)
