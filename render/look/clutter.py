"""Clutter to put behind a hand: things of every shape, pattern and colour, people among them; no hand.

It is made of plain shapes, so that none of it has a licence. Skin is among it on purpose: whoever looks for
hands must not take all skin for one. Needs OpenCV; Blender's interpreter does not read this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.look import tone
from render.look.colour import dye, encoded

Picture = NDArray[np.float32]  # (S, S, 3) sRGB, 0 to 1
Floats = NDArray[np.floating[Any]]
Box = tuple[slice, slice]  # rows and columns

_THINGS = (4, 40)
_PEOPLE = 0.35  # share of pictures with somebody in them
_SHIFT = 4  # fractional bits of cv2's drawing coordinates


def draw(rng: np.random.Generator, size: int) -> Picture:
    """One picture of clutter."""
    grain = _noise(rng, size, size // 2)
    picture = _wall(rng, size, grain)
    for _ in range(int(rng.integers(*_THINGS))):
        _lay(picture, _outline(rng, size), _cloth(rng, size), grain, rng)
    if rng.random() < _PEOPLE:
        for _ in range(int(rng.integers(1, 3))):
            _somebody(picture, grain, rng)
    return _lit(_softened(picture, rng), rng)


def _wall(rng: np.random.Generator, size: int, grain: Picture) -> Picture:
    """What is furthest away: a wall or a floor, or both, or a view out of focus."""
    whole = (slice(0, size), slice(0, size))
    picture = _cloth(rng, size).cut(whole, grain)
    if rng.random() < 0.6:
        height = np.linspace(0, 1, size)[:, None] + rng.normal(0, 0.3) * np.linspace(-1, 1, size)[None]
        below = height > rng.uniform(0.3, 0.9)
        picture[below] = _cloth(rng, size).cut(whole, grain)[below]
    return picture


@dataclass(frozen=True, slots=True)
class _Cloth:
    """A surface that could cover all: two colours (sRGB), mixed by a pattern.

    Attributes
    ----------
    turn: radians. period: pixels. share: of stripes' other colour. stone: what mixes stone's colours, (S, S).
    grain: how strong the grain of the surface is.
    """

    one: Floats
    other: Floats
    pattern: str
    turn: float
    period: float
    share: float
    stone: Picture
    grain: float

    def cut(self, box: Box, grain: Picture) -> Picture:
        """What lies in a part of the picture (h, w, 3)."""
        one, other = np.float32(self.one), np.float32(self.other)
        cloth = one + self._mixed(box)[..., None] * (other - one)
        cloth += np.float32(self.grain) * grain[box][..., None]
        return np.asarray(cloth, np.float32)

    def _mixed(self, box: Box) -> Picture:
        """How much of the other colour is where (h, w)."""
        rows, columns = (np.arange(span.start, span.stop, dtype=np.float32) for span in box)
        if self.pattern == "plain":
            return np.zeros((len(rows), len(columns)), np.float32)
        if self.pattern == "stone":
            return self.stone[box]
        cosine, sine = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        along = cosine * columns + (sine * rows)[:, None]
        if self.pattern == "gradient":
            return np.asarray((along - along.min()) / max(float(np.ptp(along)), 1.0), np.float32)
        if self.pattern == "stripes":
            return (np.sin(along * np.float32(2 * np.pi / self.period)) > self.share).astype(np.float32)
        across = (cosine * rows)[:, None] - sine * columns
        return np.asarray((np.floor(along / self.period) + np.floor(across / self.period)) % 2, np.float32)


def _cloth(rng: np.random.Generator, size: int) -> _Cloth:
    """Two colours, mixed evenly, in a gradient, in stripes, in checks or as in stone."""
    one, other = _paint(rng), _paint(rng)
    turn, period = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.03, 0.4)
    pattern = str(
        rng.choice(["plain", "gradient", "stripes", "checks", "stone"], p=[0.3, 0.25, 0.15, 0.1, 0.2])
    )
    stone = np.zeros((0, 0), np.float32)
    if pattern == "stone":
        stone = np.clip(0.5 + 0.35 * _noise(rng, size, int(rng.integers(3, 20))), 0, 1)
    share, grain = rng.uniform(-0.7, 0.7), 0.02 * rng.random()
    return _Cloth(one, other, pattern, float(turn), float(period), float(share), stone, float(grain))


def _plain(colour: Floats) -> _Cloth:
    return _Cloth(colour, colour, "plain", 0.0, 1.0, 0.0, np.zeros((0, 0), np.float32), 0.0)


def _paint(rng: np.random.Generator) -> Floats:
    """sRGB of a thing: mostly greys and wood, sometimes any dye, sometimes like skin."""
    what = rng.random()
    if what < 0.4:
        return np.clip(rng.random() + 0.05 * rng.normal(size=3), 0, 1)
    if what < 0.55:
        return np.clip(rng.uniform(0.2, 0.9) * np.array([1.0, 0.78, 0.55]) + 0.04 * rng.normal(size=3), 0, 1)
    return _skin(rng) if what < 0.65 else encoded(np.array(dye(rng)))


def _skin(rng: np.random.Generator) -> Floats:
    drawn = tone.sample_tone(rng, (0.012, 0.32), (0.007, 0.024))
    return encoded(np.clip(tone.colour(drawn) * rng.uniform(0.6, 1.3), 0, 1))


def _noise(rng: np.random.Generator, size: int, cells: int) -> Picture:
    coarse = rng.standard_normal((max(cells, 2), max(cells, 2)), np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


def _outline(rng: np.random.Generator, size: int) -> Picture:
    """(S, S) how much of each pixel a thing covers: a box, a round thing, a rod, or any polygon."""
    cover = np.zeros((size, size), np.uint8)
    middle, reach = rng.uniform(-0.1, 1.1, 2) * size, size * rng.uniform(0.03, 0.45)
    kind = rng.choice(["box", "round", "rod", "any", "frame"], p=[0.35, 0.2, 0.2, 0.15, 0.1])
    turn = rng.normal(0, 0.15) if rng.random() < 0.6 else rng.uniform(0, np.pi)
    if kind == "round":
        axes = _fixed(reach * rng.uniform(0.4, 1, 2))
        cv2.ellipse(cover, _fixed(middle), axes, np.degrees(turn), 0, 360, 255, -1, cv2.LINE_AA, _SHIFT)
    elif kind == "any":
        around = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        away = reach * rng.uniform(0.3, 1, (len(around), 1))
        _fill(cover, middle + away * np.stack([np.cos(around), np.sin(around)], 1))
    else:
        half = reach * np.array([1.0, rng.uniform(0.02, 0.12) if kind == "rod" else rng.uniform(0.3, 1)])
        corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        _fill(cover, middle + corners @ spin.T)
        if kind == "frame":
            inner = np.zeros_like(cover)
            _fill(inner, middle + rng.uniform(0.7, 0.95) * corners @ spin.T)
            cover = cover - np.minimum(inner, cover)
    return np.asarray(cover, np.float32) / np.float32(255)


def _fill(cover: NDArray[np.uint8], corners: Floats) -> None:
    cv2.fillPoly(cover, [np.rint(corners * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)


def _fixed(point: Floats) -> tuple[int, int]:
    x, y = np.rint(np.maximum(point, -1e4) * (1 << _SHIFT)).astype(int).tolist()
    return x, y


def _lay(picture: Picture, cover: Picture, cloth: _Cloth, grain: Picture, rng: np.random.Generator) -> None:
    """Put a thing before what is there, with a soft shadow beside it and one side in the light."""
    size = len(picture)
    shift, soft = rng.normal(0, 0.02 * size, 2), size * rng.uniform(0.005, 0.04)
    round_, upright = size * rng.uniform(0.01, 0.06), rng.random() < 0.5
    dark, lit = rng.uniform(0, 0.5), rng.uniform(0, 3)
    box = _around(cover, int(np.abs(shift).max() + 2.5 * soft) + 1)
    cover, part = cover[box], picture[box]
    if not cover.size:
        return
    moved: Any = cv2.warpAffine(cover, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), cover.shape[::-1])
    part *= 1 - np.float32(dark) * _blurred(moved, soft)[..., None]
    slope = cv2.Sobel(_blurred(cover, round_), cv2.CV_32F, *((1, 0) if upright else (0, 1)), ksize=3)
    shaded = cloth.cut(box, grain) * (1 + np.float32(lit) * np.clip(slope, -0.2, 0.2))[..., None]
    part += cover[..., None] * (shaded - part)


def _around(cover: Picture, margin: int) -> Box:
    """The part of the picture that a thing, and what is so near to it, takes up."""
    spans = []
    for axis, size in enumerate(cover.shape):
        there = np.flatnonzero(cover.any(axis=1 - axis))
        spans.append(
            slice(max(there[0] - margin, 0), min(there[-1] + 1 + margin, size)) if len(there) else slice(0)
        )
    return spans[0], spans[1]


def _blurred(values: Picture, sigma: float) -> Picture:
    """Nearly as by a Gaussian, in a time that does not grow with sigma."""
    side = 2 * round(2 * sigma) + 1
    return values if side < 3 else np.asarray(cv2.stackBlur(values, (side, side)), np.float32)


def _somebody(picture: Picture, grain: Picture, rng: np.random.Generator) -> None:
    """A head with hair and eyes above a body in cloth, and perhaps an arm; neither has a hand."""
    size = len(picture)
    skin, hair = _skin(rng), _skin(rng) * rng.uniform(0.05, 0.7)
    at, high = rng.uniform(0.1, 0.9, 2) * size, size * rng.uniform(0.06, 0.3)
    lean = rng.normal(0, 0.15)

    def blob(
        place: tuple[float, float], axes: tuple[float, float], colour: Floats, turn: float = 0.0
    ) -> None:
        cover = np.zeros(picture.shape[:2], np.uint8)
        middle, half = at + high * np.array(place), _fixed(high * np.array(axes))
        cv2.ellipse(
            cover, _fixed(middle), half, np.degrees(lean + turn), 0, 360, 255, -1, cv2.LINE_AA, _SHIFT
        )
        _lay(picture, np.asarray(cover, np.float32) / np.float32(255), _plain(colour), grain, rng)

    blob((0.0, 2.6), (1.7, 1.7), _paint(rng))
    if rng.random() < 0.3:
        blob((0.0, 2.6), (1.5, 1.6), skin)  # no shirt
    blob((0.0, 1.1), (0.35, 0.6), skin)
    blob((0.0, -0.15), (0.86, 1.08), hair)
    blob((0.0, 0.12), (0.74, 0.95), skin)
    for x in (-0.3, 0.3):
        blob((x, 0.0), (0.14, 0.07), np.array([0.9, 0.9, 0.9]))
        blob((x, 0.0), (0.06, 0.06), np.array([0.08, 0.06, 0.05]))
    blob((0.0, 0.55), (0.25, 0.07), skin * np.array([0.85, 0.55, 0.55]))
    if rng.random() < 0.5:
        blob((rng.choice([-1.6, 1.6]), 2.2), (0.35, 1.6), skin, rng.normal(0, 0.6))


def _softened(picture: Picture, rng: np.random.Generator) -> Picture:
    """More or less out of focus."""
    sigma = len(picture) * rng.choice([0.0, 0.004, 0.015]) * rng.uniform(0.5, 1.5)
    return picture if sigma < 0.3 else np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _lit(picture: Picture, rng: np.random.Generator) -> Picture:
    """Brighter on one side, and of another brightness as a whole."""
    size, turn = len(picture), rng.uniform(0, 2 * np.pi)
    x, y = np.meshgrid(*[np.linspace(-1, 1, size, dtype=np.float32)] * 2)
    light = rng.uniform(0.4, 1.15) * (1 + rng.uniform(0, 0.35) * (np.cos(turn) * x + np.sin(turn) * y))
    return np.asarray(np.clip(picture * light[..., None], 0, 1), np.float32)
