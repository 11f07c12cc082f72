"""mmpose: its COCO form, and a file of Python that tells of the keypoints and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from converters import coco, mmpose
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset


def test_annotations_and_images_are_those_of_coco(varied: Dataset, tmp_path: Path) -> None:
    assert mmpose.write(varied, tmp_path / "a") == coco.write(varied, tmp_path / "b")
    ours, theirs = (
        {p.relative_to(tmp_path / turn): p.read_bytes() for p in (tmp_path / turn).rglob("*.*")}
        for turn in ("a", "b")
    )
    assert ours.pop(Path("hands.py"))
    assert ours == theirs


def test_the_keypoints_are_told_as_mmpose_asks(varied: Dataset, tmp_path: Path) -> None:
    mmpose.write(varied, tmp_path)
    told: dict[str, Any] = {}
    exec((tmp_path / "hands.py").read_text(), told)
    info = told["dataset_info"]
    points = info["keypoint_info"]
    assert [points[i]["name"] for i in range(kp.COUNT)] == list(kp.NAMES)
    assert {point["swap"] for point in points.values()} == {""}
    links = [tuple(kp.INDEX[name] for name in bone["link"]) for bone in info["skeleton_info"].values()]
    assert links == list(kp.BONES)
    assert len(info["joint_weights"]) == len(info["sigmas"]) == kp.COUNT
    assert 0.015 < np.min(info["sigmas"]) < np.max(info["sigmas"]) < 0.05
