"""COCO keypoints of hands: every publisher's dialect."""

from __future__ import annotations

import base64
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
from curate.data.sample import from_batch
from curate.data.source import BY_NAME, Source
from tests.converters.coco_files import flat, read, save


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


def test_an_entry_that_is_none_changes_nothing_of_the_others(tmp_path: Path) -> None:
    """Sound files are read in another way than those with a flaw. Text is not taken for packed numbers."""
    sound = [{"keypoints": flat(shift=shift), "bbox": [1, 2, 3, 4]} for shift in (0, 0.1, 10)]
    text = base64.b64encode(np.ones(3 * kp.COUNT, np.float32).tobytes()).decode()
    save(tmp_path / "sound", sound)
    save(tmp_path / "flawed", [*sound, {"keypoints": text}])
    samples, _ = read(tmp_path / "sound")
    others, counted = read(tmp_path / "flawed")
    assert [(s.sample_id, s.keypoints.tobytes()) for s in samples] == [
        (s.sample_id, s.keypoints.tobytes()) for s in others
    ]
    assert len(samples) == 3
    assert [name for name, _ in counted.quarantine] == ["train.json: annotations[3]"]


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


def test_licences_by_number(tmp_path: Path) -> None:
    entries = [{"id": 7, "file_name": "7.png", "license": 4}]
    save(tmp_path, [{"keypoints": flat()}], licenses=[{"id": 4, "name": "CC BY 2.0"}], images=entries)
    assert read(tmp_path)[0][0].licence == "CC BY 2.0"


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


def test_numbers_and_ids_in_quotes(tmp_path: Path) -> None:
    quoted = {"keypoints": [str(number) for number in flat()], "image_id": "7", "category_id": "1"}
    save(tmp_path, [quoted, {"keypoints": flat(shift=1)}], names=kp.NAMES[::-1])
    samples, counted = read(tmp_path)
    assert [s.sample_id for s in samples] == ["coco/train/0", "coco/train/1"]
    assert samples[0].keypoints[0].tolist() == [20.5, 80.25]  # by the names of its category, the last is ours
    assert not counted.quarantine
    assert not counted.notes


@pytest.mark.parametrize(("name", "told"), [("width", 96.5), ("height", "128.5")])
def test_a_size_of_half_a_pixel_costs_its_image_alone(tmp_path: Path, name: str, told: Any) -> None:
    sound = {"id": 7, "file_name": "7.png", "width": 96, "height": 128}
    entries = [sound, {**sound, "id": 8, name: told}]
    save(tmp_path, [{"keypoints": flat()}, {"keypoints": flat(shift=1), "image_id": 8}], images=entries)
    samples, counted = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["coco/train/0"]
    ((where, reason),) = counted.quarantine
    assert where.endswith("image 8")
    assert reason == f"{name}: {told!r}; allowed: a whole number of pixels"


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


def test_many_hands_come_in_order(tmp_path: Path) -> None:
    count = 9000  # more than a batch
    save(tmp_path, [{"keypoints": flat(shift=i)} for i in range(count)])
    parts = list(coco.read(Source(tmp_path)))
    samples = [s for part in parts for s in from_batch(part.batch)]
    assert [s.sample_id for s in samples] == [f"coco/train/{i}" for i in range(count)]
    assert samples[-1].keypoints[0, 0] == 0.5 + count - 1


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
