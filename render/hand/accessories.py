"""What people wear on their hands: nail polish, rings, a watch, a sleeve.

Things are meshes in the hand frame of a right hand, metres, moved by the matrices that pose the hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.hands import kinematics
from render.hand.meshes import lofted, revolved
from render.hand.model import PART_OF_BONE, PERSON, HandModel, moved
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
    flesh = _flesh_radius(model, finger, centre, np.stack([across, along, up]))
    broad, high = (radius + 0.0004 for radius in flesh)
    turns = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    tube = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    wide = thick * rng.uniform(0.8, 1.8)
    stone = thick * rng.uniform(0.5, 2.2) * (rng.random() < 0.4)
    swell = 1 + stone / thick * np.exp(-(((np.angle(np.exp(1j * (turns - np.pi / 2)))) / 0.45) ** 2))
    raised = thick * 0.5 * (1 + np.cos(tube))[:, None] * swell
    side = wide * np.sin(tube)[:, None] * swell
    rows = (
        centre
        + ((broad + raised) * np.cos(turns))[..., None] * across
        + ((high + raised) * np.sin(turns))[..., None] * up
        + side[..., None] * along
    )
    bone = kinematics.bone(finger, 0)
    look = Look(colour, 1.0, float(rng.uniform(0.15, 0.35)))
    return _extra(rows, matrices[bone], look, int(PART_OF_BONE[bone]))


def _extra(rows: Floats, matrix: Floats, look: Look, part: int) -> Extra:
    """A thing closed both ways, at rest given by its rows, where a bone's motion takes it."""
    points, faces = lofted(rows, closed=True)
    return Extra(moved(points, matrix).astype(np.float32), faces, look, part)


def _flesh_radius(model: HandModel, finger: int, centre: Floats, frame: Floats) -> tuple[float, float]:
    """Half breadth and half thickness of a finger's flesh in a slice across its bone.

    Parameters
    ----------
    frame: (3, 3) unit vectors across the finger, along it, and out of its back.
    """
    first = kinematics.bone(finger, 0)
    across, along, up = frame
    away = model.vertices - centre
    s = away @ along
    around = away - s[:, None] * along
    near = (np.abs(s) < 0.002) & (model.weights[:, first : first + 3].sum(axis=1) > 0.6)
    if not near.any():
        return 0.009, 0.0085
    return float(np.abs(around[near] @ across).max()), float(np.abs(around[near] @ up).max())


def _arm_radius(model: HandModel, y: float) -> tuple[Floats, float, float]:
    """Middle, half breadth and half thickness of the arm at y."""
    near = model.vertices[np.abs(model.vertices[:, 1] - y) < 0.02]
    if len(near) < 8:
        return np.array([0.0, y, 0.0]), 0.03, 0.022
    low, high = near.min(axis=0), near.max(axis=0)
    middle = (low + high) / 2
    return np.array([middle[0], y, middle[2]]), float(high[0] - low[0]) / 2, float(high[2] - low[2]) / 2


def _around_arm(centre: Floats, wide: Floats | float, thick: Floats | float, turns: Floats) -> Floats:
    """A ring of points (steps, 3) around the arm: an ellipse of half breadth and half thickness."""
    return centre + np.stack([wide * np.cos(turns), 0 * turns, thick * np.sin(turns)], -1)


def _watch(model: HandModel, arm: Floats, colour: RGB, rng: np.random.Generator) -> list[Extra]:
    centre, wide, thick = _arm_radius(model, -0.014 - 0.034 * rng.random())
    half = rng.uniform(0.006, 0.011)
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    edges = [(0.0, -half), (0.0028, -half), (0.0028, half), (0.0, half)]
    strap = np.stack(
        [_around_arm(centre + np.array([0, y, 0]), wide + out, thick + out, turns) for out, y in edges]
    )
    metal = colour in (_GOLD, _SILVER)
    things = [_extra(strap, arm, Look(colour, float(metal), 0.35 if metal else 0.7), PERSON)]
    size = rng.uniform(0.012, 0.019)
    top = centre + np.array([0, 0, thick])
    dial = (0.8, 0.8, 0.8) if rng.random() < 0.5 else (0.02, 0.02, 0.03)
    case = Look(colour, float(metal), 0.25)
    for radius, low, high, look in (
        (size, -0.001, 0.008, case),
        (size * 0.86, 0.007, 0.0086, Look(dial, 0.0, 0.25)),
    ):
        profile = [(0.0, low), (radius, low), (radius, high), (0.0, high)]
        things.append(_extra(revolved(top, profile, turns), arm, look, PERSON))
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
    rows = []
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
        rows.append(_around_arm(np.array([centre[0], y, centre[2]]), wide + slack, thick + slack, turns))
    rows.append(_around_arm(np.array([0, -0.30, 0]), 0.01, 0.01, turns))  # back inside, to close the surface
    return _extra(np.stack(rows), arm, Look(colour, 0.0, 0.9), PERSON)
