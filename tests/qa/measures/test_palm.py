"""Which way a palm turns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.measures.palm import palm_turn


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
