"""Rooms for clutter, as webcams see them: walls, ceilings with lamps, windows, furniture. Linear light."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.look.colour import linear, single
from render.look.fabric import noise, shade, words
from render.look.things import blurred, box, fixed, lay, polygon

Values = NDArray[np.floating[Any]]

_SIDE = 96  # pixels of the pictures that are laid on walls, floor and ceiling


def paint(rng: np.random.Generator) -> Values:
    """Linear RGB (3,) of a painted wall: mostly white, grey or beige."""
    light, warm = rng.beta(4, 1.8), rng.normal(0.02, 0.03)
    rgb = light * np.array([1 + warm, 1, 1 - warm])
    if rng.random() < 0.15:
        rgb = rgb * rng.uniform(0.55, 1, 3)
    return np.asarray(linear(np.clip(rgb, 0.05, 0.97)), np.float32)


def wall(rng: np.random.Generator, size: int) -> Values:
    """A wall or a table seen straight on (S, S, 3): uneven light, grain, sometimes joints or an edge."""
    picture = np.ones((size, size, 3), np.float32) * paint(rng)
    kind = rng.random()
    if kind < 0.12:
        _tiles(picture, rng, rng.uniform(0.2, 0.9) * size)
    elif kind < 0.2:
        grain = noise(rng, (size, size), (int(rng.integers(2, 6)), int(rng.integers(8, 40))))
        picture *= np.exp(0.1 * grain)[..., None]
    elif kind < 0.32:
        edge = rng.uniform(-0.2, 1.2) * size + rng.normal(0, 0.1) * np.arange(size)
        beyond = np.clip(np.arange(size)[:, None] - edge[None], 0, 1)
        beyond = beyond if rng.random() < 0.6 else beyond.T
        picture *= (1 - single(beyond) * rng.uniform(0.1, 0.8))[..., None]
    picture *= (1 + rng.uniform(0, 0.03) * noise(rng, (size, size), (size // 2, size // 2)))[..., None]
    picture *= (1 + 0.04 * noise(rng, (size, size), (4, 4)))[..., None]
    light = single(rng.uniform(0.6, 1.3)) * falling(rng, size)
    return np.asarray(np.minimum(picture * light[..., None], 1.2), np.float32)


def shadowed(picture: Values, cover: Values, rng: np.random.Generator) -> Values:
    """A wall (S, S, 3) with the soft shadow of something that covers so much of each pixel (S, S)."""
    size = len(picture)
    shift, soft = rng.normal(0, 0.07, 2) * size, size * rng.uniform(0.01, 0.08)
    dark = rng.uniform(0.05, 0.55) * (rng.random() < 0.7)
    moved: Any = cv2.warpAffine(
        np.asarray(cover, np.float32),
        np.array([[1, 0, shift[0]], [0, 1, shift[1]]]),
        (size, size),
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(picture * (1 - single(dark) * blurred(moved, soft))[..., None], np.float32)


def falling(rng: np.random.Generator, size: int) -> Values:
    """The light on each pixel (S, S): more from one side, less in corners, less in a soft shadow."""
    x, y = np.meshgrid(*[np.linspace(-1, 1, size, dtype=np.float32)] * 2)
    turn = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.35) * (np.cos(turn) * x + np.sin(turn) * y)
    light *= 1 - rng.uniform(0, 0.3) * (x * x + y * y) / 2
    if rng.random() < 0.4:
        away, wide = rng.normal(0, 0.6), rng.uniform(0.1, 0.8)
        turn = rng.uniform(0, 2 * np.pi)
        light *= 1 - rng.uniform(0.1, 0.5) / (
            1 + np.exp((np.cos(turn) * x + np.sin(turn) * y - away) / wide * 4)
        )
    return np.asarray(light, np.float32)


def room(rng: np.random.Generator, size: int) -> Values:
    """A room in perspective (S, S, 3): three walls, ceiling, floor, and what stands and hangs there."""
    middle = size * np.array([rng.uniform(0.15, 0.85), rng.uniform(0.3, 0.6)])
    half = size * np.array([rng.uniform(0.12, 0.75), rng.uniform(0.12, 0.55)])
    near = middle + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])  # clockwise from the upper left
    far = middle + 7 * (near - middle)
    picture = np.ones((size, size, 3), np.float32) * shade(rng)
    colour = paint(rng)
    sides = [colour * single(s) for s in rng.uniform(0.6, 1.1, 3)]
    light = single(rng.uniform(0.45, 1.1))
    _laid(picture, _ceiling(rng) * light, [far[0], far[1], near[1], near[0]])
    _laid(picture, _floor(rng) * light, [near[3], near[2], far[2], far[3]])
    _laid(picture, _fitted(rng, sides[0]) * light, [far[0], near[0], near[3], far[3]])
    _laid(picture, _fitted(rng, sides[1]) * light, [near[1], far[1], far[2], near[2]])
    _laid(picture, _fitted(rng, sides[2]) * light, list(near))
    floor = float(min(near[2, 1], size * 0.98))
    for _ in range(int(rng.integers(2, 11))):
        _furniture(picture, rng, floor, light)
    return picture


def _laid(picture: Values, surface: Values, corners: list[Values]) -> None:
    """Put a square (T, T, 3) where its corners are, clockwise from the upper left."""
    side = len(surface)
    square = single([[0, 0], [side - 1, 0], [side - 1, side - 1], [0, side - 1]])
    there = cv2.getPerspectiveTransform(square, single(corners))
    size = picture.shape[1], picture.shape[0]
    cv2.warpPerspective(surface, there, size, picture, cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)


def _blank(colour: Values, rng: np.random.Generator) -> Values:
    shade = 1 + 0.07 * noise(rng, (_SIDE, _SIDE), (4, 4))
    return np.asarray(colour * shade[..., None], np.float32)


def _ceiling(rng: np.random.Generator) -> Values:
    """With rows of lamps that run away from the camera, or across, or none."""
    picture = _blank(paint(rng) * single(rng.uniform(0.5, 1.0)), rng)
    if rng.random() < 0.5:
        _tiles(picture, rng, _SIDE / rng.integers(6, 20))
    if rng.random() < 0.8:
        rows, columns = int(rng.integers(1, 5)), int(rng.integers(3, 12))
        long, wide = rng.uniform(0.3, 0.9), rng.uniform(0.06, 0.3)
        bright = single(rng.uniform(1.5, 8)) * (1 + single([0.06, 0, -0.06]) * single(rng.normal()))
        for u in (np.arange(rows) + rng.uniform(0.2, 0.8)) / rows * _SIDE:
            for v in (np.arange(columns) + 0.5) / columns * _SIDE:
                half = np.array([wide * _SIDE / rows, long * _SIDE / columns]) / 2
                _rect(picture, u - half[0], v - half[1], u + half[0], v + half[1], bright)
    return picture


def _floor(rng: np.random.Generator) -> Values:
    picture = _blank(shade(rng) * single(rng.uniform(0.3, 1.0)), rng)
    if rng.random() < 0.4:
        _tiles(picture, rng, _SIDE / rng.integers(5, 14))
    return picture


def _fitted(rng: np.random.Generator, colour: Values) -> Values:
    """A wall with what is in it or on it: windows, a door, a board, posters, shelves."""
    picture = _blank(colour, rng)
    kind = rng.choice(
        ["bare", "windows", "glass", "board", "posters", "shelves", "tiles"],
        p=[0.2, 0.2, 0.1, 0.12, 0.18, 0.12, 0.08],
    )
    if kind == "windows":
        _windows(picture, rng)
    elif kind == "glass":
        dark = single(rng.uniform(0.1, 0.6))
        picture[int(rng.uniform(0.1, 0.4) * _SIDE) :] *= dark
        for u in np.arange(0, _SIDE, _SIDE / rng.integers(2, 7)):
            _rect(picture, u, 0, u + 2, _SIDE, shade(rng) * single(0.5))
    elif kind == "board":
        _hung(picture, rng, single([0.8, 0.8, 0.8]) * single(rng.uniform(0.7, 1.1)), 0.6, lines=4)
    elif kind == "posters":
        for _ in range(int(rng.integers(1, 6))):
            _hung(picture, rng, shade(rng), 0.3, lines=int(rng.integers(1, 7)))
    elif kind == "shelves":
        _shelves(picture, rng)
    elif kind == "tiles":
        _tiles(picture, rng, _SIDE / rng.integers(3, 12))
    if rng.random() < 0.25:
        u, wide = rng.uniform(0, 0.8) * _SIDE, rng.uniform(0.12, 0.25) * _SIDE
        _rect(picture, u, 0.3 * _SIDE, u + wide, _SIDE, shade(rng) * single(rng.uniform(0.1, 0.9)))
    return picture


def _windows(picture: Values, rng: np.random.Generator) -> None:
    count, top, bottom = int(rng.integers(1, 6)), rng.uniform(0.02, 0.3), rng.uniform(0.5, 0.98)
    sky = single(rng.uniform(0.8, 6)) * single([0.94, 1.0, 1.06])
    view = np.exp(0.5 * noise(rng, (_SIDE, _SIDE), (6, 12)))[..., None] * sky
    if rng.random() < 0.4:
        view[int(rng.uniform(0.4, 0.8) * _SIDE) :] *= single([0.2, 0.3, 0.15]) * single(rng.uniform(0.3, 1.5))
    wide = rng.uniform(0.5, 0.95) / count
    for number in range(count):
        u = (number + 0.5 - wide * count / 2) / count * _SIDE
        left, right = int(u), int(u + wide * _SIDE)
        high, low = int(top * _SIDE), int(bottom * _SIDE)
        picture[high:low, left:right] = view[high:low, left:right]
        if rng.random() < 0.5:
            _rect(
                picture,
                (left + right) / 2 - 1,
                high,
                (left + right) / 2 + 1,
                low,
                shade(rng) * single(0.5),
            )
    if rng.random() < 0.25:  # blinds
        slats = 0.55 + 0.45 * np.sign(np.sin(np.arange(_SIDE) * rng.uniform(0.6, 1.6)))
        picture[int(top * _SIDE) : int(bottom * _SIDE)] *= single(slats)[
            int(top * _SIDE) : int(bottom * _SIDE), None, None
        ]


def _hung(picture: Values, rng: np.random.Generator, colour: Values, reach: float, lines: int) -> None:
    """Something flat on a wall, with print or pictures on it."""
    wide, high = (int(v) for v in rng.uniform(0.12, reach, 2) * _SIDE + 8)
    u, v = (int(rng.uniform(0, max(_SIDE - w, 1))) for w in (wide, high))
    part = picture[v : v + high, u : u + wide]
    part[:] = colour * (1 + 0.05 * noise(rng, part.shape[:2], (3, 3)))[..., None]
    ink = np.zeros(part.shape[:2], np.uint8)
    words(rng, ink, lines)
    dark = shade(rng) * single(0.2) if colour.mean() > 0.2 else single([0.8, 0.8, 0.8])
    part += single(ink / 255)[..., None] * (dark - part)


def _shelves(picture: Values, rng: np.random.Generator) -> None:
    """Boards with books, files and boxes."""
    rows = int(rng.integers(2, 6))
    picture *= single(rng.uniform(0.3, 0.9))
    for row in range(rows):
        v, high, u = row / rows * _SIDE, _SIDE / rows, 0.0
        while u < _SIDE:
            wide, tall = rng.uniform(1.5, 6), rng.uniform(0.4, 0.85) * high
            if rng.random() < 0.85:
                _rect(picture, u, v + high - tall - 2, u + wide, v + high - 2, shade(rng))
            u += wide
        _rect(picture, 0, v + high - 2, _SIDE, v + high, shade(rng) * single(0.7))


def _tiles(picture: Values, rng: np.random.Generator, side: float) -> None:
    """Joints of tiles or panels."""
    depth, start = single(rng.uniform(0.3, 0.95)), rng.uniform(0, side, 2)
    aspect = rng.choice([1.0, 1.0, 2.0, 0.5])
    for at in np.arange(start[0], picture.shape[0], side):
        picture[int(at)] *= depth
    for at in np.arange(start[1], picture.shape[1], side * aspect):
        picture[:, int(at)] *= depth


def _rect(picture: Values, x0: float, y0: float, x1: float, y1: float, colour: Values) -> None:
    shift = fixed(np.array([x0, y0])), fixed(np.array([x1, y1]))
    cv2.rectangle(picture, *shift, [float(c) for c in colour], -1, cv2.LINE_8, 4)


def _furniture(picture: Values, rng: np.random.Generator, floor: float, light: np.float32) -> None:
    """A desk, a screen, a chair, a plant, a lamp or a box, standing somewhere on the floor."""
    size = len(picture)
    foot = floor + (size * 1.15 - floor) * rng.random() ** 1.5
    scale = size * (0.06 + 0.5 * (foot - floor) / size + 0.1 * rng.random())
    x, colour = rng.uniform(-0.1, 1.1) * size, shade(rng) * single(light)
    kind = rng.choice(
        ["desk", "screen", "chair", "plant", "lamp", "box"], p=[0.25, 0.25, 0.2, 0.12, 0.05, 0.13]
    )
    if kind == "desk":
        top, wide = foot - 0.9 * scale, scale * rng.uniform(1, 3)
        lay(picture, box(size, x - wide, top, x + wide, top + 0.12 * scale), colour * single(1.2), rng)
        lay(picture, box(size, x - wide, top + 0.12 * scale, x + wide, foot), colour * single(0.35), rng)
    elif kind == "screen":
        top, wide = foot - 1.6 * scale, scale * rng.uniform(0.5, 0.8)
        low = top + scale * rng.uniform(0.5, 0.8)
        dark = single([0.02, 0.02, 0.02])
        lay(picture, box(size, x - 0.12 * wide, low, x + 0.12 * wide, low + 0.3 * scale), dark, rng)
        lay(picture, box(size, x - wide, top, x + wide, low), dark, rng)
        if rng.random() < 0.6:
            shown = shade(rng) * single(rng.uniform(0.5, 2))
            lay(
                picture,
                box(size, x - 0.94 * wide, top + 0.04 * scale, x + 0.94 * wide, low - 0.06 * scale),
                shown,
                rng,
            )
    elif kind == "chair":
        dark = shade(rng) * single(0.15 * light)
        lay(picture, _rounded(size, x, foot - 1.1 * scale, 0.35 * scale, 0.4 * scale), dark, rng)
        lay(picture, box(size, x - 0.04 * scale, foot - 0.7 * scale, x + 0.04 * scale, foot), dark, rng)
    elif kind == "plant":
        _plant(picture, rng, np.array([x, foot - 0.6 * scale]), scale)
    elif kind == "lamp":
        lay(
            picture,
            _rounded(size, x, foot - 2.5 * scale, 0.25 * scale, 0.2 * scale),
            single([3, 2.8, 2.3]),
            rng,
        )
    else:
        lay(picture, box(size, x - 0.4 * scale, foot - 0.6 * scale, x + 0.4 * scale, foot), colour, rng)


def _plant(picture: Values, rng: np.random.Generator, base: Values, scale: float) -> None:
    """Leaves around a pot."""
    green = single([0.05, 0.11, 0.03]) * single(rng.uniform(0.4, 2.0))
    for _ in range(int(rng.integers(6, 20))):
        turn, long = rng.normal(-np.pi / 2, 0.9), scale * rng.uniform(0.2, 0.7)
        middle = base + 0.7 * long * np.array([np.cos(turn), np.sin(turn)])
        axes = fixed(np.array([0.6 * long, 0.12 * long]))
        tint = (green * single(rng.uniform(0.5, 1.6))).tolist()
        cv2.ellipse(picture, fixed(middle), axes, np.degrees(turn), 0, 360, tint, -1, cv2.LINE_8, 4)
    pot = box(len(picture), base[0] - 0.2 * scale, base[1], base[0] + 0.2 * scale, base[1] + 0.5 * scale)
    lay(picture, pot, shade(rng), rng)


def _rounded(size: int, x: float, y: float, wide: float, high: float) -> Values:
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    outline = np.stack(
        [np.sign(c) * np.abs(c) ** 0.5 * wide + x, np.sign(s) * np.abs(s) ** 0.5 * high + y], 1
    )
    return polygon(size, outline)
