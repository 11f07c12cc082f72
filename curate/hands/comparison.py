"""Predictions beside the truth, as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics.images import Pixels
from curate.hands.overlay import draw_skeleton

_TRUTH = (255, 255, 255)


def draw_prediction(
    image: Pixels, predicted: NDArray[Any], truth: NDArray[Any], visibility: NDArray[Any], *, size: int
) -> Pixels:
    """The image at `size` pixels with the labels as a white skeleton and the prediction in colour on top.

    Parameters
    ----------
    image: (S, S) or (S, S, 3) uint8. predicted, truth: (21, 2), pixels of `image`; NaN is left out.
    visibility: (21,) of the labels.
    """
    canvas = draw_skeleton(image, truth, visibility, size=size, colour=_TRUTH)
    return draw_skeleton(canvas, np.asarray(predicted) * (size / max(image.shape[:2])))
