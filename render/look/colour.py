"""Colours: linear RGB as light has it, sRGB as pictures store it, and dyes. numpy only."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render.look import RGB, triple

Values = NDArray[np.floating[Any]]

# Red, orange, yellow, green, teal, blue, navy, purple: what dyed and painted things have, and how often.
_HUES = np.array([0.0, 0.06, 0.13, 0.35, 0.5, 0.57, 0.63, 0.83])
_HUE_SHARES = [0.22, 0.1, 0.09, 0.1, 0.1, 0.2, 0.14, 0.05]


def single(values: Any) -> Any:
    """Numbers as an array of 32 bits each, with which arithmetic stays in 32 bits."""
    return np.asarray(values, np.float32)


def encoded(linear: Values) -> Values:
    """Linear values, 0 to 1, as sRGB (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)


def linear(srgb: Values) -> Values:
    """sRGB values, 0 to 1, as linear ones; undoes `encoded`."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** np.float32(2.4))


def dye(rng: np.random.Generator) -> RGB:
    """Linear RGB of a dye: any hue, from pale to nearly black."""
    return colorsys.hsv_to_rgb(rng.random(), rng.beta(1.2, 1.0), float(rng.choice([0.03, 0.25, 0.8])))


def muted(rng: np.random.Generator) -> RGB:
    """Linear RGB of a thing in a room, as photographs have it: grey, brown, seldom much colour."""
    kind, light = rng.random(), rng.beta(1.3, 1.3)
    hue, depth = rng.random(), 0.1 * rng.random()
    if 0.45 < kind < 0.7:
        hue, depth = rng.normal(0.085, 0.02), rng.uniform(0.1, 0.5)  # wood, card, skin
    elif kind > 0.7:
        hue, depth = rng.choice(_HUES, p=_HUE_SHARES) + rng.normal(0, 0.02), rng.beta(1.5, 2.2)
        light *= 1 - 0.4 * depth
    return triple(linear(np.array(colorsys.hsv_to_rgb(hue % 1, depth, 0.05 + 0.9 * light))))
