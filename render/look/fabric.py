"""What surfaces in clutter look like: the colours, folds and patterns of cloth, and print."""

from __future__ import annotations

import string
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.look import tone
from render.look.colour import muted, single

Values = NDArray[np.floating[Any]]

_PATTERNS = ("plain", "stripes", "checks", "flowers", "knit", "print")


def noise(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Values:
    """Smooth noise (H, W) with about so many bumps down and across, of deviation near 0.7."""
    coarse = rng.standard_normal((max(cells[0], 2), max(cells[1], 2)), np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def shade(rng: np.random.Generator) -> Values:
    """Linear RGB (3,) of a thing in a room."""
    return np.array(muted(rng), np.float32)


def skin(rng: np.random.Generator) -> tone.Tone:
    """Anybody's skin, as fair and as dark as hands are."""
    return tone.sample_tone(rng, (0.012, 0.32), (0.007, 0.024))


def cloth(rng: np.random.Generator, across: Values, up: Values) -> Values:
    """Linear RGB (H, W, 3) of a piece of cloth, given where each of its points is, cm (H, W)."""
    one, other = shade(rng), shade(rng)
    if rng.random() < 0.3:
        one = one * single(0.15)
    kind = str(rng.choice(_PATTERNS, p=[0.5, 0.15, 0.14, 0.07, 0.08, 0.06]))
    share = _pattern(rng, kind, across, up)
    worn = 1 + single(0.06) * noise(rng, across.shape, (9, 9))
    return np.asarray((one + share[..., None] * (other - one)) * worn[..., None], np.float32)


def _pattern(rng: np.random.Generator, kind: str, across: Values, up: Values) -> Values:
    """The share of the second colour at each point (H, W)."""
    period = rng.uniform(1.0, 7.0)
    if kind == "plain":
        return np.zeros_like(across)
    if kind == "stripes":
        along = across if rng.random() < 0.3 else up
        return _bands(along / period, rng.uniform(0.15, 0.6))
    if kind == "checks":
        wide = rng.uniform(0.2, 0.6)
        return np.asarray(0.5 * (_bands(across / period, wide) + _bands(up / period, wide)), np.float32)
    if kind == "knit":
        loops = _bands(across / 0.8, 0.5) + noise(rng, across.shape, (40, 60))
        return np.asarray(0.25 * loops, np.float32)
    bumps = noise(rng, across.shape, (30, 60) if kind == "flowers" else (8, 14))
    return np.asarray(np.clip((bumps - 0.5) * 6, 0, 1), np.float32)


def _bands(at: Values, wide: float) -> Values:
    return np.asarray(np.clip((wide / 2 - np.abs(at % 1 - 0.5)) * 12 + 0.5, 0, 1), np.float32)


def words(rng: np.random.Generator, cover: NDArray[np.uint8], lines: int) -> None:
    """Print lines of letters into a mask (H, W), as 255: text as it looks from afar."""
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
