"""Two hands touch, are apart, or one is before the other, and none passes through the other."""

from __future__ import annotations

import numpy as np
import pytest

from render.angles import Grid, Interval
from render.job import LIES, View
from render.pair import Body, Lying, Wanted, lay
from render.placement import Placement, facing

RADIUS, DISTANCE = 0.03, 0.5
ANY = Grid(Interval(-50, 50), Interval(0, 360), Interval(-50, 50))


def ball() -> Body:
    """A hand that is a ball of 3 cm around its own origin, 2 mm from point to point."""
    turns = np.arange(9000) * np.pi * (3 - np.sqrt(5))
    heights = 1 - 2 * (np.arange(9000) + 0.5) / 9000
    wide = np.sqrt(1 - heights**2)
    points = RADIUS * np.stack([wide * np.cos(turns), wide * np.sin(turns), heights], -1)
    all_of_it = np.ones(len(points), bool)
    return Body(points, all_of_it, all_of_it)


def balls(
    lie: str, seed: int, *, table: bool = False, cell: Grid = ANY, own: bool = False
) -> tuple[Placement, Lying]:
    """Where the first is, and how the second lies."""
    view = View("procedural", "right", "dorsal", 20.0, 40.0, -10.0)
    place = Placement.ahead(view, np.zeros(3), DISTANCE)
    wanted = Wanted((lie,), cell, ("dorsal", "palmar"), table, own)
    rng = np.random.default_rng(seed)
    return place, lay(view, place, (ball(), ball()), np.zeros(3), wanted, rng)


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize("lie", LIES)
def test_balls_lie_as_asked_and_not_in_each_other(lie: str, table: bool) -> None:
    for seed in range(6):
        first, second = balls(lie, seed, table=table)
        away = second.place.at - first.at
        gap = np.linalg.norm(away) - 2 * RADIUS
        assert second.asked == lie
        assert second.lie in (("before", "behind") if lie == "before" else (lie,))
        assert gap > -1e-4
        if lie == "touching":
            assert gap < 0.004  # two cells
        if lie == "before":
            # So near to each other, as seen, that one hides a part of the other.
            seen = second.place.at[:2] / -second.place.at[2] * DISTANCE
            assert 0.005 < np.linalg.norm(seen) < 2.2 * RADIUS
            assert (away[2] > 0) == (second.lie == "before")


def test_on_a_table_both_lie_equally_deep_or_one_on_the_other() -> None:
    for lie in LIES:
        for seed in range(4):
            first, second = balls(lie, seed, table=True)
            out = facing(first.turn, "dorsal")
            rise = float((second.place.at - first.at) @ out)
            assert facing(second.place.turn, second.view.aspect) @ out == pytest.approx(1)
            assert rise == pytest.approx(0, abs=1e-3) if lie != "before" else rise > 0.01


def test_the_second_has_the_other_side_and_angles_of_the_job() -> None:
    cell = Grid((0.0, 20.0), Interval(0, 90), (-10.0,))
    for table in (False, True):
        for seed in range(8):
            _, second = balls("apart", seed, table=table, cell=cell)
            view = second.view
            assert (view.side, second.place.left) == ("left", True)
            assert cell.holds(view.tilt, view.rotation, view.roll)


def test_arms_of_one_person_do_not_come_from_opposite_directions() -> None:
    for seed in range(8):
        first, second = balls("apart", seed, own=True)
        assert first.turn[:, 1] @ second.place.turn[:, 1] >= -0.5


def test_hands_that_find_no_place_as_asked_lie_apart() -> None:
    # The second ball's hand is a point far behind it, which touches nothing.
    view = View("procedural", "right", "dorsal", 0.0, 0.0, 0.0)
    place = Placement.ahead(view, np.zeros(3), DISTANCE)
    tail = np.zeros(len(ball().points), bool)
    body = Body(
        np.concatenate([ball().points, [[0.0, 0.0, -0.2]]]), np.append(tail, True), np.append(~tail, True)
    )
    wanted = Wanted(("touching",), ANY, ("dorsal",), False, False)
    found = lay(view, place, (ball(), body), np.zeros(3), wanted, np.random.default_rng(0))
    assert (found.lie, found.asked) == ("apart", "touching")
    assert (found.view.tilt, found.view.rotation, found.view.roll) == (0, 0, 0)
    assert np.linalg.norm(found.place.at - place.at) > 2 * RADIUS
