"""A job: which picture an index stands for, and how jobs are written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from curate import cli
from curate.basics.errors import InputError
from render.job import Job, pick, runs


def test_cells_come_one_after_the_other_then_all_again() -> None:
    job = Job.of(angles=["tilt=0,30 rotation=0,90", "tilt=45"], per_angle=2)
    assert len(job) == 10
    views = [job.view(index) for index in range(10)]
    assert [(v.tilt, v.rotation) for v in views[:5]] == [(0, 0), (0, 90), (30, 0), (30, 90), (45, 0)]
    assert [(v.tilt, v.rotation) for v in views[5:]] == [(v.tilt, v.rotation) for v in views[:5]]


def test_grids_are_joined_and_what_both_hold_counts_once() -> None:
    angles = ["tilt=0,30", "tilt=30,45"]
    assert [cell.tilt for cell in Job.of(angles=angles).cells] == [(0,), (30,), (45,)]
    assert [cell.tilt for cell in Job.of(angles=angles, random=2).cells] == [(0, 30), (30, 45)]


def test_each_angle_is_shown_by_every_hand_equally_often() -> None:
    job = Job.of(angles="tilt=0,30 rotation=0,90", per_angle=12, models=["a", "b", "c"], aspect="both")
    views = [job.view(index) for index in range(len(job))]
    counted = Counter((v.tilt, v.rotation, v.model, v.side, v.aspect) for v in views)
    assert len(counted) == 4 * 3 * 2 * 2
    assert set(counted.values()) == {1}
    # Not in step with the grid: the first of each angle are not all of one hand.
    assert len({(v.model, v.side, v.aspect) for v in views[:4]}) > 1


@given(st.integers(1, 30), st.integers(0, 5), st.booleans())
def test_more_pictures_append_and_change_nothing(few: int, seed: int, drawn: bool) -> None:
    number = "random" if drawn else "per_angle"
    less = Job.of(angles=["tilt=0,30 rotation=0..360"], seed=seed, **{number: few})
    more = Job.of(angles=["tilt=0,30 rotation=0..360"], seed=seed, **{number: few + 7})
    assert [less.view(i) for i in range(len(less))] == [more.view(i) for i in range(len(less))]


def test_random_pictures_take_their_angles_from_the_grid() -> None:
    job = Job.of(angles=["tilt=0,30,45 rotation=0..90"], random=200)
    assert len(job) == 200
    tilts = Counter(job.view(i).tilt for i in range(200))
    assert set(tilts) == {0, 30, 45}
    assert min(tilts.values()) > 40
    assert len({job.view(i).rotation for i in range(200)}) > 190


def test_another_seed_is_another_draw_of_the_same_grid() -> None:
    one, two = (Job.of(angles=["tilt=0..45"], random=50, seed=seed) for seed in (0, 1))
    assert [one.view(i) for i in range(50)] != [two.view(i) for i in range(50)]


def test_there_is_no_picture_beyond_the_last() -> None:
    with pytest.raises(IndexError, match="no shot 3; there are 3"):
        Job.of(random=3).view(3)


def test_the_file_gives_way_to_what_is_given_besides(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("angles: tilt=30\nsize: 128\nside: left\n")
    job = Job.of(path, size=96, side=None)
    assert (job.angles, job.size, job.side) == (("tilt=30 rotation=0 roll=0",), 96, "left")


def test_equal_jobs_are_equal_however_they_are_written() -> None:
    one = Job.of(angles=["rotation=0,90,180,270 tilt=0"])
    assert one.as_json() == Job.of(angles="tilt=0 rotation=0:270:90").as_json()


def test_what_explain_prints_is_a_job_file(tmp_path: Path) -> None:
    job = Job.of(angles=["tilt=0,30 rotation=0:345:15", "tilt=45"], random=7, models=["a", "b.glb"])
    path = tmp_path / "job.yaml"
    path.write_text(job.explain())
    assert Job.of(path) == job
    assert set(yaml.safe_load(job.explain())) == set(job.as_json())
    assert all(
        line.lstrip().startswith("#") for line in job.explain().splitlines() if ":" not in line and line
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sizes: 3", "no setting 'sizes'; .*did you mean 'size'"),
        ("size: 3", "size: 3; allowed: a whole number, 32 to 4096"),
        ("size: true", "size: True; allowed"),
        ("side: top", "side: 'top'; allowed: left, right or both"),
        ("angles: tilt=100", "tilt: '100'; allowed: -90 to 90"),
        ("angles: []", r"angles: \[\]; allowed"),
        ("per_angle: 0", "per_angle: 0; allowed: a whole number, 1 to"),
        ("per_angle: 10000000\nangles: tilt=0,1", "20,000,000 pictures; allowed: at most 10,000,000"),
        ("camera: 3", "camera: 3; allowed: key: value"),
        ("camera: {lens: 3}", "no setting of camera 'lens'"),
        ("per_angle: 2\nrandom: 6", "per_angle: 2, beside random; leave one of them out"),
        ("ground: {folder: rooms}", "ground.folder: rooms; name the kind picture in ground.kinds, too"),
        ("ground: {kinds: [picture]}", "ground.folder: not given; allowed: a folder of images"),
        ("hands: {strangers: 1}", "hands.strangers: 1.0; say how many pictures have two hands: hands.two"),
        ("hands: {two: 1, people: 1, strangers: 1}", "hands.strangers: 1.0; let .* two people or more"),
        ("hands: {lie: [apart]}", r"hands.lie: \('apart',\); say how many pictures have two hands"),
        (
            "pose: {kinds: [fist, gesture], thumbs: [under]}",
            r"pose.thumbs: \('under',\); name the kind flat or relaxed in pose.kinds, too",
        ),
        ("pose: {kinds: [ok], touching: 0.5}", "pose.touching: 0.5; name the kind flat or relaxed"),
        ("pose: {kinds: [ok], crossed: 0.5}", "pose.crossed: 0.5; name the kind flat or relaxed"),
        ("camera: {beyond: 0.1}", r"camera.beyond: \(0.1, 0.1\); say how many .*: camera.edge"),
        ("ground: {kinds: [wall], hover: false}", "ground.hover: False; name the kind table"),
        (
            "ground: {kinds: [environment]}\nlight: {kinds: [studio]}",
            r"light.kinds: \('studio',\); name a kind .*, too, that is not lit by environment alone",
        ),
        ("- size", "a list, not a table"),
        ("{", "is not a YAML file .*start from: curate render --explain"),
    ],
)
def test_a_wrong_job_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        Job.of(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "besides", "told"),
    [
        ("angles: tilt=100", {}, "{file}: angles.tilt: '100'; allowed: -90 to 90"),
        ("angles: [tilt=0, pan=3]", {}, "{file}: angles: 'pan=3'; allowed: AXIS="),
        ("random: 6\nper_angle: 2", {}, "{file}: per_angle: 2, beside random"),
        ("random: 6", {"per_angle": 2}, "--per-angle: 2, beside random"),
        ("takes: 2", {}, "{file}: per_angle: 1; allowed: a multiple of takes, 2"),
        ("hands: {two: 1}", {"side": "left"}, "--side: left; allowed: both"),
        ("", {"random": 6, "per_angle": 2}, "--per-angle: 2, beside random"),
        ("", {"hands": {"strangers": 1}}, "options: hands.strangers: 1.0; say"),
    ],
)
def test_what_is_at_fault_is_told_where_it_was_given(
    tmp_path: Path, text: str, besides: dict[str, Any], told: str
) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        Job.of(path if text else None, **besides)
    assert str(caught.value).startswith(told.format(file=path))


@pytest.mark.parametrize(("besides", "named"), [([], "job.yaml: models"), (["--model", "nobody"], "--model")])
def test_a_hand_that_is_none_is_told_where_it_was_given(
    tmp_path: Path, besides: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("models: [nobody]")
    assert cli.main(["render", "--job", str(path), "--dry-run", *besides]) == 2
    assert f"{named}: 'nobody'; allowed: procedural" in capsys.readouterr().err


@given(st.sets(st.integers(0, 60), min_size=1))
def test_indices_are_read_as_they_are_told(indices: set[int]) -> None:
    assert pick(runs(sorted(indices)), 61) == sorted(indices)


@pytest.mark.parametrize(
    "text",
    [
        "ground: {kinds: [environment]}\nlight: {kinds: [environment]}",
        "ground: {kinds: [environment, colour], hover: true}\nlight: {kinds: [studio]}",
        "pose: {kinds: [fist, relaxed], thumbs: [under]}\ncamera: {edge: 0.1, beyond: 0.1}",
    ],
)
def test_settings_that_have_an_effect_are_taken(tmp_path: Path, text: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text)
    assert len(Job.of(path)) > 0


def test_indices_are_inclusive_like_angles() -> None:
    assert pick("7,0:2,10:20:5", 21) == [0, 1, 2, 7, 10, 15, 20]
    assert runs([0, 1, 2, 7, 8]) == "0:2,7:8"


@pytest.mark.parametrize("text", ["", "a", "-1", "5:3", "3:9", "0:4:0", "1:2:3:4", "1.5"])
def test_wrong_indices_are_told(text: str) -> None:
    with pytest.raises(InputError, match=r"--indices: .*allowed: whole numbers below 9 and start:stop"):
        pick(text, 9)


def test_names_differ_between_jobs_and_stay_when_pictures_are_added() -> None:
    few, many = Job.of(random=10), Job.of(random=20)
    other = Job.of(random=10, seed=1)
    assert few.sample_id(3) == many.sample_id(3)
    assert few.sample_id(3) != other.sample_id(3)
    assert few.sample_id(3).endswith("-0000003")


@pytest.mark.parametrize(
    "text", ["camera: {quality: [80, 95]}", "camera: {quality: [80.0, 95.0]}", "seed: 0"]
)
def test_equal_jobs_give_equal_names_however_they_are_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.yaml").write_text(text)
    assert Job.of(tmp_path / "job.yaml").sample_id(0) == Job.of().sample_id(0) == "render/acf7fb-0000000"


def test_two_hands_are_a_left_and_a_right_one(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("side: left\nhands: {two: 0.5}\n")
    with pytest.raises(InputError, match=r"side: left; allowed: both, where .* two hands \(hands.two\)"):
        Job.of(path)
    assert Job.of(path, side="both").hands.two == 0.5
