"""A job and an index decide a picture, whoever asks, whenever."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from render.angles import turn
from render.job import Job
from render.people.cast import Cast
from render.plan import plan_shot
from render.shot import Shot


def job(**given: object) -> Job:
    made = Job.of(None, **{"angles": ["tilt=0..30 rotation=0..360"], "random": 40, "side": "both", **given})
    return dataclasses.replace(made, hands=dataclasses.replace(made.hands, people=2))


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Cast:
    return Cast(tmp_path_factory.mktemp("cast"))


def same(a: Shot, b: Shot) -> bool:
    return (
        a.settings == b.settings
        and np.array_equal(a.vertices, b.vertices)
        and np.array_equal(a.keypoints, b.keypoints)
        and np.array_equal(a.K, b.K)
        and len(a.extras) == len(b.extras)
        and all(np.array_equal(x.vertices, y.vertices) for x, y in zip(a.extras, b.extras, strict=True))
    )


def test_any_index_alone_and_alike(cast: Cast) -> None:
    forwards = [plan_shot(job(), i, cast) for i in range(4)]
    backwards = [plan_shot(job(), i, cast) for i in reversed(range(4))][::-1]
    assert all(same(a, b) for a, b in zip(forwards, backwards, strict=True))
    assert not same(forwards[0], forwards[1])


def test_a_shot_comes_back_from_its_file(cast: Cast, tmp_path: Path) -> None:
    accessories = dataclasses.replace(job().accessories, rings=1.0, watch=1.0, sleeve=1.0, polish=1.0)
    shot = plan_shot(dataclasses.replace(job(), accessories=accessories), 3, cast)
    assert len(shot.extras) >= 5
    shot.write(tmp_path / "shot.npz")
    assert same(Shot.read(tmp_path / "shot.npz"), shot)
    assert [p.name for p in tmp_path.iterdir()] == ["shot.npz"]


def test_fingers_are_in_the_picture(cast: Cast) -> None:
    for index in range(20):
        shot = plan_shot(job(), index, cast)
        points = shot.projected()[1:]
        assert (points > 0).all()
        assert (points < 256).all()
        extent = float(np.ptp(points, axis=0).max()) / 256
        assert 0.55 <= extent <= 0.9 + 1e-6


def test_points_project_by_the_intrinsics(cast: Cast) -> None:
    shot = plan_shot(job(), 0, cast)
    x, y, z = shot.keypoints[8]
    u = shot.K[0, 0] * x / -z + shot.K[0, 2]
    v = shot.K[1, 1] * -y / -z + shot.K[1, 2]
    assert shot.projected()[8] == pytest.approx([u, v])


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
    assert points[12, 1] < points[9, 1] < points[0, 1]  # fingers up


def test_rotation_is_clockwise_in_the_picture(cast: Cast) -> None:
    points = plan_shot(job(angles=["rotation=90"], random=2), 0, cast).projected()
    across, down = points[12] - points[9]
    assert across > 4 * abs(down)


def test_tilt_takes_the_fingertips_away(cast: Cast) -> None:
    forward = turn(30, 0, 0, "dorsal") @ [0, 1, 0]
    assert forward == pytest.approx([0, np.cos(np.radians(30)), -0.5])


def test_the_row_tells_what_was_drawn(cast: Cast) -> None:
    row = plan_shot(job(angles=["tilt=20 rotation=45 roll=5"], random=1), 0, cast).settings["sample"]
    assert (row["tilt"], row["rotation"], row["attrs"]["roll"]) == (20, 45, 5)
    assert row["subject_id"].startswith("procedural-0-")
    assert row["attrs"]["skinTone"] in ("light", "intermediate", "tan", "brown", "dark")
