"""Drawn hands: small labelled pictures that need no download, for the demo and for tests.

A hand is a bundle of tapered capsules on a joint skeleton with published bone lengths, joined into one
height field and shaded. It is a cartoon with exact keypoints, no substitute for photographs or renders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.images import Pixels

# Metacarpal, proximal, middle, distal with pulp, in mm; the thumb has no middle phalanx.
# Buryanov & Kotiuk 2010, Int. J. Morphol. 28(3):755-758.
BONE_MM = np.array(
    [
        (46.2, 31.6, 0.0, 27.4),
        (68.1, 39.8, 22.4, 19.6),
        (64.6, 44.6, 26.3, 21.4),
        (58.0, 41.4, 25.7, 21.3),
        (53.7, 32.7, 18.1, 19.7),
    ]
)
# Directions of the metacarpals, degrees from the hand's axis, the thumb's side negative.
_RAYS = np.array([-48.0, -13.0, -2.0, 9.0, 20.0])
# Flesh radius at base, first, second joint and tip, mm.
_RADII = np.array(
    [(13, 11, 9.5, 8.0), (13, 9.6, 8.2, 6.6), (13, 9.8, 8.4, 6.8), (12.5, 9.2, 7.8, 6.4), (12, 8.2, 6.9, 5.6)]
)
_MOST_BENT = 18.0  # degrees at a joint, of a hand that lies open before the camera
_NAIL = np.array([242.0, 196.0, 188.0])  # no paler than skin on a white ground: it would be taken for that
_FAIR, _DARK = np.array([238.0, 200.0, 178.0]), np.array([92.0, 60.0, 44.0])


@dataclass(frozen=True, slots=True)
class Person:
    """What stays the same in all pictures of one subject: shape and skin."""

    scale: float
    thickness: float
    lengths: NDArray[np.float64]
    skin: NDArray[np.float64]

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Person:
        """A person drawn from plausible ranges."""
        lengths = BONE_MM * rng.normal(1.0, 0.04, BONE_MM.shape)
        skin = _FAIR + (_DARK - _FAIR) * rng.beta(1.2, 2.0)
        return cls(float(rng.uniform(0.9, 1.1)), float(rng.uniform(0.9, 1.12)), lengths, skin)


def draw_hand(
    rng: np.random.Generator, person: Person, side: str, *, width: int = 480, height: int = 360
) -> tuple[Pixels, NDArray[np.float32]]:
    """The back of one hand on a light ground, fingers down as in 11k Hands.

    Returns
    -------
    image: (height, width, 3) uint8 RGB.
    points: (21, 2) float32 keypoints in pixels, corner origin.
    """
    points, radii = _pose(rng, person)
    if side == "left":
        points[:, 0] *= -1
    angle = np.deg2rad(180 + rng.normal(0, 14))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    px_per_mm = min(height, width) / 205 * person.scale * rng.uniform(0.92, 1.05)
    points = points @ turn.T * px_per_mm
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    jitter = rng.uniform(-0.04, 0.04, 2) * (width, height)
    points = points - middle + (width / 2, height * 0.47) + jitter
    elbow = points[0] + turn @ np.array([0.0, 260.0]) * px_per_mm
    relief = _relief(points, radii * px_per_mm * person.thickness, elbow, (height, width))
    image = _shade(rng, relief, person.skin, points, px_per_mm)
    return image, points.astype(np.float32)


def _pose(rng: np.random.Generator, person: Person) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Joints in mm, y down, wrist at the origin, fingers up, right hand from behind; radii per joint."""
    points = np.zeros((kp.COUNT, 2))
    radii = np.zeros(kp.COUNT)
    radii[kp.WRIST] = 22.0
    spread = rng.uniform(0.2, 1.5)
    for finger, base in enumerate(kp.BASES):
        ray = _RAYS[finger]
        start = np.array([-13.0, -18.0]) if finger == 0 else np.zeros(2)
        bones = person.lengths[finger]
        if finger == 0:
            directions = ray + np.array([0.0, rng.uniform(6, 34), rng.uniform(4, 22)])
            chain = [start, bones[0], bones[1], bones[3]]
        else:
            lean = ray * (0.35 + 0.9 * spread) + rng.normal(0, 2.5)
            directions = np.array([ray, lean, lean - 0.12 * ray, lean - 0.2 * ray])
            chain = [np.zeros(2), *bones]
        bend = np.cumsum(rng.uniform(0, _MOST_BENT, 4))
        at = start
        if finger == 0:
            points[base], steps = at, list(zip(directions, chain[1:], strict=True))
        else:
            at = at + _step(directions[0], float(bones[0]), 0.0)
            points[base], steps = at, list(zip(directions[1:], bones[1:], strict=True))
        for joint, (direction, length) in enumerate(steps, start=1):
            at = at + _step(float(direction), float(length), float(bend[joint - 1]))
            points[base + joint] = at
        radii[base : base + 4] = _RADII[finger]
    return points, radii


