"""Atlases: thumbnails of many samples in one picture, and their masks at the same places of another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import files, geometry, images
from curate.basics.errors import UnreadableImage
from curate.data.references import read_image
from curate.data.sample import Sample
from qa.measures.hand_look import hand_mask
from qa.measures.image_pass import own_mask
from qa.review.decisions import pixel_state

THUMB = 96  # px
ACROSS = 16
SHELF = ACROSS * ACROSS
_QUALITY = 70
_NO_MASK, _OWN_MASK, _BY_COLOUR = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Shown:
    """What decoding a sample's image gave.

    Attributes
    ----------
    width, height: of the image; 0 if it does not open. window: the square (x, y, side) shown, pixels.
    mask: _NO_MASK, _OWN_MASK or _BY_COLOUR. pixels: see `qa.review.decisions.pixel_state`.
    """

    width: int
    height: int
    window: tuple[int, int, int]
    mask: int
    pixels: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """One atlas.

    Attributes
    ----------
    samples: those on it. crowded: which of their images show several hands. root: of their dataset.
    atlas, masks: the files to write. done: the file for what was `Shown`, written once both are there.
    """

    samples: list[Sample]
    crowded: frozenset[str]
    root: Path
    atlas: Path
    masks: Path
    done: Path


def fill(shelf: Shelf) -> list[Shown]:
    """Write a shelf's atlas and masks, unless that is done; returns what each sample shows."""
    if shelf.done.exists():
        rows_seen = json.loads(shelf.done.read_bytes())
        return [Shown(w, h, (x, y, side), mask, pixels) for w, h, x, y, side, mask, pixels in rows_seen]
    rows = -(-len(shelf.samples) // ACROSS)
    sheet = np.full((rows * THUMB, ACROSS * THUMB, 3), 128, np.uint8)
    stencil = np.zeros(sheet.shape[:2], np.uint8)
    seen = []
    for slot, sample in enumerate(shelf.samples):
        top, left = THUMB * (slot // ACROSS), THUMB * (slot % ACROSS)
        try:
            pixels = read_image(shelf.root, sample.image)
        except UnreadableImage:
            seen.append(Shown(0, 0, (0, 0, 1), _NO_MASK, pixel_state(None)))
            continue
        height, width = pixels.shape[:2]
        x, y, side = window = window_of(sample.keypoints, width, height)
        cut = images.cut_square(pixels, (x, y), side, THUMB)
        sheet[top : top + THUMB, left : left + THUMB] = cut if cut.ndim == 3 else cut[..., None]
        kind, mask = _mask(shelf, sample, pixels)
        if mask is not None:
            stencil[top : top + THUMB, left : left + THUMB] = (
                images.cut_square(mask, (x, y), side, THUMB) > 127
            )
        seen.append(Shown(width, height, window, kind, pixel_state(pixels)))
    images.write(shelf.atlas, sheet, quality=_QUALITY)
    if any(one.mask for one in seen):
        files.write(shelf.masks, images.encode_stencil(stencil))
    told = [(one.width, one.height, *one.window, one.mask, one.pixels) for one in seen]
    files.write(shelf.done, json.dumps(told).encode())
    return seen


def _mask(shelf: Shelf, sample: Sample, pixels: images.Pixels) -> tuple[int, images.Pixels | None]:
    """Which mask QA judges the sample by, and the mask itself, as large as the image, 0 and 255."""
    own = own_mask(shelf.root, sample.mask, pixels)
    points = np.where((sample.visibility > 0)[:, None], sample.keypoints, np.nan).astype(np.float64)
    found = hand_mask(pixels, points, own, sample.side, alone=sample.image not in shelf.crowded)
    if found is None:
        return _NO_MASK, None
    full = cv2.resize(255 * found, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return _BY_COLOUR if own is None else _OWN_MASK, full  # type: ignore[return-value]


def window_of(points: NDArray[np.float32], width: int, height: int) -> tuple[int, int, int]:
    """The square (x, y, side) to show, pixels: the surroundings of the hand. If the hand fills the image, all
    of the image, widened by up to a quarter for points outside."""
    longest = max(width, height)
    frame = np.array([0.0, 0.0, width, height])
    box = geometry.bounding_box(points)
    if box is not None:
        low, high = box[:2], box[:2] + box[2:]
        near = geometry.square_around(box, 0.2)
        # No closer than the photograph's own pixels: labels that have collapsed are seen beside their hand.
        near = geometry.square_around(near, max(0.0, (THUMB / near[2] - 1) / 2) if near[2] else 0.0)
        if (low >= 0).all() and (high <= (width, height)).all() and 0 < near[2] < 0.75 * longest:
            frame = near
        else:
            low = np.clip(low, -0.25 * longest, 0)
            high = np.clip(high, frame[2:], frame[2:] + 0.25 * longest)
            frame = np.concatenate([low, high - low])
    x, y, side, _ = geometry.square_around(frame, 0.0)
    return int(np.floor(x)), int(np.floor(y)), max(1, int(np.ceil(side)))
