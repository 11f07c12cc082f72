"""The flesh of a hand, as a distance field around its bones.

Round shapes along the bones are joined by a smooth minimum (Quilez, "Smooth minimum", 2013), which makes
webs, the ball of the thumb and knuckles grow out of each other as flesh does. Fingers are set apart here, so
that the skin between them is there when they are closed. Right hand, hand frame, mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import stopping
from curate.hands import anatomy, kinematics
from curate.hands.anatomy import Build

Floats = NDArray[np.floating[Any]]

# The forearm beyond this (mm from the wrist) is a plain tube and drawn as one.
ARM_FROM, ARM_TO = -58.0, -300.0
# The skin between two fingers lies around this share of their first bones, and ends a web's radius beyond.
_WEB = 0.18
_BLUNT = 0.75


@dataclass(frozen=True, slots=True)
class _Finger:
    base: Floats
    along: Floats
    across: Floats
    back: Floats
    length: float
    at: Floats
    radius: Floats
    flat: float


class Flesh:
    """The field of one build.

    Attributes
    ----------
    joints: (21, 3) mm. scale: mm of a length given for the mean hand.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self.joints = (anatomy.joints(build) * 1000).astype(np.float32)
        self.scale = build.size
        radii = (anatomy.radii(build) * 1000).astype(np.float32)
        at = (anatomy.stations(anatomy.joints(build)) * 1000).astype(np.float32)
        along = kinematics.directions(self.joints.astype(np.float64)).astype(np.float32)
        _, back = kinematics.axes(self.joints.astype(np.float64))
        self.fingers: list[list[_Finger]] = []
        for f in range(5):
            chain = self.joints[1 + 4 * f : 5 + 4 * f]
            pieces = []
            starts = [0.0, *np.cumsum(np.linalg.norm(np.diff(chain, axis=0), axis=1))]
            # Fingers are straight; the thumb is bent at its MCP, so its metacarpal is a piece of its own.
            for first, last in [(0, 1), (1, 3)] if f == 0 else [(0, 3)]:
                direction = along[f, last - 1]
                up = back[f, last - 1].astype(np.float32)
                pieces.append(
                    _Finger(
                        chain[first],
                        direction,
                        np.cross(direction, up).astype(np.float32),
                        up,
                        float(starts[last] - starts[first]),
                        at[f] - np.float32(starts[first]),
                        radii[f],
                        0.98 if f == 0 and first == 0 else 0.86 if f == 0 else 0.92,
                    )
                )
            self.fingers.append(pieces)

    def finger(self, f: int, points: Floats) -> tuple[Floats, Floats]:
        """Distance (N,) to a finger's flesh and how far along it from its first joint (N,), both in mm."""
        stopping.check()  # a hand takes seconds to model, and asks for this many times
        best = np.full(len(points), np.inf, np.float32)
        where = np.zeros(len(points), np.float32)
        start = 0.0
        for piece in self.fingers[f]:
            distance, s = _tube(piece, points, tip=piece is self.fingers[f][-1])
            nearer = distance < best
            where = np.where(nearer, s + np.float32(start), where)
            best = smooth_min(best, distance, 3.0) if start else distance
            start += piece.length
        return best, where

    def palm(self, points: Floats) -> Floats:
        """Distance (N,) to palm, wrist and the part of the forearm that is drawn here, mm."""
        b, k = self.build, self.scale
        wide, thick = b.breadth * k, b.thickness * k
        j = self.joints
        field = _arm(points, k, b)
        heads = [(5, 11.2), (9, 11.6), (13, 11.0), (17, 10.0)]
        for head, radius in heads:
            start = j[head] * [0.42, 0.22, 1] + np.array([0, 0, -3.5], np.float32) * k
            end = j[head] + np.array([0, 0, -2.0], np.float32) * k
            field = smooth_min(field, _cone(points, start, end, 13.5 * thick, radius * thick), 11.0)
        for head, radius in heads:
            lift = np.array([0, 0, 0.4 + 1.6 * b.knuckles], np.float32) * k
            field = smooth_min(field, _ball(points, j[head] + lift, (radius - 2.6) * thick), 5.0)
        thumb = j[2] - j[1]
        ball = j[1] + 0.52 * thumb + np.array([10 * wide, 3, -5 * k], np.float32)
        field = smooth_min(field, _egg(points, ball, thumb, (27 * k, 13.5 * thick, 11.5 * thick)), 8.0)
        heel = np.array([25 * wide, 38 * k, -10 * k], np.float32)
        field = smooth_min(
            field, _egg(points, heel, np.array([0.12, 1, 0]), (31 * k, 12 * thick, 11.5 * thick)), 8.0
        )
        pad = (j[5] + j[17]) / 2 + np.array([0, -8, -9], np.float32) * k
        across = j[17] - j[5]
        field = smooth_min(field, _egg(points, pad, across, (35 * wide, 11 * k, 6.5 * thick)), 9.0)
        ulna = np.array([19 * wide, -14, (6.5 + 2 * b.lean) * k], np.float32)
        return smooth_min(field, _ball(points, ulna, 7.5 * k), 12.0)

    def webs(self, points: Floats) -> Floats:
        """Distance (N,) to the skin between the fingers, mm."""
        k = self.scale
        field = np.full(len(points), np.inf, np.float32)
        chains = self.joints[1:].reshape(5, 4, 3)
        for f in (1, 2, 3):
            ends = [chains[g, 0] + _WEB * (chains[g, 1] - chains[g, 0]) for g in (f, f + 1)]
            drop = np.array([0, 0, -2.5], np.float32) * k
            field = np.minimum(field, _cone(points, ends[0] + drop, ends[1] + drop, 6.6 * k, 6.6 * k))
        fold = [self.joints[2] * [0.86, 0.86, 1] + [4, -4, 4], self.joints[5] + np.array([2, -22, -4])]
        web = _cone(points, fold[0], fold[1], 7.5 * k, 7.5 * k)
        return np.minimum(field, web)

    def distance(self, points: Floats) -> Floats:
        """Signed distance (N,) to the skin, mm, negative inside; good near the skin only."""
        field = smooth_min(self.palm(points), self.webs(points), 6.0)
        for f in range(5):
            finger, s = self.finger(f, points)
            # Wide where a finger leaves the palm, narrow where it only passes its neighbour.
            wide = 7.0 if f == 0 else 11.0
            reach = wide + (2.5 - wide) * smoothstep(s, 2, 18)
            field = smooth_min(field, finger, reach)
        return field


