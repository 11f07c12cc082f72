"""A job and an index decide a picture, whoever asks, whenever."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render.angles import turn
from render.job import Job, Light
from render.people.cast import Cast
from render.plan import plan_shot
from render.shot import Shot


def job(**given: Any) -> Job:
    """Of two people. given: sections as tables of the keys to change."""
    hands = {"people": 2, **given.pop("hands", {})}
    return Job.of(**{"angles": ["tilt=0..30 rotation=0..360"], "random": 40, "hands": hands, **given})


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Cast:
    return Cast(tmp_path_factory.mktemp("cast"))


def content(shot: Shot, path: Path) -> bytes:
    shot.write(path)
    return path.read_bytes()


def test_any_index_alone_and_alike(cast: Cast, tmp_path: Path) -> None:
    forwards = [content(plan_shot(job(), i, cast), tmp_path / "a.npz") for i in range(4)]
    backwards = [content(plan_shot(job(), i, cast), tmp_path / "a.npz") for i in reversed(range(4))]
    assert forwards == backwards[::-1]
    assert forwards[0] != forwards[1]


@pytest.mark.parametrize(("kind", "light"), [("table", "studio"), ("environment", "environment")])
def test_an_environment_that_is_seen_lights_the_hand(kind: str, light: str, cast: Cast) -> None:
    # `Job.of` refuses a light that no ground of the job would use.
    made = dataclasses.replace(job(ground={"kinds": [kind]}), light=Light(kinds=("studio",)))
    shot = plan_shot(made, 0, cast)
    assert shot.ground.kind == kind
    assert shot.light.kind == light


def test_fingers_are_in_the_picture(cast: Cast) -> None:
    for index in range(20):
        shot = plan_shot(job(), index, cast)
        points = shot.takes[0].cut.points(shot.projected())[1:]
        assert (points > 0).all()
        assert (points < 256).all()
        extent = float(np.ptp(points, axis=0).max()) / 256
        assert 0.55 <= extent <= 0.9 + 1e-6


@pytest.mark.parametrize(
    ("aspect", "side", "thumb_is_left"),
    [
        ("dorsal", "right", True),
        ("palmar", "right", False),
        ("dorsal", "left", False),
        ("palmar", "left", True),
    ],
)
def test_the_thumb_is_where_it_belongs(aspect: str, side: str, thumb_is_left: bool, cast: Cast) -> None:
    made = job(angles=["tilt=0 rotation=0"], random=4, aspect=aspect, side=side)
    points = plan_shot(made, 1, cast).projected()
    assert (points[2, 0] < points[17, 0]) == thumb_is_left
    assert points[9, 1] < points[0, 1]  # fingers up


def test_rotation_is_clockwise_in_the_picture(cast: Cast) -> None:
    points = plan_shot(job(angles=["rotation=90"], random=2), 0, cast).projected()
    across, down = points[12] - points[9]
    assert across > 4 * abs(down)


def test_tilt_takes_the_fingertips_away(cast: Cast) -> None:
    forward = turn(30, 0, 0, "dorsal") @ [0, 1, 0]
    assert forward == pytest.approx([0, np.cos(np.radians(30)), -0.5])


def test_the_row_tells_what_was_drawn(cast: Cast) -> None:
    row = plan_shot(job(angles=["tilt=20 rotation=45 roll=5"], random=1), 0, cast).takes[0].rows[0]
    assert (row.tilt, row.rotation, row.attrs["roll"]) == (20, 45, 5)
    assert row.subject_id.startswith("procedural-0-")
    assert row.attrs["skinTone"] in ("light", "intermediate", "tan", "brown", "dark")


def test_a_share_of_the_pictures_has_no_hand_and_the_others_stay_as_they_were(cast: Cast) -> None:
    with_all, some = job(), job(empty=0.4)
    empty = [index for index in range(40) if some.is_empty(index)]
    assert 8 <= len(empty) <= 24
    bare, full = plan_shot(some, empty[0], cast), plan_shot(with_all, empty[0], cast)
    row = bare.takes[0].rows[0]
    assert (bare.hands, bare.extras, row.subject_id, row.side, row.tilt) == ((), (), None, None, None)
    assert set(row.attrs) == {"light", "lamps", "ground", "camera", "shot", "take"}
    assert (bare.light, bare.ground) == (full.light, full.ground)
    kept = next(index for index in range(40) if index not in empty)
    assert plan_shot(some, kept, cast).hands
    one, other = (plan_shot(made, kept, cast).hands[0] for made in (some, with_all))
    assert np.array_equal(one.vertices, other.vertices)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_edge_cuts_the_arm_at_the_wrist(rotation: int, cast: Cast) -> None:
    made = job(angles=[f"rotation={rotation}"], random=4, camera={"edge": 1.0})
    axis, low = {0: (1, False), 90: (0, True), 180: (1, True), 270: (0, False)}[rotation]
    for index in range(4):
        wrist = plan_shot(made, index, cast).projected()[0, axis] / 256
        assert -0.06 <= (wrist if low else 1 - wrist) <= 0.12


def test_the_wrist_lies_as_far_beyond_the_edge_as_the_job_says(cast: Cast) -> None:
    made = job(angles=["rotation=180"], random=4, camera={"edge": 1.0, "beyond": [0.2, 0.3]})
    for index in range(4):
        shot = plan_shot(made, index, cast)
        assert 0.2 <= -shot.projected()[0, 1] / 256 <= 0.3


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_an_edge_that_is_not_the_arms_cuts_fingers_off(edge: float, cast: Cast) -> None:
    made = job(angles=["rotation=180"], random=12, takes=2, camera={"edge": edge, "cut_off": 1.0})
    sides = set()
    for index in range(6):
        shot = plan_shot(made, index, cast)
        for take in shot.takes:
            (left, _), (right, low) = (
                of(take.cut.points(shot.projected())[1:], axis=0) for of in (np.min, np.max)
            )
            beyond = {"left": -left / 256, "right": right / 256 - 1, "low": low / 256 - 1}
            if edge:  # which moves hands up and down
                del beyond["low"]
            cut = {side for side, by in beyond.items() if by > 0}
            assert cut
            assert max(beyond.values()) <= 0.1 + 1 / 256  # whole pixels
            sides |= cut
    assert sides == set(beyond)


def test_on_the_palm_labels_lie_elsewhere_than_on_the_back(cast: Cast) -> None:
    back, palm = (plan_shot(job(aspect=aspect, side="right"), 0, cast) for aspect in ("dorsal", "palmar"))
    length = [np.linalg.norm(np.diff(shot.hands[0].keypoints[9:11], axis=0)) for shot in (back, palm)]
    assert length[0] - length[1] == pytest.approx(0.005, abs=0.0015)


def test_what_a_hand_holds_changes_nothing_else(cast: Cast) -> None:
    without, holding = (plan_shot(job(accessories={"held": held}), 1, cast) for held in (0.0, 1.0))
    assert len(holding.extras) == len(without.extras) + bool(holding.takes[0].rows[0].attrs["held"])
    assert without.takes[0].rows[0].attrs["held"] == ""
    assert np.array_equal(without.hands[0].vertices, holding.hands[0].vertices)
    assert (without.light, without.takes[0].finish) == (holding.light, holding.takes[0].finish)


def pairs() -> Job:
    return job(takes=2, hands={"two": 1.0, "strangers": 0.5})


def test_a_second_hand_leaves_the_first_as_it_was(cast: Cast) -> None:
    for index in range(3):
        alone, both = plan_shot(job(takes=2), index, cast), plan_shot(pairs(), index, cast)
        assert len(both.hands) == 2
        assert np.array_equal(alone.hands[0].vertices, both.hands[0].vertices)
        assert (alone.light, alone.ground) == (both.light, both.ground)


def test_two_hands_are_two_rows_of_each_take(cast: Cast) -> None:
    shot, made = plan_shot(pairs(), 1, cast), pairs()
    assert {hand.side for hand in shot.hands} == {"left", "right"}
    straight, mirrored = shot.takes
    assert mirrored.cut.mirrored
    assert [row.side for row in straight.rows] == [hand.side for hand in shot.hands]
    assert [row.side for row in mirrored.rows] == [row.side for row in straight.rows][::-1]
    for take in shot.takes:
        assert [row.sample_id for row in take.rows] == [
            f"{made.sample_id(take.index)}/{row.side}" for row in take.rows
        ]
        for number in range(2):
            points = take.cut.points(shot.projected(number))[1:]
            assert (points > 0).all()
            assert (points < 256).all()
    told = [row.attrs["hands"] for row in straight.rows]
    assert told[0]["asked"] == told[1]["asked"]
    assert {"before": "behind", "behind": "before"}.get(told[0]["lie"], told[0]["lie"]) == told[1]["lie"]


def test_hands_are_of_one_person_or_of_two_who_are_always_the_same(cast: Cast) -> None:
    rows = [plan_shot(pairs(), index, cast).takes[0].rows for index in range(8)]
    assert {row[0].attrs["hands"]["people"] for row in rows} == {1, 2}
    for one, other in rows:
        assert (one.subject_id == other.subject_id) == (one.attrs["hands"]["people"] == 1)
        if one.subject_id == other.subject_id:
            assert one.attrs["skinTone"] == other.attrs["skinTone"]
            assert one.attrs["sleeve"] == other.attrs["sleeve"]
            assert one.attrs["watch"] + other.attrs["watch"] < 2


def test_a_share_of_the_pictures_has_two_hands() -> None:
    made = job(hands={"two": 0.3})
    assert 60 < sum(made.second(shot) is not None for shot in range(300)) < 120
    assert not any(job().second(shot) for shot in range(100))
