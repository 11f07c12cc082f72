"""Croissant: what the JSON-LD says of the files is so, and every column of theirs is told of."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pyarrow.parquet as pq

from converters import croissant
from curate.data.dataset import Dataset


def test_it_tells_of_every_file_and_column(varied: Dataset, tmp_path: Path) -> None:
    assert croissant.write(varied, tmp_path) == {"sample without a split, put into train": 1}
    told = json.loads((tmp_path / "croissant.json").read_text())
    shards = [entry for entry in told["distribution"] if entry["@type"] == "cr:FileObject"]
    assert sorted(entry["contentUrl"] for entry in shards) == sorted(
        path.relative_to(tmp_path).as_posix() for path in (tmp_path / "data").iterdir()
    )
    for entry in shards:
        data = (tmp_path / entry["contentUrl"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["contentSize"] == f"{len(data)} B"
    splits, hands = told["recordSet"]
    schema = pq.read_schema(tmp_path / shards[0]["contentUrl"])
    assert [field["name"] for field in hands["field"]] == ["split", *schema.names]
    columns = [field["source"]["extract"].get("column") for field in hands["field"][1:]]
    assert columns == schema.names
    by_name = {field["name"]: field for field in hands["field"]}
    assert by_name["image"]["dataType"] == "sc:ImageObject"
    assert by_name["keypoints"]["dataType"] == "cr:Float32"
    assert (by_name["keypoints"]["isArray"], by_name["keypoints"]["arrayShape"]) == (True, "42")
    pattern = by_name["split"]["source"]["transform"]["regex"]
    found = {re.match(pattern, entry["name"])[1] for entry in shards}  # type: ignore[index]
    assert found == {entry["splits/name"] for entry in splits["data"]} == {"train", "validation", "test"}


def test_a_known_licence_is_told_by_its_page(varied: Dataset, tmp_path: Path) -> None:
    croissant.write(varied, tmp_path)
    told = json.loads((tmp_path / "croissant.json").read_text())
    assert told["license"] == ["https://creativecommons.org/licenses/by/4.0/"]
