"""Heads for clutter, as surfaces: faces, hair, beards, glasses, scarves. Nobody's, and no hand among them.

Centimetres from the middle of the head, which looks along +z; proportions are those of adults (eyes half way
up, a face of two thirds of the height), spread by a few percent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render.look import tone
from render.look.colour import single
from render.look.fabric import cloth, noise, skin
from render.look.solids import Surface, tube

Values = NDArray[np.floating[Any]]

# Linear reflectance of hair and how often it has it: black, dark brown, brown, fair, red, grey, white.
_HAIRS = np.array(
    [
        [0.010, 0.009, 0.008],
        [0.030, 0.020, 0.014],
        [0.075, 0.045, 0.026],
        [0.30, 0.21, 0.11],
        [0.16, 0.06, 0.025],
        [0.17, 0.17, 0.17],
        [0.50, 0.49, 0.47],
    ],
    np.float32,
)
_HAIR_SHARES = [0.45, 0.22, 0.12, 0.07, 0.02, 0.09, 0.03]


@dataclass(frozen=True, slots=True, eq=False)
class Complexion:
    """A person's colours: linear RGB (3,), and what log RGB gains with melanin and blood."""

    base: Values
    melanin: Values
    blood: Values
    hair: Values
    gloss: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Complexion:
        """Anybody's."""
        return cls.of(skin(rng), rng)

    @classmethod
    def of(cls, drawn: tone.Tone, rng: np.random.Generator) -> Complexion:
        """Of somebody with this skin."""
        melanin, blood = tone.log_change(tone.Tone(max(drawn.melanin, 0.05), drawn.blood))
        hair = _HAIRS[rng.choice(len(_HAIRS), p=_HAIR_SHARES)] * single(rng.uniform(0.6, 1.5))
        base = single(0.85 * tone.colour(drawn) + 0.15 * tone.colour(drawn).mean() + 0.012)
        return cls(base, single(melanin), single(blood), hair, float(rng.uniform(0.05, 0.35)))

    def skin(self, melanin: Values | float, blood: Values | float) -> Values:
        """Reflectance where there is so much more melanin and blood (H, W) than elsewhere."""
        m, b = np.asarray(melanin, np.float32)[..., None], np.asarray(blood, np.float32)[..., None]
        return np.asarray(self.base * np.exp(m * self.melanin + b * self.blood), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Globe:
    """Directions around a head: azimuth (0 in front) and elevation (M, N), and the bare skull there."""

    azimuth: Values
    elevation: Values
    points: Values

    @classmethod
    def draw(cls, rng: np.random.Generator, detail: float) -> _Globe:
        rows, columns = max(int(140 * detail), 24), max(int(170 * detail), 32)
        s = np.linspace(-1, 1, columns, dtype=np.float32)
        azimuth, elevation = np.meshgrid(
            np.pi * (0.42 * s + 0.58 * s**3), np.linspace(-np.pi / 2, np.pi / 2, rows, dtype=np.float32)
        )
        way = np.stack(
            [
                np.cos(elevation) * np.sin(azimuth),
                np.sin(elevation),
                np.cos(elevation) * np.cos(azimuth),
            ],
            -1,
        )
        wide = rng.normal(1, 0.05, 3)
        skull = _reach(way, np.array([0, 2.6, -0.8]), np.array([7.5 * wide[0], 8.9, 9.6]))
        jaw = _reach(way, np.array([0, -4.6, 1.6]), np.array([5.9 * wide[1], 6.9 * wide[2], 7.2]))
        radius = np.log(np.exp(1.3 * skull) + np.exp(1.3 * jaw)) / 1.3
        return cls(azimuth, elevation, np.asarray(way * radius[..., None], np.float32))

    def out(self, away: Values) -> Values:
        """The skull's points, further out by so much (M, N), cm."""
        length = np.linalg.norm(self.points, axis=-1, keepdims=True)
        return np.asarray(self.points * (1 + away[..., None] / length), np.float32)


def _reach(way: Values, middle: Values, axes: Values) -> Values:
    """How far from the origin rays leave an ellipsoid that it lies in."""
    d, c = way / axes, middle / axes
    a, b = (d * d).sum(-1), (d * c).sum(-1)
    return np.asarray((b + np.sqrt(np.maximum(b * b - a * ((c * c).sum() - 1), 0))) / a, np.float32)


def head(rng: np.random.Generator, own: Complexion, detail: float) -> list[Surface]:
    """A head with what grows on it or is worn on it.

    Parameters
    ----------
    detail: 1 for one that is about 100 pixels high; less for smaller ones.
    """
    globe = _Globe.draw(rng, detail)
    woman = rng.random() < 0.45
    above = _hairline(rng, globe)
    bearded, bald = not woman and rng.random() < 0.6, not woman and rng.random() < 0.07
    parts = [_face(rng, own, globe, bearded, above if not bald else np.full_like(above, -1))]
    parts += [_ear(own, globe, side) for side in (-1, 1)] if detail > 0.2 else []
    worn = rng.random()
    if worn < 0.1:
        parts += _scarf(rng, globe)
    elif worn < 0.16:
        parts.append(_cap(rng, globe))
        parts += _long(rng, own, globe) if woman else [_hair(rng, own, globe, above, 0.4)]
    elif woman or rng.random() < 0.1:
        parts += [_hair(rng, own, globe, above, rng.uniform(0.6, 1.6))]
        parts += _long(rng, own, globe) if rng.random() < 0.8 else []
    elif not bald:
        long = rng.choice([0.25, 0.8, 1.6, 2.6]) * rng.uniform(0.7, 1.2)
        parts.append(_hair(rng, own, globe, above, long))
    if bearded and rng.random() < 0.6:
        parts.append(_beard(rng, own, globe))
    if rng.random() < 0.3 and detail > 0.2:
        parts += _glasses(rng)
    return parts


def _face(rng: np.random.Generator, own: Complexion, globe: _Globe, bearded: bool, above: Values) -> Surface:
    x, y, z = np.moveaxis(globe.points, -1, 0)
    front = np.clip(z / 4, 0, 1)
    sizes = rng.normal(1, 0.12, 8).astype(np.float32)

    def at(across: float, up: float, wide: float, high: float) -> Values:
        """A bump at a place of the face, and at the same on its other half."""
        beside = (np.abs(x) if across else x) - across
        bell = np.exp(-((beside / wide) ** 2) - ((y - up) / high) ** 2) * front
        return np.asarray(bell, np.float32)

    mouth = -6.5 + rng.normal(0, 0.15) + rng.uniform(-0.01, 0.05) * x * x
    lips = np.exp(-(np.abs(x / (2.3 * sizes[0])) ** 3)) * front
    upper, lower = (np.exp(-(((y - mouth - o) / 0.5) ** 2)) * lips for o in (0.42, -0.5))
    ridge = np.interp(y, [-5.3, -4.7, -3.9, -1.5, 1.2, 2.6], [0, 1.1, 2.5, 1.7, 0.75, 0.15]).astype(
        np.float32
    )
    width = np.interp(y, [-4.6, -3.5, 0, 2], [1.25, 1.15, 0.9, 1.0]).astype(np.float32)
    nose = ridge * np.exp(-((x / (width * sizes[1])) ** 2)) * sizes[2] * front
    wing = at(1.45 * sizes[1], -4.3, 0.75, 0.75)
    socket, brow = at(3.1, 0.5, 1.7, 1.1), at(2.9, 2.2, 2.4, 0.8)
    ball = at(3.1, 0.35, 1.25, 0.75)
    relief = nose + 0.75 * wing - 0.8 * socket + 0.55 * ball + 0.4 * sizes[3] * brow
    relief += 0.5 * at(4.3, -2.0, 2.2, 2.0) + 0.45 * (upper + lower) - 0.5 * at(0, -7.9, 2.0, 0.6)
    relief += 0.8 * sizes[4] * at(0, -9.7, 2.2, 1.5) - 0.3 * at(2.7, -5.6, 0.6, 1.2)
    points = globe.points.copy()
    points[..., 2] += relief
    colour = _painted(rng, own, globe, at, _Mouth(y - mouth, lips, upper, lower), bearded)
    scalp = np.clip(above / 0.12, 0, 1)[..., None]
    colour += scalp * (own.hair - colour)
    gloss = own.gloss * (0.6 + 0.6 * (at(0, -2, 1.2, 3) + at(0, 6, 4, 2.5)))
    return Surface.of(points, colour, gloss)


@dataclass(frozen=True, slots=True, eq=False)
class _Mouth:
    """Of each direction (M, N): cm above the mouth's line, whether between its corners, on which lip."""

    above: Values
    wide: Values
    upper: Values
    lower: Values


def _painted(
    rng: np.random.Generator,
    own: Complexion,
    globe: _Globe,
    at: Callable[[float, float, float, float], Values],
    mouth: _Mouth,
    bearded: bool,
) -> Values:
    """Reflectance (M, N, 3) of a face: skin, brows, eyes, nostrils, lips, stubble."""
    x, y, _ = np.moveaxis(globe.points, -1, 0)
    shape = x.shape
    blotches = 0.08 * noise(rng, shape, (18, 22))
    blood = (
        0.35 * at(4.2, -2.6, 2.0, 1.8)
        + 0.35 * at(0, -4, 1.2, 1.2)
        + blotches
        + 0.9 * (mouth.upper + mouth.lower)
    )
    melanin = (
        0.22 * at(3.1, -0.6, 1.8, 0.8) + 0.12 * at(3.1, 1.0, 1.8, 0.8) + 0.1 * noise(rng, shape, (30, 36))
    )
    melanin += 0.25 * (mouth.upper + 0.6 * mouth.lower) + 0.1 * at(0, -7.6, 3, 1)
    colour = own.skin(melanin, blood)
    hair = own.hair * single(0.7) + single(0.02) * own.base

    def mix(share: Values, other: Values) -> None:
        colour[:] += np.clip(share, 0, 1)[..., None] * (other - colour)

    strands = 0.75 + 0.25 * noise(rng, shape, (60, 90))
    tilt = 2.15 + 0.1 * rng.normal() - 0.09 * (np.abs(x) - 2.9) ** 2 + 0.12 * (np.abs(x) - 2.9)
    thick = rng.uniform(0.3, 0.5)
    brow = np.exp(-(((y - tilt) / thick) ** 4) - ((np.abs(x) - 3.0) / 1.9) ** 6)
    front = np.clip(globe.points[..., 2] / 4, 0, 1)
    mix(0.8 * brow * strands * front, hair)
    if bearded:
        stubble = _bearded(globe, rng) * np.clip(0.7 + 0.4 * noise(rng, shape, (70, 90)), 0, 1)
        mix(rng.uniform(0.15, 0.6) * stubble * (1 - mouth.wide * np.exp(-((mouth.above / 0.9) ** 4))), hair)
    opened = rng.uniform(0.36, 0.55)
    almond = opened * np.clip(1 - ((np.abs(x) - 3.1) / 1.45) ** 2, 0, 1) - np.abs(y - 0.4)
    white = np.clip(almond / 0.16, 0, 1) * front
    mix(white, single([0.42, 0.40, 0.38]))
    look = rng.normal(0, 0.25)
    iris = np.clip((0.62 - np.hypot(np.where(x > 0, x - 3.1, x + 3.1) - look, y - 0.42)) / 0.15, 0, 1)
    mix(iris * white, single(rng.choice([0.012, 0.03, 0.06]) * np.array([1.2, 1, 0.8])))
    lash = np.exp(-(((y - 0.4 - opened * np.clip(1 - ((np.abs(x) - 3.1) / 1.6) ** 2, 0, 1)) / 0.16) ** 2))
    mix(0.75 * lash * front * np.exp(-(((np.abs(x) - 3.1) / 1.5) ** 6)), own.base * single(0.08))
    mix(0.7 * at(0.75, -4.95, 0.45, 0.28), own.base * single(0.12))  # nostrils
    if rng.random() < 0.25:  # smiling, with teeth
        teeth = np.exp(-(((mouth.above + 0.1) / 0.38) ** 4)) * np.exp(-((x / 1.9) ** 6)) * front
        mix(teeth, single([0.55, 0.52, 0.47]))
    else:
        mix(0.7 * np.exp(-((mouth.above / 0.16) ** 2)) * mouth.wide, own.base * single(0.2))
    return colour


def _ear(own: Complexion, globe: _Globe, side: int) -> Surface:
    u, v = np.meshgrid(np.linspace(-np.pi, np.pi, 20), np.linspace(-np.pi / 2, np.pi / 2, 14))
    ball = np.stack([np.cos(v) * np.sin(u), np.sin(v), np.cos(v) * np.cos(u)], -1)
    edge = float(np.abs(globe.points[..., 0]).max())
    points = ball * [0.7, 2.8, 1.6] + [side * (edge + 0.05), -1.4, -0.9]
    points[..., 0] += side * 0.35 * (0.9 - points[..., 2]) * 0.4
    rim = np.clip(1 - np.hypot(ball[..., 1] * 1.3, ball[..., 2] * 1.3), 0, 1)
    return Surface.of(points, own.skin(single(rim * 0.8), single(0.5 + 0 * rim)), own.gloss * 0.5)


def _hairline(rng: np.random.Generator, globe: _Globe) -> Values:
    """How far above the edge of the hair a direction is (M, N), radians."""
    front, corner, nape = rng.normal([0.74, 0.06, -0.75], [0.08, 0.06, 0.12])
    around = np.abs(globe.azimuth)
    line = np.interp(
        around,
        [0, 0.3, 0.55, 0.85, 1.0, 1.2, 1.4, 1.65, 2.1, np.pi],
        [front, front + corner, front + corner, front - 0.12, 0.3, 0.05, -0.15, 0.0, -0.5, nape],
    )
    return np.asarray(globe.elevation - line, np.float32)


def _strands(rng: np.random.Generator, shape: tuple[int, int], fine: int) -> Values:
    """Noise that runs along the hair (M, N)."""
    wave = noise(rng, shape, (int(rng.integers(4, 40)), fine))
    return np.asarray(0.55 * wave + 0.35 * noise(rng, shape, (9, 12)), np.float32)


def _hair(rng: np.random.Generator, own: Complexion, globe: _Globe, line: Values, long: float) -> Surface:
    """What covers the skull, so many centimetres thick on top."""
    shape = globe.azimuth.shape
    strand = _strands(rng, shape, int(rng.integers(60, 130)))
    above = line + 0.03 * strand + 0.06 * noise(rng, shape, (10, 14))
    grown = np.clip(above / 0.35, 0, 1) ** 0.6
    top = np.clip(globe.elevation, 0, 1) ** 0.7
    parting = rng.normal(0, 0.4)
    side = 0.25 * np.exp(-(((globe.azimuth - parting) / 0.25) ** 2)) * (globe.elevation > 0.4)
    lumps = 1 + 0.3 * noise(rng, shape, (6, 8)) + 0.1 * strand - side
    away = 0.15 + grown * (0.35 * min(long, 1) + long * top) * lumps
    colour = own.hair * np.exp(0.4 * strand + 0.25 * noise(rng, shape, (10, 10)))[..., None]
    return Surface.of(globe.out(away), colour, 0.12 + 0.1 * np.clip(strand, 0, 1), above > 0)


def _bearded(globe: _Globe, rng: np.random.Generator) -> Values:
    """Where a beard grows (M, N), 0 to 1."""
    x, y, z = np.moveaxis(globe.points, -1, 0)
    jaw = -4.6 - 0.05 * x * x * (z > 2) + 4.2 * np.clip((np.abs(x) - 4.8) / 2, 0, 1)
    whole = np.clip((jaw - y) / 1.2, 0, 1)
    kind = rng.random()
    if kind < 0.25:
        whole = whole * np.exp(-((x / 3.2) ** 4))  # around the mouth
    elif kind < 0.45:
        whole = np.exp(-(((y + 5.5) / 0.6) ** 4) - (x / 2.8) ** 6)  # a moustache
    return np.asarray(whole * np.clip((z + 1) / 2, 0, 1) * (y < -2), np.float32)


def _beard(rng: np.random.Generator, own: Complexion, globe: _Globe) -> Surface:
    shape = globe.azimuth.shape
    curl = noise(rng, shape, (90, 120))
    x, y = globe.points[..., 0], globe.points[..., 1]
    mouth = np.exp(-((x / 2.4) ** 4) - ((y + 6.6) / 0.85) ** 4)
    grown = _bearded(globe, rng) * (1 - mouth) + 0.1 * curl - 0.05
    long = rng.choice([0.3, 0.6, 1.5]) * np.clip(0.4 - y / 14, 0.4, 1.3)
    away = np.clip(grown, 0, 1) * long * (1 + 0.1 * curl)
    points = globe.out(away)
    points[..., 2] += 1.1 * np.exp(-((x / 2.0) ** 2) - ((y + 5.6) / 1.4) ** 2)
    colour = own.hair * np.exp(0.5 * curl)[..., None] + single(0.03) * own.base
    return Surface.of(points, colour, 0.05, (grown > 0.45 + 0.35 * curl) & (grown > 0.2))


def _hanging(
    rng: np.random.Generator, start: float, drop: float, spread: float, detail: float
) -> tuple[Values, Values]:
    """A curtain (M, N, 3) around back and sides of a head, from above the ears down, and its grid."""
    rows, columns = max(int(90 * detail), 16), max(int(150 * detail), 24)
    t, s = np.meshgrid(np.linspace(1, 0, rows), np.linspace(0, 1, columns), indexing="ij")
    around = start + s * (2 * np.pi - 2 * start)
    wave = noise(rng, t.shape, (4, 12)) * 0.7 * t + 0.25 * noise(rng, t.shape, (3, 60))
    ease = np.sin(np.pi / 2 * np.clip(t * 2.2, 0, 1))
    reach = 6.5 + 2.6 * ease + spread * np.clip(t * 1.4 - 0.4, 0, 1) + wave
    points = np.stack(
        [
            reach * np.sin(around) * (0.97 + 0.03 * spread * t),
            6.5 - drop * t + 0 * s,
            reach * np.cos(around) * 1.1 - 1.5,
        ],
        -1,
    )
    return points.astype(np.float32), np.stack([around, t], -1).astype(np.float32)


def _long(rng: np.random.Generator, own: Complexion, globe: _Globe) -> list[Surface]:
    """Hair that hangs down to the chin or the breast."""
    detail = globe.azimuth.shape[0] / 140
    points, grid = _hanging(rng, rng.uniform(1.15, 1.55), rng.uniform(13, 38), rng.uniform(-1.0, 3.0), detail)
    strand = noise(rng, grid.shape[:2], (3, int(rng.integers(60, 120))))
    ends = grid[..., 1] < 0.93 + 0.08 * strand
    colour = own.hair * np.exp(0.55 * strand + 0.2 * noise(rng, grid.shape[:2], (8, 8)))[..., None]
    return [Surface.of(points, colour, 0.12 + 0.1 * np.clip(strand, 0, 1), ends, open=True)]


def _scarf(rng: np.random.Generator, globe: _Globe) -> list[Surface]:
    """A headscarf around the face, down to the shoulders."""
    shape = globe.azimuth.shape
    face = (globe.azimuth / rng.uniform(0.72, 0.9)) ** 2 + (
        (globe.elevation + 0.2) / rng.uniform(0.68, 0.8)
    ) ** 2
    folds = noise(rng, shape, (12, 9))
    away = 0.8 + 0.3 * folds + 0.4 * np.exp(-(((face - 1.1) / 0.3) ** 2))
    x, y = globe.points[..., 0], globe.points[..., 1]
    seed = int(rng.integers(2**31))
    over = cloth(np.random.default_rng(seed), x, y)
    detail = shape[0] / 140
    hung, grid = _hanging(rng, 0.0, rng.uniform(27, 36), rng.uniform(8, 11), detail)
    creases = noise(rng, grid.shape[:2], (12, 16))
    hung += (0.7 * creases)[..., None] * np.stack(
        [np.sin(grid[..., 0]), 0 * creases, np.cos(grid[..., 0])], -1
    )
    around = grid[..., 0] * 9
    below = cloth(np.random.default_rng(seed), around, hung[..., 1])
    there = (np.cos(grid[..., 0]) < 0.35) | (hung[..., 1] < -10.5 + 1.0 * creases)
    return [
        Surface.of(globe.out(away), over, 0.03, face > 1),
        Surface.of(hung, below, 0.03, there, open=True),
    ]


def _cap(rng: np.random.Generator, globe: _Globe) -> Surface:
    shape = globe.azimuth.shape
    above = globe.elevation - rng.uniform(0.25, 0.5) + 0.12 * np.cos(globe.azimuth - np.pi)
    colour = cloth(rng, globe.points[..., 0], globe.points[..., 1])
    away = 1.0 + 0.15 * noise(rng, shape, (8, 30)) + rng.uniform(0, 2) * np.clip(globe.elevation, 0, 1) ** 2
    return Surface.of(globe.out(single(away)), colour, 0.03, above > 0)


def _glasses(rng: np.random.Generator) -> list[Surface]:
    """Two rims, what joins them, and what holds them."""
    wide, high, thick = rng.uniform(2.2, 2.9), rng.uniform(1.5, 2.4), rng.uniform(0.1, 0.28)
    round_ = rng.choice([2.0, 4.0])
    colour = single(rng.choice([0.008, 0.03, 0.25]) * np.array([1, 0.9, 0.8]))
    turn = np.linspace(0, 2 * np.pi, 40)
    c, s = np.cos(turn), np.sin(turn)
    lines = []
    for side in (-1, 1):
        x = np.sign(c) * np.abs(c) ** (2 / round_) * wide + side * 3.2
        y = np.sign(s) * np.abs(s) ** (2 / round_) * high
        lines.append(np.stack([x, y, 11.3 - 0.05 * x * x], -1))
        lines.append(np.linspace([side * (3.2 + wide), 0.6, 10.0], [side * 7.9, 0.3, -0.5], 12))
    lines.append(np.linspace([-3.2 + wide, 0.4, 11.4], [3.2 - wide, 0.4, 11.4], 6))
    return [tube(line, np.full(len(line), thick), colour, 0.6, around=7) for line in lines]
