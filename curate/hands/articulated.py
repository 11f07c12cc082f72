"""A hand with mean proportions that bends in its joints and differs from person to person: where its
keypoints lie, and how they move with each joint and each difference.

The hand frame is that of `curate.hands.kinematics`, but in millimetres and around the middle of the palm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.hands import anatomy, kinematics
from curate.hands.anatomy import Build
from curate.hands.kinematics import DEVIATION, FLEXION, TWIST

Floats = NDArray[np.float64]

LENGTH = 187.0  # of the mean hand, wrist to the middle finger's tip, mm


@dataclass(frozen=True, slots=True)
class Joint:
    """One way in which a finger moves, degrees.

    Attributes
    ----------
    finger, joint: 0 thumb .. 4 little; 0 to 2. kind: FLEXION, DEVIATION or TWIST.
    mean, spread: how it is usually held, and by how much that differs.
    low, high: where it ends.
    free: it may as well be anywhere up to its ends, such as a finger that is bent on purpose.
    follows: the share of the flexion of the joint before it to which `mean` and `spread` are added.
    """

    finger: int
    joint: int
    kind: int
    mean: float
    spread: float
    low: float = -180.0
    high: float = 180.0
    free: bool = False
    follows: float = 0.0


def _finger(finger: int, deviation: float) -> tuple[Joint, ...]:
    return (
        Joint(finger, 0, FLEXION, 12, 14, -25, 90, free=True),
        Joint(finger, 0, DEVIATION, deviation, 9),
        Joint(finger, 1, FLEXION, 14, 14, -5, 105, free=True),
        Joint(finger, 2, FLEXION, 0, 9, follows=0.6),
    )


# Ends: American Academy of Orthopaedic Surgeons, Joint motion, 1965; that the last joint follows the one
# before it: Rijpkema and Girard, SIGGRAPH 1991. Means and spreads: by judgment, of an open hand at ease.
JOINTS = (
    Joint(0, 0, FLEXION, 10, 15, -12, 48),
    Joint(0, 0, DEVIATION, 38, 14, 8, 62),
    Joint(0, 0, TWIST, 5, 14, -15, 40),
    Joint(0, 1, FLEXION, 20, 22, -12, 58),
    Joint(0, 2, FLEXION, 0, 28, -42, 82),
    *_finger(1, 2),
    *_finger(2, 1),
    *_finger(3, -4),
    *_finger(4, -10),
)
# How people differ, as `anatomy.sample_build` draws them: breadth, all fingers' length, each finger's, how
# oblique the knuckles are, where the thumb starts (mm), and the thumb's metacarpal.
_SPREADS = np.array([0.045, 0.035, 0.025, 0.025, 0.025, 0.025, 0.025, 0.015, 2.5, 0.03])
DIFFERENCES = len(_SPREADS)
COUNT = len(JOINTS) + DIFFERENCES


def _rest(differences: Floats) -> Floats:
    """Rotation centres (21, 3) at rest of a person who differs from the mean so much; mm."""
    given = differences * _SPREADS
    metacarpals = 1 + given[7] * anatomy.OBLIQUE + given[9] * (np.arange(5) == 0)
    lengths = anatomy.SEEN + given[1] + given[2:7]
    build = Build(
        breadth=0.965 + given[0],
        lengths=anatomy.five(lengths),
        metacarpals=anatomy.five(metacarpals),
        thumb_base=2.5 + given[8],
    )
    return anatomy.joints(build) * 1000


_REST = _rest(np.zeros(DIFFERENCES))
_CHANGE = np.stack([_rest(one) - _REST for one in np.eye(DIFFERENCES)])  # (DIFFERENCES, 21, 3)
_MIDDLE = _REST[[kp.WRIST, 5, 9, 13, 17]].mean(axis=0)
_ON_BACK, _ON_PALM = (
    kinematics.labelled(_REST / 1000, offsets) * 1000 - _REST
    for offsets in (anatomy.LABELS, anatomy.LABELS + anatomy.PALM_LABELS)
)
_FLEXION_AXES, _BACKS = kinematics.axes(_REST / 1000)
_ALONG = kinematics.directions(_REST / 1000)
_REST_ANGLES = kinematics.rest_angles(_REST / 1000)

REST = _REST + _ON_BACK - _MIDDLE  # (21, 3) keypoints of the mean hand's back, fingers apart


def keypoints(angles: Floats, differences: Floats, palm: Floats) -> tuple[Floats, Floats]:
    """Keypoints of right hands, and their derivatives.

    Parameters
    ----------
    angles: (n, len(JOINTS)) radians; of one that follows another, what is added.
    differences: (n, DIFFERENCES), in units of their spread between people.
    palm: (n,) 0 where the back is seen .. 1 where the palm is.

    Returns
    -------
    (n, 21, 3), mm, and (n, 21, 3, COUNT) by each angle and each difference.
    """
    rest = _REST + np.einsum("nd,dki->nki", differences, _CHANGE)
    labels = _ON_BACK + palm[:, None, None] * (_ON_PALM - _ON_BACK)
    points = np.empty_like(rest)
    slopes = np.zeros((*rest.shape, COUNT))
    points[:, kp.WRIST] = rest[:, kp.WRIST] + labels[:, kp.WRIST]
    slopes[:, kp.WRIST, :, len(JOINTS) :] = _CHANGE[:, kp.WRIST].T
    for finger in range(kinematics.FINGERS):
        _bend(finger, angles, rest, labels, points, slopes)
    return points - _MIDDLE, slopes


def _bend(finger: int, angles: Floats, rest: Floats, labels: Floats, points: Floats, slopes: Floats) -> None:
    """Fill in `points` and `slopes` of one finger, joint by joint from its first."""
    first = kp.BASES[finger]
    turn = np.broadcast_to(np.eye(3), (len(rest), 3, 3))
    place, moved = rest[:, first], np.broadcast_to(_CHANGE[:, first].T, (len(rest), 3, DIFFERENCES))
    axes: list[_Axis] = []

    def mark(point: int) -> None:
        points[:, point] = place + np.einsum("nij,nj->ni", turn, labels[:, point])
        slopes[:, point, :, len(JOINTS) :] = moved
        for column, share, around, pivot in axes:
            slopes[:, point, :, column] += share * np.cross(around, points[:, point] - pivot)

    for joint in range(3):
        turn = _turned(finger, joint, angles, turn, place, axes)
        mark(first + joint)
        bone = rest[:, first + joint + 1] - rest[:, first + joint]
        change = (_CHANGE[:, first + joint + 1] - _CHANGE[:, first + joint]).T
        place, moved = place + np.einsum("nij,nj->ni", turn, bone), moved + turn @ change
    mark(first + 3)


# What has turned: the angle's column, by what share of it, the axis (n, 3) and a point on it (n, 3).
_Axis = tuple[int, float, Floats, Floats]


def _turned(
    finger: int, joint: int, angles: Floats, turn: Floats, place: Floats, axes: list[_Axis]
) -> Floats:
    """(n, 3, 3) turn of the bone beyond a joint, of that before it; adds to the axes."""
    sideways = _BACKS[finger, joint] if joint else np.array([0.0, 0.0, 1.0])
    for kind, axis in (
        (DEVIATION, sideways),
        (FLEXION, _FLEXION_AXES[finger, joint]),
        (TWIST, _ALONG[finger, joint]),
    ):
        column = _COLUMNS.get((finger, joint, kind))
        angle = np.zeros(len(angles))
        if column is not None:
            angle = angles[:, column]
            axes.append((column, 1.0, turn @ axis, place))
            follows = JOINTS[column].follows
            if follows:
                before = _COLUMNS[finger, joint - 1, kind]
                angle = angle + follows * angles[:, before]
                axes.append((before, follows, turn @ axis, place))
            angle = angle - _REST_ANGLES[finger, joint, kind]
        turn = turn @ kinematics.rotation(axis, angle)
    return turn


_COLUMNS = {(one.finger, one.joint, one.kind): column for column, one in enumerate(JOINTS)}
