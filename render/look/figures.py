"""People for clutter: heads, necks, bodies in clothes, arms that end outside the picture; no hand."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.look import heads
from render.look.colour import single
from render.look.fabric import cloth, noise, shade, words
from render.look.heads import Complexion
from render.look.solids import Eye, Lighting, Surface, drawn, tube

Values = NDArray[np.floating[Any]]

# A trunk from the hips to the neck: height, half its width and depth, cm.
_HEIGHTS = [-78, -60, -45, -32, -25, -21, -18.5, -16.5, -14.5, -12]
_WIDTHS = [17, 16.5, 17.5, 19, 20, 18.5, 15.5, 10.5, 7.0, 5.8]
_DEPTHS = [11, 10.5, 11, 11.5, 10.5, 9.5, 8.5, 7.2, 6.0, 5.4]
_NECK = np.array([0.0, -9.0, -1.5])


def lighting(rng: np.random.Generator) -> Lighting:
    """A lamp above or beside, stronger or weaker than what comes from everywhere, a little warm or cold."""
    lamp = np.array([rng.normal(0, 0.7), rng.uniform(0.1, 1.0), rng.normal(0.55, 0.4)])
    strength = rng.uniform(0.15, 0.85)
    warm = rng.normal(0, 0.07, 2)
    key = 1.15 * strength * np.array([1 + warm[0], 1, 1 - warm[0]])
    sky = (1.05 - strength) * np.array([1 + warm[1], 1, 1 - warm[1]])
    return Lighting(lamp / np.linalg.norm(lamp), key, sky)


def somebody(
    picture: Values,
    rng: np.random.Generator,
    height: float,
    at: tuple[float, float],
    lit: Lighting,
    own: Complexion | None = None,
) -> None:
    """Put a person before what is in a picture of light (S, S, 3).

    Parameters
    ----------
    height: of the head, pixels. at: column and row of its middle, pixels. own: colours; without, anybody's.
    """
    size = len(picture)
    far = rng.uniform(45, 110) if height > size / 5 else rng.uniform(150, 400)
    eye = Eye(*at, height * far / 23.0, far)
    detail = float(np.clip(height / 70, 0.2, 1.0))
    own = own or Complexion.draw(rng)
    parts = _person(rng, own, detail, near=at[1] + 60 * height / 23.0 > size)
    light, cover = drawn(parts, eye, lit, size)
    # Pixels at the edge show what is behind, too.
    soft = cv2.GaussianBlur(cover, (3, 3), 0.7)
    edge = soft * np.clip(cv2.blur(cover, (3, 3)) * 3, 0, 1)
    known = cv2.GaussianBlur(light, (3, 3), 0.7) / np.maximum(soft, 1e-3)[..., None]
    light = np.where(cover[..., None] > 0, light, known)
    picture += edge[..., None] * (light - picture)


def _person(rng: np.random.Generator, own: Complexion, detail: float, *, near: bool) -> list[Surface]:
    body = _yaw(rng.normal(0, 0.25) + (np.pi if not near and rng.random() < 0.25 else 0))
    look = _yaw(rng.normal(0, 0.9 if rng.random() < 0.25 else 0.25))
    pitch, roll = rng.normal(-0.02, 0.16), rng.normal(0, 0.12)
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    lean = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    turn = look @ lean @ nod
    parts = [part.turned(turn, _NECK) for part in heads.head(rng, own, detail)]
    parts += _trunk(rng, own, detail, near=near)
    return [part.turned(body) for part in parts]


def _yaw(angle: float) -> Values:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def _trunk(rng: np.random.Generator, own: Complexion, detail: float, *, near: bool) -> list[Surface]:
    rows, columns = max(int(130 * detail), 24), max(int(150 * detail), 32)
    y, a = np.meshgrid(
        np.linspace(-78, -12, rows, dtype=np.float32),
        np.linspace(-np.pi, np.pi, columns, dtype=np.float32),
        indexing="ij",
    )
    broad, stout = rng.normal(1, 0.08), rng.normal(1.05, 0.12)
    wide, deep = np.interp(y, _HEIGHTS, _WIDTHS) * broad, np.interp(y, _HEIGHTS, _DEPTHS) * stout
    creases = noise(rng, y.shape, (16, 16)) + 0.5 * noise(rng, y.shape, (30, 26))
    loose = 0.5 * creases * np.clip((-17 - y) / 6, 0, 1)
    sine, cosine = np.sin(a), np.cos(a)
    # Squarer than an ellipse.
    square = (np.abs(sine) ** 2.6 + np.abs(cosine) ** 2.6) ** (-1 / 2.6)
    points = np.stack([(wide + loose) * sine * square, y, (deep + loose) * cosine * square - 2.0], -1)
    across, seed = a * 17, int(rng.integers(2**31))
    colour = cloth(np.random.default_rng(seed), across, y)
    if rng.random() < 0.2:
        _printed(rng, colour)
    front = np.clip(cosine, 0, 1) ** 2
    deepest = -14.0 - rng.exponential(0.4) - front * (1.5 + rng.exponential(1.2))
    deepest -= rng.choice([0, 0, 4, 8]) * np.exp(-((a / 0.35) ** 2))
    bare = np.clip((y - deepest) / 0.7 + 0.5, 0, 1)
    if rng.random() < 0.12:
        bare = np.maximum(bare, np.clip(np.abs(points[..., 0]) - 13.5, 0, 1) * (y > -30))
    trim = np.exp(-(((y - deepest) / 0.8) ** 2)) * (rng.random() < 0.5)
    colour = colour * (1 - 0.5 * trim[..., None])
    colour += bare[..., None] * (own.skin(0.1 * noise(rng, y.shape, (20, 20)), 0.0 * y) - colour)
    parts = [Surface.of(points, colour, 0.02 + bare * own.gloss * 0.5)]
    neck = np.linspace([0, -21, -3.2], [0, -4, -1.2], max(int(40 * detail), 8))
    parts.append(tube(neck, np.linspace(6.6, 5.9, len(neck)), own.base, own.gloss * 0.5, around=40))
    collared = rng.random()
    if collared < 0.4:
        parts += _collar(rng, seed)
    sleeve = float(rng.choice([0.0, 0.35, 1.0], p=[0.12, 0.43, 0.45]))
    parts += [_arm(rng, own, seed, side, sleeve, broad, near=near) for side in (-1, 1)]
    return parts if near else parts + _legs(rng, detail)


def _legs(rng: np.random.Generator, detail: float) -> list[Surface]:
    """Of somebody who stands, in trousers."""
    colour, parts = shade(rng) * single(rng.uniform(0.1, 0.6)), []
    for side in (-1, 1):
        foot = [side * rng.uniform(7, 16), -150.0, rng.uniform(-10, 10)]
        line = np.linspace([side * 8.5, -72.0, -2.0], foot, max(int(60 * detail), 12))
        creases = noise(rng, (len(line), 24), (18, 6))
        radius = np.linspace(9.8, 6.5, len(line))
        parts.append(tube(line, radius, colour, 0.02, around=24, relief=0.4 * creases))
    return parts


def _printed(rng: np.random.Generator, colour: Values) -> None:
    """Letters or a sign on the breast."""
    rows, columns = colour.shape[:2]
    mask = np.zeros((max(rows // 3, 8), max(columns // 4, 8)), np.uint8)
    words(rng, mask, int(rng.integers(1, 4)))
    if rng.random() < 0.4:
        middle = (mask.shape[1] // 2, mask.shape[0] // 2)
        cv2.circle(mask, middle, max(min(mask.shape) // 3, 2), 255, -1, cv2.LINE_AA)
    top, left = int(rows * 0.45), columns // 2 - mask.shape[1] // 2
    # Rows go up.
    part = colour[top : top + mask.shape[0], left : left + mask.shape[1]]
    share = single(mask[::-1] / 255)[: part.shape[0], :, None]
    part += share * (shade(rng) * single(1.3) - part)


def _collar(rng: np.random.Generator, seed: int) -> list[Surface]:
    """Of a shirt: two flaps around the neck, open in front."""
    t, s = np.meshgrid(np.linspace(0, 1, 10), np.linspace(0.0, 1, 60), indexing="ij")
    gap = rng.uniform(0.08, 0.35)
    a = gap + s * (2 * np.pi - 2 * gap)
    front = np.exp(-((np.minimum(s, 1 - s) / 0.12) ** 2))
    reach = 7.4 + 2.2 * (1 - t) + 1.2 * front * (1 - t)
    y = -14.6 + 3.0 * t - 4.5 * front * (1 - t) - 1.8 * front * t
    points = np.stack([reach * np.sin(a), y, reach * np.cos(a) - 2.4 + front], -1).astype(np.float32)
    colour = cloth(np.random.default_rng(seed), single(a * 8), single(y)) * single(rng.uniform(0.8, 1.1))
    return [Surface.of(points, colour, 0.02, open=True)]


def _arm(
    rng: np.random.Generator,
    own: Complexion,
    seed: int,
    side: int,
    sleeve: float,
    broad: float,
    *,
    near: bool,
) -> Surface:
    """From the shoulder to where it leaves the picture, or to behind the back."""
    elbow = [side * (20 + rng.uniform(0, 8)), -48 + rng.uniform(0, 4), rng.uniform(-8, 6)]
    end = [side * rng.uniform(8, 30), -80.0, 22.0] if near else [side * 7.0, -62.0, -16.0]
    knots = np.array([[side * 14.0 * broad, -24.5, -2.5], [side * 18.5 * broad, -28.0, -2.5], elbow, end])
    return limb(rng, own, seed, knots, sleeve)


def limb(
    rng: np.random.Generator, own: Complexion, seed: int, knots: Values, sleeve: float, thick: float = 1.0
) -> Surface:
    """An arm along knots, its first part in a sleeve of the cloth with this seed."""
    t = np.linspace(0, 1, 70)
    at = np.linspace(0, 1, len(knots))
    line = np.stack([np.interp(t, at, knots[:, i]) for i in range(3)], -1)
    line = np.stack(
        [np.convolve(np.pad(line[:, i], 8, mode="edge"), np.hanning(17) / 8, "valid") for i in range(3)], -1
    )
    radius = thick * np.interp(t, [0, 0.25, 0.45, 0.66, 0.78, 1], [5.0, 5.4, 4.8, 4.2, 4.3, 2.9])
    covered = t < sleeve
    around = 48
    creases = noise(rng, (len(t), around), (26, 10))
    out = np.where(covered, 0.9, 0.0)[:, None] + np.where(covered, 0.35, 0.05)[:, None] * creases
    down, turn = np.meshgrid(t * 60, np.linspace(0, 2 * np.pi, around) * 5, indexing="ij")
    cloth_ = cloth(np.random.default_rng(seed), single(turn), single(down))
    bare = own.skin(0.08 * creases + 0.1, 0.1 * creases)
    colour = np.where(covered[:, None, None], cloth_, bare)
    return tube(line, radius, colour, own.gloss * 0.5, around=around, relief=out)


def crossing(picture: Values, rng: np.random.Generator, lit: Lighting) -> None:
    """Put an arm before what is in a picture (S, S, 3), both of whose ends are outside it."""
    size = len(picture)
    far, height = 60.0, size * rng.uniform(0.2, 0.9)
    eye = Eye(size / 2, size / 2, height * far / 23.0, far)
    half = 12.0 * size / height
    turn = rng.uniform(0, 2 * np.pi)
    ends = np.array([[np.cos(turn), np.sin(turn)], [np.cos(turn + 2), np.sin(turn + 2)]])
    reach = 1.45 * half + 9
    t = np.linspace(0, 1, 12)[:, None]
    bend = np.array([*rng.uniform(-0.8, 0.8, 2) * half, 4.0])
    first, last = (np.array([*end * reach, 0.0]) for end in ends)
    knots = (1 - t) ** 2 * first + 2 * t * (1 - t) * bend + t**2 * last
    own, sleeve = Complexion.draw(rng), float(rng.choice([0.0, 0.0, 0.5, 1.0]))
    light, cover = drawn([limb(rng, own, int(rng.integers(2**31)), knots, sleeve)], eye, lit, size)
    picture += cv2.GaussianBlur(cover, (3, 3), 0.7)[..., None] * (light - picture) * (cover > 0)[..., None]
