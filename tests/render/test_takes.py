"""Takes of a shot show the same hand, and only what the job asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.basics.errors import InputError
from render.angles import Grid, Interval, turn
from render.job import Job, View
from render.people.cast import Cast
from render.plan import plan_shot
from render.takes import view_of_cut

ANGLES = st.floats(-90, 90)


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Cast:
    return Cast(tmp_path_factory.mktemp("cast"))


def job(*kinds: str, **given: object) -> Job:
    """Of one person. kinds: of grounds; default clutter."""
    usual = {"angles": ["tilt=0..30 rotation=0..360 roll=-20..20"], "random": 24, "takes": 8, "size": 96}
    sections = {"hands": {"people": 1}, "ground": {"kinds": kinds or ("clutter",)}}
    return Job.of(**{**usual, **sections, **given})


def test_how_a_picture_is_laid_by_hand() -> None:
    view = View("procedural", "right", "palmar", 20.0, 30.0, 5.0)
    assert view_of_cut(view, False, 1) == View("procedural", "right", "palmar", 20.0, 120.0, 5.0)
    assert view_of_cut(view, True, 0) == View("procedural", "left", "palmar", 20.0, 330.0, -5.0)
    assert view_of_cut(view, True, 3) == View("procedural", "left", "palmar", 20.0, 240.0, -5.0)


@given(
    ANGLES, st.floats(0, 360), ANGLES, st.booleans(), st.integers(0, 3), st.sampled_from(["dorsal", "palmar"])
)
def test_angles_tell_what_mirroring_and_turning_make_of_a_hand(
    tilt: float, rotation: float, roll: float, mirrored: bool, quarters: int, aspect: str
) -> None:
    view = View("procedural", "right", aspect, tilt, rotation, roll)
    other = view_of_cut(view, mirrored, quarters)
    # In the hand frame a left hand is a mirrored right one; in the world y is up.
    flip = np.diag([-1.0 if mirrored else 1.0, 1, 1])
    clockwise = np.linalg.matrix_power(np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]), quarters)
    seen = clockwise @ flip @ turn(tilt, rotation, roll, aspect)
    as_told = turn(other.tilt, other.rotation, other.roll, aspect) @ flip
    np.testing.assert_allclose(as_told, seen, atol=1e-9)


def test_takes_are_of_one_hand_at_different_places_before_different_grounds(cast: Cast) -> None:
    shot = plan_shot(job(), 1, cast)
    rows = [take.rows[0] for take in shot.takes]
    assert [take.index for take in shot.takes] == list(range(8, 16))
    assert [row.sample_id for row in rows] == [job().sample_id(index) for index in range(8, 16)]
    assert len({row.subject_id for row in rows}) == 1
    assert sorted(row.side for row in rows) == ["left"] * 4 + ["right"] * 4
    assert len({(take.cut.mirrored, take.cut.quarters) for take in shot.takes}) == 8
    assert len({take.ground for take in shot.takes}) == 8
    assert len({take.finish.seed for take in shot.takes}) == 8
    for take in shot.takes:
        points = take.cut.points(shot.projected())
        assert (points[1:] > 0).all()
        assert (points[1:] < 96).all()
        assert take.cut.x + 96 <= shot.width
        assert take.cut.y + 96 <= shot.height
        assert take.rows[0].attrs["take"] == {"mirrored": take.cut.mirrored, "turned": 90 * take.cut.quarters}


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2), st.integers(0, 7))
def test_a_take_is_laid_as_its_row_says(cast: Cast, number: int, which: int) -> None:
    shot = plan_shot(job(), number, cast)
    take = shot.takes[which]
    across = take.cut.points(shot.projected())
    # Wrist to the middle finger's knuckle, straight up at rotation 0: near enough at small tilt and roll.
    x, y = across[9] - across[0]
    away = (np.degrees(np.arctan2(x, -y)) - take.rows[0].rotation + 180) % 360 - 180
    assert abs(away) < 35


def test_only_what_the_job_asked_for(cast: Cast) -> None:
    fixed = plan_shot(job(angles=["rotation=30"], random=None, per_angle=8, side="right"), 0, cast)
    assert {(take.cut.mirrored, take.cut.quarters) for take in fixed.takes} == {(False, 0)}
    upright = plan_shot(job(angles=["rotation=0,180"], random=8), 0, cast)
    assert {take.rows[0].rotation for take in upright.takes} == {0.0, 180.0}
    rolled = plan_shot(job(angles=["rotation=0..360 roll=5..20"]), 0, cast)
    assert not any(take.cut.mirrored for take in rolled.takes)


def test_a_table_stays_and_an_environment_is_seen_where_it_lights(cast: Cast) -> None:
    table = plan_shot(job("table"), 0, cast)
    assert len({take.ground for take in table.takes}) == 1
    mixed = job("clutter", "environment", "table", random=96)
    shots = [plan_shot(mixed, number, cast) for number in range(5)]
    kinds = [{take.ground.kind for take in shot.takes} for shot in shots]
    assert set().union(*kinds) == {"clutter", "environment", "table"}
    assert all(seen == {"table"} for seen in kinds if "table" in seen)
    lit = [shot.light.kind == "environment" for shot in shots]
    assert not all(lit)
    assert all(here for here, seen in zip(lit, kinds, strict=True) if "environment" in seen)


def test_cells_hold_their_angles_modulo_a_turn() -> None:
    cell = Grid(Interval(0, 45), Interval(-30, 30), (0.0, 10.0))
    assert cell.holds(45, 340, 10)
    assert not cell.holds(45, 40, 10)
    assert not cell.holds(-5, 0, 0)
    assert not cell.holds(0, 0, 5)


def test_a_grid_has_whole_shots() -> None:
    assert len(Job.of(angles=["rotation=0,90"], per_angle=8, takes=4)) == 16
    with pytest.raises(InputError, match=r"--per-angle: 6.*multiple of takes, 4"):
        Job.of(angles=["rotation=0,90"], per_angle=6, takes=4)
