"""Several looks at one hand: moved, mirrored and turned copies of what a tagger is shown, and what they say
together. Where the looks differ, none of them is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry
from curate.basics.images import Pixels
from curate.hands import finding
from curate.hands.frame import Frame
from curate.hands.photograph import Photograph

TURN = 22.0  # degrees by which looks are turned, within the 30 that networks are trained on
# Chosen on train clips of webcams, by the box; what is found hardly depends on them.
_NEAR, _ROUNDS = 0.1, 10
_LEAST = 1e-3  # score by which a place counts that has none

Square = NDArray[np.float64]  # x, y, side, side in pixels of the photograph


@dataclass(frozen=True, slots=True)
class Look:
    """One way to look at a square of a photograph.

    Attributes
    ----------
    zoom: side of what is shown, as a share of the square's. mirrored: left and right exchanged.
    upended: top and bottom exchanged. turn: degrees about the middle, clockwise as y points down.
    """

    zoom: float = 1.0
    mirrored: bool = False
    upended: bool = False
    turn: float = 0.0

    @property
    def other_side(self) -> bool:
        """Whether a left hand looks like a right one."""
        return self.mirrored != self.upended

    def square(self, square: Square) -> Square:
        """The part that is shown of a square."""
        side = square[2] * self.zoom
        corner = square[:2] + (square[2] - side) / 2
        return np.array([*corner, side, side])

    def affine(self, size: int) -> geometry.Affine:
        """(2, 3) from an upright picture of `size` x `size` pixels to how it is shown."""
        angle = np.radians(self.turn)
        across, down = (-1.0 if self.mirrored else 1.0), (-1.0 if self.upended else 1.0)
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned = turned @ np.diag([across, down])
        middle = np.full(2, size / 2)
        return np.hstack([turned, (middle - turned @ middle)[:, None]])

    def of(self, picture: Pixels) -> Pixels:
        """How an upright picture, (S, S) or (S, S, 3), is shown; a turn repeats its edge."""
        return self._moved(picture, self.affine(len(picture)))

    def undone(self, picture: Pixels) -> Pixels:
        """A picture as it is shown, upright again; what a turn moved out of it repeats the edge."""
        return self._moved(picture, geometry.invert(self.affine(len(picture))))

    def _moved(self, picture: Pixels, affine: geometry.Affine) -> Pixels:
        if self.turn:
            size, matrix = len(picture), geometry.to_index_space(affine)
            return cv2.warpAffine(picture, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
        rows, columns = (slice(None, None, -1 if flip else 1) for flip in (self.upended, self.mirrored))
        return np.ascontiguousarray(picture[rows, columns])


UPRIGHT = Look()


class Shown(NamedTuple):
    """A picture that a tagger is shown, and the map from the photograph to it."""

    pixels: Pixels
    affine: geometry.Affine

    def back(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points of the picture, (n, 2), in pixels of the photograph."""
        return geometry.apply(geometry.invert(self.affine), points)


class Said(NamedTuple):
    """What several looks say together: as in `Tagged`."""

    keypoints: NDArray[np.floating]
    scores: NDArray[np.floating]
    apart: NDArray[np.float64] | None


def together(points: Sequence[NDArray[np.floating]], scores: Sequence[NDArray[np.floating]]) -> Said:
    """Where each keypoint is, the mean of its scores, and how far its places lie apart.

    It is at the geometric median of its places, weighted by the squares of their scores: surer looks count
    for more, and one that is far off for little.

    Parameters
    ----------
    points: of each look, (21, 2) in pixels of the photograph, NaN where it found none. scores: (21,) each.
    """
    if len(points) == 1:
        return Said(points[0], scores[0], None)
    places = np.stack(points).astype(np.float64)
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(places).all(axis=2))
    count = seen.sum(axis=0)
    middle, apart = np.full(places.shape[1:], np.nan), np.full(places.shape[1], np.nan)
    weights = np.where(seen, np.maximum(scores, _LEAST), 0.0) ** 2
    if count.any():
        middle[count > 0] = _median(np.nan_to_num(places)[:, count > 0], weights[:, count > 0])
    squares = np.where(seen, np.square(places - middle).sum(axis=2), 0.0).sum(axis=0)
    apart[count > 1] = np.sqrt(squares[count > 1] / count[count > 1])
    return Said(middle, np.mean(scores, axis=0, dtype=np.float64), apart)


def _median(places: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The geometric median (K, 2) of places (looks, K, 2) with weights (looks, K), by Weiszfeld's method
    (1937); places within _NEAR of the hand's longer side of it are averaged."""
    middle = _mean(places, weights)
    near = max(_NEAR * float(np.ptp(middle, axis=0).max(initial=0.0)), 1e-6)
    for _ in range(_ROUNDS):
        middle = _mean(places, weights / np.hypot(np.linalg.norm(places - middle, axis=2), near))
    return middle


def _mean(places: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    weighted: NDArray[np.float64] = (weights[..., None] * places).sum(axis=0) / weights.sum(axis=0)[:, None]
    return weighted


class View:
    """A photograph and the square of it that a tagger looks at: around the hand, or all of it."""

    def __init__(
        self,
        photograph: Photograph,
        margin: float,
        order: Sequence[str] = finding.ANY_HAND,
        finders: Mapping[str, finding.Finder] = finding.FINDERS,
    ) -> None:
        """order, finders: as `finding.first` takes them. A sample that was cut from another image is looked
        at whole. Raises UnreadableImage."""
        self.photograph, self.margin = photograph, margin
        self.square, self.found_by = photograph.square, finding.WHOLE
        cut_before = photograph.sample.transform is not None
        found = None if cut_before else finding.first(photograph, order, finders)
        if found is not None and found.by != finding.WHOLE and self._move_to(found.box):
            self.found_by = found.by

    def close_in(self, points: NDArray[np.floating]) -> None:
        """Look again, at a square around these points, where they can be a hand's."""
        box = geometry.bounding_box(points)
        if box is not None:
            self._move_to(box)

    def show(self, size: int, look: Look = UPRIGHT, *, grey: bool = False) -> Shown:
        """What is looked at, as a picture of `size` x `size` pixels. Raises UnreadableImage."""
        frame = Frame.around(self.photograph.info, look.square(self.square), size, enlarge=True)
        pixels = frame.of(self.photograph.read(frame.shrink, grey=grey))
        return Shown(look.of(pixels), geometry.compose(look.affine(size), frame.affine))

    def _move_to(self, box: NDArray[np.floating]) -> bool:
        """Look at a square around a box, if it is of a hand's size and its centre lies on the photograph."""
        square = geometry.square_around(box, self.margin)
        x, y, side, _ = square
        across, down = x + side / 2, y + side / 2
        info = self.photograph.info
        seen = 0 <= across <= info.width and 0 <= down <= info.height
        usable = bool(seen and 8 <= side <= 2 * max(info.width, info.height))
        if usable:
            self.square = square
        return usable
