"""CMU's hands: by hand, synthetic, and of the studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import panoptic, picture, spots, write_json


def test_the_three_of_them(tmp_path: Path) -> None:
    panoptic(tmp_path / "s")
    summary, samples, _ = converted("panoptic", tmp_path / "s")
    by_name = {s.sample_id: s for s in samples}
    assert list(by_name) == [
        "panoptic/hands_v143_14817/00000000",
        "panoptic/hand_labels/manual_train/005_01_l",
        "panoptic/hand_labels/manual_train/005_01_r",
        "panoptic/hand_labels_synth/synth2/0007",
    ]
    studio, left, right, made = samples
    for sample, hand in ((left, 0), (right, 1), (made, 2)):
        assert sample.visibility.tolist() == [0 if i == 4 else 2 for i in range(21)]
        labelled = sample.visibility > 0
        np.testing.assert_allclose(sample.keypoints[labelled], spots(hand)[labelled])
    np.testing.assert_allclose(studio.keypoints, spots(3))
    assert [s.side for s in samples] == ["right", "left", "right", "right"]
    assert [s.split for s in samples] == [None, "train", "train", None]
    assert [s.label_source for s in samples] == ["auto:multiview", "manual", "manual", "render"]
    assert left.clip == right.clip == "panoptic/005_01"
    assert (studio.width, studio.height) == (160, 160)
    assert (summary.quarantined, summary.dropped) == (0, {})


def test_one_of_them_alone(tmp_path: Path) -> None:
    panoptic(tmp_path / "s")
    assert len(converted("panoptic", tmp_path / "s/hand_labels")[1]) == 2
    assert len(converted("panoptic", tmp_path / "s/hand143_panopticdb")[1]) == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"hand_pts": [[1, 2, 1]] * 20, "is_left": 0}, "hand_pts: 20 x 3; allowed: 21 x 3 numbers"),
        ({"hand_pts": [[1, 2, 1]] * 20 + [[1, 2]], "is_left": 0}, "hand_pts: not an array of numbers"),
        ({"hand_pts": [[1, 2, 1]] * 21, "is_left": 7}, "is_left: 7; allowed: 0 or 1"),
        ({"hand_pts": [[1, 2, 1]] * 20 + [[float("nan"), 2, 1]]}, "hand_pts"),
        ({"root": [{"img_paths": "imgs/0.jpg", "joint_self": [[1, 2, 1]]}]}, "root[0].joint_self: 1 x 3"),
        (
            {"root": [{"img_paths": "bad.jpg", "joint_self": [[1, 2, 1]] * 21, "img_width": 160.5}]},
            "root[0].img_width: 160.5; allowed: a whole number of pixels",
        ),
        ({"root": [{"img_paths": "../../secret.png", "joint_self": [[1, 2, 1]] * 21}]}, "out of the source"),
        ([1], "Expected object, got array"),
    ],
)
def test_what_is_flawed_is_told(tmp_path: Path, content: Any, found: str) -> None:
    panoptic(tmp_path / "s")
    picture(tmp_path / "secret.png")
    picture(tmp_path / "s/bad.jpg")
    write_json(tmp_path / "s/bad.json", content)
    _, samples, reasons = converted("panoptic", tmp_path / "s")
    assert len(samples) == 4
    assert any(reason.startswith("bad.json: ") and found in reason for reason in reasons)


def test_other_third_numbers_are_counted(tmp_path: Path) -> None:
    panoptic(tmp_path / "s")
    picture(tmp_path / "s/odd.jpg")
    write_json(tmp_path / "s/odd.json", {"hand_pts": [[1, 2, 1]] * 20 + [[1, 2, 0.5]]})
    summary, samples, _ = converted("panoptic", tmp_path / "s")
    odd = next(s for s in samples if s.sample_id == "panoptic/odd")
    assert (odd.side, odd.visibility[20]) == (None, 0)
    assert summary.notes["point whose third number is neither 0 nor 1, left unlabelled"] == 1


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "s/1.json", {"shapes": []})
    with pytest.raises(InputError, match=r"neither hand_pts nor root.*curate convert labelme"):
        converted("panoptic", tmp_path / "s")
