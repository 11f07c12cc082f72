"""Streams that are closed, full, or that nobody reads: the work and its exit code stay as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from curate.basics import streams

ROOT = Path(__file__).resolve().parents[2]
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
CURATE = f"'{sys.executable}' -m curate.cli"


def shell(line: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a line, in which `curate` is the command."""
    line = line.replace("curate", CURATE, 1)
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("to", ["2>&-", pytest.param("2>/dev/full", marks=FULL), "2> >(true); exit $?"])
def test_people_who_are_not_listening_change_nothing(to: str, drawn_dataset: Path, tmp_path: Path) -> None:
    ending = f"curate crop {drawn_dataset} --size 32 --json --out {tmp_path / 'a'}"
    code, told, _ = shell(f"{ending} {to}")
    assert (code, told.count("\n")) == (0, 1)
    assert told.startswith('{"absent": {}')
    assert shell(f"curate crop nowhere --out {tmp_path / 'b'} {to}")[:2] == (2, "")


def test_show_does_not_ask_a_closed_stream_whether_it_is_a_terminal(drawn_dataset: Path) -> None:
    code, told, _ = shell(f"curate show {drawn_dataset} --json 2>&-")
    assert (code, told.count("\n")) == (0, 1)


@FULL
@pytest.mark.parametrize(
    "line",
    [
        "qa --explain",
        "autotag --explain",
        "--help",
        "qa --help",
        "--version",
        "crop {drawn} --size 32 --json --out {tmp}/c",
    ],
)
@pytest.mark.parametrize(("to", "told"), [(">/dev/full", "stdout: No space left on device")])
def test_data_that_cannot_be_written_is_an_error_of_one_line(
    line: str, to: str, told: str, drawn_dataset: Path, tmp_path: Path
) -> None:
    code, _, error = shell(f"curate {line.format(drawn=drawn_dataset, tmp=tmp_path)} {to}")
    assert (code, error.count("\n")) == (2, 1)
    assert told in error


def test_a_closed_stdout_is_an_error_where_there_is_data(drawn_dataset: Path, tmp_path: Path) -> None:
    line = f"curate crop {drawn_dataset} --size 32 --out {tmp_path / 'c'}"
    assert shell(f"{line} --quiet >&-")[::2] == (0, "")
    code, _, error = shell(f"{line} --json >&-")
    assert (code, error.count("\n")) == (2, 1)
    assert "stdout: is closed" in error


@pytest.mark.parametrize("line", ["qa --explain", "autotag --explain", "--help", "crop nowhere --help"])
def test_a_reader_that_left_is_no_error(line: str) -> None:
    assert shell(f"curate {line} > >(exec true); exit $?")[::2] == (0, "")


def test_with_all_streams_closed_files_are_whole(drawn_dataset: Path, tmp_path: Path) -> None:
    for name, to in (("open", ""), ("closed", "<&- >&- 2>&-")):
        code = shell(f"curate crop {drawn_dataset} --size 32 --quiet --out {tmp_path / name} {to}")[0]
        assert code == 0
    contents = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("open", "closed")
    ]
    assert contents[0] == contents[1]


def test_what_is_hushed_comes_back(capfd) -> None:
    with streams.hushed():
        os.write(2, b"of a library")
    os.write(2, b"ours")
    assert capfd.readouterr().err == "ours"
