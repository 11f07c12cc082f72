"""A pipe in the place of a file is refused; nothing waits for somebody to write into it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.parts.hand_info import read_hand_info
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.predictions import read_predictions
from curate.data.split import from_list
from qa.finding import read_findings
from qa.review.decisions import read_decisions


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("HandInfo.csv", read_hand_info),
        ("predictions.parquet", read_predictions),
        ("split.csv", lambda path: from_list(path, ["a"], ["p"], ["a.jpg"])),
        ("findings.parquet", lambda path: read_findings(path.parent)),
        ("decisions.jsonl", read_decisions),
    ],
)
def test_a_pipe_is_no_file(tmp_path: Path, name: str, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=r"not a regular file"):
        read(tmp_path / name)


def test_a_pipe_is_no_quarantine(drawn_dataset: Path, tmp_path: Path) -> None:
    for name in ("dataset.json", "samples.parquet"):
        (tmp_path / name).write_bytes((drawn_dataset / name).read_bytes())
    os.mkfifo(tmp_path / "quarantine.jsonl")
    with pytest.raises(InputError, match=r"not a regular file"):
        Dataset(tmp_path).quarantine()
