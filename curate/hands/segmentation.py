"""Finding the hand by its colour: skin is redder than the ground it lies on.

The image is balanced on its border, where the ground prevails, so that the colour of the light falls out;
then Otsu's threshold on Cr (the red difference of YCrCb) parts skin from ground. Made for photographs of one
hand on a plain ground, such as 11k Hands. Where the result does not look like a hand it says so, with None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import images
from curate.basics.images import Pixels

# Longer side, or so, of the reduced image that the mask is found on.
REDUCED = 200

_MAX_GAIN = 1.5  # of the balance; a ground more coloured than that has a colour of its own
# Cr of skin, 128 being grey: beyond, a red sleeve would count for more than the hand.
_REDDEST = np.uint8(155)
_CR = 0.713 * (np.array([1.0, 0.0, 0.0]) - np.array([0.299, 0.587, 0.114]))
_MIN_CONTRAST = 4.0  # between the mean Cr of skin and of ground, in levels of 255; noise makes about 2
_MIN_AREA, _MAX_AREA = 0.01, 0.9  # of the image
_MIN_SHARE = 0.4  # of the largest piece in all that looks like skin
_MAX_BORDER = 0.7  # of the image's border: beyond, skin and ground have changed places
_HOLE = 0.01  # of the hand's area: smaller holes are jewellery, larger ones lie between fingers
_CLOSE = np.ones((5, 5), np.uint8)  # bridges rings and tendons at the reduced size


def hand_mask(image: Pixels) -> NDArray[np.bool_] | None:
    """The hand's pixels, (H, W) bool with small holes (rings) filled, or None where colour does not tell.

    Parameters
    ----------
    image: (H, W, 3) RGB. A grey image has no colour: None.
    """
    small = reduced_mask(image)
    if small is None:
        return None
    return np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)


def reduced_mask(image: Pixels) -> Pixels | None:
    """As `hand_mask`, at the reduced size that it is found at, 0 or 1."""
    seen = None if image.ndim != 3 else skin(images.reduced(image, REDUCED))
    return None if seen is None else hand_in(seen)


def hand_in(skin: Pixels) -> Pixels | None:
    """As `reduced_mask`, of what `skin` gave."""
    return _largest_piece(np.asarray(cv2.morphologyEx(skin, cv2.MORPH_CLOSE, _CLOSE), np.uint8))


def skin(image: Pixels) -> Pixels | None:
    """What is redder than the rest of a reduced image (h, w, 3): 1, else 0; None where all is alike."""
    red = cv2.GaussianBlur(np.minimum(_redness(image), _REDDEST), (3, 3), 0)
    _, seen = cv2.threshold(red, 0, 1, cv2.THRESH_OTSU)
    count = cv2.countNonZero(seen)
    if count in (0, seen.size):
        return None
    inside = cv2.mean(red, seen)[0]
    outside = (cv2.sumElems(red)[0] - inside * count) / (seen.size - count)
    if inside - outside < _MIN_CONTRAST:
        return None
    return np.asarray(seen, np.uint8)


def _redness(image: Pixels) -> Pixels:
    """Cr (ITU-R BT.601) once the light's colour is taken out: the border's median becomes grey, 128."""
    ground = np.maximum(median_of(border_of(image)), 1.0)
    gains = np.clip(ground.mean() / ground, 1 / _MAX_GAIN, _MAX_GAIN)
    return np.asarray(cv2.transform(image, np.append(_CR * gains, 128.0)[None]), np.uint8)


def _largest_piece(skin: Pixels) -> Pixels | None:
    """Its largest connected piece, small holes filled, where that can be a hand."""
    found = pieces(skin)
    largest = max(found, key=lambda piece: piece.area)
    area = largest.area - sum(size for _, size in largest.holes)
    if not _MIN_AREA <= area / skin.size <= _MAX_AREA or area < _MIN_SHARE * cv2.countNonZero(skin):
        return None
    alone: Any = cv2.drawContours(np.zeros_like(skin), [largest.outline], 0, 1, cv2.FILLED)
    alone &= skin
    if share_of_border(alone) > _MAX_BORDER:
        return None
    fill_holes(alone, [largest], _HOLE * area)
    return np.asarray(alone, np.uint8)


@dataclass(frozen=True, slots=True)
class Piece:
    """A connected piece of a mask.

    Attributes
    ----------
    outline: its outermost pixels, as OpenCV's contours. area: pixels within, holes included.
    holes: of each the piece's pixels around it, and how many pixels it has.
    """

    outline: NDArray[Any]
    area: int
    holes: list[tuple[NDArray[Any], int]]


def pieces(mask: Pixels) -> list[Piece]:
    """The pieces of a mask (0 is outside), connected across corners, too.

    By their outlines: to label every pixel takes ten times as long.
    """
    lines, tree = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    found: dict[int, Piece] = {}
    for number, line in enumerate(lines):
        # Pick's theorem: how many whole points a polygon has within, beside those on its outline.
        within = round(cv2.contourArea(line) - len(line) / 2 + 1)
        parent = tree[0][number][3]
        if parent < 0:
            found[number] = Piece(line, within + len(line), [])
        else:
            found[parent].holes.append((line, within))
    return list(found.values())


def fill_holes(mask: Pixels, found: list[Piece], below: float) -> None:
    """Fill, in place, the holes of fewer than so many pixels with 1."""
    small = [line for piece in found for line, size in piece.holes if size < below]
    cv2.drawContours(mask, small, -1, 1, cv2.FILLED)


def median_of(colours: NDArray[Any]) -> NDArray[Any]:
    """The (upper) median of each channel of (n, 3); ten times as fast as numpy's for few."""
    middle = len(colours) // 2
    return np.asarray(np.partition(colours, middle, axis=0)[middle])


def border_of(image: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels of an image, in one row."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def share_of_border(mask: NDArray[Any]) -> float:
    """How much of the image's border a mask covers."""
    border = border_of(mask)
    return float(np.count_nonzero(border) / len(border))
