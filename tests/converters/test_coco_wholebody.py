"""COCO-WholeBody: two hands a person, each only where it is valid."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import coco_wholebody
from curate.basics import images
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample, from_batch
from curate.data.source import Source

NONE = [0.0] * 63


def hand(v: float, x: float = 5.5) -> list[float]:
    return [number for i in range(21) for number in (x + i, 30.0 - i, v)]


def read(root: Path) -> tuple[list[Sample], list[Part]]:
    parts = list(coco_wholebody.read(Source(root)))
    return [s for part in parts for s in from_batch(part.batch)], parts


def save(root: Path, people: list[dict[str, Any]]) -> None:
    images.write(root / "images" / "1.png", np.zeros((40, 40, 3), np.uint8))
    blank = {"lefthand_valid": False, "righthand_valid": False, "lefthand_kpts": NONE, "righthand_kpts": NONE}
    entries = [{"id": 1, "file_name": "1.png", "width": 40, "height": 40}]
    annotations = [
        {"id": i, "image_id": 1, "keypoints": [0] * 51, **blank, **p} for i, p in enumerate(people)
    ]
    (root / "coco_wholebody_val_v1.0.json").write_text(
        json.dumps({"images": entries, "annotations": annotations})
    )


def test_both_hands_of_a_person(tmp_path: Path) -> None:
    both = {
        "lefthand_valid": True,
        "righthand_valid": True,
        "lefthand_kpts": hand(2),
        "righthand_kpts": hand(1, 9),
    }
    save(tmp_path, [{**both, "lefthand_box": [1, 2, 3, 4], "righthand_box": [0, 0, 0, 0]}, {}])
    samples, parts = read(tmp_path)
    assert [(s.sample_id, s.side, s.split) for s in samples] == [
        ("coco-wholebody/coco_wholebody_val_v1.0/0-left", "left", "val"),
        ("coco-wholebody/coco_wholebody_val_v1.0/0-right", "right", "val"),
    ]
    assert [set(s.visibility) for s in samples] == [{2}, {1}]
    assert [s.keypoints[0, 0] for s in samples] == [5.5, 9]
    assert samples[0].bbox is not None
    assert samples[0].bbox.tolist() == [1, 2, 3, 4]
    assert samples[1].bbox is None
    assert sum((p.absent for p in parts), Counter()) == {"left hand not valid": 1, "right hand not valid": 1}


def test_scores(tmp_path: Path) -> None:
    points = hand(0.25)
    points[2] = 0.0
    save(tmp_path, [{"lefthand_valid": 1, "lefthand_kpts": points}])
    (sample,), parts = read(tmp_path)
    assert sample.visibility.tolist() == [0, *[2] * 20]
    assert sample.score == pytest.approx(0.25)
    assert parts[-1].notes["visibility_score_read_as_visible"] == 20


@pytest.mark.parametrize("count", [60, 42, 66])
def test_a_hand_of_another_number_of_points_is_told_as_that(count: int, tmp_path: Path) -> None:
    points = (hand(2) + hand(2))[:count]
    save(
        tmp_path,
        [{"lefthand_valid": True, "lefthand_kpts": points, "righthand_valid": 1, "righthand_kpts": hand(2)}],
    )
    samples, parts = read(tmp_path)
    assert [s.side for s in samples] == ["right"]
    ((_, reason),) = [entry for part in parts for entry in part.quarantine]
    assert reason == f"lefthand_kpts: {count} numbers; allowed: 63, 21 x (x, y, v)"


def test_a_valid_hand_without_points_is_counted(tmp_path: Path) -> None:
    save(tmp_path, [{"lefthand_valid": True}, {"righthand_valid": True, "righthand_kpts": hand(2)}])
    samples, parts = read(tmp_path)
    assert [s.side for s in samples] == ["right"]
    assert parts[-1].dropped["hand without a labelled keypoint"] == 1


def test_a_file_without_hands_is_of_another_format(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": hand(2.0), "lefthand_kpts": None, "righthand_kpts": None}])
    with pytest.raises(InputError, match=r"no annotation has lefthand_kpts or righthand_kpts"):
        read(tmp_path)


def test_a_bad_person_is_quarantined_alone(tmp_path: Path) -> None:
    bad = {"lefthand_valid": True, "lefthand_kpts": "none"}
    save(tmp_path, [bad, {"righthand_valid": True, "righthand_kpts": hand(2)}])
    samples, parts = read(tmp_path)
    assert [s.side for s in samples] == ["right"]
    ((where, reason),) = parts[-1].quarantine
    assert where == "coco_wholebody_val_v1.0.json: annotations[0]"
    assert reason.startswith("lefthand_kpts: Expected")


def test_real_people(real_data: Path) -> None:
    samples, parts = read(real_data / "coco_wholebody")
    assert [(s.sample_id.rpartition("/")[2], s.side) for s in samples] == [
        ("442619-right", "right"),
        ("198196-left", "left"),
    ]
    assert samples[1].visibility.tolist() == [1, 1, 1, 1, 1, 2, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 2, 2]
    assert parts[-1].absent == {"left hand not valid": 3, "right hand not valid": 3}
