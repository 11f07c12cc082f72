"""Finding the hand in a photo: a table of finders, and the orders in which several are asked.

A new finder is a function from a photograph to what it found, and a row of the table. A trained run that
finds masks is a finder, too: `curate.taggers.finder` makes its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry
from curate.basics import keypoints as kp
from curate.basics.images import Pixels
from curate.data.sample import Sample
from curate.hands.photograph import Photograph

FOUND_BY = "found_by"  # in a sample's attrs: what its hand was found by


@dataclass(frozen=True, slots=True)
class Found:
    """Where a hand is in its photo.

    Attributes
    ----------
    box: (4,) x, y, w, h, pixels. by: the finder's name. score: how sure it is, 0 to 1, where it says so.
    """

    box: NDArray[np.floating]
    by: str
    score: float | None = None

    @property
    def sureness(self) -> float:
        """The score; 0 where the finder gives none."""
        return self.score or 0.0


Find = Callable[[Photograph], Found | None]
FindAll = Callable[[Photograph], list[Found]]


@dataclass(frozen=True, slots=True)
class Finder:
    """A row of the table.

    Attributes
    ----------
    name: of the finder; `curate.options.crop` says what it takes for the hand's box.
    labels: it goes by the sample's labels, so it tells hands that share a photo apart.
    pixels: it looks at the photo's colours.
    find: gives the hand's box; None: it cannot tell. Raises BadMask where the sample's own mask cannot be a
        hand's, and UnreadableImage.
    find_all: gives each hand's box; None: the finder does not tell hands apart.
    content: a hash; finders of one name and content find the same.
    """

    name: str
    labels: bool
    pixels: bool
    find: Find
    find_all: FindAll | None = None
    content: str = ""

    @property
    def identity(self) -> str:
        """The finder as dataset.json records it."""
        return f"{self.name} {self.content}" if self.content else self.name


def _by_colour(photograph: Photograph) -> Found | None:
    skin = photograph.trusted_skin
    return None if skin is None else Found(_box_of(skin, photograph), "colour")


def _box_of(skin: Pixels, photograph: Photograph) -> NDArray[np.float64]:
    across, down = photograph.info.width / skin.shape[1], photograph.info.height / skin.shape[0]
    x, y, w, h = cv2.boundingRect(skin)
    return np.array([x * across, y * down, w * across, h * down])


def _by_keypoints(photograph: Photograph) -> Found | None:
    box = geometry.bounding_box(photograph.sample.keypoints)
    return None if box is None else Found(box, "keypoints")


def _by_mask(photograph: Photograph) -> Found | None:
    mask = photograph.mask()
    if mask is None:
        return None
    return Found(np.array(cv2.boundingRect(mask.view(np.uint8)), np.float64), "mask")


def _by_bbox(photograph: Photograph) -> Found | None:
    box = photograph.sample.bbox
    return None if box is None else Found(box, "bbox")


def _whole(photograph: Photograph) -> Found:
    return Found(photograph.whole, WHOLE)


WHOLE = "whole photo"
NONE = "none"  # no finder saw a hand, and none was looked for

FINDERS: dict[str, Finder] = {
    finder.name: finder
    for finder in (
        Finder("colour", labels=False, pixels=True, find=_by_colour),
        Finder("keypoints", labels=True, pixels=False, find=_by_keypoints),
        Finder("mask", labels=True, pixels=False, find=_by_mask),
        Finder("bbox", labels=True, pixels=False, find=_by_bbox),
        Finder(WHOLE, labels=False, pixels=False, find=_whole),
    )
}

# For one of several hands in a photo: only labels tell which is meant. Asked in this order.
OWN_HAND = ("bbox", "keypoints")
# For a hand that may have no labels, asked in this order.
ANY_HAND = ("bbox", "colour", WHOLE)


def first(
    photograph: Photograph, order: Iterable[str], finders: Mapping[str, Finder] = FINDERS
) -> Found | None:
    """The answer of the first of these finders that has one; None where none has. Raises as `find` does."""
    for name in order:
        found = finders[name].find(photograph)
        if found is not None:
            return found
    return None


def labels_contradict_colour(photograph: Photograph) -> bool:
    """Whether most of the visible keypoints lie outside what colour takes for the hand, trusted or not."""
    sample, skin = photograph.sample, photograph.skin
    points = sample.keypoints[sample.visibility == kp.VISIBLE]
    if skin is None or not len(points):
        return False
    x, y, w, h = _box_of(skin, photograph)
    inside = ((points >= (x, y)) & (points <= (x + w, y + h))).all(axis=1)
    return bool(inside.mean() < 0.5)


def with_found_by(sample: Sample, by: str) -> Sample:
    """The sample with the name of what its hand was found by."""
    return replace(sample, attrs={**sample.attrs, FOUND_BY: by})
