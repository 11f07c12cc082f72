"""Where a hand is in front of the camera, and how its points get there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render import angles
from render.job import View

Floats = NDArray[np.float64]

AHEAD = np.array([0.0, 0.0, 1.0])  # from a hand on the camera's axis to the camera


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """How a hand is turned, and where.

    Attributes
    ----------
    turn: (3, 3) from the hand frame to the shot's world. centre: (3,) what it turns about, in the hand frame.
    at: (3,) where the centre is in the shot's world, metres.
    left: whether it is a left hand: a right hand's points are mirrored first.
    """

    turn: Floats
    centre: Floats
    at: Floats
    left: bool

    @classmethod
    def ahead(cls, view: View, middle: Floats, distance: float) -> Placement:
        """Turned as a view says, its middle (3,) on the camera's axis, `distance` metres away."""
        return cls(turn_of(view), middle, -np.array([0.0, 0.0, distance]), view.side == "left")

    def world(self, points: Any) -> Floats:
        """Points of the hand frame (N, 3) in the shot's world."""
        away = (np.asarray(points, float) - self.centre) * ([-1, 1, 1] if self.left else [1, 1, 1])
        moved: Floats = away @ self.turn.T + self.at
        return moved


def turn_of(view: View) -> Floats:
    """(3, 3) from the hand frame to the shot's world."""
    return angles.turn(view.tilt, view.rotation, view.roll, view.aspect)


def facing(turn: Floats, aspect: str) -> Floats:
    """(3,) unit vector out of the side of the hand that the camera sees, in the shot's world."""
    out: Floats = turn @ [0, 0, 1.0 if aspect == "dorsal" else -1.0]
    return out


def palm_seen(turn: Floats, towards: Floats = AHEAD) -> float:
    """0 where the camera sees the back of a hand, 1 where it sees the palm; between them near its edge.

    Parameters
    ----------
    turn: (3, 3) from the hand frame to the world. towards: (3,) unit vector from the hand to the camera.
    """
    return float(np.clip(0.5 - turn[:, 2] @ towards, 0, 1))


def middle(keypoints: Floats) -> Floats:
    """The middle (3,) of fingers and palm. Without the wrist, which close pictures do not show."""
    hand = keypoints[1:]
    centre: Floats = (hand.min(axis=0) + hand.max(axis=0)) / 2
    return centre
