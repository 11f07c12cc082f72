"""Poses lie within the joints' limits and go through no flesh."""

from __future__ import annotations

import numpy as np
import pytest

from curate.basics import keypoints as kp
from curate.hands import kinematics
from curate.hands.kinematics import DEVIATION, FLEXION
from render.hand import contact, pose
from render.hand.limits import FLEXION_LIMITS
from render.hand.model import HandModel
from render.hand.signs import SIGNS
from render.job import POSES


@pytest.mark.parametrize("kind", POSES)
def test_drawn_poses_are_possible(kind: str, model: HandModel) -> None:
    rng = np.random.default_rng(1)
    for _ in range(6 if kind in SIGNS else 25):
        angles, wrist = pose.sample_pose(kind, model, rng)
        degrees = np.degrees(angles)
        thumb, finger = FLEXION_LIMITS["thumb"], FLEXION_LIMITS["finger"]
        assert (degrees[0, :, FLEXION] >= thumb[:, 0] - 1e-9).all()
        assert (degrees[0, :, FLEXION] <= thumb[:, 1] + 1e-9).all()
        assert (degrees[1:, :, FLEXION] >= finger[:, 0] - 1e-9).all()
        assert (degrees[1:, :, FLEXION] <= finger[:, 1] + 1e-9).all()
        assert (np.abs(np.degrees(wrist)) < 45).all()
        assert not pose.penetrates(model, angles)


def test_flat_hands_are_flat_and_gestures_are_not(model: HandModel) -> None:
    rng = np.random.default_rng(2)
    flat = [pose.sample_pose("flat", model, rng)[0][1:, 1, FLEXION].max() for _ in range(40)]
    bent = [pose.sample_pose("gesture", model, rng)[0][1:, 1, FLEXION].max() for _ in range(40)]
    assert np.degrees(np.median(flat)) < 20
    assert np.degrees(np.median(bent)) > 50


def test_fingers_are_together_as_well_as_apart(model: HandModel) -> None:
    rng = np.random.default_rng(3)
    spread = [np.ptp(pose.sample_pose("flat", model, rng)[0][1:, 0, DEVIATION]) for _ in range(60)]
    assert np.degrees(np.percentile(spread, 10)) < 12
    assert np.degrees(np.percentile(spread, 90)) > 25


def test_crossed_fingers_are_seen(model: HandModel) -> None:
    crossed = kinematics.rest_angles(model.joints)
    assert not pose.penetrates(model, crossed)
    crossed[1, 0, DEVIATION] = np.radians(-14)
    crossed[2, 0, DEVIATION] = np.radians(14)
    assert pose.penetrates(model, crossed)


def test_a_finger_through_the_palm_is_seen(model: HandModel) -> None:
    angles = kinematics.rest_angles(model.joints)
    angles[2, :, FLEXION] = np.radians([90, 105, 80])  # closed, as far as it goes
    assert not pose.penetrates(model, angles)
    angles[2, :, FLEXION] = np.radians([130, 120, 80])
    assert pose.penetrates(model, angles)


def test_the_same_numbers_give_the_same_pose(model: HandModel) -> None:
    first, second = (pose.sample_pose("gesture", model, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_every_sign_can_be_asked_for() -> None:
    assert POSES[3:] == tuple(SIGNS)


def tips(model: HandModel, kind: str) -> list[np.ndarray]:
    """Where the fingers of some hands end, (5, 3), metres."""
    rng, found = np.random.default_rng(5), []
    for _ in range(8):
        angles, _ = pose.sample_pose(kind, model, rng)
        found.append(model.posed_joints(kinematics.bone_matrices(model.joints, angles))[list(kp.TIPS)])
    return found


@pytest.mark.parametrize("kind", ["ok", "pinch"])
def test_in_signs_that_say_so_thumb_and_index_finger_meet(kind: str, model: HandModel) -> None:
    gaps = [np.linalg.norm(ends[0] - ends[1]) for ends in tips(model, kind)]
    touching = model.radius[4] + model.radius[8]
    assert np.median(gaps) < 1.1 * touching


@pytest.mark.parametrize(
    ("kind", "straight"),
    [("fist", []), ("point", [1]), ("v", [1, 2]), ("horns", [1, 4]), ("four", [1, 2, 3, 4])],
)
def test_a_sign_shows_its_fingers(kind: str, straight: list[int], model: HandModel) -> None:
    for ends in tips(model, kind):
        reach = np.linalg.norm(ends - model.joints[[1, 5, 9, 13, 17]], axis=1)[1:]
        whole = np.linalg.norm(model.joints[[8, 12, 16, 20]] - model.joints[[5, 9, 13, 17]], axis=1)
        assert [f + 1 for f in range(4) if reach[f] > 0.85 * whole[f]] == straight


@pytest.mark.parametrize(("kind", "finger"), [("fist", 2), ("point", 2), ("horns", 2), ("v", 3)])
def test_the_thumb_lies_across_bent_fingers_and_shows_its_nail(
    kind: str, finger: int, model: HandModel
) -> None:
    rng = np.random.default_rng(6)
    gaps, out, nails = [], [], []
    for _ in range(8):
        angles, _ = pose.sample_pose(kind, model, rng)
        matrices = kinematics.bone_matrices(model.joints, angles)
        joints = model.posed_joints(matrices)
        gaps.append(contact.nearness(model, angles, 0, finger))
        out.append(joints[2 + 4 * finger, 2] - joints[4, 2])
        nails.append((matrices[kinematics.bone(0, 2)][:3, :3] @ kinematics.axes(model.joints)[1][0, 2])[2])
    assert np.median(gaps) < 1.1
    assert min(out) > 0  # the thumb is farther from the back of the hand than the fingers that it lies on
    assert np.median(nails) < -0.2  # towards whom looks into the palm
