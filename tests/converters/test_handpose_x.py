"""handpose_x: a file a picture, in pixels of the picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import HANDS, handpose_x, picture, spots, write_json


def hand(**changed: Any) -> dict[str, Any]:
    points = {str(i): {"x": float(x), "y": float(y)} for i, (x, y) in enumerate(spots(0))}
    return {"info": [{"bbox": [0, 0, 0, 0], "pts": points | changed}]}


def test_points_and_boxes(tmp_path: Path) -> None:
    handpose_x(tmp_path / "s")
    summary, samples, _ = converted("handpose-x", tmp_path / "s")
    assert (len(samples), summary.quarantined, summary.dropped) == (HANDS, 0, {})
    for number, sample in enumerate(samples):
        stem = f"2021-02-01_13-52-5{number}_{number}"
        assert sample.sample_id == f"handpose-x/handpose_datasets/{stem}"
        np.testing.assert_array_equal(sample.keypoints, np.floor(spots(number)))
        assert (sample.side, sample.attrs) == (None, {"maker": "Eric.Lee", "date": "2021-02-01"})
    assert [None if s.bbox is None else s.bbox.tolist() for s in samples] == [[10, 20, 120, 100], *[None] * 3]


def test_two_hands_in_a_picture_and_none(tmp_path: Path) -> None:
    picture(tmp_path / "s/a.png")
    picture(tmp_path / "s/b.png")
    left, unknown = (hand()["info"][0] | {"handType": told} for told in ("Left", "?"))
    write_json(tmp_path / "s/a.json", {"info": [left, unknown]})
    write_json(tmp_path / "s/b.json", {"info": []})
    summary, samples, _ = converted("handpose-x", tmp_path / "s")
    assert [(s.sample_id, s.side) for s in samples] == [("handpose-x/a", "left"), ("handpose-x/a#1", None)]
    assert summary.notes["picture without a hand"] == 1


def test_a_maker_or_date_of_any_kind_is_kept(tmp_path: Path) -> None:
    picture(tmp_path / "s/a.png")
    write_json(tmp_path / "s/a.json", hand() | {"maker": 7, "date": [2021, 2, 1]})
    _, (sample,), _ = converted("handpose-x", tmp_path / "s")
    assert sample.attrs == {"maker": 7, "date": [2021, 2, 1]}


def test_a_box_or_a_side_that_cannot_be_is_left_out_and_counted(tmp_path: Path) -> None:
    picture(tmp_path / "s/a.png")
    info = [
        hand()["info"][0] | told
        for told in ({"bbox": [50, 60, 1, 2]}, {"bbox": [1, 2]}, {"handType": "left"})
    ]
    write_json(tmp_path / "s/a.json", {"info": info})
    summary, samples, _ = converted("handpose-x", tmp_path / "s")
    assert [(s.bbox, s.side) for s in samples] == [(None, None)] * 3
    assert summary.notes["impossible bbox, left out"] == 2
    assert summary.notes["handType neither Left nor Right, the side left open"] == 1


def test_each_flaw_is_told_and_spoils_its_hand_alone(tmp_path: Path) -> None:
    root = tmp_path / "s"
    for stem, content in {
        "good": hand(),
        "far": hand(**{"3": {"x": 1e300, "y": 1}}),
        "more": hand(**{"21": {"x": 1, "y": 1}}),
        "text": hand(**{"3": {"x": "1", "y": 1}}),
        "nan": hand(**{"3": {"x": float("nan"), "y": 1}}),
        "other": {"shapes": []},
    }.items():
        write_json(root / f"{stem}.json", content)
        picture(root / f"{stem}.jpg")
    write_json(root / "lone.json", hand())
    (root / "cut.json").write_text(json.dumps(hand())[:50])
    summary, samples, reasons = converted("handpose-x", root)
    assert [s.sample_id for s in samples] == ["handpose-x/good"]
    found = dict(reason.split(": ", 1) for reason in reasons)
    assert summary.quarantined == len(found) == 7
    assert found["handpose-x/far"] == "thumb_ip at inf, 1; allowed: finite pixels"
    assert found["more.json"].startswith("info[0].pts: 22 points; allowed: 21 points")
    assert "info[0].pts[...].x" in found["text.json"]
    assert "no picture called 'lone'" in found["lone.json"]


def test_text_that_is_no_unicode_spoils_its_hand_alone(tmp_path: Path) -> None:
    content = json.dumps({"info": [{"pts": {"x": 1}}, *hand()["info"]]}).encode()
    picture(tmp_path / "s/a.jpg")
    (tmp_path / "s/a.json").write_bytes(content.replace(b'"x"', b'"\xed\xa0\x80"', 1))
    _, samples, (reason,) = converted("handpose-x", tmp_path / "s")
    assert [s.sample_id for s in samples] == ["handpose-x/a#1"]
    assert reason == "a.json: info[0]: text that is not valid Unicode (a lone surrogate)"


def test_pictures_elsewhere(tmp_path: Path) -> None:
    handpose_x(tmp_path / "s")
    (tmp_path / "p").mkdir()
    for path in (tmp_path / "s/handpose_datasets").glob("*.jpg"):
        path.rename(tmp_path / "p" / path.name)
    _, samples, _ = converted("handpose-x", tmp_path / "s", tmp_path / "p")
    assert len(samples) == HANDS


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "s/1.json", {"shapes": [], "imagePath": "1.jpg"})
    with pytest.raises(InputError, match=r"handpose-x's.*curate convert labelme"):
        converted("handpose-x", tmp_path / "s")


def test_real_hands(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "s").symlink_to(real_data / "handpose_x")
    summary, samples, _ = converted("handpose-x", tmp_path / "s")
    assert (len(samples), summary.quarantined) == (2, 0)
    assert samples[0].keypoints[:2].tolist() == [[69, 120], [49, 113]]
