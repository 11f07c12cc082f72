"""Samples of a hand in a picture of noise, 80 x 50 pixels, as inputs of `build`."""

from __future__ import annotations

import numpy as np

from curate.data.sample import Sample


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def hand(name: str, **fields) -> Sample:
    points = np.stack([np.linspace(10, 70, 21), np.linspace(5, 45, 21)], axis=1).astype(np.float32)
    return Sample(
        f"s/{name}", "s", f"{name}.png", keypoints=points, visibility=np.full(21, 2, np.uint8), **fields
    )
