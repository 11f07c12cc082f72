"""A damaged dataset, or a stranger's, is told in one line that names the file and the field."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.basics.errors import SchemaError
from curate.crop import crop
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, Sample
from tests.conftest import Store

PICTURE = np.zeros((40, 60, 3), np.uint8)


@pytest.fixture
def root(store: Store, flat_hand: np.ndarray, tmp_path: Path) -> Path:
    seen, box = np.full(21, 2, np.uint8), np.array([1, 2, 30, 30], np.float32)
    samples = [
        Sample(
            *(f"s/{i}", "s", "1.png", 60, 40),
            side="left",
            keypoints=flat_hand / 5,
            visibility=seen,
            bbox=box,
            attrs={"age": i},
        )
        for i in range(3)
    ]
    return store(tmp_path / "data", samples, {"1.png": PICTURE})


def rewrite(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    rows = pq.read_table(root / "samples.parquet").to_pylist()
    change(rows[1])
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), root / "samples.parquet")


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("attrs", "[1]", "'[1]'"),
        ("attrs", "{", "'{'"),
        ("attrs", '{"age": -1e999}', "allowed: a JSON object"),
        ("score", float("inf"), "allowed: a finite number, or null"),
        ("attrs", "[" * 100_000, "JSON object"),
        ("attrs", '{"a": ' + "9" * 5000 + "}", "JSON object"),
        ("visibility", [9] * 21, "allowed: 0, 1 or 2"),
        ("side", "Left", "allowed: left, right, or null"),
        ("aspect", "", "allowed: dorsal, palmar, or null"),
        ("split", "Train", "allowed: train, val, test, or null"),
        ("bbox", [50, 50, -20, 30], "[50.0, 50.0, -20.0, 30.0]"),
        ("keypoints", [None] * 42, "without finite coordinates"),
        ("keypoints", [float("inf")] * 42, "an infinite number"),
        ("xyz", [float("-inf")] + [0.0] * 62, "an infinite number"),
        ("tilt", float("inf"), "allowed: degrees, or null"),
        ("attrs", r'{"a": "\ud800"}', "JSON object"),
        ("bbox", [1, 2, None, 4], "missing or not finite"),
        ("transform", [float("nan")] * 6, "missing or not finite"),
    ],
)
def test_values_that_no_dataset_holds(root: Path, field: str, value: object, found: str) -> None:
    rewrite(root, lambda row: row.update({field: value}))
    with pytest.raises(SchemaError) as told:
        list(Dataset(root))
    line = str(told.value)
    assert f"samples.parquet: {field}: " in line
    assert found in line
    assert "'s/1'" in line
    assert line.isprintable()
    assert len(line) < 400


def test_a_sample_without_a_name(root: Path) -> None:
    rewrite(root, lambda row: row.update(sample_id=""))
    with pytest.raises(SchemaError, match=r"samples\.parquet: sample_id: '' .*allowed: a name"):
        list(Dataset(root))


def test_what_is_no_number_in_attrs_of_earlier_versions_is_null(root: Path) -> None:
    rewrite(root, lambda row: row.update(attrs='{"age": NaN, "far": [-Infinity]}'))
    assert [sample.attrs for sample in Dataset(root)] == [
        {"age": 0},
        {"age": None, "far": [None]},
        {"age": 2},
    ]


def test_what_is_sound_is_read(root: Path) -> None:
    rewrite(root, lambda row: row.update(attrs=None, bbox=None, side=None, width=None))
    assert [sample.side for sample in Dataset(root)] == ["left", None, "left"]


def test_twins_of_ids(root: Path) -> None:
    rewrite(root, lambda row: row.update(sample_id="s/0"))
    with pytest.raises(SchemaError, match="sample_id: 's/0' occurs more than once"):
        crop(root, root.parent / "out")


def test_a_path_that_is_none_is_one_samples_matter(root: Path) -> None:
    rewrite(root, lambda row: row.update(image="a\0b"))
    summary = crop(root, root.parent / "out")
    assert (summary.samples, summary.quarantined) == (2, 1)


def test_pages_that_are_damaged(root: Path) -> None:
    data = bytearray((root / "samples.parquet").read_bytes())
    data[40:400] = b"x" * 360
    (root / "samples.parquet").write_bytes(data)
    with pytest.raises(SchemaError, match=r"samples\.parquet: damaged .*; make the dataset again"):
        list(Dataset(root))
    with pytest.raises(SchemaError, match=r"samples\.parquet: damaged"):
        Dataset(root).table()


def test_text_that_is_no_utf8(root: Path) -> None:
    table = pq.read_table(root / "samples.parquet")
    broken = pa.array([b"s", b"\xff\xfe", b"s"], pa.binary()).view(pa.string())
    place = table.schema.get_field_index("source")
    pq.write_table(table.set_column(place, SCHEMA.field("source"), broken), root / "samples.parquet")
    with pytest.raises(SchemaError, match=r"samples\.parquet: damaged .*UTF"):
        list(Dataset(root))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"history": 5}, "history"),
        ({"history": [5]}, r"history\[0\]"),
        ({"history": [{"options": 3, "stage": "crop"}]}, r"history\[0\]\.options"),
        ({"history": [{"options": {}}]}, r"history\[0\]"),
        ({"history": [{"stage": "crop", "counts": {"dropped": 5}}]}, r"history\[0\]\.counts\.dropped"),
        ({"history": [{"stage": "crop", "counts": {"out": "5"}}]}, r"history\[0\]\.counts\.out"),
        ({"sources": "a"}, "sources"),
        ({"licences": [None]}, r"licences\[0\]"),
        ({"refers_to": "/"}, "refers_to"),
        ({"schema_version": "1"}, "schema_version"),
    ],
)
def test_a_dataset_json_of_other_types(root: Path, change: dict[str, Any], field: str) -> None:
    info = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps(info | change))
    with pytest.raises(SchemaError, match=rf"dataset\.json: {field}: "):
        Dataset(root)


def test_a_dataset_json_that_cannot_be_written_again(root: Path) -> None:
    info = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps(info | {"licences": ["\ud800"]}))
    with pytest.raises(SchemaError, match=r"does not parse .*not valid Unicode"):
        Dataset(root)


def test_a_dataset_json_without_history(root: Path) -> None:
    info = json.loads((root / "dataset.json").read_text())
    del info["history"]
    (root / "dataset.json").write_text(json.dumps(info))
    assert crop(root, root.parent / "out").samples == 3


@pytest.mark.parametrize("text", ["[" * 200_000, "{", '{"schema_version": ' + "9" * 5000 + "}", "[]"])
def test_a_dataset_json_that_does_not_parse(root: Path, text: str) -> None:
    (root / "dataset.json").write_text(text)
    with pytest.raises(SchemaError, match=r"dataset\.json: does not parse"):
        Dataset(root)


def test_a_table_that_is_a_pipe(root: Path) -> None:
    (root / "samples.parquet").unlink()
    os.mkfifo(root / "samples.parquet")
    with pytest.raises(SchemaError, match="not a regular file"):
        Dataset(root)
