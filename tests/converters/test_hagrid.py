"""HaGRID: shares of the picture, people by their ids, and sides where they are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import hagrid, picture, spots, write_json

KEY = "03487280-224f-490d-8e36-6c5f48e3d7a"


def test_hands_people_gestures_and_sides(tmp_path: Path) -> None:
    hagrid(tmp_path / "s")
    summary, samples, _ = converted("hagrid", tmp_path / "s")
    assert [s.sample_id for s in samples] == [f"hagrid/train/call/{KEY}{end}" for end in ("0", "0#1", "1")]
    for sample, hand in zip(samples, (0, 1, 2), strict=True):
        np.testing.assert_allclose(sample.keypoints, spots(hand), atol=1e-4)
        assert sample.bbox is not None
        assert sample.bbox.tolist() == [16, 32, 80, 40]
        assert (sample.split, sample.label_source) == ("train", "auto:mediapipe")
    assert [s.side for s in samples] == ["left", None, "left"]
    assert [s.subject_id for s in samples] == [f"hagrid/bb138d5db200f29385f{n}" for n in (0, 0, 1)]
    assert samples[0].attrs == {"gesture": "call", "side_confidence": 0.75}
    assert samples[1].attrs == {"gesture": "no_gesture"}
    assert (summary.absent, summary.quarantined) == ({"hand without landmarks": 1}, 0)


def change(root: Path, **changed: Any) -> None:
    path = root / "annotations/train/call.json"
    content = json.loads(path.read_text())
    entry = content[f"{KEY}0"]
    content[f"{KEY}0"] = {k: v for k, v in (entry | changed).items() if v is not None}
    path.write_text(json.dumps(content))


def test_a_box_without_an_area_is_counted(tmp_path: Path) -> None:
    hagrid(tmp_path / "s")
    path = tmp_path / "s/annotations/train/call.json"
    entries = json.loads(path.read_text())
    next(iter(entries.values()))["bboxes"][0] = [0.6, 0.2, -0.5, 0.25]
    path.write_text(json.dumps(entries))
    summary, samples, _ = converted("hagrid", tmp_path / "s")
    assert [sample.bbox is None for sample in samples] == [True, False, False]
    assert summary.notes["impossible bbox, left out"] == 1


def test_the_first_version_says_landmarks(tmp_path: Path) -> None:
    hagrid(tmp_path / "s")
    change(tmp_path / "s", hand_landmarks=None, landmarks=[[], (spots(1) / 160).tolist()])
    _, samples, _ = converted("hagrid", tmp_path / "s")
    assert [s.sample_id[-2:] for s in samples] == ["#1", "a1"]


def test_two_hands_that_show_a_gesture_have_no_leading_one(tmp_path: Path) -> None:
    hagrid(tmp_path / "s")
    change(tmp_path / "s", labels=["call", "call"])
    assert [s.side for s in converted("hagrid", tmp_path / "s")[1]] == [None, None, "left"]


def test_the_leading_hand_is_understood_in_any_letter_case_and_counted_where_it_is_no_side(
    tmp_path: Path,
) -> None:
    hagrid(tmp_path / "s")
    change(tmp_path / "s", leading_hand="RIGHT")
    assert [s.side for s in converted("hagrid", tmp_path / "s")[1]] == ["right", None, "left"]
    change(tmp_path / "s", leading_hand="foremost")
    summary, samples, _ = converted("hagrid", tmp_path / "s")
    assert [s.side for s in samples] == [None, None, "left"]
    assert summary.notes["leading_hand that is no side"] == 1


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"labels": ["call"]}, "2 boxes, 1 label, 2 hands with landmarks"),
        ({"hand_landmarks": [[[0.5, 0.5]], []]}, "hand_landmarks[0]: 1 x 2; allowed: 21 x 2 numbers"),
        ({"hand_landmarks": [[[90.0, 50.0]] * 21, []]}, "coordinates outside -2 to 2; allowed: shares"),
        ({"bboxes": [[16.0, 32.0, 80.0, 40.0]] * 2}, "coordinates outside -2 to 2; allowed: shares"),
        ({"bboxes": [[0.1], [0.1]]}, "bboxes[0]: 1; allowed: 4 numbers"),
        ({"user_id": 5}, "user_id: Expected str | null, got int"),
    ],
)
def test_a_flawed_entry_is_told_alone(tmp_path: Path, changed: dict[str, Any], found: str) -> None:
    hagrid(tmp_path / "s")
    change(tmp_path / "s", **changed)
    _, samples, reasons = converted("hagrid", tmp_path / "s")
    assert [s.sample_id for s in samples] == [f"hagrid/train/call/{KEY}1"]
    assert any(found in reason for reason in reasons)


def test_pictures_that_are_not_there_twice_or_no_pictures(tmp_path: Path) -> None:
    hagrid(tmp_path / "s")
    picture(tmp_path / f"s/other/{KEY}0.jpg")
    (tmp_path / f"s/call/{KEY}1.jpg").write_bytes(b"none")
    summary, samples, reasons = converted("hagrid", tmp_path / "s")
    assert not samples
    assert any("2 pictures are called" in reason for reason in reasons)
    assert summary.dropped == {"image unreadable": 1}
    (tmp_path / f"s/call/{KEY}1.jpg").unlink()
    assert converted("hagrid", tmp_path / "s/annotations")[0].absent["annotation without its image"] == 3


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "s/1.json", [1])
    with pytest.raises(InputError, match=r"none of its \.json files is hagrid's"):
        converted("hagrid", tmp_path / "s")