def smooth_min(a: Floats, b: Floats, reach: float | Floats) -> Floats:
    """Minimum (N,) whose corner is rounded over `reach`, mm: at most a quarter of it below the plain one."""
    reach = np.asarray(reach, np.float32)
    mix = np.maximum(reach - np.abs(a - b), 0) / reach
    joined: Floats = np.minimum(a, b) - mix * mix * (reach / 4)
    return joined


def _tube(piece: _Finger, points: Floats, *, tip: bool) -> tuple[Floats, Floats]:
    away = points - piece.base
    s = away @ piece.along
    a = away @ piece.across
    b = away @ piece.back
    # A fingertip is blunter than a ball.
    end = piece.length - (_BLUNT * piece.radius[-1] if tip else 0)
    inside = np.clip(s, 0, end)
    radius = _profile(piece, inside)
    # The pulp hangs below the bone and the nail's side is flat.
    flat = piece.flat - (0.12 * smoothstep(inside, 0.7 * piece.length, piece.length) if tip else 0)
    sink = 0.08 * radius
    return np.sqrt(
        a * a + ((b + sink) / flat) ** 2 + ((s - inside) / (_BLUNT if tip else 1)) ** 2
    ) - radius, s


def _profile(piece: _Finger, s: Floats) -> Floats:
    """Radius along a finger: a cubic through the stations without overshoot (Catmull-Rom, clipped)."""
    x, y = piece.at, piece.radius
    right = np.clip(np.searchsorted(x, s, side="right"), 1, len(x) - 1)
    left = right - 1
    slope = np.gradient(y, x)
    h = x[right] - x[left]
    t = np.clip((s - x[left]) / h, 0, 1)
    t2, t3 = t * t, t * t * t
    curve: Floats = (
        (2 * t3 - 3 * t2 + 1) * y[left]
        + (t3 - 2 * t2 + t) * h * slope[left]
        + (3 * t2 - 2 * t3) * y[right]
        + (t3 - t2) * h * slope[right]
    ).astype(np.float32)
    return curve


