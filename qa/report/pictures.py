"""Pictures for the report: a hand with its skeleton, and its surroundings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.basics import images, pages
from curate.data.references import read_image
from curate.hands.overlay import draw_skeleton
from qa.measures.arrays import Floats
from qa.view import View

_SIDE = 208  # px: twice what a phone shows, so that skeletons stay sharp
_QUALITY = 68


class Album:
    """Pictures of samples as data URIs, each made once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._made: dict[int, str | None] = {}

    def __call__(self, row: int | None) -> str | None:
        """The picture of a sample; None where its image cannot be read."""
        if row is None:
            return None
        if row not in self._made:
            self._made[row] = self._make(row)
        return self._made[row]

    def _make(self, row: int) -> str | None:
        view = self._view
        if view.pixels.error[row] is not None:
            return None
        pixels = read_image(view.datasets[view.dataset_of[row]].root, view.image[row])
        drawn = picture(pixels, view.keypoints[row], view.visibility[row], side=_SIDE)
        return pages.data_url(drawn, quality=_QUALITY)


def picture(
    image: images.Pixels, points: Floats, visibility: NDArray[np.uint8], *, side: int
) -> images.Pixels:
    """The hand with its skeleton; `side`: the longer side of the picture, pixels.

    The whole image is shown, widened by up to a quarter for points that lie outside; if the hand is small in
    it, only the surroundings of the hand. `points` (21, 2) are in pixels of the image.
    """
    height, width = image.shape[:2]
    low, high = _window(points[visibility > 0], width, height)
    x0, y0 = np.floor(low).astype(int)
    x1, y1 = np.maximum(np.ceil(high).astype(int), (x0 + 1, y0 + 1))
    inside = image[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    border = [(max(-y0, 0), max(y1 - height, 0)), (max(-x0, 0), max(x1 - width, 0)), (0, 0)]
    shown: images.Pixels = np.pad(inside, border[: inside.ndim], constant_values=128)
    return draw_skeleton(shown, points - (x0, y0), visibility, size=side)


def _window(points: Floats, width: int, height: int) -> tuple[Floats, Floats]:
    """Corners (x, y) of the part to show, pixels of the image."""
    frame = np.array([width, height], np.float64)
    if not len(points):
        return np.zeros(2), frame
    low, high = points.min(axis=0), points.max(axis=0)
    reach, longest = (high - low).max(), frame.max()
    if reach < 0.4 * longest:
        half = max(0.75 * reach, 0.15 * longest)
        centre = np.clip((low + high) / 2, 0, frame)
        return np.clip(centre - half, 0, frame - 1), np.clip(centre + half, 1, frame)
    margin = 0.25 * longest
    return np.clip(low - 4, -margin, 0), np.clip(high + 4, frame, frame + margin)
