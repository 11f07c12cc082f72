"""What is painted on a hand: folds, knuckles, tendons, veins, nails and mottling, as maps of back and palm.

Each map has four channels: height (128 is the mesh, a step is 0.01 mm), melanin and blood (128 is the
person's own, 255 nearly twice that), and nail (0 skin, up to 55 its creases, 160 nail bed, 255 free edge).
Folds lie where the hand's joints are; how they run differs between people, by the build's seed. Not for
Blender's interpreter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.hands.anatomy import Build
from render.hand.flesh import Flesh
from render.hand.surface import Surface

Floats = NDArray[np.floating[Any]]

PIXELS_PER_MM = 2.6
HEIGHT_STEP = 0.01  # mm a level
HEIGHT, MELANIN, BLOOD, NAIL = range(4)
CREASE = 55  # levels of the nail channel that the deepest crease has


@dataclass(slots=True, eq=False)
class _Side:
    """One side's maps (H, W) while they are painted, in physical units.

    Attributes
    ----------
    rng: of all that is painted here. points: (H, W, 3) of the skin at rest, mm.
    height: mm. melanin, blood: factors of the person's own. nail: as stored, 0 to 1. crease: 0 to 1.
    """

    rng: np.random.Generator
    points: Floats
    height: Floats
    melanin: Floats
    blood: Floats
    nail: Floats
    crease: Floats

    @classmethod
    def blank(cls, surface: Surface, heights: Floats, seed: int) -> _Side:
        """Before anything is painted.

        Parameters
        ----------
        heights: the surface's `top` or `bottom`.
        """
        rows, columns = heights.shape
        grow = surface.step * PIXELS_PER_MM
        size = (round(columns * grow), round(rows * grow))
        known = np.isfinite(heights)
        levels = np.clip(np.nan_to_num(heights, nan=0) + 60, 0, 255).astype(np.uint8)
        filled = cv2.inpaint(levels, (~known).astype(np.uint8), 3, cv2.INPAINT_TELEA).astype(np.float32) - 60
        filled[known] = heights[known]
        z = cv2.resize(filled, size, interpolation=cv2.INTER_CUBIC)
        x = surface.origin[0] + (np.arange(size[0]) + 0.5) / PIXELS_PER_MM - surface.step / 2
        y = surface.origin[1] + (np.arange(size[1]) + 0.5) / PIXELS_PER_MM - surface.step / 2
        return cls(
            rng=np.random.default_rng(seed),
            points=np.stack([*np.meshgrid(x, y), z], -1).astype(np.float32),
            height=np.zeros(z.shape, np.float32),
            melanin=np.ones(z.shape, np.float32),
            blood=np.ones(z.shape, np.float32),
            nail=np.zeros(z.shape, np.float32),
            crease=np.zeros(z.shape, np.float32),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.height.shape
        return rows, columns

    def pixels(self, path: Floats) -> NDArray[np.int32]:
        """Columns and rows (N, 2) of points (N, 2) in mm, x and y, for OpenCV to draw."""
        at: NDArray[np.int32] = np.rint((path - self.points[0, 0, :2]) * PIXELS_PER_MM).astype(np.int32)
        return at

    def noise(self, mm: float) -> Floats:
        """Unit noise whose blots are about `mm` wide."""
        small = [max(2, round(n / PIXELS_PER_MM / mm)) for n in self.shape]
        field = self.rng.standard_normal((small[0] + 3, small[1] + 3)).astype(np.float32)
        grown = cv2.resize(field, (self.shape[1], self.shape[0]), interpolation=cv2.INTER_CUBIC)
        return grown / np.float32(grown.std())

    def around(self, flesh: Flesh, f: int) -> _Side:
        """The part of the maps that holds a finger's last straight piece, with a margin; a view."""
        piece = flesh.fingers[f][-1]
        ends = np.stack([piece.base, piece.base + piece.length * piece.along])[:, :2]
        margin = 2.4 * float(piece.radius.max())
        low, high = ends.min(axis=0) - margin, ends.max(axis=0) + margin
        first = np.floor((low - self.points[0, 0, :2]) * PIXELS_PER_MM).astype(int)
        last = np.ceil((high - self.points[0, 0, :2]) * PIXELS_PER_MM).astype(int)
        window = (slice(max(first[1], 0), max(last[1], 1)), slice(max(first[0], 0), max(last[0], 1)))
        maps = (self.points, self.height, self.melanin, self.blood, self.nail, self.crease)
        return _Side(self.rng, *(whole[window] for whole in maps))

    def packed(self) -> NDArray[np.uint8]:
        """(H, W, 4) uint8, as stored."""
        channels = [
            128 + self.height / HEIGHT_STEP,
            128 * self.melanin,
            128 * self.blood,
            np.maximum(255 * self.nail, CREASE * np.clip(self.crease, 0, 1)),
        ]
        levels: NDArray[np.uint8] = np.clip(np.rint(np.stack(channels, -1)), 0, 255).astype(np.uint8)
        return levels


