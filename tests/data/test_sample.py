"""Samples through Arrow and back, and what a batch refuses."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curate.basics import geometry
from curate.data import sample as sm
from curate.data.sample import Sample

COORDINATE = st.floats(-1e4, 1e4, width=32)
TEXT = st.none() | st.text(max_size=8)
ATTRS = st.dictionaries(
    st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans() | st.none(), max_size=3
)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    points = draw(arrays(np.float32, (21, 2), elements=COORDINATE))
    seen = draw(arrays(np.uint8, 21, elements=st.integers(0, 2)))
    points[seen == 0] = np.nan
    maybe = {
        "xyz": arrays(np.float32, (21, 3), elements=st.floats(-10, 10, width=32)),
        "K": arrays(np.float64, (3, 3), elements=COORDINATE),
        "bbox": arrays(np.float32, 4, elements=COORDINATE),
        "transform": arrays(np.float64, (2, 3), elements=COORDINATE),
        "score": st.floats(0, 1, width=32),
        "width": st.integers(1, 10_000),
        "side": st.sampled_from(["left", "right"]),
        "subject_id": TEXT,
        "mask": TEXT,
        "depth": TEXT,
        "keypoint_scores": arrays(np.float32, 21, elements=st.floats(0, 1, width=32) | st.just(np.nan)),
        "clip": TEXT,
        "frame": st.integers(0, 2**31 - 1),
        "track": TEXT,
        "split": TEXT,
    }
    values = {name: draw(st.none() | strategy) for name, strategy in maybe.items()}
    if values["keypoint_scores"] is not None and np.isnan(values["keypoint_scores"]).all():
        values["keypoint_scores"] = None  # no score at all
    return Sample(
        draw(st.text()), "s", "a.png", keypoints=points, visibility=seen, attrs=draw(ATTRS), **values
    )


@given(st.lists(samples(), max_size=4))
def test_to_arrow_and_back(before: list[Sample]) -> None:
    batch = sm.to_batch(before)
    assert batch.schema == sm.SCHEMA
    after = list(sm.from_batch(batch))
    assert len(after) == len(before)
    for a, b in zip(after, before, strict=True):
        for name in sm.SCHEMA.names:
            x, y = getattr(a, name), getattr(b, name)
            if isinstance(x, np.ndarray):
                np.testing.assert_array_equal(x, y)
                assert x.dtype == y.dtype
            else:
                assert x == y, name
    assert sm.replace_columns(batch).equals(batch)


def test_an_unlabelled_point_is_null_on_disk_and_never_zero() -> None:
    points = np.zeros((21, 2), np.float32)
    seen = np.array([0] + [2] * 20)
    batch = sm.to_batch([Sample("s/1", "s", "a.png", keypoints=points, visibility=seen)])
    stored = batch.column("keypoints").to_pylist()[0]
    assert stored[:2] == [None, None]
    assert stored[2:] == [0.0] * 40
    xy, visibility = sm.labelled_points(batch)
    assert np.isnan(xy[0, 0]).all()
    assert visibility[0].tolist() == seen.tolist()


@given(st.integers(0, 3), st.integers(0, 4))
def test_slices_and_tables_read_the_same(start: int, length: int) -> None:
    many = [Sample(f"s/{i}", "s", "a", K=np.eye(3) * i if i % 2 else None) for i in range(5)]
    batch = sm.to_batch(many)
    table = pa.Table.from_batches([batch.slice(0, 2), batch.slice(2)])
    whole = sm.to_numpy(batch, "K")
    np.testing.assert_array_equal(sm.to_numpy(batch.slice(start, length), "K"), whole[start : start + length])
    np.testing.assert_array_equal(sm.to_numpy(table, "K"), whole)
    assert sm.to_numpy(table.slice(0, 0), "K").shape == (0, 3, 3)
    assert sm.to_numpy(pa.Table.from_batches([], sm.SCHEMA), "K").shape == (0, 3, 3)


def test_scalars_lists_and_nulls_make_columns() -> None:
    batch = sm.make_batch(
        2, sample_id=["a", "b"], source="s", image=pa.array(["1", "2"]), width=7,
        attrs=[{"b": 1, "a": "é"}, {}],
        score=[0.5, float("nan")],
    )  # fmt: skip
    assert batch.column("width").to_pylist() == [7, 7]
    assert batch.column("attrs").to_pylist() == ['{"a":"é","b":1}', None]
    assert batch.column("score").to_pylist() == [0.5, None]
    assert batch.column("bbox").to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"colour": "red"}, "unknown columns"),
        ({"visibility": np.full((1, 21), 3)}, "visibility: 3; allowed: 0, 1 or 2"),
        ({"visibility": np.full((1, 21), 0.5)}, r"visibility: 0\.5; allowed"),
        ({"visibility": np.full((1, 21), 2)}, "not finite"),
        ({"visibility": np.full((1, 21), 2), "keypoints": np.full((1, 21, 2), np.inf)}, "not finite"),
        ({"keypoints": np.zeros((1, 20, 2))}, r"shape \(20, 2\); allowed: numbers, of shape \(21, 2\)"),
        ({"keypoints": np.zeros((1, 2, 21))}, r"shape \(2, 21\)"),
        ({"bbox": np.zeros((1, 3))}, r"bbox: shape \(3,\); allowed: numbers, of shape \(4,\)"),
        ({"width": "wide"}, "width: .*; allowed: a whole number"),
        ({"width": 60.5}, r"width: .*60\.5.*; allowed: a whole number"),
    ],
)
def test_what_a_batch_refuses(columns: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sm.make_batch(1, sample_id="a", source="s", image="i", **columns)


@given(st.text(), st.text())
def test_file_stems_are_safe_and_differ(one: str, other: str) -> None:
    stem = sm.file_stem(one)
    assert stem.isascii()
    assert not set(stem) & set('/\\:*?"<>|. \0')
    assert 0 < len(stem) <= 90
    assert (stem == sm.file_stem(other)) == (one == other)


def test_moved_by_hand() -> None:
    """To half the size after a shift by (-10, -20); and again: the way back is that of both."""
    sample = Sample(
        "s/1", "s", "a.png",
        keypoints=np.full((21, 2), 30.0, np.float32), visibility=np.full(21, 2, np.uint8),
        bbox=np.array([10, 20, 40, 60], np.float32), K=np.array([[100.0, 0, 30], [0, 100, 40], [0, 0, 1]]),
    )  # fmt: skip
    sample.depth, sample.clip, sample.frame, sample.track = "depth/1.png", "take 1", 7, "left"
    sample.keypoint_scores = np.linspace(0, 1, 21, dtype=np.float32)
    half = np.array([[0.5, 0, -5], [0, 0.5, -10]])
    once = sm.moved(sample, half, "s/0")
    np.testing.assert_allclose(once.keypoints[0], (10, 5))
    np.testing.assert_allclose(once.bbox, (0, 0, 20, 30))
    np.testing.assert_allclose(once.K, [[50, 0, 10], [0, 50, 10], [0, 0, 1]])
    np.testing.assert_allclose(once.transform, [[2, 0, 10], [0, 2, 20]])
    assert once.parent_id == "s/0"
    assert once.depth is None  # it does not fit the new image
    assert (once.clip, once.frame, once.track) == ("take 1", 7, "left")
    np.testing.assert_array_equal(once.keypoint_scores, sample.keypoint_scores)
    twice = sm.moved(once, half, "s/1")
    assert twice.parent_id == "s/0"
    np.testing.assert_allclose(geometry.apply(twice.transform, twice.keypoints), sample.keypoints)
    assert sample.transform is None


def test_json_is_canonical() -> None:
    assert sm.json_text({"b": 1, "a": 2}) == sm.json_text({"a": 2, "b": 1})
    assert json.loads(sm.json_text({"a": [1, None]}) or "") == {"a": [1, None]}
    assert sm.json_text({}) is None


@given(st.lists(st.text(), unique=True, max_size=20), st.integers(0, 10**8))
def test_files_of_many_samples_lie_in_folders(ids: list[str], count: int) -> None:
    places = [sm.file_place(sample_id, count) for sample_id in ids]
    assert [place.rpartition("/")[2] for place in places] == [sm.file_stem(sample_id) for sample_id in ids]
    for folder, _, name in (place.rpartition("/") for place in places):
        assert bool(folder) == (count > 10_000)
        assert name.rpartition("-")[2].startswith(folder)
        assert count / 16 ** len(folder) <= 10_000  # what a folder holds, if hashes fall evenly


def test_files_fall_evenly_enough_into_folders() -> None:
    folders = Counter(sm.file_place(f"hand/{i}", 200_000).partition("/")[0] for i in range(200_000))
    assert max(folders.values()) < 10_000