def smoothstep(x: Floats, low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high` on, and a cubic between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    ramp: Floats = t * t * (3 - 2 * t)
    return ramp


def _cone(points: Floats, start: Floats, end: Floats, r0: float, r1: float) -> Floats:
    axis = (end - start).astype(np.float32)
    away = points - start.astype(np.float32)
    t = np.clip(away @ axis / (axis @ axis), 0, 1)
    distance: Floats = np.linalg.norm(away - t[:, None] * axis, axis=1) - (r0 + (r1 - r0) * t)
    return distance.astype(np.float32)


def _ball(points: Floats, centre: Floats, radius: float) -> Floats:
    distance: Floats = np.linalg.norm(points - centre.astype(np.float32), axis=1) - np.float32(radius)
    return distance


def _egg(points: Floats, centre: Floats, axis: Floats, radii: tuple[float, float, float]) -> Floats:
    """An ellipsoid: half axes along `axis`, across it in the palm's plane, and out of the palm."""
    along = (axis / np.linalg.norm(axis)).astype(np.float32)
    up = np.array([0, 0, 1], np.float32)
    up = up - (up @ along) * along
    up /= np.linalg.norm(up)
    away = points - centre.astype(np.float32)
    half = np.array(radii, np.float32)
    scaled = np.stack([away @ along, away @ np.cross(along, up), away @ up], 1) / half
    k0 = np.linalg.norm(scaled, axis=1)
    k1 = np.linalg.norm(scaled / half, axis=1)
    distance: Floats = k0 * (k0 - 1) / np.maximum(k1, 1e-6)
    return distance


def arm_section(y: Floats | float, scale: float, build: Build) -> tuple[Floats, Floats]:
    """Half breadth and half thickness of wrist and forearm at y (mm, negative beyond the wrist)."""
    y = np.asarray(y, np.float32)
    grow = np.clip(-y / 250, 0, 1.2)
    swell = np.float32(1 - 0.03 * np.exp(-(((y + 8) / 25) ** 2)))
    taper = smoothstep(y, -12, 30)
    wide = (27.5 + 14 * grow - 4 * taper) * swell * build.breadth * scale
    thick = (19.0 + 15 * grow - 5 * taper) * swell * (0.4 + 0.6 * build.breadth) * scale
    return wide.astype(np.float32), thick.astype(np.float32)


def _arm(points: Floats, scale: float, build: Build) -> Floats:
    y = np.minimum(points[:, 1], 24)
    wide, thick = arm_section(y, scale, build)
    x, z = points[:, 0], points[:, 2] + 1.5
    k0 = np.sqrt((x / wide) ** 2 + (z / thick) ** 2)
    k1 = np.sqrt((x / wide**2) ** 2 + (z / thick**2) ** 2)
    flat = k0 * (k0 - 1) / np.maximum(k1, 1e-6)
    above = np.maximum(points[:, 1] - 24, 0)
    distance: Floats = np.where(above > 0, np.hypot(np.maximum(flat + 10, 0), above) - 10, flat)
    return distance.astype(np.float32)
