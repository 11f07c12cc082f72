"""FiftyOne: an image a document, points as shares with NaN where not labelled, every declared field there."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from converters import fiftyone
from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    metadata, samples = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("metadata", "samples")
    )
    return metadata, samples["samples"]


def number(value: Any) -> float:
    return math.nan if value == {"$numberDouble": "NaN"} else float(value)


def test_hands_come_back_from_the_shares(varied: Dataset, tmp_path: Path) -> None:
    assert fiftyone.write(varied, tmp_path) == {}
    _, samples = read(tmp_path)
    assert [len(sample["hands"]["keypoints"]) for sample in samples] == [2, 2, 2, 2]
    hands = {hand["sample_id"]: (hand, sample) for sample in samples for hand in sample["hands"]["keypoints"]}
    for before in varied:
        hand, sample = hands[before.sample_id]
        size = np.array([sample["metadata"]["width"], sample["metadata"]["height"]])
        points = np.array([[number(v) for v in point] for point in hand["points"]]) * size
        np.testing.assert_allclose(points, before.keypoints, rtol=1e-6)
        assert hand["visibility"] == before.visibility.tolist()
        assert hand["label"] == before.side
        assert hand["subject_id"] == before.subject_id
        assert hand.get("attrs", {}) == before.attrs
        assert (images.read(tmp_path / sample["filepath"]) == varied.read_image(before)).all()
        if before.bbox is not None:
            (box,) = [b for b in sample["boxes"]["detections"] if b["sample_id"] == before.sample_id]
            np.testing.assert_allclose(np.array(box["bounding_box"]) * np.tile(size, 2), before.bbox)
        if before.mask is not None:
            path = tmp_path / sample["mask"]["mask_path"]
            assert path.read_bytes() == (varied.root / before.mask).read_bytes()
        if before.keypoint_scores is not None:
            np.testing.assert_allclose(hand["confidence"], before.keypoint_scores)
    assert "depth" in hands["toy/5"][1]
    assert hands["toy/0"][1]["tags"] == ["train"]


def test_the_skeleton_and_the_fields_are_declared(varied: Dataset, tmp_path: Path) -> None:
    fiftyone.write(varied, tmp_path)
    metadata, samples = read(tmp_path)
    skeleton = metadata["skeletons"]["hands"]
    assert skeleton["labels"] == list(kp.NAMES)
    assert [tuple(edge) for edge in skeleton["edges"]] == list(kp.BONES)
    fields = {field["db_field"]: field for field in metadata["sample_fields"]}
    assert set().union(*samples) <= set(fields)
    (items,) = fields["hands"]["fields"]
    declared = {field["db_field"] for field in items["fields"]} | {"_cls", "attributes"}
    assert {key for sample in samples for hand in sample["hands"]["keypoints"] for key in hand} <= declared


def test_ids_are_of_mongodb_and_settled(varied: Dataset, tmp_path: Path) -> None:
    for turn in ("a", "b"):
        fiftyone.write(varied, tmp_path / turn)
    assert (tmp_path / "a/samples.json").read_bytes() == (tmp_path / "b/samples.json").read_bytes()
    _, samples = read(tmp_path / "a")
    ids = [s["_id"]["$oid"] for s in samples]
    ids += [hand["_id"]["$oid"] for s in samples for hand in s["hands"]["keypoints"]]
    assert len(set(ids)) == 12
    assert {len(bytes.fromhex(i)) for i in ids} == {12}
