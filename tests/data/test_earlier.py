"""Datasets of version 1 of the schema are read as they are, and what is made of them is of today's."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.background import background
from curate.basics import files, images
from curate.basics.errors import SchemaError
from curate.build import build
from curate.data import depth
from curate.data.dataset import Dataset
from curate.data.earlier import SCHEMA_1, upgraded
from curate.data.sample import SCHEMA, attrs_of, from_batch
from curate.options.background import BackgroundOptions

# As it was written.
VERSION_1 = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("side", pa.string()),
        pa.field("aspect", pa.string()),
        pa.field("subject_id", pa.string()),
        pa.field("keypoints", pa.list_(pa.float32(), 42), nullable=False),
        pa.field("visibility", pa.list_(pa.uint8(), 21), nullable=False),
        pa.field("xyz", pa.list_(pa.float32(), 63)),
        pa.field("K", pa.list_(pa.float64(), 9)),
        pa.field("mask", pa.string()),
        pa.field("bbox", pa.list_(pa.float32(), 4)),
        pa.field("label_source", pa.string()),
        pa.field("score", pa.float32()),
        pa.field("parent_id", pa.string()),
        pa.field("transform", pa.list_(pa.float64(), 6)),
        pa.field("split", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("tilt", pa.float32()),
        pa.field("rotation", pa.float32()),
        pa.field("sha256", pa.string()),
        pa.field("attrs", pa.string()),
    ]
)
SCORES = [round(0.9 - i / 100, 4) for i in range(20)] + [None]
METRES = np.full((60, 80), 0.5, np.float32)


def row(number: int, **fields: Any) -> dict[str, Any]:
    points = np.stack([np.linspace(22, 58, 21), np.linspace(12, 48, 21)], axis=1).reshape(-1).tolist()
    return dict.fromkeys(VERSION_1.names) | {
        "sample_id": f"s/{number}",
        "source": "s",
        "image": f"{number}.png",
        "keypoints": points,
        "visibility": [2] * 21,
        **fields,
    }


def rows() -> list[dict[str, Any]]:
    scored = {"keypoint_scores": [*SCORES[:20], float("nan")], "looked_at": [1, 2, 3, 4]}
    return [
        row(0, mask="mask.png", attrs='{"depth":"depth.png","model":"procedural"}'),
        row(1, mask="mask.png", attrs='{"depth":"depth.png"}'),
        row(2, label_source="auto:run", score=0.8, attrs=json.dumps(scored)),
        row(3, subject_id="p", attrs='{"depth":12,"keypoint_scores":[1,2]}'),  # a source's own words
        row(4),
    ]


def write_version_1(root: Path) -> Path:
    root.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows(), VERSION_1), root / "samples.parquet", row_group_size=2)
    info = {"schema_version": 1, "sources": ["s"], "licences": [], "history": [], "samples": 5}
    (root / "dataset.json").write_text(json.dumps(info))
    mask = np.zeros((60, 80), np.uint8)
    mask[8:52, 18:62] = 255
    for number in range(5):
        images.write(root / f"{number}.png", np.full((60, 80, 3), 200, np.uint8))
    images.write(root / "mask.png", mask)
    files.write(root / "depth.png", depth.encode(METRES))
    return root


def test_the_first_version_was_this_one() -> None:
    assert SCHEMA_1 == VERSION_1


def test_a_folder_of_version_1_is_read_as_it_is(tmp_path: Path) -> None:
    root = write_version_1(tmp_path / "old")
    before = {path.name: path.read_bytes() for path in root.iterdir()}
    dataset = Dataset(root)
    found = list(dataset)
    assert [sample.depth for sample in found] == ["depth.png", "depth.png", None, None, None]
    assert [sample.attrs for sample in found] == [
        {"model": "procedural"},
        {},
        {"looked_at": [1, 2, 3, 4]},
        {"depth": 12, "keypoint_scores": [1, 2]},
        {},
    ]
    np.testing.assert_array_equal(found[2].keypoint_scores, np.array(SCORES, np.float32))
    assert [sample.keypoint_scores is None for sample in found] == [True, True, False, True, True]
    assert {(sample.clip, sample.frame, sample.track) for sample in found} == {(None, None, None)}
    assert len(dataset) == 5
    assert dataset.fingerprint == hashlib.sha256(before["dataset.json"]).hexdigest()
    assert [batch.num_rows for batch in dataset.batches(3)] == [3, 2]
    assert all(batch.schema == SCHEMA for batch in dataset.batches(2))
    assert dataset.table().schema == SCHEMA
    assert dataset.table(["depth", "sample_id"]).to_pylist()[1] == {"depth": "depth.png", "sample_id": "s/1"}
    assert dataset.table(["attrs"]).column(0).to_pylist()[:2] == ['{"model":"procedural"}', None]
    assert dataset.table(["split", "image"]).column_names == ["split", "image"]
    assert dataset.photos() == [f"s/{i}" for i in range(5)]
    assert dataset.to_pandas()["depth"].notna().tolist() == [True, True, False, False, False]
    assert {path.name: path.read_bytes() for path in root.iterdir()} == before


def test_what_a_stage_makes_of_it_is_of_todays_version(tmp_path: Path) -> None:
    root = write_version_1(tmp_path / "old")
    summary = background(root, tmp_path / "new", BackgroundOptions(backgrounds="noise"), quiet=True)
    assert summary.samples == 2  # those with a mask
    made = Dataset(tmp_path / "new")
    assert made.info["schema_version"] == 2
    assert pq.read_schema(made.root / "samples.parquet") == SCHEMA
    for sample in made:
        assert sample.depth == "../old/depth.png"
        np.testing.assert_allclose(depth.read(made.root / sample.depth, 80, 60), METRES, atol=1e-4)
    assert made.info["history"][-1]["inputs"] == [Dataset(root).fingerprint]
    build([root], tmp_path / "set", quiet=True)
    trained = list(Dataset(tmp_path / "set"))
    assert Dataset(tmp_path / "set").info["schema_version"] == 2
    np.testing.assert_array_equal(trained[2].keypoint_scores, np.array(SCORES, np.float32))
    assert trained[2].attrs == {"looked_at": [1, 2, 3, 4]}
    assert {sample.depth for sample in trained} == {None}


def test_an_empty_one(tmp_path: Path) -> None:
    root = write_version_1(tmp_path / "old")
    pq.write_table(VERSION_1.empty_table(), root / "samples.parquet")
    dataset = Dataset(root)
    assert (list(dataset), dataset.photos(), dataset.table().num_rows) == ([], [], 0)
    assert dataset.table(["depth"]).column_names == ["depth"]


def test_a_version_that_its_table_contradicts_is_refused(tmp_path: Path) -> None:
    root = write_version_1(tmp_path / "old")
    info = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps({**info, "schema_version": 2}))
    with pytest.raises(SchemaError, match=r"columns that do not fit the schema .*'depth'"):
        Dataset(root)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(
        st.none()
        | st.sampled_from(['"depth"', '["depth","depth"]', '{"depth":', "null", '{"depth":""}'])
        | st.dictionaries(
            st.sampled_from(["depth", "keypoint_scores", "age"]),
            JSON | st.lists(st.floats(width=32) | st.none(), min_size=21, max_size=21),
        ).map(json.dumps),
        max_size=4,
    )
)
def test_nothing_in_attrs_is_lost(texts: list[str | None]) -> None:
    batch = pa.RecordBatch.from_pylist([row(i, attrs=text) for i, text in enumerate(texts)], VERSION_1)
    after = upgraded(batch)
    assert after.schema == SCHEMA
    for name in set(VERSION_1.names) - {"attrs"}:
        assert after.column(name).equals(batch.column(name))
    lifted = zip(
        *(after.column(name).to_pylist() for name in ("attrs", "depth", "keypoint_scores")), strict=True
    )
    for before, (attrs, place, scores) in zip(texts, lifted, strict=True):
        if place is None and scores is None:
            assert attrs == before
            continue
        found = attrs_of(attrs)
        if place is not None:
            found["depth"] = place
        if scores is not None:
            found["keypoint_scores"] = attrs_of(before)["keypoint_scores"]
            known = np.array(found["keypoint_scores"], np.float32)
            np.testing.assert_array_equal(np.array(scores, np.float32), known)
        assert json.dumps(found, sort_keys=True) == json.dumps(attrs_of(before), sort_keys=True)
    readable = [text for text in texts if text != '{"depth":']
    if len(readable) == len(texts):
        assert len(list(from_batch(after))) == len(texts)