def paint(flesh: Flesh, surface: Surface) -> tuple[NDArray[np.uint8], Floats]:
    """The atlas (2, H, W, 4) of back and palm, and its box (x0, y0, x1, y1) in mm of the rest pose.

    Row 0 is at y0: maps grow upwards, as texture coordinates do.
    """
    seed = flesh.build.seed
    back, palm = _Side.blank(surface, surface.top, seed), _Side.blank(surface, surface.bottom, seed + 1)
    for side in (back, palm):
        _mottle(side, flesh.build)
    _tendons_and_veins(back, flesh)
    _hair(back, flesh)
    for f in range(5):
        _back_of_finger(back.around(flesh, f), flesh, f)
        _front_of_finger(palm.around(flesh, f), flesh, f)
    _palm_lines(palm, flesh)
    x0, y0 = (surface.origin[i] - surface.step / 2 for i in (0, 1))
    rows, columns = back.shape
    box = np.array([x0, y0, x0 + columns / PIXELS_PER_MM, y0 + rows / PIXELS_PER_MM], np.float32)
    return np.stack([back.packed(), palm.packed()]), box


def _mottle(side: _Side, build: Build) -> None:
    side.blood *= 1 + 0.08 * side.noise(9) + 0.04 * side.noise(3)
    side.melanin *= 1 + 0.035 * side.noise(14) + (0.02 + 0.03 * build.age) * side.noise(2.2)
    grain = side.noise(0.9)
    side.height += 0.011 * (1 + build.age) * (grain - np.abs(side.noise(1.5)))
    # Freckles and spots of age.
    spots = side.noise(2.6) > 3.1 - 0.7 * build.age
    side.melanin *= 1 + 0.3 * cv2.GaussianBlur(spots.astype(np.float32), (0, 0), 1.2)


def _gauss(x: Floats, width: float | Floats) -> Floats:
    bell: Floats = np.exp(-((x / width) ** 2))
    return bell


