"""What people wear on their hands: nail polish, rings, a watch, a sleeve.

Things are meshes in the hand frame of a right hand, metres, moved by the matrices that pose the hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.hands import kinematics
from render.hand.model import PART_OF_BONE, PERSON, HandModel
from render.job import Accessories
from render.look import RGB
from render.look.colour import dye, muted
from render.shot import Extra, Look

Floats = NDArray[np.float64]

_GOLD, _SILVER = (0.86, 0.58, 0.24), (0.75, 0.75, 0.77)


@dataclass(frozen=True, slots=True)
class Worn:
    """What one person wears in one picture; colours in linear RGB, None where there is nothing."""

    polish: RGB | None
    rings: tuple[tuple[int, float, RGB], ...]
    watch: RGB | None
    sleeve: RGB | None
    sleeve_at: float
    cuff: RGB | None
    seed: int

    def beside(self, other: Worn) -> Worn:
        """The same on a person who wears `other` on the other hand: both sleeves alike, one watch."""
        watch = None if other.watch else self.watch
        return replace(
            self,
            polish=other.polish,
            watch=watch,
            sleeve=other.sleeve,
            sleeve_at=other.sleeve_at,
            cuff=other.cuff,
        )

    def attrs(self) -> dict[str, Any]:
        """For the sample's attrs; 11k Hands' names where it has them."""
        return {
            "nailPolish": int(self.polish is not None),
            "accessories": int(bool(self.rings) or self.watch is not None),
            "rings": len(self.rings),
            "watch": int(self.watch is not None),
            "sleeve": int(self.sleeve is not None),
            "colours": {
                name: [round(value, 3) for value in colour]
                for name, colour in (
                    ("polish", self.polish),
                    ("watch", self.watch),
                    ("sleeve", self.sleeve),
                    ("cuff", self.cuff if self.sleeve else None),
                )
                if colour is not None
            },
        }


def choose(wanted: Accessories, rng: np.random.Generator) -> Worn:
    """Draw what is worn. wanted: how likely each thing is."""
    has = rng.random(4) < [wanted.polish, wanted.rings, wanted.watch, wanted.sleeve]
    polish, strap, cloth, cuff = dye(rng), dye(rng), muted(rng), muted(rng)
    metal = _GOLD if rng.random() < 0.5 else _SILVER
    fingers = rng.choice([1, 2, 3, 3, 2, 4], size=int(rng.integers(1, 3)), replace=False)
    rings = tuple(
        (int(f), float(rng.uniform(0.0011, 0.0028)), metal) for f in dict.fromkeys(fingers.tolist())
    )
    return Worn(
        polish if has[0] else None,
        rings if has[1] else (),
        (strap if rng.random() < 0.5 else metal) if has[2] else None,
        cloth if has[3] else None,
        float(rng.uniform(-0.075, 0.012)),
        cuff if rng.random() < 0.4 else None,
        int(rng.integers(2**31)),
    )


def shape(worn: Worn, model: HandModel, matrices: Floats) -> list[Extra]:
    """The things as meshes on the posed hand."""
    rng = np.random.default_rng(worn.seed)
    things = []
    for finger, thick, colour in worn.rings:
        things.append(_ring(model, matrices, finger, thick, colour, rng))
    arm = matrices[kinematics.FOREARM]
    if worn.watch:
        things += _watch(model, arm, worn.watch, rng)
    if worn.sleeve:
        things.append(_sleeve(model, arm, worn.sleeve, worn.sleeve_at, rng.uniform(0.0065, 0.011), rng))
        if worn.cuff:  # of a shirt below the sleeve
            further = worn.sleeve_at + rng.uniform(0.004, 0.012)
            things.append(_sleeve(model, arm, worn.cuff, further, 0.0025, rng))
    return things


def _moved(points: Floats, matrix: Floats) -> NDArray[np.float32]:
    return (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)


def _band(lines: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """Points and triangles of a ring-shaped skin: `lines` (rows, steps, 3), closed both ways."""
    rows, steps = lines.shape[:2]
    index = np.arange(rows * steps).reshape(rows, steps)
    next_row, next_step = np.roll(index, -1, 0), np.roll(index, -1, 1)
    both = np.roll(next_row, -1, 1)
    # Triangles: of four corners that do not lie in a plane every program makes two of its own choice.
    faces = np.stack([index, next_step, both, index, both, next_row], -1).reshape(-1, 3).astype(np.int32)
    return lines.reshape(-1, 3), faces


def _ring(
    model: HandModel,
    matrices: Floats,
    finger: int,
    thick: float,
    colour: RGB,
    rng: np.random.Generator,
) -> Extra:
    chain = model.joints[1 + 4 * finger : 3 + 4 * finger]
    along = chain[1] - chain[0]
    length = float(np.linalg.norm(along))
    along = along / length
    up = np.array([0.0, 0.0, 1.0]) - along[2] * along
    up /= np.linalg.norm(up)
    across = np.cross(along, up)
    centre = chain[0] + rng.uniform(0.56, 0.7) * length * along
    radius = [r + 0.0004 for r in _flesh_radius(model, finger, centre, along)]
    turns = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    tube = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    wide = thick * rng.uniform(0.8, 1.8)
    stone = thick * rng.uniform(0.5, 2.2) * (rng.random() < 0.4)
    swell = 1 + stone / thick * np.exp(-(((np.angle(np.exp(1j * (turns - np.pi / 2)))) / 0.45) ** 2))
    out = radius[0] + thick * 0.5 * (1 + np.cos(tube))[:, None] * swell
    flat = radius[1] + thick * 0.5 * (1 + np.cos(tube))[:, None] * swell
    side = wide * np.sin(tube)[:, None] * swell
    lines = (
        centre
        + (out * np.cos(turns))[..., None] * across
        + (flat * np.sin(turns))[..., None] * up
        + side[..., None] * along
    )
    points, faces = _band(lines)
    bone = kinematics.bone(finger, 0)
    look = Look(colour, 1.0, float(rng.uniform(0.15, 0.35)))
    return Extra(_moved(points, matrices[bone]), faces, look, int(PART_OF_BONE[bone]))


def _flesh_radius(model: HandModel, finger: int, centre: Floats, along: Floats) -> tuple[float, float]:
    """Half breadth and half thickness of a finger's flesh in a slice across its bone."""
    first = kinematics.bone(finger, 0)
    away = model.vertices - centre
    s = away @ along
    around = away - s[:, None] * along
    near = (np.abs(s) < 0.002) & (model.weights[:, first : first + 3].sum(axis=1) > 0.6)
    if not near.any():
        return 0.009, 0.0085
    up = np.array([0.0, 0.0, 1.0]) - along[2] * along
    up /= np.linalg.norm(up)
    across = np.cross(along, up)
    return float(np.abs(around[near] @ across).max()), float(np.abs(around[near] @ up).max())


