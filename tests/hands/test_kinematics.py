"""A hand that bends where its joints are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.hands import anatomy, kinematics
from curate.hands.kinematics import DEVIATION, FLEXION

JOINTS = anatomy.joints(anatomy.Build())
FLAT = np.zeros((5, 3, 3))


def moved(angles: np.ndarray, joints: np.ndarray = JOINTS) -> np.ndarray:
    """The joints after the pose."""
    matrices = kinematics.bone_matrices(joints, angles)
    owner = [kinematics.bone_of_keypoint(i) for i in range(21)]
    return np.einsum("kij,kj->ki", matrices[owner, :3, :3], joints) + matrices[owner, :3, 3]


def test_the_rest_pose_is_its_own_angles() -> None:
    rest = kinematics.rest_angles(JOINTS)
    assert np.allclose(kinematics.bone_matrices(JOINTS, rest), np.eye(4), atol=1e-12)


def test_no_angle_is_a_finger_straight_along_y() -> None:
    flat = moved(FLAT)
    for finger in range(1, 5):
        base, *others = flat[1 + 4 * finger : 5 + 4 * finger]
        for joint in others:
            assert joint[[0, 2]] == pytest.approx(base[[0, 2]], abs=1e-9)


@pytest.mark.parametrize("finger", range(1, 5))
def test_bending_the_pip_moves_dip_and_tip_and_nothing_above(finger: int) -> None:
    bent = FLAT.copy()
    bent[finger, 1, FLEXION] = np.pi / 2
    before, after = moved(FLAT), moved(bent)
    dip, tip = 3 + 4 * finger, 4 + 4 * finger
    others = [i for i in range(21) if i not in (dip, tip)]
    assert np.allclose(before[others], after[others], atol=1e-12)
    # A quarter turn: what lay along +y beyond the PIP now lies along -z, towards the palm.
    pip = after[dip - 1]
    assert after[tip] - pip == pytest.approx([0, 0, -np.linalg.norm(before[tip] - pip)], abs=1e-9)


def test_deviation_turns_a_finger_towards_the_thumb() -> None:
    turned = FLAT.copy()
    turned[1, 0, DEVIATION] = np.radians(30)
    base, tip = moved(turned)[[5, 8]]
    length = np.linalg.norm(tip - base)
    assert tip - base == pytest.approx([-length / 2, length * np.sqrt(3) / 2, 0], abs=1e-9)


def test_the_wrist_moves_the_arm_and_no_finger() -> None:
    matrices = kinematics.bone_matrices(JOINTS, FLAT, np.radians([20, 10]))
    still = kinematics.bone_matrices(JOINTS, FLAT)
    assert np.allclose(matrices[: kinematics.FOREARM], still[: kinematics.FOREARM])
    assert not np.allclose(matrices[kinematics.FOREARM], np.eye(4))


@given(st.lists(st.floats(-1.5, 1.5), min_size=45, max_size=45))
def test_no_pose_stretches_a_bone(angles: list[float]) -> None:
    posed = moved(np.reshape(angles, (5, 3, 3)))
    for finger in range(5):
        chain = slice(1 + 4 * finger, 5 + 4 * finger)
        lengths = np.linalg.norm(np.diff(posed[chain], axis=0), axis=1)
        assert lengths == pytest.approx(np.linalg.norm(np.diff(JOINTS[chain], axis=0), axis=1))
