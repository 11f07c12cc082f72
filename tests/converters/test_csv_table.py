"""CSV for people: what stands in it, that pandas reads the same numbers back, and what a spreadsheet runs."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from converters import csv_table
from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset, from_pandas
from curate.data.sample import to_numpy


def test_a_row_a_hand_in_words_and_numbers(varied: Dataset, tmp_path: Path) -> None:
    counts = csv_table.write(varied, tmp_path)
    with open(tmp_path / "samples.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["sample_id"] for row in rows] == [f"toy/{i}" for i in range(8)]
    assert [row["wrist_x"] for row in rows][1:4] == ["-12.5", rows[2]["wrist_x"], ""]
    assert rows[3]["wrist_v"] == "0"
    assert rows[2]["subject_id"] == "'=1+1"
    assert rows[2]["split"] == ""
    assert rows[6]["attrs"] == '{"age":33,"note":"<b>|---\\n x"}'
    assert rows[6]["score"] == "0.9"
    assert rows[0]["bbox_x"] == "10.5"
    assert (images.read(tmp_path / rows[0]["image"]) == varied.read_image(next(iter(varied)))).all()
    assert not {"tilt", "clip", "mask"} & rows[0].keys()
    assert counts == {
        "mask": 4,
        "depth": 1,
        "text that a spreadsheet would run, put behind an apostrophe": 1,
    }


def test_pandas_reads_the_same_numbers_back(varied: Dataset, tmp_path: Path) -> None:
    csv_table.write(varied, tmp_path)
    frame = pd.read_csv(tmp_path / "samples.csv")
    batch = from_pandas(frame)
    for name in ("keypoints", "visibility"):
        assert np.array_equal(
            to_numpy(batch, name), to_numpy(varied.table(), name), equal_nan=name == "keypoints"
        )
    metres = frame[[f"{name}_{axis}_m" for name in kp.NAMES for axis in "xyz"]].to_numpy(np.float32)
    assert np.array_equal(metres.reshape(-1, 21, 3), to_numpy(varied.table(), "xyz"), equal_nan=True)


def test_samples_whose_images_are_all_missing_are_counted(varied: Dataset, tmp_path: Path) -> None:
    shutil.copytree(varied.root, tmp_path / "own")
    for image in {sample.image for sample in varied}:
        (tmp_path / "own" / image).unlink()
    counts = csv_table.write(Dataset(tmp_path / "own"), tmp_path / "out")
    assert counts["left out: sample without an image"] == 8
    with open(tmp_path / "out" / "samples.csv", encoding="utf-8-sig", newline="") as file:
        assert list(csv.DictReader(file)) == []


def test_it_starts_as_spreadsheets_know_utf_8(varied: Dataset, tmp_path: Path) -> None:
    csv_table.write(varied, tmp_path)
    assert (tmp_path / "samples.csv").read_bytes().startswith(b"\xef\xbb\xbfsample_id,")
