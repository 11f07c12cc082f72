"""`curate render`: the same bytes however it is run, stopped or killed; what fails is told and counted."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stand_in import PACE, ROOT, finish, plan

from curate.basics import images
from curate.basics.engine import ALL, Local
from curate.basics.errors import ConfigChanged, InputError
from curate.cli import main
from curate.data.dataset import Dataset
from curate.data.stage import Summary
from render.blender import BlenderError
from render.job import Job
from render.run import Studio, render

STUDIO = Studio(plan, finish)
JOB = Job.of(angles=["tilt=0,30 rotation=0:330:30"], per_angle=2, aspect="both")  # 48 pictures, 6 parts

# As a user's shell runs it: a process of its own that can be stopped and killed.
SCRIPT = """
import sys
from curate.basics import engine
from render.job import Job
from render.run import Studio, render
from stand_in import finish, plan
if __name__ == "__main__":
    out, program, workers, how = sys.argv[1:]
    if how == "processes":
        engine.PROCESSES_FROM = 1
    given = {"program": program, "engine": engine.Local(int(workers)), "studio": Studio(plan, finish)}
    render(out, Job.of(random=40), quiet=True, **given)
"""


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def run(out: Path, program: Path, job: Job = JOB, **options) -> Summary:
    return render(out, job, program=program, quiet=True, studio=STUDIO, **options)


@pytest.mark.parametrize(("indices", "told"), [([0, 48], "48"), ([-1], "-1"), ([1.5], "1.5"), ([], "none")])
def test_pictures_that_the_job_does_not_have_are_told(
    program: Path, tmp_path: Path, indices: list[int], told: str
) -> None:
    with pytest.raises(InputError, match=f"^indices: {told}; allowed: one or more whole numbers, 0 to 47$"):
        run(tmp_path / "d", program, indices=indices)
    assert not (tmp_path / "d").exists()


def start(out: Path, program: Path, workers: int, how: str, **environment: str) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-c", SCRIPT, str(out), str(program), str(workers), how]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'render'}", **environment}
    return subprocess.Popen(line, cwd=ROOT, env=env, start_new_session=True, stderr=subprocess.PIPE)


def test_a_job_becomes_a_dataset_that_tells_what_was_rendered(program: Path, tmp_path: Path) -> None:
    summary = run(tmp_path / "d", program)
    assert (summary.samples, summary.quarantined, summary.reused) == (48, 0, False)
    dataset = Dataset(tmp_path / "d")
    assert [s.sample_id for s in dataset][:2] == [JOB.sample_id(0), JOB.sample_id(1)]
    assert dataset.info["render"] == {
        "blender": "stand-in 1",
        "pictures": 48,
        "angles": ["tilt=0,30 rotation=0:330:30 roll=0"],
        "models": ["procedural"],
    }
    assert sorted(p.name for p in (tmp_path / "d").iterdir()) == [
        ".curate.json", "dataset.json", "images", "quarantine.jsonl", "samples.parquet",
    ]  # fmt: skip


def test_any_number_of_workers_gives_the_same_bytes(program: Path, tmp_path: Path) -> None:
    run(tmp_path / "one", program)
    run(tmp_path / "three", program, engine=Local(3))
    assert content(tmp_path / "one") == content(tmp_path / "three")


def test_workers_that_outlive_a_run_keep_no_blender(program: Path, tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        lasting = Lasting(pool)
        run(tmp_path / "one", program)
        for name in ("two", "three"):
            run(tmp_path / name, program, engine=lasting)
            assert content(tmp_path / name) == content(tmp_path / "one")
        (worker,) = multiprocessing.active_children()
        assert worker.pid is not None
        wait_until(lambda: not children_of(worker.pid))


class Lasting:
    """An engine whose worker goes on behind a run, as those of a cluster do."""

    workers, share = 1, ALL

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self.pool = pool

    def map(self, function, items, *, total=None):
        return self.pool.map(function, items)

    def require_shared(self, paths) -> None:
        pass


def children_of(process: int) -> list[int]:
    told = [place.read_text() for place in Path(f"/proc/{process}/task").glob("*/children")]
    return [int(number) for text in told for number in text.split()]


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_any_index_renders_alone_and_alike(program: Path, tmp_path: Path) -> None:
    run(tmp_path / "all", program)
    run(tmp_path / "some", program, indices=[5, 17, 40])
    alone = {s.sample_id: s.sha256 for s in Dataset(tmp_path / "some")}
    together = {s.sample_id: s.sha256 for s in Dataset(tmp_path / "all")}
    assert list(alone) == [JOB.sample_id(index) for index in (5, 17, 40)]
    assert alone.items() <= together.items()
    assert Dataset(tmp_path / "some").info["history"][-1]["options"]["indices"] == "5,17,40"


def test_takes_of_a_shot_are_pictures_like_others(program: Path, moods, tmp_path: Path) -> None:
    job = Job.of(random=22, takes=4)  # 6 shots; the last is for two pictures
    run(tmp_path / "all", program, job)
    assert [s.sample_id for s in Dataset(tmp_path / "all")] == [job.sample_id(i) for i in range(22)]
    run(tmp_path / "two", program, job, engine=Local(2))
    assert content(tmp_path / "two") == content(tmp_path / "all")
    run(tmp_path / "some", program, job, indices=[1, 2, 7, 21])
    together = {s.sample_id: s.sha256 for s in Dataset(tmp_path / "all")}
    assert {s.sample_id: s.sha256 for s in Dataset(tmp_path / "some")}.items() <= together.items()
    assert sorted(p.name for p in (tmp_path / "some" / "images").iterdir()) == [
        "0000001.png", "0000002.png", "0000007.png", "0000021.png",
    ]  # fmt: skip
    moods({1: "fail", 3: "unplanned"})
    told = run(tmp_path / "failed", program, job)
    assert (told.samples, told.quarantined) == (14, 8)
    assert [entry["input"] for entry in Dataset(tmp_path / "failed").quarantine()] == [
        job.sample_id(index) for index in (4, 5, 6, 7, 12, 13, 14, 15)
    ]


def test_one_shot_that_fails_is_not_taken_for_all(program: Path, moods, tmp_path: Path) -> None:
    moods({0: "fail", 1: "fail"})
    told = run(tmp_path / "d", program, Job.of(random=24, takes=8))
    assert (told.samples, told.quarantined) == (8, 16)


def test_a_finished_folder_needs_no_blender_and_another_job_is_refused(program, tmp_path: Path) -> None:
    run(tmp_path / "d", program, Job.of(random=3))
    assert run(tmp_path / "d", Path("nowhere"), Job.of(random=3)).reused
    with pytest.raises(ConfigChanged, match="seed was 0, now 1"):
        run(tmp_path / "d", program, Job.of(random=3, seed=1))


def with_pictures(folder: Path | str) -> Job:
    job = Job.of(random=2)  # `Job.of` refuses pictures without a folder
    return replace(job, ground=replace(job.ground, kinds=("table", "picture"), folder=str(folder)))


def test_pictures_behind_the_hand_count_by_content_wherever_they_lie(program: Path, tmp_path: Path) -> None:
    for name, grey in (("a.png", 0), ("b.png", 200)):
        images.write(tmp_path / "here" / name, np.full((40, 40, 3), grey, np.uint8))
    run(tmp_path / "d", program, with_pictures(tmp_path / "here"))
    (tmp_path / "here").rename(tmp_path / "there")
    assert run(tmp_path / "d", program, with_pictures(tmp_path / "there")).reused
    images.write(tmp_path / "there" / "b.png", np.full((40, 40, 3), 201, np.uint8))
    with pytest.raises(ConfigChanged, match="2 images, sha256"):
        run(tmp_path / "d", program, with_pictures(tmp_path / "there"))


def test_pictures_behind_the_hand_must_be_there_before_anything_is_rendered(program, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, message in (
        ("", "ground.folder: not given"),
        (
            tmp_path / "empty",
            r"empty: ground.folder: no image in this folder; allowed: a folder of images, for",
        ),
        (
            tmp_path / "gone",
            r"gone: ground.folder: no such folder; allowed: a folder of images, for the kind pic",
        ),
    ):
        with pytest.raises(InputError, match=message):
            run(tmp_path / "d", program, with_pictures(folder))
    assert not (tmp_path / "d").exists()


def test_a_dry_run_tells_of_pictures_that_are_not_there(tmp_path: Path, capsys) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(f"ground: {{kinds: [picture], folder: {tmp_path / 'gone'}}}")
    assert main(["render", "--job", str(job), "--dry-run"]) == 2
    assert "gone: ground.folder: no such folder; allowed: a folder of images" in capsys.readouterr().err


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_is_in_quarantine_and_nothing_else_suffers(
    program: Path, moods, tmp_path: Path, workers: int
) -> None:
    moods({3: "die", 7: "fail", 8: "die-once", 20: "unplanned", 21: "silent", 22: "unfinished", 47: "die"})
    summary = run(tmp_path / "d", program, engine=Local(workers))
    assert (summary.samples, summary.quarantined) == (42, 6)
    dataset = Dataset(tmp_path / "d")
    assert {entry["input"]: entry["reason"] for entry in dataset.quarantine()} == {
        JOB.sample_id(3): "Blender died of SIGKILL",
        JOB.sample_id(7): "RuntimeError: no such material",
        JOB.sample_id(20): "fingers in each other",
        JOB.sample_id(21): "Blender wrote no file",
        JOB.sample_id(22): "no depth",
        JOB.sample_id(47): "Blender died of SIGKILL",
    }
    moods({})
    run(tmp_path / "well", program)
    well = {s.sample_id: s.sha256 for s in Dataset(tmp_path / "well")}
    assert {s.sample_id: s.sha256 for s in dataset}.items() <= well.items()


def test_where_nothing_comes_out_the_run_ends_at_once(program: Path, moods, tmp_path: Path) -> None:
    moods(dict.fromkeys(range(48), "fail"))
    with pytest.raises(
        BlenderError, match=r"first 8 pictures all failed; render/[0-9a-f]{6}-0000000: RuntimeError"
    ):
        run(tmp_path / "d", program)
    assert not (tmp_path / "d" / "dataset.json").exists()


# A short run uses threads, a long one processes.
WAYS = [(1, "threads"), (2, "threads"), (2, "processes")]


@pytest.mark.parametrize(("workers", "how"), WAYS)
def test_killed_again_and_again_it_leaves_the_same_folder(
    program: Path, tmp_path: Path, workers: int, how: str
) -> None:
    run(tmp_path / "undisturbed", program, Job.of(random=40))
    out, chance, done = tmp_path / "out", random.Random(workers), 0
    for _ in range(2):
        process = start(out, program, workers, how, **{PACE: "0.002"})
        while process.poll() is None and len(list(out.glob(".curate/part-*.arrow"))) <= done:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.communicate()
        done = max(done, len(list(out.glob(".curate/part-*.arrow"))))
    run(out, program, Job.of(random=40))
    assert content(out) == content(tmp_path / "undisturbed")


@pytest.mark.parametrize("to", [os.kill, os.killpg], ids=["kill", "terminal"])
@pytest.mark.parametrize(("workers", "how"), WAYS)
def test_ctrl_c_ends_it_within_one_picture(
    program: Path, tmp_path: Path, workers: int, how: str, to: Callable[[int, int], None]
) -> None:
    out = tmp_path / "out"
    process = start(out, program, workers, how, **{PACE: "0.3"})
    while not list(out.glob("images/*.png")):
        assert process.poll() is None
        time.sleep(0.005)
    to(process.pid, signal.SIGINT)
    said = process.communicate(timeout=120)[1].decode()
    assert "KeyboardInterrupt" in said  # the command line turns it into one line and exit code 130
    assert "SpawnProcess" not in said
    assert len(list(out.glob("images/*.png"))) < 40
    run(out, program, Job.of(random=40))
    run(tmp_path / "undisturbed", program, Job.of(random=40))
    assert content(out) == content(tmp_path / "undisturbed")


def test_the_command_runs_it(program: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    from curate import cli
    from render import run as module

    monkeypatch.setattr(module, "_plan", plan)
    monkeypatch.setattr(module, "finish", finish)
    line = ["render", "--random", "5", "--out", str(tmp_path / "d"), "--blender", str(program), "--json"]
    assert cli.main(line) == cli.OK
    assert json.loads(capsys.readouterr().out)["samples"] == 5
    assert cli.main(["render", "--random", "5"]) == cli.USAGE
    assert capsys.readouterr().err.startswith("curate render: --out: not given; curate render --out D, or")
