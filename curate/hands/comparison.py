"""Predictions beside the truth, as pictures."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics.images import Pixels
from curate.hands.overlay import draw_skeleton

_TRUTH = (255, 255, 255)
_TINT, _TINT_SHARE = (0, 158, 115), 0.5


def draw_prediction(
    image: Pixels,
    predicted: NDArray[Any],
    truth: NDArray[Any],
    visibility: NDArray[Any],
    *,
    size: int,
    mask: Pixels | None = None,
    outline: Pixels | None = None,
) -> Pixels:
    """The image at `size` pixels with the labels as a white skeleton and the prediction in colour on top,
    and under both the predicted mask, as a tint, and the label's, as a white outline.

    Parameters
    ----------
    image: (S, S) or (S, S, 3) uint8. predicted, truth: (21, 2), pixels of `image`; NaN is left out.
    visibility: (21,) of the labels. mask, outline: (S, S) uint8, 255 for the hand.
    """
    if mask is not None:
        rgb: Any = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
        share = _TINT_SHARE * (mask / 255)[..., None]
        image = np.rint(rgb * (1 - share) + np.array(_TINT) * share).astype(np.uint8)
    canvas = draw_skeleton(image, truth, visibility, size=size, colour=_TRUTH)
    if outline is not None:
        height, width = canvas.shape[:2]
        large = cv2.resize(outline, (width, height), interpolation=cv2.INTER_LINEAR)
        lines, _ = cv2.findContours((large > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, lines, -1, _TRUTH, 1)
    return draw_skeleton(canvas, np.asarray(predicted) * (size / max(image.shape[:2])))