def _step(direction: float, length: float, bend: float) -> NDArray[np.float64]:
    """One bone in the image plane: foreshortened by its bend out of it (degrees)."""
    angle = np.deg2rad(direction)
    seen = length * np.cos(np.deg2rad(min(bend, 70.0)))
    return np.array([seen * np.sin(angle), -seen * np.cos(angle)])


def _relief(
    points: NDArray[np.float64],
    radii: NDArray[np.float64],
    elbow: NDArray[np.float64],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Height of the flesh above the ground at each pixel, in pixels; 0 is ground."""
    ys, xs = np.mgrid[: shape[0], : shape[1]].astype(np.float32) + 0.5
    total = np.zeros(shape, np.float32)
    wrist, arm = radii[kp.WRIST], radii[kp.WRIST] * 1.25
    limbs = [(points[0], elbow, wrist, arm)]
    limbs += [(points[a], points[b], radii[a] * 0.9, radii[b]) for a, b in kp.BONES]
    # The carpus and the webbing between the metacarpals.
    limbs += [
        (points[a], points[b], radii[a], radii[b]) for a, b in zip(kp.BASES[:-1], kp.BASES[1:], strict=True)
    ]
    for start, end, first, last in limbs:
        axis = (end - start).astype(np.float32)
        along = ((xs - start[0]) * axis[0] + (ys - start[1]) * axis[1]) / max(float(axis @ axis), 1e-6)
        along = np.clip(along, 0, 1)
        square = (xs - start[0] - along * axis[0]) ** 2 + (ys - start[1] - along * axis[1]) ** 2
        radius = first + (last - first) * along
        # A high power mean joins the limbs smoothly, as skin does.
        total += np.maximum(radius**2 - square, 0).astype(np.float32) ** 3
    return total ** np.float32(1 / 6)


def _shade(
    rng: np.random.Generator,
    relief: NDArray[np.float32],
    skin: NDArray[np.float64],
    points: NDArray[np.float64],
    px_per_mm: float,
) -> Pixels:
    height, width = relief.shape
    alpha = cv2.GaussianBlur((relief > 1).astype(np.float32), (0, 0), 0.8)[..., None]
    smooth = cv2.GaussianBlur(relief, (0, 0), 1.6 * px_per_mm)
    slope_y, slope_x = np.gradient(smooth)
    normal = np.dstack([-slope_x, -slope_y, np.full_like(relief, 1.2)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    light = np.array([rng.uniform(-0.6, 0.6), rng.uniform(-0.7, 0.1), 1.0])
    lit = normal @ (light / np.linalg.norm(light))
    tone = skin * rng.uniform(0.92, 1.06)
    flesh = tone * (0.35 + 0.75 * np.clip(lit, 0, 1))[..., None]
    _add_details(flesh, points, px_per_mm, tone)
    ground = np.full((height, width, 3), rng.uniform(205, 245)) + rng.normal(0, 4, 3)
    ramp = np.linspace(-1, 1, width)[None, :, None] * rng.uniform(-10, 10)
    shadow = cv2.GaussianBlur(np.roll(alpha[..., 0], (6, int(rng.integers(-8, 9))), (0, 1)), (0, 0), 7.0)
    ground = (ground + ramp) * (1 - 0.3 * shadow[..., None])
    image: Any = flesh * alpha + ground * (1 - alpha)
    image += rng.normal(0, 2.0, image.shape)
    shaded: Pixels = np.clip(image, 0, 255).astype(np.uint8)
    return shaded


def _add_details(
    flesh: NDArray[np.float64], points: NDArray[np.float64], px_per_mm: float, tone: NDArray[np.float64]
) -> None:
    """Nails and knuckle creases, so that fingers have a structure to be found by."""
    nail = 0.6 * tone + 0.4 * _NAIL
    for tip in kp.TIPS:
        along = points[tip] - points[tip - 1]
        along = along / max(float(np.linalg.norm(along)), 1e-6)
        degrees = float(np.degrees(np.arctan2(along[1], along[0])))
        centre = _whole(points[tip] - along * 0.5 * px_per_mm)
        axes = (max(2, round(5.5 * px_per_mm)), max(1, round(4.2 * px_per_mm)))
        cv2.ellipse(flesh, centre, axes, degrees, 0, 360, nail.tolist(), -1, cv2.LINE_AA)
        for joint in (tip - 1, tip - 2):
            across = np.array([-along[1], along[0]]) * 3.5 * px_per_mm
            for shift in (-1.1, 1.1):
                place = points[joint] + along * shift * px_per_mm
                ends = _whole(place - across), _whole(place + across)
                cv2.line(flesh, *ends, (tone * 0.68).tolist(), max(1, round(0.5 * px_per_mm)), cv2.LINE_AA)


def _whole(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0] - 0.5)), round(float(point[1] - 0.5))
