"""Thumbs tucked in, fingers that touch and cross: where they are said to be, and through no flesh."""

from __future__ import annotations

import numpy as np
import pytest

from curate.hands import kinematics
from curate.hands.kinematics import DEVIATION
from render.hand import contact, pose
from render.hand.contact import Ways
from render.hand.model import HandModel
from render.job import Pose

PAIRS = ((2, 1), (2, 3), (3, 4))


def hands(model: HandModel, ways: Ways, count: int = 8) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [pose.sample_pose("flat", model, rng, ways)[0] for _ in range(count)]


def joints(model: HandModel, angles: np.ndarray) -> np.ndarray:
    """Rotation centres of the posed hand (21, 3), metres: x away from the thumb, z out of the back."""
    return model.posed_joints(kinematics.bone_matrices(model.joints, angles))


@pytest.mark.parametrize(
    "ways",
    [Ways("beside"), Ways("under"), Ways("over"), Ways(touching=PAIRS), Ways(crossing=(1, 2))],
    ids=["beside", "under", "over", "touching", "crossing"],
)
def test_no_flesh_passes_through_another(ways: Ways, model: HandModel) -> None:
    assert not any(pose.penetrates(model, angles) for angles in hands(model, ways))


def test_touching_fingers_touch(model: HandModel) -> None:
    near = [
        contact.nearness(model, angles, *pair)
        for angles in hands(model, Ways(touching=PAIRS))
        for pair in PAIRS
    ]
    assert min(near) > 0.94
    assert np.median(near) < 1.0


@pytest.mark.parametrize(("above", "below"), [(1, 2), (2, 1), (3, 4)])
def test_a_finger_that_crosses_lies_above_the_other_and_beyond_it(
    above: int, below: int, model: HandModel
) -> None:
    for angles in hands(model, Ways(crossing=(above, below))):
        at = joints(model, angles)
        over, under = at[4 + 4 * above], at[4 + 4 * below]
        # x grows from the index to the little finger.
        assert (over[0] > under[0]) == (above < below)
        assert over[2] > under[2]


def test_thumbs_are_where_they_are_said_to_be(model: HandModel) -> None:
    beside, under, over = (
        np.array([joints(model, angles) for angles in hands(model, Ways(thumb))])
        for thumb in ("beside", "under", "over")
    )
    index = model.joints[5]
    assert (beside[:, 4, 0] < index[0]).all()  # on the outside of the index finger
    assert under[:, 4, 0].min() > beside[:, 4, 0].max()  # before the palm
    assert under[:, 4, 2].max() < -0.01
    assert over[:, 4, 2].mean() > beside[:, 4, 2].mean() + 0.004


def test_signs_hold_their_own_thumbs_and_settings_are_shares() -> None:
    wanted = Pose(thumbs=("beside",), touching=0.5, crossed=0.2)
    drawn = [contact.draw("flat", wanted, np.random.default_rng(seed)) for seed in range(300)]
    assert {ways.thumb for ways in drawn} == {"beside"}
    assert 35 < sum(ways.crossing is not None for ways in drawn) < 90
    assert 70 < sum(bool(ways.touching) for ways in drawn) < 170
    assert contact.draw("fist", wanted, np.random.default_rng(0)) == Ways()
    assert contact.draw("flat", Pose(), np.random.default_rng(0)) == Ways()


def test_wrists_turn_as_far_as_they_are_told_to(model: HandModel) -> None:
    rng = np.random.default_rng(0)
    for wide, least, most in ((0.0, 0.0, 0.0), (25.0, 12.0, 60.0)):
        turns = np.degrees([pose.sample_pose("flat", model, rng, Ways(), wide)[1] for _ in range(30)])
        assert least <= np.abs(turns).std() + np.abs(turns).mean() <= most + 1e-9
        assert (np.abs(turns) <= 60).all()


def test_a_touch_changes_no_other_finger(model: HandModel) -> None:
    angles = np.degrees(hands(model, Ways(), 1)[0])
    rng = np.random.default_rng(0)
    moved = contact.applied(Ways(touching=((2, 3),)), angles, model, rng)
    changed = np.argwhere(moved != angles)
    assert changed.tolist() == [[3, 0, DEVIATION]]
