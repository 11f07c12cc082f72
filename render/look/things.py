"""Flat things for clutter, laid before each other with soft shadows and one side in the light."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.look.colour import single
from render.look.fabric import noise, shade

Values = NDArray[np.floating[Any]]
Box = tuple[slice, slice]  # rows and columns

_SHIFT = 4  # fractional bits of cv2's drawing coordinates


def heap(picture: Values, rng: np.random.Generator, count: int) -> None:
    """Things of any shape, lying about a picture of light (S, S, 3)."""
    size = len(picture)
    for _ in range(count):
        lay(picture, _outline(rng, size), _surface(rng, size), rng)


def _surface(rng: np.random.Generator, size: int) -> Values:
    """Linear RGB (S, S, 3) or (3,): of one colour, shaded, striped, or as stone and wood are."""
    kind = rng.choice(["plain", "shaded", "stone", "wood", "stripes"], p=[0.45, 0.25, 0.15, 0.1, 0.05])
    one = shade(rng)
    if kind == "plain":
        return one
    other = one * single(rng.uniform(0.4, 1.3)) if kind != "stripes" else shade(rng)
    if kind == "shaded":
        turn = rng.uniform(0, 2 * np.pi)
        ramp = np.linspace(-0.5, 0.5, size, dtype=np.float32)
        share = 0.5 + np.cos(turn) * ramp[None] + np.sin(turn) * ramp[:, None]
    elif kind == "stripes":
        period = size * rng.uniform(0.02, 0.2)
        share = (np.sin(2 * np.pi / period * np.arange(size)) > rng.uniform(-0.7, 0.7))[:, None] * np.ones(
            size
        )
        share = share if rng.random() < 0.5 else share.T
    else:
        cells = rng.integers(4, 30, 2) if kind == "stone" else np.array([rng.integers(2, 6), size // 3])
        share = np.clip(0.5 + 0.35 * noise(rng, (size, size), (int(cells[0]), int(cells[1]))), 0, 1)
    return np.asarray(one + single(share)[..., None] * (other - one), np.float32)


def _outline(rng: np.random.Generator, size: int) -> Values:
    """The share of each pixel (S, S) covered by a box, a round thing, a rod, a frame, or any polygon."""
    middle, reach = rng.uniform(-0.1, 1.1, 2) * size, size * rng.uniform(0.03, 0.4)
    kind = rng.choice(["box", "round", "rod", "any", "frame"], p=[0.45, 0.15, 0.2, 0.12, 0.08])
    turn = rng.normal(0, 0.12) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    cover = np.zeros((size, size), np.uint8)
    if kind == "round":
        axes = fixed(reach * rng.uniform(0.4, 1, 2))
        cv2.ellipse(cover, fixed(middle), axes, np.degrees(turn), 0, 360, 255, -1, cv2.LINE_AA, _SHIFT)
        return np.asarray(cover, np.float32) / np.float32(255)
    if kind == "any":
        around = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        away = reach * rng.uniform(0.3, 1, (len(around), 1))
        return polygon(size, middle + away * np.stack([np.cos(around), np.sin(around)], 1))
    half = reach * np.array([1.0, rng.uniform(0.02, 0.12) if kind == "rod" else rng.uniform(0.3, 1)])
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) @ spin.T
    whole = polygon(size, middle + corners)
    if kind == "frame":
        whole -= np.minimum(polygon(size, middle + rng.uniform(0.7, 0.95) * corners), whole)
    return whole


def polygon(size: int, corners: Values) -> Values:
    """The share of each pixel (S, S) that lies in a polygon (N, 2)."""
    cover = np.zeros((size, size), np.uint8)
    points = np.rint(np.clip(corners, -1e4, 1e4) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(cover, [points], 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(cover, np.float32) / np.float32(255)


def box(size: int, x0: float, y0: float, x1: float, y1: float) -> Values:
    """The share of each pixel (S, S) that lies in an upright box."""
    return polygon(size, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))


def fixed(point: Values) -> tuple[int, int]:
    """A point as cv2's drawing functions take it with _SHIFT."""
    x, y = np.rint(np.clip(point, -1e4, 1e4) * (1 << _SHIFT)).astype(int).tolist()
    return x, y


def lay(picture: Values, cover: Values, surface: Values, rng: np.random.Generator) -> None:
    """Put a thing in front of a picture's, with a soft shadow beside it and one side in the light, in place.

    Parameters
    ----------
    picture: light (S, S, 3). cover: the share of each pixel (S, S) that it covers.
    surface: linear RGB (3,) or (S, S, 3).
    """
    size = len(picture)
    shift, soft = rng.normal(0, 0.015 * size, 2), size * rng.uniform(0.01, 0.05)
    round_, upright = size * rng.uniform(0.01, 0.05), rng.random() < 0.5
    dark, lit = rng.uniform(0, 0.5), rng.uniform(0, 2.5)
    where = around(cover, int(np.abs(shift).max() + 2.5 * soft) + 1)
    cover, part = cover[where], picture[where]
    if not cover.size:
        return
    moved: Any = cv2.warpAffine(cover, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), cover.shape[::-1])
    part *= 1 - single(dark) * blurred(moved, soft)[..., None]
    slope = cv2.Sobel(blurred(cover, round_), cv2.CV_32F, *((1, 0) if upright else (0, 1)), ksize=3)
    colour = surface if surface.ndim == 1 else surface[where]
    shaded = colour * (1 + single(lit) * np.clip(slope, -0.2, 0.2))[..., None]
    part += cover[..., None] * (shaded - part)


def around(cover: Values, margin: int) -> Box:
    """The part of the picture that a thing takes up, with a margin of so many pixels."""
    spans = []
    for axis, size in enumerate(cover.shape):
        there = np.flatnonzero(cover.any(axis=1 - axis))
        spans.append(
            slice(max(there[0] - margin, 0), min(there[-1] + 1 + margin, size)) if len(there) else slice(0)
        )
    return spans[0], spans[1]


def blurred(values: Values, sigma: float) -> Values:
    """Blurred nearly as by a Gaussian, in a time that does not grow with sigma."""
    side = 2 * round(2 * sigma) + 1
    return values if side < 3 else np.asarray(cv2.stackBlur(values, (side, side)), np.float32)
