"""Common signs of the hand: which fingers are bent, where the thumb is, which tips meet. numpy only.

How far a bent finger is bent, and each angle around it, is drawn; what is impossible is `render.hand.pose`'s
to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.hands import kinematics
from curate.hands.kinematics import DEVIATION, FLEXION, TWIST
from render.hand.model import HandModel

Floats = NDArray[np.float64]

# The thumb's flexion at CMC, MCP and IP, its deviation and its twist, degrees.
THUMBS = {
    "out": (0.0, 5.0, -5.0, 50.0, 0.0),
    "beside": (4.0, 15.0, 10.0, 20.0, 0.0),
    "over": (38.0, 40.0, 45.0, 30.0, 30.0),
    "across": (42.0, 50.0, 30.0, 20.0, 30.0),
    "opposed": (35.0, 15.0, 20.0, 45.0, 30.0),
}
# Flexion at MCP, PIP and DIP of a finger that is wholly bent, degrees.
_BENT = np.array([80.0, 98.0, 58.0])
_LOOSE = np.array([6.0, 5.0, 3.0, 8.0, 8.0])
_MEETINGS = 40  # places of the thumb that are tried
_REACH = (-15.0, 90.0)  # degrees; no joint goes further on its way to another finger


@dataclass(frozen=True, slots=True)
class Sign:
    """How a sign is held.

    Attributes
    ----------
    bent: of index to little, 0 straight .. 1 in the fist.
    thumb: of THUMBS. apart: 0 fingers closed .. 1 spread. meets: the finger (1 to 4) whose tip the thumb's
        touches, or 0.
    """

    bent: tuple[float, float, float, float]
    thumb: str
    apart: float = 0.3
    meets: int = 0


SIGNS = {
    "fist": Sign((1, 1, 1, 1), "over", 0.2),
    "thumbs-up": Sign((1, 1, 1, 1), "out", 0.2),
    "point": Sign((0, 1, 1, 1), "over"),
    "v": Sign((0, 0, 1, 1), "over", 0.9),
    "three": Sign((0, 0, 0, 1), "over", 0.7),
    "four": Sign((0, 0, 0, 0), "across", 0.6),
    "five": Sign((0, 0, 0, 0), "out", 1.0),
    "stop": Sign((0, 0, 0, 0), "beside", 0.0),
    "horns": Sign((0, 1, 1, 0), "over", 0.5),
    "call": Sign((1, 1, 1, 0.05), "out", 0.6),
    "gun": Sign((0, 1, 1, 1), "out"),
    "ok": Sign((0.5, 0.15, 0.1, 0.05), "opposed", 0.6, meets=1),
    "pinch": Sign((0.5, 0.6, 0.65, 0.7), "opposed", 0.3, meets=1),
    "grasp": Sign((0.5, 0.52, 0.54, 0.56), "opposed", 0.4),
    "claw": Sign((0.35, 0.35, 0.35, 0.35), "opposed", 0.9),
}


def held(name: str, angles: Floats, model: HandModel, rng: np.random.Generator) -> Floats:
    """A flat hand's angles (5, 3, 3), degrees, changed to a sign, drawn around its mean."""
    sign = SIGNS[name]
    bent = np.clip(np.array(sign.bent) + rng.normal(0, 0.05, 4), 0, 1.02)
    angles[1:, :, FLEXION] = bent[:, None] * _BENT + (1 - bent[:, None]) * angles[1:, :, FLEXION]
    angles[1:, 1:, FLEXION] += rng.normal(0, 3, (4, 2))
    first, second, third, deviation, twist = np.array(THUMBS[sign.thumb]) + _LOOSE * rng.normal(0, 1, 5)
    angles[0, :, FLEXION] = first, second, third
    angles[0, 0, DEVIATION], angles[0, 0, TWIST] = deviation, twist
    return _meeting(sign.meets, angles, model, rng) if sign.meets else angles


def _meeting(finger: int, angles: Floats, model: HandModel, rng: np.random.Generator) -> Floats:
    """Thumb and finger moved, at random and ever less, until their pulps just touch."""
    best, least = angles, np.inf
    for reach in np.linspace(14, 2, _MEETINGS):
        tried = best.copy()
        tried[0, :, FLEXION] += rng.normal(0, reach, 3)
        tried[0, 0, [DEVIATION, TWIST]] += rng.normal(0, 0.8 * reach, 2)
        tried[finger, :, FLEXION] += rng.normal(0, reach, 3)
        tried[[0, finger]] = np.clip(tried[[0, finger]], *_REACH)
        matrices = kinematics.bone_matrices(model.joints, np.radians(tried))
        pulps = []
        for one in (0, finger):
            tip, moved = model.joints[4 + 4 * one], matrices[kinematics.bone(one, 2)]
            pulps.append(moved[:3, :3] @ (0.94 * tip + 0.06 * model.joints[3 + 4 * one]) + moved[:3, 3])
        touch = 0.85 * (model.radius[4] + model.radius[4 + 4 * finger])
        gap = abs(float(np.linalg.norm(pulps[0] - pulps[1])) - touch)
        if gap < least:
            best, least = tried, gap
    return best
