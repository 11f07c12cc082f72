"""The fuzzer counts what it is there for: faults that are planted are found, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.fuzz import trial
from benchmarks.fuzz.children import Limits
from benchmarks.fuzz.codecs import text
from benchmarks.fuzz.kinds import KINDS, Kind
from benchmarks.fuzz.trial import Case

LIMITS = Limits(processor=1, wall=30, address_space=8 << 30)
NOTES = Kind(
    "notes", "notes/*.txt", lambda _, content: content * 2, ("convert in/notes --out out",), rows=lambda _: 4
)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Two files of two lines each."""
    (tmp_path / "sources" / "notes").mkdir(parents=True)
    for name in "ab":
        (tmp_path / "sources" / "notes" / f"{name}.txt").write_text(f"{name}\n{name}\n")
    return tmp_path / "sources"


def tells(**counts: object) -> Callable[[Sequence[str]], int]:
    """A command that writes a file and tells of its counts."""

    def main(_line: Sequence[str]) -> int:
        Path("out").mkdir()
        Path("out/file").write_bytes(b"always the same")
        print(json.dumps({"samples": 4, "quarantined": 0, "dropped": {}, **counts}))
        return 0

    return main


def raises(_line: Sequence[str]) -> int:
    raise ValueError("planted")


def kills_itself(_line: Sequence[str]) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def never_ends(_line: Sequence[str]) -> int:
    while True:
        pass


def copies(_line: Sequence[str]) -> int:
    Path("out").mkdir()
    shutil.copy("secret.png", "out/taken.png")
    return tells_of_nothing()


def runs_code(_line: Sequence[str]) -> int:
    Path("executed").touch()
    return tells_of_nothing()


def writes_moments(line: Sequence[str]) -> int:
    code = tells()(line)
    Path("out/file").write_bytes(os.urandom(8))
    return code


def prints_escapes(_line: Sequence[str]) -> int:
    os.write(2, b"a.jpg: \x1b[31mred\n")
    return 2


def is_lengthy(_line: Sequence[str]) -> int:
    os.write(2, b"first line\nsecond line\n")
    return 2


def tells_of_nothing() -> int:
    print("{}")
    return 0


@pytest.mark.parametrize(
    ("command", "faults"),
    [
        (tells(), set()),
        (tells(samples=3, dropped={"torn": 1}), set()),
        (tells(samples=3), {"lost"}),
        (tells(samples=3, quarantined=1), {"lost"}),  # and yet its exit code is 0
        (tells(dropped={"torn": "many"}), {"unclear"}),
        (raises, {"traceback"}),
        (kills_itself, {"crash"}),
        (never_ends, {"hang"}),
        (copies, {"let out"}),
        (runs_code, {"let out"}),
        (writes_moments, {"differ"}),
        (prints_escapes, {"let out"}),
        (is_lengthy, {"unclear"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_that_is_planted_is_found(
    sources: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[[Sequence[str]], int],
    faults: set[str],
) -> None:
    monkeypatch.setattr(trial.cli, "main", command)
    monkeypatch.setattr(trial, "_LIMITS", LIMITS)
    verdict = Case(0, 0, (NOTES,), sources, tmp_path / "case").run()
    assert set(verdict.faults) == faults


def test_seed_and_number_decide_a_case(tmp_path: Path) -> None:
    kind = next(kind for kind in KINDS if kind.codec is text.json_file)
    content = json.dumps(
        {"images": [{"id": 1}], "annotations": [{"id": 1, "keypoints": [0.5] * 63}]}
    ).encode()
    cases = [Case(seed, number, (kind,), tmp_path, tmp_path) for seed in (0, 1) for number in range(20)]
    spoilt = [kind.codec(case.rng, content) for case in cases]
    assert spoilt == [kind.codec(case.rng, content) for case in cases]
    assert len(set(spoilt)) > 30
    assert content not in spoilt
