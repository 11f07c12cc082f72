"""Paths longer than the system takes, given to commands and to their functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from curate import BackgroundOptions, CropOptions, Dataset, cli
from curate.background import background
from curate.basics.errors import InputError
from curate.build import build
from curate.crop import crop
from curate.diff import diff
from curate.evaluate import evaluate
from curate.predict import predict
from qa.check_quality import check_quality

LONG = "x" * 300
CALLS: dict[str, Callable[[Path, Path], Any]] = {
    "dataset": lambda hands, out: Dataset(LONG),
    "crop": lambda hands, out: crop(LONG, out),
    "crop to": lambda hands, out: crop(hands, LONG),
    "build": lambda hands, out: build([LONG], out),
    "build to": lambda hands, out: build([hands], LONG),
    "diff": lambda hands, out: diff(hands, LONG),
    "background": lambda hands, out: background(hands, out, BackgroundOptions(backgrounds=LONG)),
    "predict by": lambda hands, out: predict(LONG, [hands], out),
    "predict": lambda hands, out: predict(None, [LONG], out),
    "evaluate": lambda hands, out: evaluate(LONG, hands),
    "qa": lambda hands, out: check_quality(LONG, out),
    "qa to": lambda hands, out: check_quality(hands, LONG),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_function_tells_them_in_one_line(name: str, drawn_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^x{80}\.\.\.: a path too long for the system"):
        CALLS[name](drawn_dataset, tmp_path / "out")


@pytest.mark.parametrize(
    "line", ["crop {} --out out", "convert labelme {} --out out", "render --job {} --dry-run"]
)
def test_a_command_does_not_say_that_it_would_resume(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(line.format(LONG).split()) == 2
    told = capsys.readouterr().err
    assert "too long" in told
    assert "resumes" not in told


def test_an_option_that_may_be_a_folder_takes_none_for_one() -> None:
    with pytest.raises(
        InputError, match="allowed: colour, keypoints, mask, bbox, box, or the folder of a run"
    ):
        CropOptions(by=LONG)


@pytest.mark.parametrize("words", [["show", ""], ["crop", "d", "--out", ""], ["qa", "", "--out", "q"]])
def test_no_path_is_not_the_working_folder(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "'': an empty path; allowed: a file or a folder" in capsys.readouterr().err
