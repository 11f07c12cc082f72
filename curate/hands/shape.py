"""What the points of a hand tell of it: which way its palm turns, how its fingers stand and bend.

Arrays are (n, 21, 2) points in pixels, y down, NaN where a point is unknown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.data.sample import ASPECTS, SIDES

Floats = NDArray[np.float64]

EDGE_ON = 0.1  # sine of a turn (`palm_turn`) up to which a palm is seen from its edge
_THUMB_CMC, _INDEX_MCP, _LITTLE_MCP = 1, 5, 17
_MCPS = (5, 9, 13, 17)


def near_end(points: Floats) -> Floats:
    """The palm's end that is nearer to the arm, (n, 2), of hands (n, 21, 2): the wrist, else the thumb's CMC.

    The CMC lies on the same side of the line of MCPs in every pose, since the palm is stiff. NaN where both
    are unlabelled.
    """
    wrist = points[:, kp.WRIST]
    return np.where(np.isnan(wrist), points[:, _THUMB_CMC], wrist)


def palm_turn(points: Floats) -> Floats:
    """Sine of the angle from the index to the little MCP, seen from the palm's near end; y points down.

    Positive for the back of a right hand and for a left palm, negative for the other two.

    Parameters
    ----------
    points: (n, 21, 2).

    Returns
    -------
    (n,); NaN where an MCP or the near end is unlabelled, or two of the three coincide.
    """
    anchor = near_end(points)
    return _sine(points[:, _INDEX_MCP] - anchor, points[:, _LITTLE_MCP] - anchor)


def turn_told(side: str | None, aspect: str | None) -> int:
    """The sign of `palm_turn` that a hand of this side and aspect has: 1 or -1; 0 where one is not known."""
    if side not in SIDES or aspect not in ASPECTS:
        return 0
    return 1 if (side == "right") == (aspect == "dorsal") else -1


def side_of(turn: float, aspect: str | None, least: float) -> str | None:
    """The side of a hand that is seen from a known aspect, by its `palm_turn`.

    Parameters
    ----------
    least: a smaller turn, of a palm seen edge-on, tells nothing.

    Returns
    -------
    "left" or "right"; None where the aspect is not known, since a left palm's points lie as those of a right
    hand's back, or the turn tells nothing.
    """
    if aspect not in ASPECTS or not abs(turn) > least:
        return None
    return "right" if (turn > 0) == (aspect == "dorsal") else "left"


def aspect_of(turn: float, side: str | None, least: float) -> str | None:
    """ "dorsal" or "palmar" of a hand whose side is known, by its `palm_turn`; None as in `side_of`."""
    if side not in SIDES or not abs(turn) > least:
        return None
    return "dorsal" if (turn > 0) == (side == "right") else "palmar"


def fan_angles(points: Floats) -> Floats:
    """(n, 3) degrees from each MCP's ray to the next, from the palm's near end, index to little finger.

    Positive the way that the palm turns; a negative one means that two fingers stand the wrong way round.
    """
    rays = points[:, _MCPS] - near_end(points)[:, None]
    turned: Floats = np.degrees(_angle(rays[:, :-1], rays[:, 1:])) * np.sign(palm_turn(points))[:, None]
    return turned


def joint_angles(points: Floats) -> Floats:
    """(n, 8) degrees inside PIP and DIP of fingers 2 to 5; 180 for a straight one, NaN where unknown."""
    chains = points[:, 5:].reshape(len(points), 4, 4, 2)
    bones = np.diff(chains, axis=2)
    inside: Floats = 180 - np.degrees(np.abs(_angle(bones[:, :, :-1], bones[:, :, 1:])))
    return inside.reshape(len(points), 8)


def backward_fingers(points: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How many fingers of each hand run from tip to palm, and how many could be judged; both (n,).

    A finger runs backward where its first point is farther from the palm's near end than its last, and its
    last bone is longer than the one before. The first alone holds for a fist too, whose tips lie near the
    wrist; but a fingertip's bone is the shortest of its finger, and read backward it seems to be the longest
    (Buryanov & Kotiuk 2010).
    """
    chains = points[:, 1:].reshape(len(points), 5, 4, 2)
    bones = np.linalg.norm(np.diff(chains, axis=2), axis=3)
    # Without a wrist: tips fan out farther from their middle than the fingers' bases do.
    wrist = np.broadcast_to(points[:, None, None, kp.WRIST], chains.shape)
    near = np.where(np.isnan(wrist), chains.mean(axis=1, keepdims=True), wrist)
    distance = np.linalg.norm(chains - near, axis=3)
    complete = np.all(np.isfinite(chains), axis=(2, 3))
    backward = complete & (distance[..., 0] > distance[..., 3]) & (bones[..., 2] > bones[..., 1])
    return backward.sum(axis=1), complete.sum(axis=1)


def _sine(a: Floats, b: Floats) -> Floats:
    length = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    sine: Floats = np.divide(cross, length, out=np.full(len(a), np.nan), where=length > 0)
    return sine


def _angle(a: Floats, b: Floats) -> Floats:
    """Signed angle from a to b, radians, of vectors along the last axis; NaN where one has no length."""
    cross = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    angle: Floats = np.arctan2(cross, (a * b).sum(axis=-1))
    angle[(np.square(a).sum(axis=-1) == 0) | (np.square(b).sum(axis=-1) == 0)] = np.nan
    return angle
