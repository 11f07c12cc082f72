"""COCO as it is written: the same file however the samples come, without searches for cycles in between."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from converters.parts import coco_written
from converters.parts.exported_images import Placed
from curate.basics import keypoints as kp
from curate.data.sample import make_batch


def _hands(count: int) -> pa.RecordBatch:
    random = np.random.default_rng(3)
    seen = random.integers(0, 3, (count, kp.COUNT)).astype(np.uint8)
    seen[0] = 0  # a hand without a labelled point, nor a box
    points = np.where(seen[..., None] > 0, random.uniform(0, 640, (count, kp.COUNT, 2)), np.nan)
    names = [f"s/{i}" for i in range(count)]
    return make_batch(
        count,
        sample_id=names,
        source="s",
        image="a.jpg",
        width=640,
        height=480,
        keypoints=points,
        visibility=seen,
    )


def _written(batches: Iterable[pa.RecordBatch]) -> bytes:
    placed = Placed(Path())
    placed.add("a.jpg", "a.jpg")
    given = list(batches)
    return b"".join(coco_written.encode(lambda: given, placed, Counter()))


def test_a_box_surrounds_the_labelled_points_and_batches_leave_no_trace() -> None:
    batch = _hands(50)
    whole = _written([batch])
    assert _written([batch.slice(0, 0), batch.slice(0, 20), batch.slice(20, 30)]) == whole
    bare, *others = json.loads(whole)["annotations"]
    assert bare["bbox"] == [0, 0, 0, 0]
    for entry in others:
        points = np.array(entry["keypoints"]).reshape(-1, 3)
        points = points[points[:, 2] > 0, :2]
        box = [*points.min(0), *np.ptp(points, axis=0)]
        np.testing.assert_allclose(entry["bbox"], box, atol=1e-3)


def test_no_cycles_are_looked_for_among_the_lists_of_points() -> None:
    """Each search goes through all lists made so far; many of them take as long as the writing."""
    batch = _hands(4000)
    searched = list[int]()

    def told(phase: str, info: dict[str, Any]) -> None:
        searched.append(info["generation"])

    gc.callbacks.append(told)
    try:
        _written([batch])
    finally:
        gc.callbacks.remove(told)
    assert len(searched) < 8
