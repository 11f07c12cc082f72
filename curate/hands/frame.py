"""How a part of a photo is cut out exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry, images
from curate.basics.images import ImageInfo, Kind, Pixels

Box = tuple[int, int, int, int]  # x, y, w, h
# A photo is decoded at this many times the size of its crop, or more. The crop then differs from that of a
# full decode by a PSNR of 50 dB in the median.
_OVERSAMPLED = 2.5


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of a photo and the size it is brought to.

    The part is made of whole pixels of the decoded photo. So it is resampled only once, when it is brought to
    its size, and the map from the photo is exact.

    Attributes
    ----------
    shrink: the photo is decoded at 1/`shrink`, as `images.read` does.
    box: (x, y, w, h) in pixels of the decoded photo; what lies beyond it repeats its edge.
    size: (width, height) of the result.
    """

    shrink: int
    box: Box
    size: tuple[int, int]

    @classmethod
    def around(
        cls, info: ImageInfo, part: NDArray[np.floating], size: int | None, *, enlarge: bool = False
    ) -> Frame:
        """The frame that holds a part (x, y, w, h) of a photo; a square stays one.

        Parameters
        ----------
        size: longer side of the result, pixels; None: the part's own.
        enlarge: bring a part that is smaller than `size` to it, too; otherwise it keeps its own size.
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
    def part(self) -> Box:
        """(x, y, w, h) in pixels of the photo at its full size."""
        x, y, w, h = self.box
        return self.shrink * x, self.shrink * y, self.shrink * w, self.shrink * h

    @property
    def affine(self) -> geometry.Affine:
        """(2, 3) from the photo to the result."""
        return geometry.box_to_size(self.part, self.size)

    def of(self, image: Pixels) -> Pixels:
        """The result, from the photo as decoded at 1/`shrink`."""
        return images.cut(image, self.box, self.size)

    def of_labels(self, labels: NDArray[Kind]) -> NDArray[Kind]:
        """The same part of a mask or depth map of the photo's full size; its values are never mixed."""
        return images.cut(labels, self.part, self.size, labels=True)