def _arm_radius(model: HandModel, y: float) -> tuple[Floats, float, float]:
    """Middle, half breadth and half thickness of the arm at y."""
    near = model.vertices[np.abs(model.vertices[:, 1] - y) < 0.02]
    if len(near) < 8:
        return np.array([0.0, y, 0.0]), 0.03, 0.022
    low, high = near.min(axis=0), near.max(axis=0)
    middle = (low + high) / 2
    return np.array([middle[0], y, middle[2]]), float(high[0] - low[0]) / 2, float(high[2] - low[2]) / 2


def _watch(model: HandModel, arm: Floats, colour: RGB, rng: np.random.Generator) -> list[Extra]:
    centre, wide, thick = _arm_radius(model, -0.014 - 0.034 * rng.random())
    half = rng.uniform(0.006, 0.011)
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    profile = [(0.0, -half), (0.0028, -half), (0.0028, half), (0.0, half)]
    lines = np.stack(
        [
            centre
            + np.stack(
                [(wide + out) * np.cos(turns), np.full_like(turns, y), (thick + out) * np.sin(turns)], -1
            )
            for out, y in profile
        ]
    )
    points, faces = _band(lines)
    metal = colour in (_GOLD, _SILVER)
    look = Look(colour, float(metal), 0.35 if metal else 0.7)
    things = [Extra(_moved(points, arm), faces, look, PERSON)]
    size = rng.uniform(0.012, 0.019)
    top = centre + np.array([0, 0, thick])
    for radius, low, high, shade in ((size, -0.001, 0.008, colour), (size * 0.86, 0.007, 0.0086, None)):
        face = shade or ((0.8, 0.8, 0.8) if rng.random() < 0.5 else (0.02, 0.02, 0.03))
        profile = [(0.0, low), (radius, low), (radius, high), (0.0, high)]
        disc = np.stack(
            [
                top + np.stack([r * np.cos(turns), r * np.sin(turns), np.full_like(turns, z)], -1)
                for r, z in profile
            ]
        )
        points, faces = _band(disc)
        look = Look(face, float(metal and shade is not None), 0.25)
        things.append(Extra(_moved(points, arm), faces, look, PERSON))
    return things


def _sleeve(
    model: HandModel,
    arm: Floats,
    colour: RGB,
    start: float,
    loose: float,
    rng: np.random.Generator,
) -> Extra:
    """start: where it ends on the arm, metres from the wrist. loose: how far it stands off the skin."""
    turns = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ys = np.concatenate([[start + 0.006, start, start], np.linspace(start, -0.30, 26)[1:]])
    outs = np.concatenate([[loose - 0.0025, loose - 0.002, loose], np.full(25, loose)])
    phase = rng.uniform(0, 6, 4)
    lines = []
    for y, out in zip(ys, outs, strict=True):
        centre, wide, thick = _arm_radius(model, float(min(y, -0.045)))
        fold = (
            0.25
            * loose
            * (
                np.sin(170 * y + 2.0 * np.sin(turns + phase[0]) + phase[1])
                + 0.6 * np.sin(3 * turns + 90 * y + phase[2])
            )
        )
        slack = out + fold * np.clip((start - y) / 0.02, 0.15, 1)
        ring = [(wide + slack) * np.cos(turns), np.zeros_like(turns), (thick + slack) * np.sin(turns)]
        lines.append(np.array([centre[0], y, centre[2]]) + np.stack(ring, -1))
    # Back inside, so that the band is closed.
    lines.append(np.array([0, -0.30, 0]) + 0.01 * np.stack([np.cos(turns), 0 * turns, np.sin(turns)], -1))
    points, faces = _band(np.stack(lines))
    look = Look(colour, 0.0, 0.9)
    return Extra(_moved(points, arm), faces, look, PERSON)
