"""The text of --angles, and what tilt, rotation and roll do to a hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics.errors import InputError
from render.angles import Grid, Interval, turn

UP, OUT, ASIDE = np.eye(3)[
    [1, 2, 0]
]  # along the fingers; out of the back; to the little finger of a right hand


@pytest.mark.parametrize(
    ("text", "axis", "values"),
    [
        ("tilt=0,30,45", "tilt", (0, 30, 45)),
        ("rotation=0:345:15", "rotation", tuple(range(0, 346, 15))),
        ("roll=-10:10:10", "roll", (-10, 0, 10)),
        ("roll=10:-10:-10", "roll", (10, 0, -10)),
        ("tilt=0:1:0.1", "tilt", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)),
        ("tilt=0:10:4", "tilt", (0, 4, 8)),
        ("tilt=5,0:10:5,-0", "tilt", (5, 0, 10)),
        ("rotation=0:360:90", "rotation", (0, 90, 180, 270)),
        ("rotation=-90", "rotation", (270,)),
        ("tilt=0..45", "tilt", Interval(0, 45)),
        ("rotation=-30..30", "rotation", Interval(-30, 30)),
    ],
)
def test_what_an_axis_holds(text: str, axis: str, values: object) -> None:
    grid = Grid.of(text)
    assert getattr(grid, axis) == values
    assert all(getattr(grid, other) == (0,) for other in {"tilt", "rotation", "roll"} - {axis})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tilt", "'tilt'; allowed: AXIS="),
        ("pan=3", "'pan=3'; allowed: AXIS=.* one of tilt, rotation, roll"),
        ("tilt=a", "tilt: 'a'; allowed: 0,30,45 or"),
        ("tilt=", "tilt: ''; allowed"),
        ("tilt=91", "tilt: '91'; allowed: -90 to 90 degrees"),
        ("tilt=nan", "tilt: 'nan'; allowed: -90 to 90"),
        ("tilt=0:10", "tilt: '0:10'; allowed: .*start:stop:step"),
        ("tilt=0:10:0", "whose step never reaches its stop"),
        ("tilt=0:10:-1", "whose step never reaches its stop"),
        ("tilt=5..1", "from high to low; allowed: 1..5"),
        ("tilt=1 tilt=2", "tilt twice .*; give it another text"),
        ("  ", "no angle"),
        ("rotation=0:359:0.0001", "0.0001, a step too small; allowed: at most 1,000,000 values"),
        ("rotation=0:359:0.01 tilt=0:90:0.01", "combinations; allowed: at most 1,000,000"),
    ],
)
def test_a_wrong_text_is_told(text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^--angles: .*{message}"):
        Grid.of(text)


def test_lists_are_crossed_and_the_last_axis_runs_fastest() -> None:
    found = list(Grid.of("tilt=0,30 rotation=0,90 roll=-5..5").cells())
    assert [str(c) for c in found[:2]] == ["tilt=0 rotation=0 roll=-5..5", "tilt=0 rotation=90 roll=-5..5"]
    assert [c.tilt for c in found] == [(0,), (0,), (30,), (30,)]
    assert len(Grid.of("tilt=0,30,45 rotation=0:345:15")) == 72


axis = st.one_of(
    st.lists(st.integers(-90, 90), min_size=1, max_size=6).map(lambda v: ",".join(map(str, v))),
    st.tuples(st.integers(-90, 0), st.integers(0, 90), st.integers(1, 40)).map(
        lambda v: "{}:{}:{}".format(*v)
    ),
    st.tuples(st.integers(-90, 0), st.integers(0, 90)).map(lambda v: "{}..{}".format(*v)),
    st.decimals(-90, 90, places=3).map(str),
)


@given(st.dictionaries(st.sampled_from(["tilt", "rotation", "roll"]), axis, min_size=1))
def test_a_grid_reads_back_what_it_writes(axes: dict[str, str]) -> None:
    grid = Grid.of(" ".join(f"{name}={text}" for name, text in axes.items()))
    assert Grid.of(str(grid)) == grid


@given(st.integers(0, 2**32))
def test_angles_are_drawn_from_what_the_cell_holds(seed: int) -> None:
    cell = Grid(Interval(10, 20), Interval(-30, 30), (1.0, 2.0))
    tilt, rotation, roll = cell.draw(np.random.default_rng(seed))
    assert 10 <= tilt <= 20
    assert rotation <= 30 or 330 <= rotation < 360
    assert roll in (1, 2)
    assert round(tilt, 2) == tilt


@pytest.mark.parametrize("aspect", ["dorsal", "palmar"])
def test_what_the_angles_mean_in_the_picture(aspect: str) -> None:
    """The picture's right is +x, its top +y, and +z points to the camera."""
    facing = OUT if aspect == "dorsal" else -OUT
    straight = turn(0, 0, 0, aspect)
    np.testing.assert_allclose(straight @ UP, [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(straight @ facing, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(turn(0, 90, 0, aspect) @ UP, [1, 0, 0], atol=1e-12)
    tilted = turn(30, 0, 0, aspect) @ UP
    np.testing.assert_allclose(tilted, [0, np.cos(np.pi / 6), -0.5], atol=1e-12)
    # Tilted first, then turned: the fingertips still point away from the camera.
    np.testing.assert_allclose(turn(30, 90, 0, aspect) @ UP, [tilted[1], 0, -0.5], atol=1e-12)
    right_edge = straight.T @ [1, 0, 0]
    rolled = turn(0, 0, 20, aspect) @ right_edge
    assert rolled[2] < 0
    np.testing.assert_allclose(turn(0, 0, 20, aspect) @ UP, [0, 1, 0], atol=1e-12)


@given(st.floats(-90, 90), st.floats(0, 360), st.floats(-90, 90), st.sampled_from(["dorsal", "palmar"]))
def test_a_turn_is_a_rotation(tilt: float, rotation: float, roll: float, aspect: str) -> None:
    matrix = turn(tilt, rotation, roll, aspect)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)
