"""Shares of a stage's work, done by several processes, leave the folder of one that did it all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier, Event

import pytest

from curate import cli
from curate.basics import files
from curate.basics.engine import ALL, Local, Share
from curate.basics.errors import ConfigChanged, InputError, ShareDone
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage, Summary
from tests.folders import content

ROOT = Path(__file__).resolve().parents[2]
ITEMS = range(11)


def work(item: int) -> Part:
    """A sample; one input cannot be used, and two samples have the same id."""
    if item == 4:
        return Part(to_batch([]), quarantine=[("4.png", "no image")])
    return Part(to_batch([Sample(f"s/{0 if item == 9 else item}", "s", f"{item}.png")]))


def run(
    out: Path,
    share: Share = ALL,
    *,
    does: Callable[[int], Part] = work,
    options: dict[str, int] | None = None,
    **more: object,
) -> Summary:
    stage = Stage("test", out, options or {"a": 1}, engine=Local(1, share), quiet=True, **more)  # type: ignore[arg-type]
    return stage.run(ITEMS, does, sizes=[1] * len(ITEMS))


def noted(item: int, log: Path) -> Part:
    with log.open("a") as file:
        file.write(f"{item}\n")
    return work(item)


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    """What one process leaves."""
    run(tmp_path / "whole")
    return content(tmp_path / "whole")


@pytest.mark.parametrize("of", [2, 3, 20], ids=["two", "three", "more than there are pieces"])
def test_shares_one_after_another_leave_what_one_process_does(
    of: int, whole: dict[str, bytes], tmp_path: Path
) -> None:
    left = len(ITEMS)
    for number in range(1, of + 1):
        left -= len(range(number - 1, len(ITEMS), of))
        if left:
            with pytest.raises(ShareDone) as done:
                run(tmp_path / "o", Share(number, of))
            assert (done.value.missing, done.value.total) == (left, len(ITEMS))
        else:
            summary = run(tmp_path / "o", Share(number, of))
            assert (summary.samples, summary.quarantined) == (9, 2)
    assert content(tmp_path / "o") == whole


def test_each_piece_is_done_once_by_shares_at_the_same_time(whole: dict[str, bytes], tmp_path: Path) -> None:
    shares, out, log = [Share(number, 4) for number in (1, 2, 3, 4)], tmp_path / "o", tmp_path / "log"
    together = Barrier(len(shares))

    def begin(share: Share) -> str:
        together.wait()
        try:
            return "reused" if run(out, share, does=partial(noted, log=log)).reused else "completed"
        except ShareDone:
            return "done"

    with ThreadPoolExecutor(len(shares)) as pool:
        ended = list(pool.map(begin, shares))
    assert ended.count("completed") == 1
    assert sorted(map(int, log.read_text().split())) == list(ITEMS)
    assert content(out) == whole


def test_the_command_without_a_share_completes_the_folder(whole: dict[str, bytes], tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(ShareDone):
        run(tmp_path / "o", Share(2, 3), does=partial(noted, log=log))
    run(tmp_path / "o", does=partial(noted, log=log))
    assert sorted(map(int, log.read_text().split())) == list(ITEMS)
    assert content(tmp_path / "o") == whole


def test_a_share_of_what_is_finished_has_nothing_to_do(whole: dict[str, bytes], tmp_path: Path) -> None:
    assert run(tmp_path / "whole", Share(1, 2), does=pytest.fail).reused
    assert content(tmp_path / "whole") == whole


def test_while_a_share_is_done_only_others_of_the_same_may_begin(tmp_path: Path) -> None:
    """And they leave alone what the others are writing."""
    out, begun, go_on = tmp_path / "o", Event(), Event()

    def waits(item: int) -> Part:
        begun.set()
        assert go_on.wait(20)
        return work(item)

    def first() -> None:
        with pytest.raises(ShareDone, match="share 1/2 is done"):
            run(out, Share(1, 2), does=waits)

    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(first)
        assert begun.wait(20)
        (out / ".curate" / ".part.1.tmp").touch()
        with pytest.raises(InputError, match="another curate command is writing here"):
            run(out)
        with pytest.raises(ConfigChanged, match="a was 1, now 2"):
            run(out, Share(2, 2), options={"a": 2})
        with pytest.raises(ShareDone):
            run(out, Share(2, 2))
        assert (out / ".curate" / ".part.1.tmp").exists()
        go_on.set()
        doing.cancel()
    assert run(out).samples == 9


@pytest.mark.parametrize("again", [Share(1, 2), ALL], ids=["the share", "the whole"])
def test_a_share_that_was_killed_goes_on(again: Share, whole: dict[str, bytes], tmp_path: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from tests.data import test_shares as t
def work(item):
    if item == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return t.work(item)
t.run(Path(sys.argv[1]), t.Share(1, 2), does=work)
"""
    with pytest.raises(ShareDone):
        run(tmp_path / "o", Share(2, 2))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", script, tmp_path / "o"], cwd=ROOT, env=environment)
    assert killed.returncode == -signal.SIGKILL
    log = tmp_path / "log"
    run(tmp_path / "o", again, does=partial(noted, log=log))
    assert list(map(int, log.read_text().split())) == [4, 6, 8, 10]
    assert content(tmp_path / "o") == whole


def test_what_is_read_must_stay_the_same_until_the_last_has_ended(tmp_path: Path) -> None:
    """Each that joins others takes their word for it; whoever completes the folder looks again."""
    read = tmp_path / "read"
    read.write_text("before")
    claim = partial(
        files.claimed, tmp_path / "o", {"verb": "x"}, contents=lambda: files.sha256(read), shares=True
    )
    with claim() as first:
        with claim() as second:
            assert not first.result
            assert not second.all_have_ended()
        read.write_text("after")
        with pytest.raises(ConfigChanged, match="files changed"):
            first.all_have_ended()
    with pytest.raises(ConfigChanged, match="files changed"), claim():
        pass


def test_on_the_command_line(drawn_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["crop", str(drawn_dataset), "--size", "32", "--workers", "1"]
    assert cli.main([*line, "--out", str(tmp_path / "whole"), "--quiet"]) == 0
    capsys.readouterr()
    shares = [*line, "--out", str(tmp_path / "o")]
    assert cli.main([*shares, "--part", "1/2", "--json"]) == 0
    told = {"out": str(tmp_path / "o"), "share": "1/2", "missing": 1, "pieces": 2}
    assert json.loads(capsys.readouterr().out) == told
    assert cli.main([*shares, "--part", "1/2"]) == 0
    said = f"{tmp_path / 'o'}: share 1/2 is done, 1 of 2 pieces of work is not; the share that does"
    assert said in capsys.readouterr().err
    assert cli.main([*shares, "--part", "2/2"]) == 0
    assert "24 samples" in capsys.readouterr().err
    assert content(tmp_path / "o") == content(tmp_path / "whole")


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_what_is_no_share_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["crop", "d", "--out", "o", f"--part={text}"])
    assert stop.value.code == 2
    assert "allowed: I/N, such as 2/8" in capsys.readouterr().err
