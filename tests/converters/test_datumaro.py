"""Datumaro: a JSON file a split, a hand as points and box of one group."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from converters import datumaro
from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset


def test_hands_come_back_split_by_split(varied: Dataset, tmp_path: Path) -> None:
    counts = datumaro.write(varied, tmp_path)
    assert counts == {"mask": 4, "depth": 1, "sample in the split of another hand of its image": 1}
    found = {}
    for path in sorted((tmp_path / "annotations").iterdir()):
        content = json.loads(path.read_text())
        labels = [label["name"] for label in content["categories"]["label"]["labels"]]
        for points in content["categories"]["points"]["items"]:
            assert points["labels"] == list(kp.NAMES)
            assert [tuple(joint) for joint in points["joints"]] == list(kp.BONES)
        for item in content["items"]:
            image = images.read(tmp_path / "images" / path.stem / item["image"]["path"])
            assert item["image"]["size"] == list(image.shape[:2])
            for entry in item["annotations"]:
                if entry["type"] == "points":
                    boxes = [a for a in item["annotations"] if a["type"] == "bbox"]
                    own = [a["bbox"] for a in boxes if a["group"] == entry["group"]]
                    found[entry["attributes"]["sample_id"]] = (path.stem, labels, entry, own)
    assert sorted(found) == [f"toy/{i}" for i in range(8)]
    assert [found[f"toy/{i}"][0] for i in (0, 2, 4, 6)] == ["train", "default", "val", "test"]
    for sample in varied:
        _, labels, entry, boxes = found[sample.sample_id]
        points = np.array(entry["points"], np.float32).reshape(-1, 2)
        assert np.array_equal(points, np.nan_to_num(sample.keypoints))
        assert entry["visibility"] == sample.visibility.tolist()
        assert labels[entry["label_id"]] == sample.side
        assert entry["attributes"]["subject_id"] == sample.subject_id
        assert boxes == ([] if sample.bbox is None else [sample.bbox.tolist()])
