"""Backgrounds of any colour to put hands before: shapes, stripes, checks and print, drawn at random.

    python benchmarks/tools/grounds.py OUT [--count 400] [--size 256] [--seed 0] [--warm 0.3]

Webcam pictures are mostly grey and brown. A finder takes for a hand what it has never seen behind one, such
as a red book or a checked cloth. OUT is a folder of pictures, as `--backgrounds` and scenes.py take it.
--warm is the share of grounds with colours from pink to yellow, among which skin lies.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import images

Picture = NDArray[np.uint8]
Colours = list[tuple[int, ...]]
WARM = (-10, 25)
PRINT = "hand curate keypoint 0123456789 the of and skin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warm", type=float, default=0.3)
    a = parser.parse_args()
    for number in range(a.count):
        picture = ground(np.random.default_rng((a.seed, number)), a.size, a.warm)
        images.write(a.out / f"{number:05d}.jpg", picture, quality=92)


def ground(rng: np.random.Generator, size: int, warm: float) -> Picture:
    """One ground: a plain colour, two to forty things on it, its light and its blur."""
    hues = WARM if rng.random() < warm else (0, 180)
    colours: Colours = [palette(rng, hues) for _ in range(rng.integers(2, 7))]
    picture = np.full((size, size, 3), colours[0], np.uint8)
    if rng.random() < 0.4:
        repeated(rng, picture, colours)
    for _ in range(int(rng.integers(2, 40))):
        thing = rng.choice([polygon, ellipse, line, print_on])
        thing(rng, picture, colours[rng.integers(len(colours))])
    low = cv2.resize(
        rng.uniform(0.6, 1.3, (3, 3)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC
    )
    lit = np.clip(picture * low[..., None], 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.3, 2.5)), np.uint8)


def palette(rng: np.random.Generator, hues: tuple[float, float]) -> tuple[int, ...]:
    """A colour: of one of these hues, in OpenCV's half degrees, or nearly grey."""
    hue, value = rng.uniform(*hues) % 180, rng.uniform(20, 255)
    saturation = rng.uniform(0, 40) if rng.random() < 0.4 else rng.uniform(40, 255)
    pixel = np.array([[[hue, saturation, value]]]).astype(np.uint8)
    return tuple(int(channel) for channel in cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0])


def repeated(rng: np.random.Generator, picture: Picture, colours: Colours) -> None:
    """Stripes or checks over all of it."""
    size = picture.shape[0]
    y, x = np.mgrid[:size, :size]
    turn, period = rng.uniform(0, np.pi), rng.uniform(6, 60)
    along = (x * np.cos(turn) + y * np.sin(turn)) // period
    across = (y * np.cos(turn) - x * np.sin(turn)) // period if rng.random() < 0.5 else 0
    picture[((along + across) % 2).astype(bool)] = colours[-1]


def polygon(rng: np.random.Generator, picture: Picture, colour: tuple[int, ...]) -> None:
    """A book, a box or a shard of something."""
    size = picture.shape[0]
    corners = rng.integers(3, 7)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = size * rng.uniform(0.03, 0.5) * rng.uniform(0.6, 1, corners)
    points = rng.uniform(0, size, 2) + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
    cv2.fillPoly(picture, [points.astype(np.int32)], colour, cv2.LINE_AA)


def ellipse(rng: np.random.Generator, picture: Picture, colour: tuple[int, ...]) -> None:
    """A plate, a fruit or a leaf."""
    size = picture.shape[0]
    x, y, long = *rng.integers(0, size, 2).tolist(), int(rng.uniform(4, size / 3))
    axes = (long, max(2, int(long * rng.uniform(0.1, 1))))
    cv2.ellipse(picture, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)


def line(rng: np.random.Generator, picture: Picture, colour: tuple[int, ...]) -> None:
    """A cable, a pen or the edge of something."""
    ends = rng.integers(-20, picture.shape[0] + 20, (2, 2)).tolist()
    cv2.line(picture, ends[0], ends[1], colour, int(rng.integers(1, 12)), cv2.LINE_AA)


def print_on(rng: np.random.Generator, picture: Picture, colour: tuple[int, ...]) -> None:
    """Some lines of print."""
    x, y = rng.integers(0, picture.shape[0], 2).tolist()
    scale = float(rng.uniform(0.25, 1.2))
    for row in range(int(rng.integers(1, 8))):
        place = (x - 60, int(y + row * 32 * scale))
        cv2.putText(
            picture, PRINT[rng.integers(20) :], place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA
        )


if __name__ == "__main__":
    main()
