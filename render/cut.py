"""A square part of a render, mirrored and turned by quarters: whole pixels, so that labels stay exact.

numpy only, since Blender's interpreter reads it with the shot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CLOCKWISE = np.array([[0.0, -1.0], [1.0, 0.0]])  # a quarter, x right and y down


@dataclass(frozen=True, slots=True)
class Cut:
    """A square of the render, and how it is mirrored and turned.

    Attributes
    ----------
    x, y: the square's upper left corner in the render, pixels. size: its side, pixels.
    mirrored: whether left and right change places.
    quarters: by how many quarters it is then turned clockwise, 0 to 3.
    """

    x: int
    y: int
    size: int
    mirrored: bool
    quarters: int

    @property
    def turn(self) -> Floats:
        """(2, 2) matrix from directions in the render (x right, y down) to those in the cut."""
        return turn(self.mirrored, self.quarters)

    def points(self, points: Floats) -> Floats:
        """Points (N, 2) of the render, in the cut: continuous pixels from the outer corner of either."""
        half = self.size / 2
        moved: Floats = (points - [self.x + half, self.y + half]) @ self.turn.T + half
        return moved

    def rays(self, points: Floats) -> Floats:
        """Points (N, 3) in the render's camera frame, x right and y down, in that of the cut's camera."""
        return np.column_stack([points[:, :2] @ self.turn.T, points[:, 2]])

    def intrinsics(self, K: Floats) -> Floats:
        """Intrinsics (3, 3) of the cut's camera, from the render's, whose pixels are square."""
        own = K.copy()
        own[:2, 2] = self.points(K[None, :2, 2])[0]
        return own

    def pixels(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The part of a picture (H, W, ...) of the render."""
        part = picture[self.y : self.y + self.size, self.x : self.x + self.size]
        if self.mirrored:
            part = part[:, ::-1]
        return np.ascontiguousarray(np.rot90(part, -self.quarters))


def turn(mirrored: bool, quarters: int) -> Floats:
    """(2, 2) as `Cut.turn`, of a cut that is mirrored and turned so."""
    laid: Floats = np.linalg.matrix_power(_CLOCKWISE, quarters) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    return laid
