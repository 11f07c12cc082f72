"""A Blender is started, fed, watched, replaced and ended. The stand-in runs the real loop of the worker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand_in import ROOT, Planned

from render import blender
from render.blender import Blender, BlenderError, Request, Worker


def wanted(folder: Path, *moods: str) -> Iterator[Request]:
    for index, mood in enumerate(moods):
        request = Request(f"picture {index}", folder / f"{index}.shot", folder / f"{index}.out")
        Planned(index, "v", mood).write(request.shot)
        yield request


def results(worker: Worker, requests: Iterator[Request]) -> list[str | None]:
    return [reason for _, reason in worker.pictures(requests)]


@pytest.fixture
def worker(program: Path) -> Iterator[Worker]:
    with Worker(Blender(program), limit=0) as made:
        yield made


def test_pictures_come_in_order_and_one_ahead(worker: Worker, tmp_path: Path) -> None:
    sent: list[str] = []

    def requests() -> Iterator[Request]:
        for request in wanted(tmp_path, "", "", "", ""):
            sent.append(request.name)
            yield request

    seen = []
    for request, reason in worker.pictures(requests()):
        assert reason is None
        assert request.out.exists()
        seen.append((request.name, len(sent)))
    assert seen == [("picture 0", 2), ("picture 1", 3), ("picture 2", 4), ("picture 3", 4)]


@pytest.mark.parametrize("mood", ["die-once", "fail-once", "silent-once", "noise"])
def test_a_picture_that_fails_once_is_tried_again(worker: Worker, tmp_path: Path, mood: str) -> None:
    assert results(worker, wanted(tmp_path, "", mood, "")) == [None, None, None]


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("die", "Blender died of SIGKILL"),
        ("fail", "RuntimeError: no such material"),
        ("silent", "Blender wrote no file"),
    ],
)
def test_a_picture_that_fails_twice_is_given_up_and_the_others_are_not(
    worker: Worker, tmp_path: Path, mood: str, reason: str
) -> None:
    assert results(worker, wanted(tmp_path, "", mood, "", "")) == [None, reason, None, None]


def test_one_that_hangs_is_given_up(program: Path, tmp_path: Path) -> None:
    with Worker(Blender(program), limit=0, stall=4) as worker:
        assert results(worker, wanted(tmp_path, "", "hang", "")) == [None, "hung: no CPU used for 4 s", None]


def test_one_that_takes_too_much_cpu_is_given_up(program: Path, tmp_path: Path) -> None:
    with Worker(Blender(program), limit=1.5) as worker:
        reasons = results(worker, wanted(tmp_path, "", "spin", ""))
    assert reasons == [None, "not done after 1.5 s of CPU", None]


def test_what_blender_said_last_is_told(worker: Worker, tmp_path: Path, caplog) -> None:
    results(worker, wanted(tmp_path, "fail"))
    assert "picture 0: RuntimeError: no such material" in caplog.text
    assert "Traceback" in caplog.text


def test_a_result_of_before_is_not_taken_for_a_new_one(worker: Worker, tmp_path: Path) -> None:
    requests = list(wanted(tmp_path, "silent"))
    requests[0].out.write_text("old")
    assert results(worker, iter(requests)) == ["Blender wrote no file"]


def test_pictures_left_early_do_not_come_with_the_next(worker: Worker, tmp_path: Path) -> None:
    for _ in worker.pictures(wanted(tmp_path, "", "", "")):
        break
    (tmp_path / "later").mkdir()
    assert results(worker, wanted(tmp_path / "later", "", "fail")) == [None, "RuntimeError: no such material"]


def test_waiting_ends_when_it_is_to(program: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    with (
        Worker(Blender(program), limit=0, stopped=lambda: time.monotonic() > started + 1) as worker,
        pytest.raises(KeyboardInterrupt),
    ):
        results(worker, wanted(tmp_path, "hang"))


def children_of(pid: int) -> set[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_its_temporary_files_go_with_it(program: Path, tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    with Worker(Blender(program), limit=0, folder=folder) as worker:
        worker.start()
        (place,) = folder.iterdir()
        assert worker.child is not None
        told = Path(f"/proc/{worker.child.pid}/environ").read_bytes().split(b"\0")
        assert {f"{name}={place}".encode() for name in ("TMPDIR", "TEMP", "TMP")} <= set(told)
        (place / "blender_x").mkdir()
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_dies_with_its_owner(program: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, 'tests/render'); from pathlib import Path\n"
        "from test_blender import *\n"
        "w = Worker(Blender(Path(sys.argv[1])), limit=0, folder=Path(sys.argv[2]))\n"
        "results(w, wanted(Path(sys.argv[2]), '', 'hang'))\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", script, str(program), str(tmp_path)], cwd=ROOT)
    while not (tmp_path / "0.out").exists():
        assert owner.poll() is None
        time.sleep(0.02)
    (pid,) = children_of(owner.pid)
    owner.kill()
    owner.wait()
    for _ in range(200):
        if not alive(pid):
            break
        time.sleep(0.05)
    assert not alive(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_image_it_is_at(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("STAND_IN_PACE", "0.5")
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert b"ready" in process.stdout.readline()
    for request in wanted(tmp_path, "", ""):
        process.stdin.write(f'{{"shot": "{request.shot}", "out": "{request.out}"}}\n'.encode())
    process.stdin.flush()
    time.sleep(0.2)
    process.send_signal(number)
    answers = process.stdout.read()
    assert process.wait(10) == 0
    assert answers.count(b"done") == 1
    assert (tmp_path / "0.out").exists()
    assert not (tmp_path / "1.out").exists()
    process.stdin.close()
    process.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process cannot be kept to a core")
def test_each_has_a_core_of_its_own_as_long_as_there_are_some(program: Path, monkeypatch) -> None:
    monkeypatch.setattr(blender, "_CLAIM", f"\0test-{os.getpid()}-")
    mine = os.sched_getaffinity(0)
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(Worker(Blender(program), limit=0)) for _ in range(len(mine) + 1)]
        cores = []
        for worker in workers:
            before = children_of(os.getpid())
            worker.start()
            (pid,) = children_of(os.getpid()) - before
            cores.append(os.sched_getaffinity(pid))
    assert sorted(core for kept in cores[:-1] for core in kept) == sorted(mine)
    assert len(cores[-1]) == 1


def test_a_program_that_is_no_blender_is_told_with_what_it_said(tmp_path: Path) -> None:
    path = tmp_path / "interpreter"
    path.write_text("#!/bin/sh\necho 'ModuleNotFoundError: No module named bpy' >&2\nexit 1\n")
    path.chmod(0o755)
    with pytest.raises(
        BlenderError, match=r"does not start \(Blender ended with 1\)[\s\S]*No module named bpy"
    ):
        blender.find(path)


def test_where_there_is_none_both_ways_to_get_one_are_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(blender.ENVIRONMENT, raising=False)
    monkeypatch.setattr(blender, "_TOOLS", tmp_path / "none")
    with pytest.raises(BlenderError, match=r"pip install bpy==.*blender\.org"):
        blender.find()


def test_the_environment_names_one_and_the_option_goes_before(program: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(blender.ENVIRONMENT, str(program))
    assert blender.find() == Blender(program, "stand-in 1")
    with pytest.raises(Exception, match=r"--blender: no program 'nowhere'.*two ways"):
        blender.find("nowhere")


def test_a_blender_executable_is_told_what_to_run() -> None:
    line = Blender(Path("/opt/blender-5.0/blender")).command(3)
    assert line[:3] == ["/opt/blender-5.0/blender", "--background", "--factory-startup"]
    assert line[-4:-2] == [str(ROOT / "render" / "worker" / "main.py"), "--"]
    assert line[-2:] == ["--core", "3"]
