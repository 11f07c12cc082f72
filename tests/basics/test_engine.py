"""The engine: order, laziness and errors are the same with one worker, threads and processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curate.basics import engine
from curate.basics.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def work(item: int) -> tuple[int, int]:
    time.sleep(0.002 * (item % 3))
    return item * item, os.getpid()


def fail_at_five(item: int) -> int:
    if item == 5:
        raise InputError("a.csv", "a five", field="line 5", allowed="others")
    return item


@pytest.mark.parametrize(("workers", "total"), [(1, None), (2, None), (3, 20), (2, 64)])
def test_results_come_in_the_order_of_the_items(workers: int, total: int | None) -> None:
    results = list(engine.Local(workers).map(work, range(20), total=total))
    assert [value for value, _ in results] == [i * i for i in range(20)]
    others = {pid for _, pid in results} - {os.getpid()}
    assert bool(others) == (total == 64)


@pytest.mark.parametrize(("workers", "total"), [(1, None), (2, 10), (2, 64)])
def test_an_error_crosses_the_border_whole(workers: int, total: int | None) -> None:
    results = engine.Local(workers).map(fail_at_five, range(10), total=total)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match=r"a\.csv: line 5: a five; allowed: others"):
        next(results)


def test_items_are_taken_as_they_are_needed() -> None:
    taken = []

    def items() -> Iterator[int]:
        for i in range(1000):
            taken.append(i)
            yield i

    results = engine.Local(2).map(work, items())
    next(results)
    assert len(taken) <= 8
    results.close()


def test_there_is_a_worker_at_least() -> None:
    assert engine.default_workers() >= 1


ORPHANS = """
import os, sys, time
from pathlib import Path
from typing import Any
from curate.basics.engine import Local
def work(item):
    Path(sys.argv[1], str(os.getpid())).touch()
    time.sleep(0.05)
if __name__ == "__main__":
    for _ in Local(2).map(work, range(10_000), total=10_000):
        pass
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    (tmp_path / "pids").mkdir()
    process = subprocess.Popen(
        [sys.executable, script, tmp_path / "pids"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    limit = time.monotonic() + 30
    while len(list((tmp_path / "pids").iterdir())) < 2 and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    workers = [int(p.name) for p in (tmp_path / "pids").iterdir()]
    assert len(workers) == 2
    while any(map(alive, workers)) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not any(map(alive, workers))


def sleep_long(item: int) -> None:
    time.sleep(0 if item < 64 else 300)


def test_where_the_work_is_given_up_nobody_waits_for_processes() -> None:
    results = engine.Local(2).map(sleep_long, range(70), total=70)
    for _ in range(64):
        next(results)
    results.close()
    end = time.monotonic() + 60
    while multiprocessing.active_children():  # told to end; another thread may be about to hear of it
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("given", [(0, 0), (3, 2), (0, 2), (-1, 2), (1.0, 2), ("1", 2)])
def test_a_share_that_there_is_not_is_refused(given: tuple[Any, Any]) -> None:
    with pytest.raises(InputError, match=r"Share: .*; allowed: a number from 1 to that of all shares"):
        engine.Share(*given)
