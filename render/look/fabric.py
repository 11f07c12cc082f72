"""What surfaces in clutter look like: cloth, its colours, folds and patterns; print. numpy and OpenCV."""

from __future__ import annotations

import colorsys
import string
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.look import tone
from render.look.colour import linear, single

Values = NDArray[np.floating[Any]]

# Red, orange, yellow, green, teal, blue, navy, purple: what dyed and painted things have, and how often.
_HUES = np.array([0.0, 0.06, 0.13, 0.35, 0.5, 0.57, 0.63, 0.83])
_HUE_SHARES = [0.22, 0.1, 0.09, 0.1, 0.1, 0.2, 0.14, 0.05]
_PATTERNS = ("plain", "stripes", "checks", "flowers", "knit", "print")


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Values:
    """Smooth noise (H, W) with about so many bumps down and across, of deviation near 0.7."""
    coarse = rng.standard_normal((max(cells[0], 2), max(cells[1], 2)), np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def muted(rng: np.random.Generator) -> Values:
    """Linear RGB (3,) of a thing in a room, as photographs have it: grey, brown, seldom much colour."""
    kind, light = rng.random(), rng.beta(1.3, 1.3)
    hue, depth = rng.random(), 0.1 * rng.random()
    if 0.45 < kind < 0.7:
        hue, depth = rng.normal(0.085, 0.02), rng.uniform(0.1, 0.5)  # wood, card, skin
    elif kind > 0.7:
        hue, depth = rng.choice(_HUES, p=_HUE_SHARES) + rng.normal(0, 0.02), rng.beta(1.5, 2.2)
        light *= 1 - 0.4 * depth
    rgb = colorsys.hsv_to_rgb(hue % 1, depth, 0.05 + 0.9 * light)
    return np.asarray(linear(np.array(rgb)), np.float32)


def skin(rng: np.random.Generator) -> tone.Tone:
    """Anybody's skin, as fair and as dark as hands are."""
    return tone.sample_tone(rng, (0.012, 0.32), (0.007, 0.024))


def cloth(rng: np.random.Generator, across: Values, up: Values) -> Values:
    """Linear RGB (H, W, 3) of a piece of cloth, given where each of its points is, cm (H, W)."""
    one, other = muted(rng), muted(rng)
    if rng.random() < 0.3:
        one = one * single(0.15)
    kind = str(rng.choice(_PATTERNS, p=[0.5, 0.15, 0.14, 0.07, 0.08, 0.06]))
    share = _pattern(rng, kind, across, up)
    worn = 1 + single(0.06) * noise(rng, across.shape, (9, 9))
    return np.asarray((one + share[..., None] * (other - one)) * worn[..., None], np.float32)


def _pattern(rng: np.random.Generator, kind: str, across: Values, up: Values) -> Values:
    """How much of the second colour is where."""
    period = rng.uniform(1.0, 7.0)
    if kind == "plain":
        return np.zeros_like(across)
    if kind == "stripes":
        along = across if rng.random() < 0.3 else up
        return _bands(along / period, rng.uniform(0.15, 0.6))
    if kind == "checks":
        wide = rng.uniform(0.2, 0.6)
        return single(0.5) * (_bands(across / period, wide) + _bands(up / period, wide))
    if kind == "knit":
        return single(0.25) * (_bands(across / 0.8, 0.5) + noise(rng, across.shape, (40, 60)))
    bumps = noise(rng, across.shape, (30, 60) if kind == "flowers" else (8, 14))
    return np.asarray(np.clip((bumps - 0.5) * 6, 0, 1), np.float32)


def _bands(at: Values, wide: float) -> Values:
    return np.asarray(np.clip((wide / 2 - np.abs(at % 1 - 0.5)) * 12 + 0.5, 0, 1), np.float32)


def words(rng: np.random.Generator, cover: NDArray[np.uint8], lines: int) -> None:
    """Print lines of letters into a mask (H, W), 255 where they are: text as it looks from afar."""
    height, width = cover.shape
    line = height / (lines + 1)
    for number in range(lines):
        length = int(rng.integers(3, max(4, int(width / line * 1.2) + 2)))
        told = "".join(rng.choice(list(string.ascii_letters + "    "), length))
        place = int(width * rng.uniform(0.04, 0.15)), int(line * (number + 1.1))
        cv2.putText(
            cover,
            told,
            place,
            int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX])),
            line / 34,
            255,
            max(1, round(line / 9)),
            cv2.LINE_AA,
        )
