"""Clutter to put behind a hand: rooms, walls, things and people as webcams and phones see them; no hand.

It is computed, so that no licence applies to it. It has skin in it on purpose: what looks for hands must not
take all skin for one. Needs OpenCV, so Blender's interpreter does not read this.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.look import figures, rooms, things, tone
from render.look.colour import single
from render.look.fabric import shade
from render.look.heads import Complexion
from render.look.solids import Lighting
from render.look.tone import Tone

Values = NDArray[np.floating[Any]]

_SCENES = {"room": 0.65, "wall": 0.15, "heap": 0.2}
_NEAR, _FAR = 0.7, 0.5  # shares of pictures with somebody near and of rooms with people far away
_OWN_HEAD = (0.5, 2.0)  # height of an owner's head, as a share of the longer side of the hand's box
_LIMBS = 0.12  # share of pictures with a bare or sleeved arm that leaves the picture at both ends


def draw(rng: np.random.Generator, size: int) -> Values:
    """One picture of clutter: linear light (S, S, 3); 1 is white, windows and lamps are brighter, up to 4."""
    lit = figures.lighting(rng)
    kind = str(rng.choice(list(_SCENES), p=list(_SCENES.values())))
    if kind == "room":
        picture = rooms.room(rng, size)
        if rng.random() < _FAR:
            for _ in range(int(rng.integers(1, 4))):
                _person(picture, rng, (0.03, 0.12), lit)
    elif kind == "wall":
        picture = rooms.wall(rng, size)
    else:
        picture = np.ones((size, size, 3), np.float32) * shade(rng)
        things.heap(picture, rng, int(rng.integers(4, 30)))
    picture = _softened(picture, rng)
    if rng.random() < _NEAR:
        for _ in range(1 if rng.random() < 0.8 else 2):
            _person(picture, rng, (0.12, 0.75), lit)
    if rng.random() < _LIMBS:
        figures.crossing(picture, rng, lit)
    if rng.random() < 0.3:
        picture = _softened(picture, rng)
    return _exposed(picture, rng)


def with_owner(
    rng: np.random.Generator, size: int, skin: Tone, box: NDArray[np.float32], bright: float
) -> Values:
    """Clutter, and in front of it the hand's owner: behind the hand, beside it, or a little lower.

    Parameters
    ----------
    box: (4,) of the hand: x, y, width, height, pixels. bright: mean linear light of its skin, as exposed.

    Returns
    -------
    Linear light (S, S, 3).
    """
    picture = draw(rng, size)
    x, y, width, height = box.tolist()
    head = float(np.clip(max(width, height) * np.exp(rng.uniform(*np.log(_OWN_HEAD))), 8, 1.3 * size))
    at = x + width / 2 + head * rng.normal(0, 0.6), y + height / 2 - head * rng.uniform(-0.4, 1.4)
    shine = bright / float(tone.colour(skin).mean()) * np.exp(rng.normal(0, 0.25))
    figures.somebody(picture, rng, head, at, figures.lighting(rng).times(shine), Complexion.of(skin, rng))
    return _softened(picture, rng)


def _person(picture: Values, rng: np.random.Generator, heads: tuple[float, float], lit: Lighting) -> None:
    size = len(picture)
    height = size * float(np.exp(rng.uniform(*np.log(heads))))
    at = rng.uniform(-0.05, 1.05) * size, size * rng.normal(0.42, 0.16)
    figures.somebody(picture, rng, height, at, lit)


def _softened(picture: Values, rng: np.random.Generator) -> Values:
    """More or less out of focus."""
    sigma = len(picture) * rng.choice([0.0, 0.004, 0.015]) * rng.uniform(0.5, 1.5)
    return picture if sigma < 0.3 else np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _exposed(picture: Values, rng: np.random.Generator) -> Values:
    """As a camera exposes it, mostly for its mean, with light that strays around what is too bright."""
    size = len(picture)
    picture = picture * rooms.falling(rng, size)[..., None]
    mean = float(np.minimum(picture, 1.2).mean())
    gain = np.exp(rng.normal(np.log(0.27), 0.4)) / max(mean, 0.01) ** rng.uniform(0.5, 1.0)
    picture = picture * single(np.clip(gain, 0.2, 5))
    stray = np.clip(picture - 1, 0, 4)
    if stray.any():
        picture = picture + single(0.25) * things.blurred(stray, 0.03 * size)
    return np.asarray(np.minimum(picture, 4), np.float32)
