"""The findings, the review page and the session in Labelme keep to folders of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qa_sets import save, tree

from converters import labelme
from curate.basics import files, images
from curate.basics.errors import InputError
from curate.data.sample import Sample
from qa.check_quality import check_quality
from qa.finding import Finding, write_findings
from qa.options import LabelmeOptions
from qa.review.build import build_review
from qa.review.open_labelme import open_labelme

Command = Callable[[Path, Path, bool], object]


def _qa(root: Path, out: Path, overwrite: bool) -> object:
    return check_quality(root, out, overwrite=overwrite, quiet=True)


def _build(root: Path, out: Path, overwrite: bool) -> object:
    return build_review(root, root.parent / "qa", out, overwrite=overwrite, quiet=True)


def _open_labelme(root: Path, out: Path, overwrite: bool) -> object:
    options = LabelmeOptions(qa=root.parent / "qa", no_open=True)
    return open_labelme(root, out, options, write=labelme.write, read=labelme.read, overwrite=overwrite)


COMMANDS = pytest.mark.parametrize(
    "command", [_qa, _build, _open_labelme], ids=["qa", "build", "open-labelme"]
)


@pytest.fixture
def root(tmp_path: Path, flat_hand: np.ndarray) -> Path:
    """Three hands; findings about the first in `qa`."""
    folder, rng = tmp_path / "hands", np.random.default_rng(0)
    samples = []
    for i in range(3):
        images.write(folder / "images" / f"{i}.png", rng.integers(0, 256, (200, 200, 3), np.uint8))
        sample = Sample(f"s/{i}", "s", f"images/{i}.png", 200, 200, "right", "dorsal", "p", flat_hand)
        sample.visibility, sample.label_source = np.full(21, 2, np.uint8), "manual"
        samples.append(sample)
    found = Finding("blur", "error", "sample", "hands", "s/0", None, 2.0, 1.0, "Look.", "Do so.")
    write_findings([found], tmp_path / "qa")
    return save(folder, samples)


@COMMANDS
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    "name", ["report.html", "index.html", "data/mine.csv", "session.json", "dataset.json"]
)
def test_a_folder_that_curate_did_not_make_is_never_touched(
    root: Path, tmp_path: Path, command: Command, overwrite: bool, name: str
) -> None:
    (tmp_path / "theirs" / "data").mkdir(parents=True)
    (tmp_path / "theirs" / name).write_text('{"title": "not yours"}')
    (tmp_path / "theirs" / "changes.json").write_text("MINE")
    before = tree(tmp_path / "theirs")
    with pytest.raises(InputError, match="a folder with other files in it"):
        command(root, tmp_path / "theirs", overwrite)
    assert tree(tmp_path / "theirs") == before


@COMMANDS
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("inside", ["", "images"])
def test_nothing_is_written_into_the_dataset(
    root: Path, command: Command, overwrite: bool, inside: str
) -> None:
    before = tree(root)
    with pytest.raises(InputError, match=r"the folder that is read|a folder with other files in it"):
        command(root, root / inside, overwrite)
    assert tree(root) == before


@COMMANDS
def test_two_commands_do_not_write_into_one_folder(root: Path, tmp_path: Path, command: Command) -> None:
    with (
        files.claimed(tmp_path / "out", {"stage": "another"}),
        pytest.raises(InputError, match="another curate command is writing here"),
    ):
        command(root, tmp_path / "out", True)
    command(root, tmp_path / "out", True)


KILLED = """
import os, signal, sys
from curate import cli
def kill(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(kill)
cli.main(sys.argv[2:])
"""


@pytest.mark.parametrize(
    ("at", "line"),
    [
        ("report.html", "qa hands --quiet --out"),
        ("c0000.js", "review build hands --qa qa --quiet --out"),
        ("a0000.webp", "review build hands --qa qa --quiet --out"),
        ("labels.txt", "review open-labelme hands --qa qa --no-open --quiet --out"),
    ],
)
def test_a_killed_command_goes_on_and_leaves_nothing_behind(
    root: Path, tmp_path: Path, at: str, line: str
) -> None:
    def start(program: list[str], out: str) -> int:
        whole = [sys.executable, *program, *line.split(), out]
        return subprocess.run(whole, cwd=tmp_path, check=False, capture_output=True).returncode

    assert start(["-c", KILLED, at], "killed") == -9
    assert start(["-m", "curate.cli"], "killed") == start(["-m", "curate.cli"], "whole")
    found = tree(tmp_path / "killed")
    assert found == tree(tmp_path / "whole")
    assert not [name for name in found if name.endswith(".tmp")]
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {
        path.name for path in (tmp_path / "whole").iterdir()
    }
