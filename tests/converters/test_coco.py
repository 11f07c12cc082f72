"""COCO keypoints of hands: every publisher's dialect, and what is wrong in it."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import coco
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample, from_batch
from curate.data.source import BY_NAME, Source

NUMBERED = ["wrist", *(f"{f}{i}" for f in ("thumb", "forefinger", "middle_finger") for i in (1, 2, 3, 4))] + [
    f"{f}{i}" for f in ("ring_finger", "pinky_finger") for i in (1, 2, 3, 4)
]


def read(root: Path, **more: Any) -> tuple[list[Sample], Part]:
    """All samples of a source, and a part with all that was counted."""
    samples: list[Sample] = []
    total = None
    for part in coco.read(Source(root, **more)):
        samples += from_batch(part.batch)
        total = total or Part(part.batch)
        total.dropped += part.dropped
        total.notes += part.notes
        total.quarantine += part.quarantine
    assert total is not None
    return samples, total


def flat(v: float = 2, shift: float = 0) -> list[float]:
    return [number for i in range(kp.COUNT) for number in (i + 0.5 + shift, 100.25 - i, v)]


def save(
    root: Path,
    annotations: list[dict[str, Any]],
    name: str = "train.json",
    names: Any = kp.NAMES,
    **more: Any,
) -> Path:
    """An annotation file in root/annotations and its image, 7.png."""
    folder = root / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    images.write(root / "images" / "7.png", np.zeros((128, 96, 3), np.uint8))
    document = {
        "info": "",
        "images": [{"id": 7, "file_name": "7.png", "width": 96, "height": 128}],
        "categories": [{"id": 1, "name": "hand", "keypoints": list(names)}],
        "annotations": [{"image_id": 7, "category_id": 1, "id": i, **a} for i, a in enumerate(annotations)],
    }
    path = folder / name
    path.write_text(json.dumps({**document, **more}))
    return path


def test_a_plain_file(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": flat(), "bbox": [1, 2, 3, 4], "hand_type": "left"}])
    (sample,), counted = read(tmp_path)
    assert (sample.sample_id, sample.source, sample.split, sample.side) == (
        "coco/train/0",
        "coco",
        "train",
        "left",
    )
    assert (sample.width, sample.height) == (96, 128)
    assert sample.image == str(tmp_path / "images" / "7.png")
    assert sample.keypoints[3].tolist() == [3.5, 97.25]  # not shifted
    assert sample.visibility.tolist() == [2] * 21
    assert sample.bbox is not None
    assert sample.bbox.tolist() == [1, 2, 3, 4]
    assert sample.label_source is None
    assert not counted.dropped
    assert not counted.notes
    assert not counted.quarantine


def test_one_file_is_a_source_too(tmp_path: Path) -> None:
    path = save(tmp_path, [{"keypoints": flat()}])
    save(tmp_path, [{"keypoints": flat()}], "val.json")
    assert [s.split for s in read(path)[0]] == ["train"]
    assert [s.split for s in read(tmp_path)[0]] == ["train", "val"]


def save_at(root: Path, name: str, shift: float = 0, file_name: str = "1.png") -> None:
    """A file of one hand, whose first point is at x = 0.5 + shift."""
    document = {
        "images": [{"id": 7, "file_name": file_name}],
        "categories": [{"id": 1, "name": "hand", "keypoints": list(kp.NAMES)}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "keypoints": flat(shift=shift)}],
    }
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps(document))


@pytest.mark.parametrize(("annotations", "pictures"), [
    ("annotations/{}.json", "{}/1.png"),
    ("annotations/{}.json", "images/{}/1.png"),
    ("annotations/person_keypoints_{}2017.json", "{}2017/1.png"),
    ("{}.json", "Images/{}/1.png"),
    ("{}/_annotations.coco.json", "{}/1.png"),
])  # fmt: skip
def test_each_hand_gets_the_image_of_its_own_split(tmp_path: Path, annotations: str, pictures: str) -> None:
    for shift, split in enumerate(("train", "val")):
        save_at(tmp_path, annotations.format(split), shift=shift)
        images.write(tmp_path / pictures.format(split), np.zeros((128, 96, 3), np.uint8))
    samples, counted = read(tmp_path)
    assert [(s.split, s.image, s.keypoints[0, 0]) for s in samples] == [
        ("train", str(tmp_path / pictures.format("train")), 0.5),
        ("val", str(tmp_path / pictures.format("val")), 1.5),
    ]
    assert len({s.sample_id for s in samples}) == 2
    assert not counted.notes


def test_the_image_of_another_split_or_folder_is_not_taken(tmp_path: Path) -> None:
    images.write(tmp_path / "train" / "1.png", np.zeros((128, 96, 3), np.uint8))
    images.write(tmp_path / "images" / "p1" / "2.png", np.zeros((128, 96, 3), np.uint8))
    save_at(tmp_path, "annotations/val.json")
    save_at(tmp_path, "annotations/test.json", file_name="p2/2.png")
    samples, counted = read(tmp_path)
    assert not samples
    assert counted.dropped == {"image missing": 2}
    assert ["no image" in reason for _, reason in counted.quarantine] == [True, True]


def test_an_image_found_by_its_name_alone_is_counted(tmp_path: Path) -> None:
    images.write(tmp_path / "photos" / "1.png", np.zeros((128, 96, 3), np.uint8))
    save_at(tmp_path, "hands.json")
    (sample,), counted = read(tmp_path)
    assert sample.image == str(tmp_path / "photos" / "1.png")
    assert counted.notes == {BY_NAME: 1}


def test_one_split_of_roboflow(tmp_path: Path) -> None:
    images.write(tmp_path / "valid" / "1.png", np.zeros((128, 96, 3), np.uint8))
    save_at(tmp_path, "valid/_annotations.coco.json")
    for root in (tmp_path / "valid", tmp_path / "valid" / "_annotations.coco.json"):
        (sample,), _ = read(root)
        assert (sample.sample_id, sample.split) == ("coco/valid/1", "val")


def test_nested_points(tmp_path: Path) -> None:
    nested = np.array(flat()).reshape(21, 3).tolist()
    save(tmp_path, [{"keypoints": flat(shift=1)}, {"keypoints": nested}])
    first, second = read(tmp_path)[0]
    assert first.keypoints.tolist() == [[x + 1, y] for x, y in second.keypoints.tolist()]


def test_all_three_visibilities(tmp_path: Path) -> None:
    points = flat()
    points[2], points[3:6] = 1, [0, 0, 0]
    save(tmp_path, [{"keypoints": points}])
    (sample,), _ = read(tmp_path)
    assert sample.visibility.tolist() == [1, 0, *[2] * 19]
    assert np.isnan(sample.keypoints[1]).all()


def test_a_set_that_never_uses_2(tmp_path: Path) -> None:
    points = flat(1)
    points[3:6] = [0, 0, 0]
    save(tmp_path, [{"keypoints": points}])
    (sample,), counted = read(tmp_path)
    assert sample.visibility.tolist() == [2, 0, *[2] * 19]
    assert counted.notes == Counter({"visibility_01_read_as_visible": 20})


def test_one_file_with_a_2_tells_what_1_means_in_all(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": flat(1)}], "train.json")
    save(tmp_path, [{"keypoints": flat(2)}], "val.json")
    first, second = read(tmp_path)[0]
    assert set(first.visibility) == {1}
    assert set(second.visibility) == {2}


def test_scores_in_place_of_visibility(tmp_path: Path) -> None:
    points = flat(0.5)
    points[2] = 0
    points[5] = 1
    save(tmp_path, [{"keypoints": points}])
    (sample,), counted = read(tmp_path)
    assert sample.visibility.tolist() == [0, *[2] * 20]
    assert sample.score == pytest.approx((1 + 19 * 0.5) / 20)
    assert counted.notes["visibility_score_read_as_visible"] == 20
    assert counted.notes["point_with_v_0_and_coordinates_left_unlabelled"] == 1


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


def test_cvat_brings_ids_sides_and_tracks(tmp_path: Path) -> None:
    """As its COCO Keypoints 1.0 has them: its own attributes and those of the label."""
    sent = {"occluded": False, "sample_id": "toy/7", "side": "left"}
    tracked = {"occluded": False, "track_id": 3, "keyframe": True}
    frame = [{"id": 7, "file_name": "frame_000012.png", "width": 96, "height": 128}]
    images.write(tmp_path / "images" / "frame_000012.png", np.zeros((128, 96, 3), np.uint8))
    hands = [{"keypoints": flat(shift=i), "attributes": a} for i, a in enumerate((sent, tracked))]
    save(tmp_path, hands, name="person_keypoints_default.json", images=frame)
    first, second = read(tmp_path)[0]
    assert (first.sample_id, first.side, first.track) == ("toy/7", "left", None)
    assert second.sample_id == "coco/person_keypoints_default/1"
    assert (second.clip, second.frame, second.track) == ("coco/person_keypoints_default", 12, "3")


def test_names_of_points_tell_a_side_and_two_sides_are_none(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": flat()}, {"keypoints": flat(shift=1), "hand_type": "right"}],
         names=[f"l_{name}" for name in kp.NAMES])  # fmt: skip
    samples, counted = read(tmp_path)
    assert [s.side for s in samples] == ["left", None]
    assert counted.notes == {"side told in two ways, left empty": 1}


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
    wrong = spatial_hand()[list(coco.TIP_TO_PALM)]
    save(tmp_path, [{"keypoints": flat(), "joint_cam": wrong.tolist()}])
    _, counted = read(tmp_path)
    assert counted.notes["order_reversed"] == 0


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


def test_licences_by_number(tmp_path: Path) -> None:
    entries = [{"id": 7, "file_name": "7.png", "license": 4}]
    save(tmp_path, [{"keypoints": flat()}], licenses=[{"id": 4, "name": "CC BY 2.0"}], images=entries)
    assert read(tmp_path)[0][0].licence == "CC BY 2.0"


def test_everything_left_out_is_counted(tmp_path: Path) -> None:
    person = {"keypoints": flat()[: 17 * 3]}
    empty = {"keypoints": [0] * 63}
    annotations = [
        {"keypoints": flat()},
        {"keypoints": flat(), "iscrowd": 1},
        person,
        person,
        empty,
        {"bbox": [1] * 4},
    ]
    save(tmp_path, annotations)
    samples, counted = read(tmp_path)
    assert len(samples) == 1
    assert counted.dropped == Counter(
        {
            "crowd annotation": 1,
            "annotation with 17 keypoints": 2,
            "hand without a labelled keypoint": 1,
            "annotation without keypoints": 1,
        }
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"keypoints": [float("nan"), *flat()[1:]]}, "keypoints[0]: x, y, v of nan"),
        ({"keypoints": [float("inf"), *flat()[1:]]}, "keypoints[0]: x, y, v of inf"),
        ({"keypoints": [1e300, *flat()[1:]]}, "keypoints[0]: x, y, v of inf"),
        ({"keypoints": flat(3)}, "keypoints[0]: x, y, v of 0.5, 100.25, 3; allowed"),
        ({"keypoints": flat(-1)}, "v in 0..2"),
        ({"keypoints": ["x", *flat()[1:]]}, "keypoints[0]: Expected"),
        ({"keypoints": [*flat()[:-1], [1.0]]}, "x, y, v of nan"),
        ({"keypoints": flat(), "id": 0}, "an annotation of this id stands before"),
        ({"keypoints": flat(), "image_id": 99}, "image id 99 of an annotation is not there"),
        ({"keypoints": flat(), "image_id": {"a": 1}}, "image_id: Expected"),
    ],
)
def test_a_bad_annotation_is_quarantined_alone(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    save(tmp_path, [{"keypoints": flat()}, change, {"keypoints": flat(shift=1)}])
    samples, counted = read(tmp_path)
    assert [s.sample_id for s in samples] == ["coco/train/0", "coco/train/2"]
    ((where, said),) = counted.quarantine
    assert where.startswith("train.json: ")
    assert reason in said


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([{"id": 7, "file_name": "gone.png"}], "file_name: no image 'gone.png'"),
        ([{"id": 7, "file_name": "../../../etc/passwd"}], "leads out of the source folder"),
        ([{"id": 7, "file_name": "7.png"}, {"id": 7, "file_name": "8.png"}], "stands for several files"),
        ([{"id": 7}], "image id 7 of an annotation is not there"),
    ],
)
def test_images_that_cannot_be_used(tmp_path: Path, entries: list[Any], reason: str) -> None:
    save(tmp_path, [{"keypoints": flat()}, {"keypoints": flat()}], images=entries)
    samples, counted = read(tmp_path)
    assert not samples
    assert counted.dropped == Counter({"image missing": 2})
    assert reason in counted.quarantine[-1][1]


def test_flags_as_tools_write_them(tmp_path: Path) -> None:
    flags = (None, False, 0, 0.0, "0", "false", "", True, 1, "1")
    annotations = [{"keypoints": flat(shift=i), "iscrowd": flag} for i, flag in enumerate(flags)]
    save(tmp_path, annotations)
    samples, counted = read(tmp_path)
    assert [s.sample_id for s in samples] == [f"coco/train/{i}" for i in range(7)]
    assert counted.dropped == {"crowd annotation": 3}
    assert not counted.quarantine


@pytest.mark.parametrize("nested", [False, True])
def test_a_point_that_is_null_is_not_labelled(tmp_path: Path, nested: bool) -> None:
    points: list[Any] = [[None, None, 0], [None, None, None], *np.reshape(flat(), (21, 3)).tolist()[2:]]
    save(tmp_path, [{"keypoints": points if nested else [*chain(*points)]}])
    (sample,), counted = read(tmp_path)
    assert sample.visibility.tolist() == [0, 0] + [2] * 19
    assert sample.keypoints[2].tolist() == [2.5, 98.25]
    assert not counted.quarantine


def test_a_labelled_point_that_is_null_is_told(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": [None, None, 2, *flat()[3:]]}])
    samples, counted = read(tmp_path)
    assert not samples
    assert "keypoints[0]: Expected" in counted.quarantine[0][1]


def test_numbers_and_ids_in_quotes(tmp_path: Path) -> None:
    quoted = {"keypoints": [str(number) for number in flat()], "image_id": "7", "category_id": "1"}
    save(tmp_path, [quoted, {"keypoints": flat(shift=1)}], names=kp.NAMES[::-1])
    samples, counted = read(tmp_path)
    assert [s.sample_id for s in samples] == ["coco/train/0", "coco/train/1"]
    assert samples[0].keypoints[0].tolist() == [20.5, 80.25]  # by the names of its category, the last is ours
    assert not counted.quarantine
    assert not counted.notes


def test_people_with_hands_are_of_another_format(tmp_path: Path) -> None:
    person = {"keypoints": flat()[: 17 * 3], "lefthand_kpts": flat(), "lefthand_valid": True}
    save(tmp_path, [person])
    with pytest.raises(InputError, match="COCO-WholeBody has them; curate convert coco-wholebody"):
        next(coco.read(Source(tmp_path)))


@pytest.mark.parametrize(("points", "reason"), [
    ([1, 2] * 21, "annotation with 42 numbers for its keypoints; allowed: 63, 21 x (x, y, v)"),
    ([[1, 2]] * 21, "annotation with points of 2 numbers; allowed: 3 (x, y, v)"),
    ([1] * 64, "annotation with 64 numbers for its keypoints; allowed: 63, 21 x (x, y, v)"),
    ([[1, 2, 2]] * 20, "annotation with 20 keypoints"),
])  # fmt: skip
def test_points_in_another_form_are_named(tmp_path: Path, points: list[Any], reason: str) -> None:
    save(tmp_path, [{"keypoints": points}])
    assert read(tmp_path)[1].dropped == {reason: 1}


@pytest.mark.parametrize(("size", "read_as"), [
    (("96", " 128 "), (96, 128)),
    ((96.0, 128.0), (96, 128)),
    (("wide", None), (None, None)),
    (("", [3]), (None, None)),
])  # fmt: skip
def test_sizes_as_tools_write_them(tmp_path: Path, size: tuple[Any, Any], read_as: tuple[Any, Any]) -> None:
    entry = {"id": 7, "file_name": "7.png", "width": size[0], "height": size[1], "license": {"id": 1}}
    save(tmp_path, [{"keypoints": flat()}], images=[entry])
    (sample,), counted = read(tmp_path)
    assert (sample.width, sample.height) == read_as
    assert not counted.quarantine


def test_an_image_by_its_encoded_name(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": flat()}], images=[{"id": 7, "file_name": "7%20%281%29.png"}])
    (tmp_path / "images" / "7.png").rename(tmp_path / "images" / "7 (1).png")
    (sample,), counted = read(tmp_path)
    assert sample.image == str(tmp_path / "images" / "7 (1).png")
    assert not counted.notes


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_files_of_windows(tmp_path: Path, encoding: str) -> None:
    path = save(tmp_path, [{"keypoints": flat()}])
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + path.read_text()).encode(encoding))
    assert len(read(tmp_path)[0]) == 1


def test_a_file_in_latin_1_is_named(tmp_path: Path) -> None:
    path = save(tmp_path, [{"keypoints": flat()}])
    path.write_bytes(path.read_bytes().replace(b'"hand"', b'"H\xe4nde"'))
    with pytest.raises(InputError, match=r"train.json: no COCO file: .*UTF-8"):
        read(tmp_path)


def test_files_without_annotations_and_images_without_are_told(tmp_path: Path) -> None:
    entries = [{"id": i, "file_name": f"{i}.png"} for i in (7, 8, 9)]
    save(tmp_path, [{"keypoints": flat()}], images=entries)
    save(tmp_path, [], "val.json", images=entries)
    _, counted = read(tmp_path)
    assert counted.notes == {"no annotations in val.json": 1, "image without an annotation": 2 + 3}


def test_the_same_hand_twice(tmp_path: Path) -> None:
    hand = {"keypoints": flat(), "bbox": [1, 2, 3, 4]}
    save(tmp_path, [hand, hand, {**hand, "bbox": [1, 2, 3, 5]}, {"keypoints": flat(shift=1)}])
    save(tmp_path, [hand], "train (1).json")
    save(tmp_path, [hand], "val.json")
    samples, counted = read(tmp_path)
    assert [s.sample_id for s in samples] == [
        "coco/train/0",
        "coco/train/2",
        "coco/train/3",
        "coco/val/0",
    ]
    assert counted.notes == {
        "hand that another annotation tells just so, left out": 2,
        "hand with the same points as another of its image": 2,
    }


@pytest.mark.parametrize("content", [
    "", "[]", '{"images": []}', '{"call": {"hand_landmarks": []}}', "[[[0.1, 0.2]]]", '{"annotations": {}}'
])  # fmt: skip
def test_a_source_of_another_format_is_refused(tmp_path: Path, content: str) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=r"a\.json: no COCO file: .*1 further files are no better"):
        next(coco.read(Source(tmp_path)))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"images": []}', '{"annotations": 3}', "[" * 100_000])
def test_a_file_that_is_not_cocos(tmp_path: Path, content: str) -> None:
    save(tmp_path, [{"keypoints": flat()}])
    (tmp_path / "annotations" / "val.json").write_text(content)
    samples, counted = read(tmp_path)
    assert len(samples) == 1
    assert [name for name, _ in counted.quarantine] == ["val.json"]


def test_a_folder_without_annotations(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.json file"):
        next(coco.read(Source(tmp_path)))


def test_many_hands_come_in_order(tmp_path: Path) -> None:
    count = 9000  # more than a batch
    save(tmp_path, [{"keypoints": flat(shift=i)} for i in range(count)])
    parts = list(coco.read(Source(tmp_path)))
    samples = [s for part in parts for s in from_batch(part.batch)]
    assert [s.sample_id for s in samples] == [f"coco/train/{i}" for i in range(count)]
    assert samples[-1].keypoints[0, 0] == 0.5 + count - 1


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


# Real files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "sides", "labelled", "reversed_"),
    [
        ("rhd_mmpose_coco", ["left"], 21, 1),
        ("freihand_mmpose_coco", ["right"] * 4, 84, 0),
        ("onehand10k_mmpose_coco", [None, None], 27, 0),
        ("panoptic_hand_mmpose_coco", ["left", "right"], 42, 0),
    ],
)
def test_real_sets(
    real_data: Path, folder: str, sides: list[str | None], labelled: int, reversed_: int
) -> None:
    samples, counted = read(real_data / folder)
    assert [s.side for s in samples] == sides
    assert sum(int((s.visibility > 0).sum()) for s in samples) == labelled
    assert counted.notes["order_reversed"] == reversed_
    assert counted.notes["visibility_01_read_as_visible"] == labelled
    assert sum('write there: "skeleton"' in note for note in counted.notes) == reversed_
    assert not counted.dropped
    assert not counted.quarantine


def test_real_rhd_runs_from_palm_to_tip(real_data: Path) -> None:
    (sample,), _ = read(real_data / "rhd_mmpose_coco")
    assert sample.K is not None
    assert sample.xyz is not None
    reach = np.linalg.norm(sample.keypoints - sample.keypoints[0], axis=1)
    assert (reach[list(kp.TIPS)] > reach[list(kp.BASES)]).all()
    projected = sample.xyz @ sample.K.T
    np.testing.assert_allclose(projected[:, :2] / projected[:, 2:], sample.keypoints, atol=0.08)
