"""Curved surfaces as pictures: what people in clutter are made of, drawn in milliseconds. numpy and OpenCV.

A surface is a grid of points. It is refined until a cell is smaller than a pixel, its points are put into a
depth buffer, and what is left is lit: by a lamp with soft shadows, by the sky, with less light in hollows.
Coordinates: centimetres, x right and y up in the picture, z towards the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.look.colour import single

Values = NDArray[np.floating[Any]]

_FINEST = 0.8  # pixels between neighbouring points of a refined grid
_MOST = 700  # rows or columns of a refined grid
# Depths are sorted as whole numbers: steps of 0.1 mm over 6 m.
_STEP, _DEEPEST = 0.01, 600.0
_SHADOW_STEPS = (0.6, 1.2, 2.0, 3.0, 4.5, 6.5, 9.0, 13.0)  # cm towards the lamp


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A grid whose rows go up and whose columns go round, anticlockwise as seen from above.

    Attributes
    ----------
    points: (M, N, 3) cm. colour: (M, N, 3) linear reflectance. gloss: (M, N), 0 to 1.
    there: (M, N), below 0.5 where the surface has a hole.
    open: whether its back can be seen, as of cloth and hair that hang.
    """

    points: Values
    colour: Values
    gloss: Values
    there: Values
    open: bool = False

    @classmethod
    def of(
        cls,
        points: Values,
        colour: Values,
        gloss: Values | float = 0.0,
        there: Values | NDArray[np.bool_] | None = None,
        *,
        open: bool = False,
    ) -> Surface:
        """A surface whose colour, gloss and `there` may be one value for all points."""
        shape = points.shape[:2]
        return cls(
            np.asarray(points, np.float32),
            np.broadcast_to(np.asarray(colour, np.float32), (*shape, 3)),
            np.broadcast_to(np.asarray(gloss, np.float32), shape),
            np.ones(shape, np.float32) if there is None else np.asarray(there, np.float32),
            open,
        )

    def turned(self, turn: Values, about: Values | None = None) -> Surface:
        """Turned by a matrix (3, 3) about a point (3,)."""
        middle = np.zeros(3, np.float32) if about is None else np.asarray(about, np.float32)
        points = (self.points - middle) @ np.asarray(turn, np.float32).T + middle
        return Surface(points, self.colour, self.gloss, self.there, self.open)


