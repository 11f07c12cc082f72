"""Finding the hand by its colour: skin is redder than the ground it lies on.

The image is balanced on its border, where the ground prevails, so that the colour of the light falls out;
then Otsu's threshold on Cr (the red difference of YCrCb) parts skin from ground. Made for photographs of one
hand on a plain ground, such as 11k Hands. Where the result does not look like a hand it says so, with None.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.images import Pixels

# Side of the reduced image that the mask is found on: boxes stay within a pixel or two of full size.
REDUCED = 300

_MAX_GAIN = 1.5  # of the balance; a ground more coloured than that has a colour of its own
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
    small = _reduced_mask(image)
    if small is None:
        return None
    return np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)


def hand_box(image: Pixels) -> NDArray[np.float64] | None:
    """Box (x, y, w, h) of the hand in pixels of the image, or None. As `hand_mask`."""
    small = _reduced_mask(image)
    if small is None:
        return None
    box = np.array(cv2.boundingRect(small), np.float64)
    return box * np.tile(np.array(image.shape[1::-1]) / small.shape[::-1], 2)


def _reduced_mask(image: Pixels) -> Pixels | None:
    if image.ndim != 3:
        return None
    scale = REDUCED / max(image.shape[:2])
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    red = cv2.cvtColor(_balanced(image), cv2.COLOR_RGB2YCrCb)[..., 1]
    red = cv2.GaussianBlur(red, (3, 3), 0)
    _, skin = cv2.threshold(red, 0, 1, cv2.THRESH_OTSU)
    if not skin.any() or skin.all() or red[skin == 1].mean() - red[skin == 0].mean() < _MIN_CONTRAST:
        return None
    return _largest_piece(np.asarray(cv2.morphologyEx(skin, cv2.MORPH_CLOSE, _CLOSE), np.uint8))


def _balanced(image: Pixels) -> Pixels:
    """The image with the light's colour taken out: the border's median becomes grey."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    ground = np.maximum(np.median(border, axis=0), 1.0)
    gains = np.clip(ground.mean() / ground, 1 / _MAX_GAIN, _MAX_GAIN)
    return np.asarray(np.clip(image * gains, 0, 255), np.uint8)


def _largest_piece(skin: Pixels) -> Pixels | None:
    """Its largest connected piece, small holes filled, where that can be a hand."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(skin)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    area = int(stats[largest, cv2.CC_STAT_AREA])
    piece = np.asarray(pieces == largest, np.uint8)
    border = np.concatenate([piece[0], piece[-1], piece[:, 0], piece[:, -1]]).mean()
    if (
        not _MIN_AREA <= area / piece.size <= _MAX_AREA
        or area < _MIN_SHARE * int(skin.sum())
        or border > _MAX_BORDER
    ):
        return None
    _, holes, stats, _ = cv2.connectedComponentsWithStats(1 - piece)
    small = stats[:, cv2.CC_STAT_AREA] < _HOLE * area
    piece[small[holes]] = 1
    return piece
