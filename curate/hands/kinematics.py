"""Forward kinematics of a hand: from joint angles to a rigid motion of each bone. numpy only.

The hand frame: metres; origin at the wrist; +y to the middle fingertip; +z out of the back of the hand; a
right hand seen from its back with the fingers up has its thumb at -x. A left hand is its mirror image,
x -> -x.

Seventeen bones: 0 the palm; 1 + 3 f + k the k-th bone of finger f (0 thumb .. 4 little) beyond its first
joint; 16 the forearm. Whatever a model's own rest pose is, angles are absolute: 0 is a flat hand whose
fingers point straight along +y, so the same pose looks alike on every model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PALM, FOREARM = 0, 16
BONES = 17
FINGERS = 5
FLEXION, DEVIATION, TWIST = 0, 1, 2

# How far the thumb's nail is turned from the back of the hand towards its outer side in a flat hand, degrees.
_THUMB_TURN = 50.0


def bone(finger: int, joint: int) -> int:
    """The bone that starts at a finger's joint 0, 1 or 2."""
    return 1 + 3 * finger + joint


def bone_of_keypoint(keypoint: int) -> int:
    """The bone that moves a keypoint: the one that starts there; a tip's last one; for the wrist the palm."""
    if keypoint == 0:
        return PALM
    finger, joint = divmod(keypoint - 1, 4)
    return bone(finger, min(joint, 2))


def parent(index: int) -> int:
    """The bone before a bone; the palm is its own parent."""
    if index in (PALM, FOREARM):
        return PALM
    return PALM if (index - 1) % 3 == 0 else index - 1


def axes(joints: Floats) -> tuple[Floats, Floats]:
    """Axes of flexion and the backs of the fingers' bones, in the rest pose.

    Parameters
    ----------
    joints: (21, 3) rotation centres in the hand frame.

    Returns
    -------
    flexion (5, 3, 3) and back (5, 3, 3), unit vectors for each finger and bone. A positive turn about the
    flexion axis moves the fingertip away from its back.
    """
    along = directions(joints)
    up = np.broadcast_to([0.0, 0.0, 1.0], along.shape).copy()
    turn = np.radians(_THUMB_TURN)
    outwards = np.array([-along[0, 0, 1], along[0, 0, 0], 0.0])
    outwards /= np.linalg.norm(outwards)
    up[0, 1:] = np.cos(turn) * up[0, 1:] + np.sin(turn) * outwards
    back = up - (up * along).sum(axis=2, keepdims=True) * along
    back /= np.linalg.norm(back, axis=2, keepdims=True)
    return np.cross(back, along), back


def directions(joints: Floats) -> Floats:
    """Unit vectors (5, 3, 3) along the fingers' bones, from their own joint to the next."""
    chains = joints[1:].reshape(FINGERS, 4, 3)
    along = np.diff(chains, axis=1)
    unit: Floats = along / np.linalg.norm(along, axis=2, keepdims=True)
    return unit


def rest_angles(joints: Floats) -> Floats:
    """Angles (5, 3, 3) of the rest pose: finger, joint, (flexion, deviation, twist); radians."""
    along = directions(joints)
    flexion_axis, _ = axes(joints)
    angles = np.zeros((FINGERS, 3, 3))
    angles[:, 0, FLEXION] = np.arcsin(np.clip(-along[:, 0, 2], -1, 1))
    angles[:, 0, DEVIATION] = np.arctan2(-along[:, 0, 0], along[:, 0, 1])
    for k in (1, 2):
        across = np.cross(along[:, k - 1], along[:, k])
        sine = (across * flexion_axis[:, k]).sum(axis=1)
        angles[:, k, FLEXION] = np.arctan2(sine, (along[:, k - 1] * along[:, k]).sum(axis=1))
    return angles


def bone_matrices(joints: Floats, angles: Floats, wrist: Floats | None = None) -> Floats:
    """Rigid motions (17, 4, 4) that take the rest pose to the pose.

    Parameters
    ----------
    joints: (21, 3) rotation centres in the rest pose.
    angles: (5, 3, 3) radians, absolute: finger, joint, (flexion, deviation, twist). Deviation is positive
        towards the thumb's side; that of first joints, the thumb's too, is counted from +y.
    wrist: (2,) flexion and deviation of the hand against the forearm. The hand stays, the forearm moves.
    """
    along = directions(joints)
    flexion_axis, back = axes(joints)
    change = angles - rest_angles(joints)
    matrices = np.tile(np.eye(4), (BONES, 1, 1))
    sideways = back.copy()
    sideways[:, 0] = [0.0, 0.0, 1.0]
    turns = (
        rotation(sideways, change[..., DEVIATION])
        @ rotation(flexion_axis, change[..., FLEXION])
        @ rotation(along, change[..., TWIST])
    )
    moves = about(joints[1:].reshape(FINGERS, 4, 3)[:, :3], turns)
    for k in range(3):
        if k:
            moves[:, k] = moves[:, k - 1] @ moves[:, k]
        matrices[[bone(finger, k) for finger in range(FINGERS)]] = moves[:, k]
    if wrist is not None:
        turn = rotation(np.array([0.0, 0.0, 1.0]), -wrist[1]) @ rotation(np.array([1.0, 0.0, 0.0]), wrist[0])
        matrices[FOREARM] = about(joints[0], turn)
    return matrices


def labelled(joints: Floats, offsets: Floats) -> Floats:
    """Where people, or a detector, put the labels (21, 3), which is beside the joints' centres.

    Parameters
    ----------
    offsets: (21, 3) millimetres from each joint along its finger (of the wrist: along +y), away from the
        thumb's side and out of the back.
    """
    along, (flexion, back) = directions(joints), axes(joints)
    points = joints.copy()
    for index, offset in enumerate(offsets / 1000):
        frame = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
        if index:
            finger, joint = divmod(index - 1, 4)
            k = min(joint, 2)
            frame = np.stack([along[finger, k], -flexion[finger, k], back[finger, k]])
        points[index] += offset @ frame
    return points


def rotation(axis: Floats, angle: Floats | float) -> Floats:
    """(..., 3, 3) turns about unit vectors (..., 3) by angles (...), counter-clockwise seen from their tips
    (Rodrigues' formula)."""
    across = np.zeros((*axis.shape, 3))
    across[..., 2, 1], across[..., 0, 2], across[..., 1, 0] = np.moveaxis(axis, -1, 0)
    cross = across - np.swapaxes(across, -1, -2)
    sine, cosine = (np.asarray(of(angle))[..., None, None] for of in (np.sin, np.cos))
    matrix: Floats = np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)
    return matrix


def about(centre: Floats, turn: Floats) -> Floats:
    """(..., 4, 4) motions that turn (..., 3, 3) about points (..., 3)."""
    matrix = np.zeros((*centre.shape[:-1], 4, 4))
    matrix[..., :3, :3], matrix[..., 3, 3] = turn, 1
    matrix[..., :3, 3] = centre - (turn @ centre[..., None])[..., 0]
    return matrix
