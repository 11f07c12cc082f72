"""Colours: linear RGB as light has it, sRGB as pictures store it, and dyes. numpy only."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from numpy.typing import NDArray

RGB = tuple[float, float, float]
Values = NDArray[np.floating[Any]]


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
    r, g, b = colorsys.hsv_to_rgb(rng.random(), rng.beta(1.2, 1.0), float(rng.choice([0.03, 0.25, 0.8])))
    return (r, g, b)
