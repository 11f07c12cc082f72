"""OpenPose's files: scores kept, frames of a video told, and what would be silently wrong refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import openpose, picture, spots, write_json


def test_hands_scores_and_frames(tmp_path: Path) -> None:
    openpose(tmp_path / "s")
    summary, samples, _ = converted("openpose", tmp_path / "s")
    assert [s.sample_id for s in samples] == [
        f"openpose/json/waving_{frame:012d}/0-{side}" for frame in (0, 1) for side in ("left", "right")
    ]
    for hand, sample in enumerate(samples):
        assert sample.keypoint_scores is not None
        assert sample.visibility.tolist() == [0, *[2] * 20]
        np.testing.assert_allclose(sample.keypoints[1:], spots(hand)[1:])
        np.testing.assert_array_equal(sample.keypoint_scores, [np.nan, *[0.5] * 20])
        assert (sample.score, sample.label_source) == (0.5, "auto:openpose")
        assert (sample.clip, sample.frame) == ("openpose/json/waving", hand // 2)
        assert sample.side == ("left", "right")[hand % 2]
    assert (summary.quarantined, summary.absent) == (0, {})


def flat(x: float = 30, score: float = 0.9) -> list[float]:
    return [value for _ in range(21) for value in (x, 40.0, score)]


@pytest.mark.parametrize(
    ("person", "found"),
    [
        ({"hand_left_keypoints_2d": flat()[:60]}, "60; allowed: 63 numbers"),
        ({"hand_left_keypoints_2d": flat(score=2.5)}, "a score outside 0 to 2; allowed: x, y, score"),
        ({"hand_left_keypoints_2d": [0.5] * 63}, "coordinates within -1 to 1; allowed: pixels"),
        ({"hand_right_keypoints_2d": "x"}, "people[0].hand_right_keypoints_2d: Expected array"),
        ({"hand_right_keypoints_2d": flat(1e300)}, "wrist at inf, 40"),
    ],
)
def test_what_is_flawed_is_told(tmp_path: Path, person: dict[str, Any], found: str) -> None:
    openpose(tmp_path / "s")
    picture(tmp_path / "s/bad.jpg")
    write_json(tmp_path / "s/bad_keypoints.json", {"people": [person]})
    _, samples, reasons = converted("openpose", tmp_path / "s")
    assert len(samples) == 4
    assert any(found in reason for reason in reasons)


def test_scores_above_1_and_the_names_of_earlier_versions(tmp_path: Path) -> None:
    """OpenPose resizes its maps, by which a score can exceed 1; until 1.1 the names had no _2d."""
    for name, person in (
        ("a", {"hand_left_keypoints_2d": [*flat()[:60], 30.0, 40.0, 1.4], "hand_right_keypoints_2d": []}),
        ("b", {"pose_keypoints": [], "hand_left_keypoints": [0.0] * 63, "hand_right_keypoints": flat()}),
    ):
        picture(tmp_path / f"s/{name}.jpg")
        write_json(tmp_path / f"s/{name}_keypoints.json", {"people": [person]})
    summary, (left, right), reasons = converted("openpose", tmp_path / "s")
    assert left.keypoint_scores is not None
    np.testing.assert_allclose(left.keypoint_scores, [*[0.9] * 20, 1])
    assert (left.side, right.side, right.visibility.sum()) == ("left", "right", 42)
    assert summary.notes == {"point with a score above 1, taken as 1": 1}
    assert summary.absent == {"hand of which no point was found": 2}
    assert not reasons


def test_hands_that_were_not_found_and_people_who_are_not_there(tmp_path: Path) -> None:
    picture(tmp_path / "s/a.jpg")
    picture(tmp_path / "s/b.jpg")
    people = [{"hand_left_keypoints_2d": [], "hand_right_keypoints_2d": flat(), "person_id": [7]}]
    write_json(tmp_path / "s/a_keypoints.json", {"people": people})
    write_json(tmp_path / "s/b_keypoints.json", {"people": []})
    summary, (sample,), _ = converted("openpose", tmp_path / "s")
    assert (sample.side, sample.clip, sample.track) == ("right", None, None)
    assert summary.absent == {"hand of which no point was found": 1}
    assert summary.notes == {"picture without a person": 1}


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "s/1.json", {"shapes": []})
    with pytest.raises(InputError, match=r"no \*_keypoints\.json.*curate convert labelme"):
        converted("openpose", tmp_path / "s")
