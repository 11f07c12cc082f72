"""Hands in a map of how likely each pixel is a hand's: cleaned, and told apart by the pieces they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics.images import Pixels
from curate.hands.masks import Mask
from curate.hands.segmentation import fill_holes, pieces

_HALF = 128  # of 255: from here on a pixel is the hand's
_THIN = np.ones((3, 3), np.uint8)  # what is narrower is no finger
_LEAST = 0.002  # of the map: a smaller piece is a speck
_SMALL = 0.1  # of the largest piece, the same
_HOLE = 0.01  # of its piece: a smaller hole is a ring or a speck, a larger one the loop of thumb and finger


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A hand in a map.

    Attributes
    ----------
    mask: (h, w), where it is. box: (4,) x, y, w, h around it, pixels of the map.
    score: the mean likelihood of its pixels, 0 to 1.
    """

    mask: Mask
    box: NDArray[np.float64]
    score: float


def outlines(likely: Pixels) -> list[Outline]:
    """The hands in a map, the largest first.

    Hands that touch are one piece, and so one hand. Spurs and bridges a pixel wide go: a box that hangs on
    them jumps from one picture to the next.

    Parameters
    ----------
    likely: (h, w) uint8, 255 times the probability of a hand.
    """
    smooth = cv2.GaussianBlur(likely, (3, 3), 0)
    mask: Any = cv2.morphologyEx((smooth >= _HALF).astype(np.uint8), cv2.MORPH_OPEN, _THIN)
    found = sorted(pieces(mask), key=lambda piece: piece.area, reverse=True)
    if not found:
        return []
    least = max(_LEAST * mask.size, _SMALL * found[0].area)
    result = []
    for piece in found:
        if piece.area < least:
            break
        alone: Any = cv2.drawContours(np.zeros_like(mask), [piece.outline], 0, 1, cv2.FILLED)
        alone &= mask
        fill_holes(alone, [piece], _HOLE * piece.area)
        hand = alone.view(np.bool_)
        box = np.array(cv2.boundingRect(piece.outline), np.float64)
        result.append(Outline(hand, box, float(likely[hand].mean()) / 255))
    return result


def cleaned(likely: Pixels) -> Mask:
    """(h, w), the pixels of all hands in a map."""
    result = np.zeros(likely.shape, bool)
    for outline in outlines(likely):
        result |= outline.mask
    return result
