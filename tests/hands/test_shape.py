"""Which way a palm turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.hands.shape import aspect_of, fan_angles, joint_angles, palm_turn, side_of, turn_told


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("aspect", ["dorsal", "palmar"])
@given(angle=st.floats(0, 2 * np.pi), stretch=st.floats(0.5, 1.5), wrist=st.booleans())
def test_palm_turn_tells_the_side_at_any_angle(
    side: str, aspect: str, angle: float, stretch: float, wrist: bool
) -> None:
    right_dorsal = np.array([[100, 180], [68, 152]] + [[0, 0]] * 19, float)
    right_dorsal[[5, 9, 13, 17]] = [[86, 130], [100, 126], [112, 129], [124, 139]]
    mirror = np.array([1.0 if (side == "right") == (aspect == "dorsal") else -1.0, stretch])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (right_dorsal * mirror) @ turn.T
    if not wrist:
        points[0] = np.nan
    expected = 1 if (side == "right") == (aspect == "dorsal") else -1
    assert np.sign(palm_turn(points[None])[0]) == expected


def test_palm_turn_is_the_sine_of_the_angle_at_the_wrist() -> None:
    points = np.zeros((1, 21, 2))
    points[0, 5], points[0, 17] = (-1, -1), (1, -1)
    assert palm_turn(points)[0] == pytest.approx(1.0)
    points[0, 17] = (0, -2)
    assert palm_turn(points)[0] == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize(
    ("side", "aspect", "turn"),
    [("right", "dorsal", 1), ("left", "palmar", 1), ("left", "dorsal", -1), ("right", "palmar", -1)],
)
def test_side_and_aspect_follow_from_the_turn_and_each_other(side: str, aspect: str, turn: int) -> None:
    assert turn_told(side, aspect) == turn
    assert side_of(0.5 * turn, aspect, 0.1) == side
    assert aspect_of(0.5 * turn, side, 0.1) == aspect


@pytest.mark.parametrize("turn", [0.1, -0.1, 0.0, float("nan")])
def test_a_palm_seen_edge_on_tells_neither(turn: float) -> None:
    assert side_of(turn, "dorsal", 0.1) is None
    assert aspect_of(turn, "left", 0.1) is None


def test_one_of_the_two_must_be_known() -> None:
    """A left palm's points lie as those of a right hand's back."""
    assert side_of(0.9, None, 0.1) is None
    assert aspect_of(0.9, None, 0.1) is None
    assert turn_told("right", None) == turn_told(None, "dorsal") == 0


def test_an_open_hand_fans_out_and_bends_nowhere(flat_hand: np.ndarray) -> None:
    hand = flat_hand[None].astype(float)
    assert (fan_angles(hand) > 0).all()
    np.testing.assert_allclose(joint_angles(hand), 180, atol=1e-3)


def test_swapped_fingers_stand_the_wrong_way_round(flat_hand: np.ndarray) -> None:
    hand = flat_hand[None].astype(float)
    middle, ring = hand[:, 9:13].copy(), hand[:, 13:17].copy()
    hand[:, 9:13], hand[:, 13:17] = ring, middle
    assert (fan_angles(hand)[0] < 0).tolist() == [False, True, False]


def test_a_joint_that_folds_back(flat_hand: np.ndarray) -> None:
    """The index tip is put onto the PIP: no angle is left inside the DIP."""
    hand = flat_hand[None].astype(float)
    hand[:, 8] = hand[:, 6]
    assert joint_angles(hand)[0, 1] == pytest.approx(0, abs=1e-3)
