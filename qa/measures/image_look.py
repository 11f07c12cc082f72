"""What a whole image shows, as numbers: its tone, and hashes that survive re-encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics.images import Pixels

REDUCED = 128  # px: longer side of the reduced image in which tone is measured
THUMB = 16  # px: side of the thumbnail
_HASHED, _KEPT = 32, 8  # sides of the image that is hashed, px, and of the block of cosines kept
_COSINES = np.cos(np.pi / _HASHED * np.outer(np.arange(_KEPT), np.arange(_HASHED) + 0.5))
_MIRROR = (-1.0) ** np.arange(_KEPT)  # mirroring flips the sign of every second cosine
_BITS = np.uint64(1) << np.arange(_KEPT * _KEPT, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class ImageLook:
    """What one image shows.

    Attributes
    ----------
    entropy: of the lightness, bits. grey: a colour image without colour. mean: mean lightness, 0..1.
    hashes: (2,) perceptual hashes, of the image and of its mirror image. thumb: (16, 16) the thumbnail, grey.
    """

    entropy: float
    grey: bool
    mean: float
    hashes: NDArray[np.uint64]
    thumb: Pixels


def look_at_image(image: Pixels) -> ImageLook:
    """Measure an image, (H, W) or (H, W, 3)."""
    small = _halved(image)
    light: Any = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    counts = np.bincount(light.reshape(-1), minlength=256) / light.size
    some = counts[counts > 0]
    whole: Any = image if image.ndim == 2 else small
    grey = whole.ndim == 3 and bool(
        (whole[..., 0] == whole[..., 1]).all() and (whole[..., 1] == whole[..., 2]).all()
    )
    square = cv2.resize(light, (_HASHED, _HASHED), interpolation=cv2.INTER_AREA)
    return ImageLook(
        entropy=float(-(some * np.log2(some)).sum()),
        grey=grey,
        mean=float(counts @ np.arange(256)) / 255,
        hashes=perceptual_hashes(square),
        thumb=cv2.resize(square, (THUMB, THUMB), interpolation=cv2.INTER_AREA).astype(np.uint8),
    )


def perceptual_hashes(square: Pixels) -> NDArray[np.uint64]:
    """pHash of a (32, 32) grey image and of its mirror image: which of the 8 x 8 lowest cosines lie above
    their median, 64 bits (Zauner 2010, Implementation and benchmarking of perceptual image hash functions).
    """
    cosines = _COSINES @ square.astype(np.float64) @ _COSINES.T
    both = np.stack([cosines, cosines * _MIRROR]).reshape(2, -1)
    both[:, 0] = 0  # the mean says nothing about what is shown
    middle = np.sort(both[:, 1:], axis=1)[:, [(_KEPT * _KEPT - 1) // 2]]
    hashes: NDArray[np.uint64] = ((both > middle) * _BITS).sum(axis=1, dtype=np.uint64)
    return hashes


def reduced(image: Pixels, side: int) -> Pixels:
    """The image with its longer side at most `side` pixels."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    shape = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, shape, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _halved(image: Pixels) -> Pixels:
    """Halved until its longer side has less than twice REDUCED pixels: twice as fast as in one step."""
    while max(image.shape[:2]) >= 2 * REDUCED and min(image.shape[:2]) >= 2:
        height, width = (side - side % 2 for side in image.shape[:2])
        half = (width // 2, height // 2)
        image = cv2.resize(image[:height, :width], half, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return image