def _finger_frame(flesh: Flesh, f: int, points: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Along, across and out of the back of a finger's last straight piece (mm), and its length."""
    part = flesh.fingers[f][-1]
    away = points - part.base
    return away @ part.along, away @ part.across, away @ part.back, part.length


def _joints_along(flesh: Flesh, f: int) -> tuple[float, float]:
    """Where PIP and DIP (thumb: MCP and IP) lie along the finger's last straight piece, mm."""
    at = flesh.fingers[f][-1].at
    return float(at[2]), float(at[4])


def _folds(
    side: _Side,
    s: Floats,
    a: Floats,
    centre: float,
    *,
    count: int,
    gap: float,
    bow: float,
    half: float,
    depth: float,
) -> None:
    """Transverse folds around a joint: they bow away from its middle, like the rings of a knot.

    half: half their length across the finger, mm. depth: mm.
    """
    wobble = 0.35 * side.noise(4.0)
    for i in range(count):
        place = (i - (count - 1) / 2) * gap + side.rng.uniform(-0.25, 0.25) * gap
        curve = centre + place + bow * place * (a / half) ** 2 + wobble
        strength = depth * side.rng.uniform(0.5, 1.0) * np.exp(-((a / half) ** 4))
        line = _gauss(s - curve, side.rng.uniform(0.35, 0.6))
        side.height -= strength * line
        side.crease += 1.5 * strength * line
        side.melanin *= 1 + 0.25 * strength * line
        side.blood *= 1 + 0.3 * strength * line


def _back_of_finger(side: _Side, flesh: Flesh, f: int) -> None:
    build, k = flesh.build, flesh.scale
    s, a, b, length = _finger_frame(flesh, f, side.points)
    radius = float(flesh.fingers[f][-1].radius[3])
    near = (np.abs(a) < 1.5 * radius) & (s > -14) & (b > -radius)
    ours = cv2.GaussianBlur(near.astype(np.float32), (0, 0), 2)
    first, second = _joints_along(flesh, f)
    depth = 0.26 + 0.34 * build.age + 0.12 * build.knuckles
    half = 0.82 * radius
    for centre, wide, strong in [(first, 7.0, 1.0), (second, 4.5, 0.65)]:
        zone = ours * _gauss(s - centre, wide * k) * _gauss(a, 1.1 * radius)
        streaked = strong * zone * np.clip(0.8 + 0.35 * side.noise(1.8), 0, 2)
        side.melanin *= 1 + 0.22 * streaked
        side.blood *= 1 + 0.16 * streaked
        side.crease += 0.10 * streaked
        side.height += 0.10 * zone * (0.5 + build.knuckles) * (1 + 0.5 * side.noise(2.0))
    masked = np.where(near, a, 99.0).astype(np.float32)
    if f:
        _folds(side, s, masked, first, count=6, gap=1.75 * k, bow=0.55, half=half, depth=depth)
        _folds(side, s, masked, second - 0.5, count=3, gap=1.5 * k, bow=0.3, half=half, depth=0.75 * depth)
        knuckle = _gauss(s, 8 * k) * _gauss(a, 8 * k)
        side.blood *= 1 + 0.22 * knuckle
        side.melanin *= 1 + 0.14 * knuckle
        side.height += 0.09 * depth * knuckle * side.noise(1.6)
    else:
        _folds(side, s, masked, second, count=5, gap=1.7 * k, bow=0.4, half=half, depth=depth)
        _folds(side, s, masked, first, count=3, gap=2.0 * k, bow=0.2, half=half, depth=0.5 * depth)
    # Fingertips carry more blood; fine folds run across the whole finger.
    side.blood *= 1 + 0.25 * ours * np.clip((s - 0.8 * length) / (0.2 * length), 0, 1)
    side.height -= 0.03 * ours * (0.5 + build.age) * np.maximum(np.sin(s * 3.1 + 2 * side.noise(5)), 0) ** 3
    _nail(side, flesh, f, s, a, b, length)


def _nail(side: _Side, flesh: Flesh, f: int, s: Floats, a: Floats, b: Floats, length: float) -> None:
    build, k = flesh.build, flesh.scale
    tip_radius = float(flesh.fingers[f][-1].radius[-1])
    bed = (13.5 if f == 0 else 8.8 if f == 4 else 11.0) * k
    wide = (1.02 if f == 0 else 0.86) * tip_radius
    end = length - 3.4 * k
    start = end - bed
    middle, half = (start + end + build.nails) / 2, (bed + build.nails) / 2
    # A rounded rectangle; the far end is rounder than the near one.
    u, v = np.abs((s - middle) / half), np.abs(a / wide)
    shape = (u**3.2 + v**4.5) ** (1 / 3.6)
    plate = np.where(b > 0, np.clip((1 - shape) * half * 1.6, 0, 1), 0).astype(np.float32)
    rim = np.where(b > 0, _gauss((shape - 1.05) * half, 0.8), 0)
    side.height += 0.22 * plate * (1 - 0.35 * v**2) - 0.30 * rim
    side.blood *= 1 + 0.25 * rim
    side.melanin *= 1 + 0.15 * rim
    free = np.clip((s - end + 0.25 * (a / wide) ** 2 * bed * 0.4) / 0.7, 0, 1)
    lunula = np.clip(1.4 - np.hypot((s - start) / (0.24 * bed), a / (0.62 * wide)), 0, 1)
    shade = plate * (0.63 + 0.37 * free + 0.07 * lunula * (1 - free))
    np.maximum(side.nail, shade, out=side.nail)


def _tendons_and_veins(side: _Side, flesh: Flesh) -> None:
    build, k = flesh.build, flesh.scale
    rest = side.points
    for head in (5, 9, 13, 17):
        start = np.array([2.0, 6.0]) * k + np.array([0.2 * flesh.joints[head, 0], 0])
        away, end = rest[..., :2] - start, flesh.joints[head, :2] - start
        t = (away @ end) / (end @ end)
        line = away - np.clip(t, 0, 1)[..., None] * end
        gone = np.hypot(line[..., 0], line[..., 1])
        shown = np.clip((t - 0.15) / 0.3, 0, 1) * np.clip((1.08 - t) / 0.15, 0, 1)
        ridge = _gauss(gone, 2.6 * k) * shown
        side.height += (0.15 + 0.75 * build.lean) * ridge
        hollow = _gauss(gone - 8 * k, 4 * k) * shown
        side.height -= (0.1 + 0.35 * build.lean) * hollow
    veins = np.zeros(side.shape, np.float32)
    for _ in range(int(2 + 5 * build.lean)):
        x = side.rng.uniform(-22, 28) * k
        path = []
        turn = side.rng.uniform(-0.25, 0.25)
        for y in np.arange(-58, 86, 4.0) * k:
            path.append([x, y])
            turn = 0.8 * turn + side.rng.uniform(-0.16, 0.16)
            x = float(np.clip(x + 4 * k * turn, -24 * k, 32 * k))
        cv2.polylines(veins, [side.pixels(np.array(path))], False, 1.0, 5, cv2.LINE_AA)
    veins = np.asarray(cv2.GaussianBlur(veins, (0, 0), 2.2))
    side.height += 0.45 * build.lean * veins
    side.blood *= 1 - 0.25 * veins * (0.3 + 0.7 * build.lean)
    side.melanin *= 1 + 0.10 * veins * (0.3 + 0.7 * build.lean)


def _hair(side: _Side, flesh: Flesh) -> None:
    """On the forearm, and a little on the back of the hand: of every other person, fair or dense."""
    k, dense = flesh.scale, side.rng.uniform(-1, 1)
    if dense < 0:
        return
    drawn = np.zeros(side.shape, np.float32)
    for _ in range(int(900 * dense)):
        start = np.array([side.rng.uniform(-40, 40), 18 - side.rng.exponential(28)]) * k
        bend = side.rng.normal([0.9, -1.0], 0.4) * side.rng.uniform(2.0, 4.5)
        path = start + np.array([[0, 0], 0.5 * bend + side.rng.normal(0, 0.3, 2), bend])
        cv2.polylines(drawn, [side.pixels(path)], False, side.rng.uniform(0.2, 0.7), 1, cv2.LINE_AA)
    side.crease += 0.8 * drawn


def _front_of_finger(side: _Side, flesh: Flesh, f: int) -> None:
    k = flesh.scale
    s, a, b, length = _finger_frame(flesh, f, side.points)
    radius = float(flesh.fingers[f][-1].radius[3])
    near = (np.abs(a) < 1.5 * radius) & (b < radius) & (s > -5)
    ours = cv2.GaussianBlur(near.astype(np.float32), (0, 0), 2)
    masked = np.where(near, a, 99.0).astype(np.float32)
    first, second = _joints_along(flesh, f)
    base = 0.30 * first
    for centre, count, depth in [(second - 1.5, 1, 0.45), (first, 2, 0.5), (base, 2 if f else 1, 0.45)]:
        _folds(side, s, masked, centre, count=count, gap=2.4 * k, bow=0.1, half=1.05 * radius, depth=depth)
    side.blood *= 1 + 0.35 * ours * np.clip((s - 0.75 * length) / (0.25 * length), 0, 1)
    ridges = np.sin(7.5 * np.hypot(s - 0.82 * length, 1.4 * a) + 0.6 * side.noise(3))
    side.height += 0.02 * ours * ridges * (s > 0.7 * length)


def _palm_lines(side: _Side, flesh: Flesh) -> None:
    joints = flesh.joints[:, :2]
    index, middle, little, thumb = joints[5], joints[9], joints[17], joints[1]
    wrist = joints[0]

    def shift(point: Floats, x: float, y: float) -> Floats:
        moved: Floats = point + np.array([x, y], np.float32) * flesh.scale
        return moved

    lines = [
        # Heart, head and life, and the line of fate; then the folds at the wrist.
        [shift(little, 9, -10), shift(little, -8, -6), shift(middle, 8, -8), shift(middle, -9, 8)],
        [shift(index, -9, -16), shift(index, 8, -24), shift(middle, 10, -36), shift(little, 2, -38)],
        [shift(index, -9, -18), shift(index, 8, -36), shift(thumb, 32, 22), shift(thumb, 22, -4)],
        [shift(middle, 4, -24), shift(middle, 4, -48), shift(wrist, 2, 14)],
        [shift(wrist, -17, 4), shift(wrist, 0, 1), shift(wrist, 16, 4)],
        [shift(wrist, -17, -4), shift(wrist, 0, -8), shift(wrist, 16, -4)],
    ]
    drawn = np.zeros(side.shape, np.float32)
    for number, line in enumerate(lines):
        path = np.array(line) + side.rng.normal(0, 1.6, (len(line), 2))
        pixels = side.pixels(_curve(path))
        strength = (0.85 if number < 3 else 0.4) * side.rng.uniform(0.7, 1.1)
        mark = np.zeros(side.shape, np.float32)
        for share, wide in ((1.0, 1), (0.6, 2)):
            # A line is deepest in its middle.
            first, last = (np.array([0.5 - share / 2, 0.5 + share / 2]) * len(pixels)).astype(int)
            cv2.polylines(mark, [pixels[first:last]], False, strength, wide, cv2.LINE_AA)
        drawn = np.maximum(drawn, mark)
    for _ in range(int(14 + 30 * flesh.build.age)):
        start = np.array([side.rng.uniform(-25, 30), side.rng.uniform(20, 95)]) * flesh.scale
        step = side.rng.normal(0, 5, 2)
        cv2.polylines(drawn, [side.pixels(np.array([start, start + step]))], False, 0.35, 1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(drawn, (0, 0), 1.1) * (0.75 + 0.25 * np.abs(side.noise(6.0)))
    side.height -= 0.6 * soft
    side.crease += 0.75 * soft
    side.melanin *= 1 + 0.15 * soft
    side.blood *= 1 + 0.4 * soft


def _curve(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth line through the points (Catmull-Rom)."""
    padded = np.vstack([2 * path[0] - path[1], path, 2 * path[-1] - path[-2]])
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        t = np.linspace(0, 1, 20)[:, None]
        pieces.append(
            0.5
            * (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            )
        )
    return np.concatenate(pieces)