def tube(
    line: Values,
    radius: Values,
    colour: Values,
    gloss: float = 0.0,
    *,
    around: int = 24,
    relief: Values | None = None,
) -> Surface:
    """A tube along a line (M, 3) of a radius (M,); its rows go along, its columns round.

    Parameters
    ----------
    relief: (M, around) further out, cm.
    """
    line = np.asarray(line, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    first = np.cross(along, [0.13, 0.31, 0.94])
    first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-9
    second = np.cross(along, first)
    turn = np.linspace(0, 2 * np.pi, around)[:, None]
    ring = np.cos(turn) * first[:, None] + np.sin(turn) * second[:, None]
    out = np.asarray(radius)[:, None] + (0 if relief is None else relief)
    return Surface.of(line[:, None] + ring * out[..., None], colour, gloss)


@dataclass(frozen=True, slots=True)
class Eye:
    """A pinhole camera. x, y: pixels of the origin. focal: pixels. distance: cm from the origin."""

    x: float
    y: float
    focal: float
    distance: float

    def seen(self, points: Values) -> tuple[Values, Values, Values]:
        """Columns, rows and distances (...) of points (..., 3)."""
        away = np.maximum(self.distance - points[..., 2], 1.0)
        return self.x + self.focal * points[..., 0] / away, self.y - self.focal * points[..., 1] / away, away


@dataclass(frozen=True, slots=True)
class Lighting:
    """A lamp and a sky. lamp: unit vector (3,) towards it. key, sky: linear RGB (3,) of their light."""

    lamp: Values
    key: Values
    sky: Values

    def times(self, gain: float) -> Lighting:
        """The same light, brighter or darker."""
        return Lighting(self.lamp, self.key * gain, self.sky * gain)


def drawn(surfaces: list[Surface], eye: Eye, lighting: Lighting, size: int) -> tuple[Values, Values]:
    """Surfaces as the camera sees them: light (S, S, 3), and the share of each pixel covered (S, S)."""
    buffer = _Buffer(size)
    for surface in surfaces:
        buffer.add(surface, eye)
    return buffer.lit(eye, lighting)


class _Buffer:
    """The nearest point in each pixel: colour, normal, gloss, distance."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held = np.zeros((size * size, 8), np.float32)
        self.depth = np.full(size * size, _DEEPEST, np.float32)

    def add(self, surface: Surface, eye: Eye) -> None:
        coarse = _seen_part(surface, eye, self.size)
        if coarse is None:
            return
        fine, scale = _refined(coarse, eye)
        column, row, away = eye.seen(fine[..., :3])
        near = (fine[..., 3] > 0.5) & (away > 2) & (away < _DEEPEST - 1)
        near &= (column >= 0) & (column < self.size) & (row >= 0) & (row < self.size)
        if not surface.open:
            near &= fine[..., 4] > 0
        points = np.flatnonzero(near)
        away = away.ravel()[points]
        pixel = row.ravel()[points].astype(np.int32) * self.size + column.ravel()[points].astype(np.int32)
        order = np.argsort((away / _STEP).astype(np.uint16), kind="stable")[::-1]
        # Of points in one pixel numpy keeps the last, which is the nearest.
        first = np.full(self.size * self.size, -1, np.int32)
        first[pixel[order]] = order
        mine = np.flatnonzero(first >= 0)
        mine = mine[away[first[mine]] < self.depth[mine]]
        if not len(mine):
            return
        self.depth[mine] = away[first[mine]]
        at_row, at_column = np.divmod(points[first[mine]], fine.shape[1])
        held = coarse.at((at_row + 0.5) * scale[0] - 0.5, (at_column + 0.5) * scale[1] - 0.5)
        if surface.open:
            held[:, 3:6] *= np.where(held[:, 7] < 0, -1, 1)[:, None]
        held[:, 7] = 1
        self.held[mine] = held

    def lit(self, eye: Eye, lighting: Lighting) -> tuple[Values, Values]:
        size = self.size
        held, depth = self.held.reshape(size, size, 8), self.depth.reshape(size, size)
        held, depth = _closed(held, depth)
        cover = held[..., 7]
        rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
        light = np.zeros((size, size, 3), np.float32)
        if not len(rows):
            return light, cover
        box = np.s_[max(rows[0] - 2, 0) : rows[-1] + 3, max(columns[0] - 2, 0) : columns[-1] + 3]
        light[box] = _shaded(held[box], depth[box], eye, lighting)
        return light, cover


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """The part of a surface that can be seen.

    Attributes
    ----------
    points: (M, N, 5) points, whether they are there, how much they face the camera.
    looks: (M, N, 8) colour, normal, gloss, how much they face the camera.
    """

    points: Values
    looks: Values

    def at(self, rows: Values, columns: Values) -> Values:
        """Looks (P, 8) between the grid's points."""
        x, y = single(columns)[:, None], single(rows)[:, None]
        # OpenCV's remap takes lines of at most 32,767.
        wide = -(-len(x) // 32000)
        pad = (-len(x)) % wide
        x, y = (np.pad(v, ((0, pad), (0, 0)), mode="edge").reshape(-1, wide) for v in (x, y))
        found: list[Any] = [
            cv2.remap(
                np.ascontiguousarray(self.looks[..., i : i + 4]),
                x,
                y,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ).reshape(-1, 4)
            for i in (0, 4)
        ]
        held: Values = np.concatenate(found, -1)[: len(rows)]
        return held


def _seen_part(surface: Surface, eye: Eye, size: int) -> _Grid | None:
    """The grid without the rows and columns around it of which nothing is seen; None where nothing is."""
    points = surface.points
    normal = np.cross(_slope(points, 1), _slope(points, 0)).astype(np.float32)
    normal /= np.sqrt((normal * normal).sum(-1, keepdims=True)) + 1e-9
    facing = (normal * (np.array([0, 0, eye.distance], np.float32) - points)).sum(-1)
    column, row, away = eye.seen(points)
    margin = 0.1 * size
    seen = (column > -margin) & (column < size + margin) & (row > -margin) & (row < size + margin)
    seen &= (surface.there > 0) & (away > 1.5)
    if not surface.open:
        seen &= facing > 0
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return None
    box = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    facing = facing[..., None]
    looks = np.concatenate([surface.colour, normal, surface.gloss[..., None], facing], -1)[box]
    return _Grid(np.concatenate([points, surface.there[..., None], facing], -1)[box], looks)


def _slope(points: Values, axis: int) -> Values:
    """Differences of neighbours along an axis, of the same shape."""
    low, high = np.roll(points, 1, axis), np.roll(points, -1, axis)
    first: Any = np.s_[0] if axis == 0 else np.s_[:, 0]
    last: Any = np.s_[-1] if axis == 0 else np.s_[:, -1]
    low[first], high[last] = points[first], points[last]
    return high - low


def _refined(grid: _Grid, eye: Eye) -> tuple[Values, tuple[float, float]]:
    """Points (M', N', 5) as close as pixels are, and their steps in the grid's rows and columns."""
    points = grid.points
    column, row, _ = eye.seen(points[..., :3])
    shape = []
    for axis in (0, 1):
        step = np.diff(column, axis=axis) ** 2 + np.diff(row, axis=axis) ** 2
        # Some neighbours are further apart than most.
        apart = 1.6 * float(np.sqrt(step.mean())) / _FINEST if step.size else 1.0
        shape.append(int(np.clip(np.ceil(points.shape[axis] * apart), 8, _MOST)))
    fine = cv2.resize(points, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine, np.float32), (points.shape[0] / shape[0], points.shape[1] / shape[1])


def _closed(held: Values, depth: Values) -> tuple[Values, Values]:
    """Pixels and depths with holes filled: pixels between others that no point fell into."""
    cover = held[..., 7]
    around = cv2.blur(cover, (3, 3))
    hole = (cover == 0) & (around > 0.5)
    if hole.any():
        share = around[hole][:, None]
        held[hole] = cv2.blur(held, (3, 3))[hole] / share
        depth[hole] = cv2.blur(depth * cover, (3, 3))[hole] / share[:, 0]
        held[hole, 7] = 1
    return held, depth


def _shaded(held: Values, depth: Values, eye: Eye, lighting: Lighting) -> Values:
    colour, normal, gloss, cover = held[..., :3], held[..., 3:6], held[..., 6], held[..., 7]
    lamp = np.asarray(lighting.lamp, np.float32)
    per_cm = eye.focal / eye.distance
    open_ = 1 - _hollow(depth, cover, per_cm)
    facing = normal @ lamp
    lambert = np.clip((facing + 0.15) / 1.15, 0, 1) * (1 - _shadow(depth, cover, lamp, per_cm))
    halfway = lamp + np.array([0, 0, 1], np.float32)
    shine = np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 14 * gloss * lambert
    sky = (0.62 + 0.38 * normal[..., 1] * 0.8 + 0.1 * normal[..., 2]) * open_
    falling = lambert[..., None] * single(lighting.key) + sky[..., None] * single(lighting.sky)
    return np.asarray(colour * falling + shine[..., None] * single(lighting.key), np.float32)


def _hollow(depth: Values, cover: Values, per_cm: float) -> Values:
    """The share of the sky (H, W) that is hidden from a point by what is around it, 0 to 0.75."""
    hidden = np.zeros_like(depth)
    for reach, weight in ((0.7, 0.55), (2.5, 0.3), (7.0, 0.10)):
        side = 2 * int(reach * per_cm) + 1
        if side < 5:
            continue
        there = cv2.stackBlur(cover, (side, side)) + 1e-3
        mean = cv2.stackBlur(depth * cover, (side, side)) / there
        hidden += single(weight) * np.clip((depth - mean) / single(0.35 * reach + 0.5 / per_cm), 0, 1)
    return np.asarray(np.clip(hidden, 0, 0.75), np.float32)


def _shadow(depth: Values, cover: Values, lamp: Values, per_cm: float) -> Values:
    """The share of the lamp's light (H, W) that something in front of it keeps away, with soft edges."""
    known = np.where(cover > 0, depth, single(_DEEPEST))
    kept = np.zeros_like(depth)
    blurred = 0.25 + 0.8 / per_cm  # points lie anywhere in their pixels
    for step in _SHADOW_STEPS:
        x, y = step * per_cm * lamp[0], -step * per_cm * lamp[1]
        there = cv2.warpAffine(
            known,
            np.array([[1, 0, -x], [0, 1, -y]]),
            known.shape[::-1],
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=_DEEPEST,
        )
        before = (known - single(step * lamp[2])) - there  # how far the ray passes behind it, cm
        kept = np.maximum(kept, ((before > blurred) & (before < 9)).astype(np.float32))
    side = 2 * max(int(0.5 * per_cm), 0) + 1
    return kept if side < 3 else np.asarray(cv2.blur(kept, (side, side)), np.float32)
