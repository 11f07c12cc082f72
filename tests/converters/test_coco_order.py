"""COCO: which point of the file is which of ours, and which hand it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import coco
from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.source import Source
from tests.converters.coco_files import flat, read, save

NUMBERED = ["wrist", *(f"{f}{i}" for f in ("thumb", "forefinger", "middle_finger") for i in (1, 2, 3, 4))] + [
    f"{f}{i}" for f in ("ring_finger", "pinky_finger") for i in (1, 2, 3, 4)
]


def test_points_are_put_into_our_order_by_name(tmp_path: Path) -> None:
    order = list(range(20, -1, -1))
    points = np.array(flat()).reshape(21, 3)[order].ravel().tolist()
    save(tmp_path, [{"keypoints": points}], names=[kp.NAMES[i] for i in order])
    (sample,), _ = read(tmp_path)
    assert sample.keypoints[:, 0].tolist() == [i + 0.5 for i in range(21)]


def test_unknown_names_are_told(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": flat()}], names=[f"p{i}" for i in range(21)])
    (sample,), counted = read(tmp_path)
    assert sample.keypoints[3].tolist() == [3.5, 97.25]
    assert counted.notes == Counter({"keypoint_names_unknown_order_assumed": 1})


def test_a_name_that_is_not_understood_has_the_place_that_is_left(tmp_path: Path) -> None:
    names = ["thumb_joint_x" if name == "thumb_ip" else name for name in kp.NAMES[::-1]]
    points = np.array(flat()).reshape(21, 3)[::-1].ravel().tolist()
    save(tmp_path, [{"keypoints": points}], names=names)
    (sample,), counted = read(tmp_path)
    assert sample.keypoints[:, 0].tolist() == [i + 0.5 for i in range(21)]
    assert counted.notes == {"hand whose point 'thumb_joint_x' has the place that the others left": 1}


@pytest.mark.parametrize(
    ("names", "name", "refusal"),
    [
        (
            ["nose", "left_eye", "right_eye", *(f"p{i}" for i in range(18))],
            "hand",
            "'nose' is no point of a hand",
        ),
        ((), "person", "'person' is no hand"),
        (["a", "b", *kp.NAMES[18::-1]], "hand", "'little_pip' stands where"),
    ],
)
def test_21_points_that_are_no_hands_or_in_no_known_order(
    tmp_path: Path, names: list[str], name: str, refusal: str
) -> None:
    categories = [{"id": 1, "name": name, "keypoints": list(names)}]
    save(tmp_path, [{"keypoints": flat()}, {"keypoints": flat()}], categories=categories)
    samples, counted = read(tmp_path)
    assert not samples
    ((reason, count),) = counted.dropped.items()
    assert count == 2
    assert refusal in reason


def spatial_hand() -> np.ndarray:
    """(21, 3) millimetres, our order: finger f along the ray (f - 2, -3), bones 80, 40, 25, 20 mm."""
    points = [np.array([0.0, 0.0, 500.0])]
    for finger in range(5):
        ray = np.array([finger - 2, -3, 0.2])
        points += [points[0] + ray / np.linalg.norm(ray) * reach for reach in (80, 120, 145, 165)]
    return np.array(points)


@pytest.mark.parametrize("names", [NUMBERED, None])
@pytest.mark.parametrize("reverse", [True, False])
def test_the_direction_of_numbered_fingers_is_that_of_their_bones(
    tmp_path: Path, reverse: bool, names: list[str] | None
) -> None:
    ours = spatial_hand()
    pixels = np.column_stack([300 * ours[:, :2] / ours[:, 2:] + 50, np.ones(21)])
    order = [0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17]
    rows = order if reverse else list(range(21))
    pixels[7, 2] = 0  # RHD: projected, but not seen
    camera = {"focal": [300.0, 301.0], "princpt": [50.0, 51.0]}
    save(
        tmp_path,
        [{"keypoints": pixels[rows].tolist(), "joint_cam": ours[rows].tolist(), "hand_type": "right"}],
        names=names or (),
        images=[{"id": 7, "file_name": "7.png", "cam_param": camera}],
    )
    (sample,), counted = read(tmp_path)
    assert counted.notes["order_reversed"] == reverse
    np.testing.assert_allclose(sample.keypoints, pixels[:, :2], rtol=1e-6)
    assert sample.xyz is not None
    np.testing.assert_allclose(sample.xyz, ours / 1000, rtol=1e-6)
    assert sample.K is not None
    assert sample.K.tolist() == [[300, 0, 50], [0, 301, 51], [0, 0, 1]]
    assert sample.visibility[7] == 1
    assert counted.notes["visibility_0_of_projected_point_read_as_hidden"] == 1


def test_anatomical_names_are_believed(tmp_path: Path) -> None:
    wrong = spatial_hand()[list(kp.TIP_TO_PALM)]
    save(tmp_path, [{"keypoints": flat(), "joint_cam": wrong.tolist()}])
    _, counted = read(tmp_path)
    assert counted.notes["order_reversed"] == 0


def test_what_mmposes_file_says_is_held_against_the_hands(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": flat()}])
    swaps = {3: "thumb_tip", 4: "thumb_ip"}
    points = ", ".join(f"{i}: dict(name={n!r}, swap={swaps.get(i, '')!r})" for i, n in enumerate(kp.NAMES))
    bones = "0: dict(link=('wrist', 'thumb_tip'))"
    config = f"dataset_info = dict(keypoint_info={{{points}}}, skeleton_info={{{bones}}})"
    (tmp_path / "hand.py").write_text(config)
    notes = [note for part in coco.read(Source(tmp_path)) for note in part.notes]
    (swap,) = (note for note in notes if note.startswith("swap of hand.py exchanges thumb_ip and thumb_tip"))
    assert swap.endswith("write there: swap='' for each keypoint")
    (links,) = (
        note for note in notes if note.startswith("skeleton_info of hand.py links wrist and thumb_tip")
    )
    assert "write there: the links ('wrist', 'thumb_cmc'), ('thumb_cmc', 'thumb_mcp')" in links


def test_real_rhd_runs_from_palm_to_tip(real_data: Path) -> None:
    (sample,), _ = read(real_data / "rhd_mmpose_coco")
    assert sample.K is not None
    assert sample.xyz is not None
    reach = np.linalg.norm(sample.keypoints - sample.keypoints[0], axis=1)
    assert (reach[list(kp.TIPS)] > reach[list(kp.BASES)]).all()
    projected = sample.xyz @ sample.K.T
    np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], sample.keypoints, atol=0.08)


@pytest.mark.parametrize(("category", "annotation", "side"), [
    ("left_hand", {}, "left"),
    ("Right-Hand", {}, "right"),
    ("hand_r", {}, "right"),
    ("LHand", {}, "left"),
    ("hand", {"hand_type": "LEFT"}, "left"),
    ("hand", {"hand_type": "Right hand"}, "right"),
    ("hand", {"attributes": {"occluded": False, "Handedness": "Left"}}, "left"),
    ("hand", {"hand_type": "interacting"}, None),
    ("left_and_right_hand", {}, None),
    ("swipe_left", {}, None),
])  # fmt: skip
def test_wherever_a_side_is_told(
    tmp_path: Path, category: str, annotation: dict[str, Any], side: str | None
) -> None:
    categories = [{"id": 1, "name": category, "keypoints": list(kp.NAMES)}]
    save(tmp_path, [{"keypoints": flat(), **annotation}], categories=categories)
    (sample,), counted = read(tmp_path)
    assert sample.side == side
    assert not counted.notes


def test_names_of_points_tell_a_side_and_two_sides_are_none(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": flat()}, {"keypoints": flat(shift=1), "hand_type": "right"}],
         names=[f"l_{name}" for name in kp.NAMES])  # fmt: skip
    samples, counted = read(tmp_path)
    assert [s.side for s in samples] == ["left", None]
    assert counted.notes == {"side told in two ways, left empty": 1}


@pytest.mark.parametrize(("publisher", "name", "side"), [
    ("FreiHand", "a.png", "right"),
    ("panoptic", "005_01_l.png", "left"),
    ("panoptic", "005_01_r.png", "right"),
    ("panoptic", "005_01.png", None),
    ("OneHand10K", "9_l.png", None),
])  # fmt: skip
def test_sides_that_publishers_tell_elsewhere(
    tmp_path: Path, publisher: str, name: str, side: str | None
) -> None:
    entries = [{"id": 7, "file_name": name}]
    save(tmp_path, [{"keypoints": flat()}], info={"description": publisher}, images=entries)
    images.write(tmp_path / name, np.zeros((9, 9), np.uint8))
    (sample,), _ = read(tmp_path)
    assert sample.side == side
    assert sample.source == publisher.lower()
