"""Common signs of the hand: which fingers are bent, where the thumb is, which tips meet. numpy only.

Each angle is drawn around the sign's own. `render.hand.pose` refuses what is impossible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.hands import kinematics
from curate.hands.kinematics import DEVIATION, FLEXION, TWIST
from render.hand.contact import Thumb, lay_thumb
from render.hand.limits import limited
from render.hand.model import HandModel, moved

Floats = NDArray[np.float64]

THUMBS: dict[str, Thumb] = {
    "out": (0.0, 5.0, -5.0, 50.0, 0.0),
    "up": (-6.0, -4.0, -22.0, 60.0, 0.0),
    "beside": (4.0, 15.0, 10.0, 20.0, 0.0),
    "over": (43.0, 40.0, 40.0, 28.0, -28.0),
    "across": (42.0, 50.0, 30.0, 20.0, -30.0),
    "opposed": (35.0, 15.0, 20.0, 45.0, -30.0),
}
# Flexion at MCP, PIP and DIP of a finger that is wholly bent, degrees.
_BENT = np.array([80.0, 98.0, 58.0])
_LOOSE = np.array([6.0, 5.0, 3.0, 8.0, 8.0])
_MEETINGS = 40  # places of the thumb that are tried


@dataclass(frozen=True, slots=True)
class Sign:
    """How a sign is held.

    Attributes
    ----------
    bent: index to little finger, 0 straight .. 1 as in a fist.
    thumb: a key of THUMBS. apart: 0 fingers closed .. 1 spread.
    meets: the finger (1 to 4) whose tip the thumb's tip touches, or 0.
    rests: the bent finger on whose middle bone the thumb's tip lies, or 0.
    """

    bent: tuple[float, float, float, float]
    thumb: str
    apart: float = 0.3
    meets: int = 0
    rests: int = 0


SIGNS = {
    "fist": Sign((1, 1, 1, 1), "over", 0.2, rests=2),
    "thumbs-up": Sign((1, 1, 1, 1), "up", 0.2),
    "point": Sign((0, 1, 1, 1), "over", rests=2),
    "v": Sign((0, 0, 1, 1), "over", 0.9, rests=3),
    "three": Sign((0, 0, 0, 1), "over", 0.7, rests=4),
    "four": Sign((0, 0, 0, 0), "across", 0.6),
    "five": Sign((0, 0, 0, 0), "out", 1.0),
    "stop": Sign((0, 0, 0, 0), "beside", 0.0),
    "horns": Sign((0, 1, 1, 0), "over", 0.5, rests=2),
    "call": Sign((1, 1, 1, 0.05), "out", 0.6),
    "gun": Sign((0, 1, 1, 1), "out"),
    "ok": Sign((0.5, 0.15, 0.1, 0.05), "opposed", 0.6, meets=1),
    "pinch": Sign((0.5, 0.6, 0.65, 0.7), "opposed", 0.3, meets=1),
    "grasp": Sign((0.5, 0.52, 0.54, 0.56), "opposed", 0.4),
    "claw": Sign((0.35, 0.35, 0.35, 0.35), "opposed", 0.9),
}


def held(name: str, angles: Floats, model: HandModel, rng: np.random.Generator) -> Floats:
    """Joint angles (5, 3, 3), degrees, of a sign. angles: those of a flat hand, which are changed."""
    sign = SIGNS[name]
    bent = np.clip(np.array(sign.bent) + rng.normal(0, 0.05, 4), 0, 1.02)
    angles[1:, :, FLEXION] = bent[:, None] * _BENT + (1 - bent[:, None]) * angles[1:, :, FLEXION]
    angles[1:, 1:, FLEXION] += rng.normal(0, 3, (4, 2))
    lay_thumb(angles, THUMBS[sign.thumb], _LOOSE, rng)
    return _meeting(sign, angles, model, rng) if sign.meets or sign.rests else angles


def _meeting(sign: Sign, angles: Floats, model: HandModel, rng: np.random.Generator) -> Floats:
    """Move the thumb, and the finger whose tip it meets, at random and ever less, until they just touch."""
    moving = [0, sign.meets] if sign.meets else [0]
    best, least = angles, np.inf
    for reach in np.linspace(14, 2, _MEETINGS):
        tried = best.copy()
        tried[moving, :, FLEXION] += rng.normal(0, reach, (len(moving), 3))
        tried[0, 0, [DEVIATION, TWIST]] += rng.normal(0, 0.8 * reach, 2)
        gap = _gap(sign, limited(tried), model)
        if gap < least:
            best, least = tried, gap
    return best


def _gap(sign: Sign, angles: Floats, model: HandModel) -> float:
    """How far the thumb's pulp is from touching what it should, metres."""
    matrices = kinematics.bone_matrices(model.joints, np.radians(angles))

    def place(finger: int, joint: int, beyond: float, off: Floats | float = 0.0) -> Floats:
        """Of a point beyond a joint by a share of the bone, and off it."""
        first = 1 + 4 * finger + joint
        start, end = model.joints[first : first + 2]
        return moved(start + beyond * (end - start) + off, matrices[kinematics.bone(finger, joint)])

    pulp = place(0, 2, 0.94)
    if sign.meets:
        touch = 0.85 * (model.radius[4] + model.radius[4 + 4 * sign.meets])
        return float(abs(np.linalg.norm(pulp - place(sign.meets, 2, 0.94)) - touch))
    _, backs = kinematics.axes(model.joints)
    above = (model.radius[4] + model.radius[2 + 4 * sign.rests]) * backs[sign.rests, 1]
    return float(np.linalg.norm(pulp - place(sign.rests, 1, 0.5, above)))
