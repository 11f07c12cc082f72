"""Predictions of other tools: Parquet and COCO results, and what is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.basics.errors import InputError
from curate.data.given_predictions import read_given

POINTS = [[float(n), float(2 * n)] for n in range(21)]


def coco(path: Path, *entries: dict[str, Any]) -> Path:
    path.write_text(json.dumps(list(entries)))
    return path


def result(name: str, *, score: float = 0.5, shift: float = 0.0) -> dict[str, Any]:
    keypoints = [number for x, y in POINTS for number in (x + shift, y, 0.75)]
    return {"image_id": name, "category_id": 1, "keypoints": keypoints, "score": score}


def of_count(count: int) -> str:
    """The text of a file with a result of so many numbers."""
    return json.dumps([{"image_id": "a/1", "keypoints": [5.0] * count}])


def test_coco_results_are_read_by_sample_and_the_best_of_several_counts(tmp_path: Path) -> None:
    lacking = result("a/3")
    lacking["keypoints"][3 * 4 + 2] = 0
    entries = (result("a/2", shift=9, score=0.4), result("a/2"), result("other/1"), lacking)
    given = read_given(coco(tmp_path / "results.json", *entries), ["a/1", "a/2", "a/3"])
    assert np.isnan(given.points[0]).all()
    assert given.scores[0].tolist() == [0.0] * 21
    assert given.points[1].tolist() == POINTS
    assert given.scores[1].tolist() == [0.75] * 21
    assert np.isnan(given.points[2, 4]).all()
    assert given.scores[2, 4] == 0
    assert given.unmatched == 1


@pytest.mark.parametrize("nested", [True, False])
def test_parquet_is_read_with_or_without_scores(tmp_path: Path, nested: bool) -> None:
    predicted = POINTS if nested else [number for point in POINTS for number in point]
    columns: dict[str, Any] = {"sample_id": ["a/1"], "predicted": [predicted]}
    pq.write_table(pa.table(columns), tmp_path / "plain.parquet")
    given = read_given(tmp_path / "plain.parquet", ["a/1"])
    assert given.points[0].tolist() == POINTS
    assert given.scores[0].tolist() == [1.0] * 21
    pq.write_table(pa.table({**columns, "score": [[0.5] * 20 + [3.0]]}), tmp_path / "scored.parquet")
    assert read_given(tmp_path / "scored.parquet", ["a/1"]).scores[0].tolist() == [0.5] * 20 + [1.0]


def test_parquet_is_read_from_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"d\xe9")
    folder.mkdir()
    with (folder / "p.parquet").open("wb") as file:
        pq.write_table(pa.table({"sample_id": ["a/1"], "predicted": [POINTS]}), file)
    assert read_given(folder / "p.parquet", ["a/1"]).points[0].tolist() == POINTS


def test_numbers_that_are_no_places_are_no_predictions(tmp_path: Path) -> None:
    entry = result("a/1")
    entry["keypoints"][0], entry["keypoints"][4] = 1e30, None
    entry["score"] = "high"
    given = read_given(coco(tmp_path / "results.json", entry), ["a/1"])
    assert np.isnan(given.points[0, 0]).any()
    assert np.isnan(given.points[0, 1]).any()
    assert (given.scores[0, :2] == 0).all()
    assert given.points[0, 2].tolist() == POINTS[2]


@pytest.mark.parametrize("score", ["0.9", None, ..., float("nan"), 10**400], ids=str)
def test_a_hand_without_a_number_as_score_gives_way_and_is_counted(tmp_path: Path, score: object) -> None:
    """Of text and null the last counted without a word, and a hand without a score came before all."""
    doubtful, single = result("a/1", shift=9), result("a/2")
    for entry in (doubtful, single):
        entry["score"] = score
        if score is ...:
            del entry["score"]
    given = read_given(coco(tmp_path / "r.json", result("a/1"), doubtful, single), ["a/1", "a/2"])
    assert given.points[0].tolist() == POINTS
    assert (given.outdone, given.unscored) == (1, 1), "the score of a hand that is alone does not matter"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("{", "not readable"),
        ("[" * 100_000, "not readable"),
        ('{"annotations": []}', "not a list of objects"),
        ("[1]", "not a list of objects"),
        ("[]", "no prediction for a sample of this split"),
        ('[{"image_id": "a/1"}]', "result 0: keypoints: None; allowed: 63 numbers"),
        ('[{"image_id": "a/1", "keypoints": [[1, 2], "x"]}]', "allowed: 63 numbers"),
        (of_count(60), "result 0: keypoints: 60 numbers; allowed: 63 numbers"),
        (of_count(0), r"result 0: keypoints: \[\]; allowed: 63 numbers"),
    ],
)
def test_other_json_is_refused_in_a_line(tmp_path: Path, content: str, line: str) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match=line):
        read_given(tmp_path / "results.json", ["a/1"])


def test_other_parquet_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    pq.write_table(pa.table({"sample_id": ["a/1"]}), path)
    with pytest.raises(InputError, match="other columns; allowed: sample_id, predicted"):
        read_given(path, ["a/1"])
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"not readable \(no Parquet file, or a damaged one\); allowed: "):
        read_given(path, ["a/1"])


def test_shares_of_the_image_are_refused(tmp_path: Path) -> None:
    """Their errors were told as those of any other predictions."""
    shares = result("a/1")
    shares["keypoints"] = [n if i % 3 == 2 else n / 96 for i, n in enumerate(shares["keypoints"])]
    with pytest.raises(InputError, match="coordinates within -1 to 1; allowed: pixels"):
        read_given(coco(tmp_path / "results.json", shares), ["a/1"])


@pytest.mark.parametrize("name", ["none.parquet", "none.json"])
def test_a_file_that_is_not_there_is_told_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: no such file; allowed: Parquet, or COCO results as .json"):
        read_given(tmp_path / name, ["a/1"])


@pytest.mark.parametrize("name", ["folder.parquet", "folder.json"])
def test_a_folder_is_no_file_of_predictions(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"not readable \(not a regular file\)"):
        read_given(tmp_path / name, ["a/1"])
