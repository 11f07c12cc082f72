"""COCO: what is wrong with a file, an annotation or an image, and what of it is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from converters import coco, coco_wholebody
from curate.basics.errors import InputError
from curate.data.source import Source
from tests.converters.coco_files import flat, read, save


def ours(**fields: Any) -> dict[str, Any]:
    return {"hand_curate": {"sample_id": "x/1", "source": "x", **fields}}


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


JOINTS = [[0.1, 0.2, 500.0]] * 21
CAMERA = {"focal": [300, 300], "princpt": [100, 80]}


@pytest.mark.parametrize(
    ("field", "annotation", "image"),
    [
        ("bbox", {"bbox": [1e39, 0, 5, 5]}, {}),  # no float32
        ("bbox", {"bbox": [10**40, 0, 5, 5]}, {}),
        ("bbox", {"bbox": [10, 10, -5, -5]}, {}),
        ("bbox", {"bbox": [10, 10, float("nan"), 5]}, {}),
        ("bbox", {"bbox": [10, 10, 5]}, {}),
        ("xyz", {"joint_cam": [[1e308, 0, 1], *JOINTS[1:]]}, {}),
        ("xyz", {"joint_cam": JOINTS[1:]}, {}),
        ("xyz", {"joint_cam": [[2000.0, 0.2, 500.0], *JOINTS[1:]]}, {}),
        ("K", {"joint_cam": JOINTS}, {"cam_param": {**CAMERA, "focal": [300, -300]}}),
        ("K", {"joint_cam": JOINTS}, {"cam_param": {**CAMERA, "focal": [float("nan"), 300]}}),
    ],
)
def test_what_cannot_be_is_left_out_and_the_hand_kept(
    tmp_path: Path, field: str, annotation: dict[str, Any], image: dict[str, Any]
) -> None:
    whole = {"keypoints": flat(), "bbox": [1, 2, 30, 40], "joint_cam": JOINTS}
    entries = [
        {"id": key, "file_name": "7.png", "width": 96, "height": 128, "cam_param": camera}
        for key, camera in ((7, CAMERA), (8, image.get("cam_param", CAMERA)))
    ]
    save(
        tmp_path, [whole, {**whole, "keypoints": flat(shift=1), "image_id": 8, **annotation}], images=entries
    )
    (sound, flawed), counted = read(tmp_path)
    assert getattr(sound, field) is not None
    assert getattr(flawed, field) is None
    assert counted.notes[f"impossible {field}, left out"] == 1
    assert not counted.quarantine


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
        ({"keypoints": flat(), **ours(frame=2**40)}, "hand_curate.frame: Expected int <= 2147483647"),
        ({"keypoints": flat(), **ours(score=1e39)}, "hand_curate.score: Expected float <= 3.4"),
        ({"keypoints": flat(), **ours(keypoint_scores=[-1e39] * 21)}, "hand_curate.keypoint_scores"),
        ({"keypoints": flat(), "id": 0}, "an earlier annotation has this id"),
        ({"keypoints": flat(), "image_id": 99}, "no image has the id 99 of an annotation"),
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
        (
            [{"id": 7, "file_name": "7.png"}, {"id": 7, "file_name": "8.png"}],
            "several files have the image id 7",
        ),
        ([{"id": 7}], "no image has the id 7 of an annotation"),
    ],
)
def test_images_that_cannot_be_used(tmp_path: Path, entries: list[Any], reason: str) -> None:
    save(tmp_path, [{"keypoints": flat()}, {"keypoints": flat()}], images=entries)
    samples, counted = read(tmp_path)
    assert not samples
    assert counted.dropped == Counter({"image missing": 2})
    assert reason in counted.quarantine[-1][1]


def test_a_labelled_point_that_is_null_is_told(tmp_path: Path) -> None:
    save(tmp_path, [{"keypoints": [None, None, 2, *flat()[3:]]}])
    samples, counted = read(tmp_path)
    assert not samples
    assert "keypoints[0]: Expected" in counted.quarantine[0][1]


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


def test_a_file_in_latin_1_is_named(tmp_path: Path) -> None:
    path = save(tmp_path, [{"keypoints": flat()}])
    path.write_bytes(path.read_bytes().replace(b'"hand"', b'"H\xe4nde"'))
    with pytest.raises(InputError, match=r"train.json: not a COCO file: .*UTF-8"):
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
        "hand that another annotation repeats exactly, left out": 2,
        "hand with the same points as another of its image": 2,
    }


@pytest.mark.parametrize("content", [
    "", "[]", '{"images": []}', '{"call": {"hand_landmarks": []}}', "[[[0.1, 0.2]]]", '{"annotations": {}}'
])  # fmt: skip
def test_a_source_of_another_format_is_refused(tmp_path: Path, content: str) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=r"a\.json: not a COCO file: .*nor is 1 further file"):
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


@pytest.mark.parametrize("command", [coco, coco_wholebody])
def test_exports_in_folders_below_are_named(tmp_path: Path, command: ModuleType) -> None:
    """It was said to be COCO, with the command that had just been given."""
    for name in ("b", "a"):
        save(tmp_path / name, [{"keypoints": flat()}])
    (tmp_path / "c").mkdir()
    with pytest.raises(
        InputError, match=r"no .json file; .*; convert each of its folders that have one: a, b$"
    ):
        list(command.read(Source(tmp_path)))
