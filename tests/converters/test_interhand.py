"""InterHand2.6M: two hands, 42 joints in the world, and the cameras that see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.interhand import ORDER
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import INTERHAND_NAMES, K, interhand, space, spots


def test_the_order_is_that_of_the_dataset() -> None:
    assert [INTERHAND_NAMES[row] for row in ORDER] == [f"right_{name}" for name in kp.NAMES]


def test_hands_joints_and_cameras(tmp_path: Path) -> None:
    interhand(tmp_path / "s")
    summary, samples, _ = converted("interhand", tmp_path / "s")
    assert [s.sample_id for s in samples] == [
        f"interhand/test/{key}" for key in ("10/right", "10/left", "11/right")
    ]
    for hand, sample in enumerate(samples):
        known = slice(int(hand == 2), None)  # the wrist of the last one is not valid
        assert sample.xyz is not None
        assert sample.K is not None
        np.testing.assert_allclose(sample.keypoints[known], spots(hand)[known], atol=1e-3)
        np.testing.assert_allclose(sample.xyz[known], space(hand)[known], atol=1e-6)
        np.testing.assert_array_equal(sample.K, K)
        assert (sample.split, sample.subject_id) == ("test", "interhand/test/5")
        assert sample.clip == "interhand/test/Capture0/0390_dh"
    assert (samples[2].visibility[0], np.isnan(samples[2].keypoints[0]).all()) == (0, True)
    assert [(s.side, s.frame, s.track) for s in samples[:2]] == [
        ("right", 69148, "cam400262/right"),
        ("left", 69148, "cam400262/left"),
    ]
    assert [s.bbox is None for s in samples] == [True, True, False]
    assert (summary.absent, summary.quarantined) == ({"hand without a valid joint": 1}, 0)


def change(root: Path, kind: str, edit: Callable[[Any], None]) -> None:
    path = root / f"annotations/test/InterHand2.6M_test_{kind}.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("kind", "edit", "found"),
    [
        ("data", lambda c: c["annotations"][0].update(joint_valid=[1] * 41), "joint_valid: 41; allowed: 42"),
        (
            "data",
            lambda c: c["annotations"][0].update(joint_valid=[1] * 41 + [2]),
            "joint_valid: 2; allowed: 0 or",
        ),
        (
            "data",
            lambda c: c["annotations"][0].update(image_id=99),
            "annotations[0]: image_id: no such image",
        ),
        ("data", lambda c: c["images"][0].update(frame_idx=-1), "images[0].frame_idx"),
        ("data", lambda c: c["images"][0].update(file_name="../../../secret.png"), "out of the source"),
        ("camera", lambda c: c["0"]["focal"].clear(), "0.400262: no such camera"),
        ("camera", lambda c: c["0"]["campos"].update({"400262": [1]}), "0.400262: campos: 1; allowed: 3"),
        (
            "camera",
            lambda c: c["0"]["focal"].update({"400262": "300"}),
            "0.400262: focal: Expected array, got",
        ),
        ("camera", lambda c: c["0"]["camrot"].update({"400262": [[2, 0, 0]] * 3}), "camrot: no rotation"),
        ("joint_3d", lambda c: c["0"].pop("69148"), "0.69148: no such frame"),
        ("joint_3d", lambda c: c["0"]["69148"].update(world_coord=[[0, 0, 0]]), "1 x 3; allowed: 42 x 3"),
    ],
)
def test_what_is_flawed_is_told(tmp_path: Path, kind: str, edit: Callable[[Any], None], found: str) -> None:
    interhand(tmp_path / "s")
    (tmp_path / "secret.png").write_bytes(b"")
    change(tmp_path / "s", kind, edit)
    _, samples, reasons = converted("interhand", tmp_path / "s")
    assert len(samples) < 3
    assert any(found in reason for reason in reasons)


@pytest.mark.parametrize("kind", ["camera", "joint_3d"])
def test_a_flawed_capture_or_camera_spoils_its_own_images_alone(tmp_path: Path, kind: str) -> None:
    interhand(tmp_path / "s")
    change(tmp_path / "s", "data", lambda c: c["images"][1].update(capture=1))
    for table in ("camera", "joint_3d"):
        change(tmp_path / "s", table, lambda c: c.update({"1": c["0"]}))
    change(tmp_path / "s", kind, lambda c: c.update({"0": ["none"]}))
    _, samples, (reason,) = converted("interhand", tmp_path / "s")
    assert [s.sample_id for s in samples] == ["interhand/test/11/right"]
    file = f"InterHand2.6M_test_{kind}.json"
    assert reason == f"{file} 0: Expected object, got array"


def test_a_mirror_is_no_rotation(tmp_path: Path) -> None:
    interhand(tmp_path / "s")
    mirror = {"400262": [[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]}
    change(tmp_path / "s", "camera", lambda c: c["0"]["camrot"].update(mirror))
    summary, _, (reason,) = converted("interhand", tmp_path / "s")
    assert "InterHand2.6M_test_camera.json 0.400262: camrot: no rotation" in reason
    assert summary.dropped == {"image whose camera or capture cannot be used": 2}  # told once


def test_a_hand_that_hand_type_contradicts_has_no_side(tmp_path: Path) -> None:
    interhand(tmp_path / "s")
    change(tmp_path / "s", "data", lambda c: c["annotations"][1].update(hand_type="left"))
    summary, samples, _ = converted("interhand", tmp_path / "s")
    assert [s.side for s in samples] == ["right", "left", None]
    assert summary.notes["side told in two ways, left empty"] == 1


def test_a_box_that_cannot_be_is_left_out_and_counted(tmp_path: Path) -> None:
    interhand(tmp_path / "s")
    change(tmp_path / "s", "data", lambda c: c["annotations"][1].update(bbox=[10, 20, -120, 130]))
    summary, samples, _ = converted("interhand", tmp_path / "s")
    assert [s.bbox for s in samples] == [None] * 3
    assert summary.notes["impossible bbox, left out"] == 1


def test_an_image_is_annotated_once(tmp_path: Path) -> None:
    interhand(tmp_path / "s")
    change(tmp_path / "s", "data", lambda c: c["annotations"].append(c["annotations"][0]))
    summary, samples, _ = converted("interhand", tmp_path / "s")
    assert (len(samples), summary.quarantined) == (3, 1)


def test_two_annotations_of_a_split_are_refused_but_for_all_of_them(tmp_path: Path) -> None:
    interhand(tmp_path / "s")
    base = tmp_path / "s/annotations"
    (base / "test").rename(base / "human_annot")
    for kind in ("data", "camera", "joint_3d"):
        name = f"InterHand2.6M_test_{kind}.json"
        (base / "machine_annot").mkdir(exist_ok=True)
        (base / "machine_annot" / name).write_bytes((base / "human_annot" / name).read_bytes())
    with pytest.raises(InputError, match="test is annotated in human_annot, machine_annot"):
        converted("interhand", tmp_path / "s")
    (base / "machine_annot").rename(base / "all")
    assert len(converted("interhand", tmp_path / "s")[1]) == 3


def test_images_that_were_not_downloaded_are_counted(tmp_path: Path) -> None:
    interhand(tmp_path / "s")
    next((tmp_path / "s").rglob("image69148.jpg")).unlink()
    summary, samples, _ = converted("interhand", tmp_path / "s")
    assert (len(samples), summary.absent["annotation without its image"]) == (1, 1)


def test_real_hands_lie_in_their_boxes(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "s").symlink_to(real_data / "interhand2.6m")
    _, samples, _ = converted("interhand", tmp_path / "s")
    assert [s.side for s in samples] == ["right", "left"] * 2
    annotations = json.loads(
        (real_data / "interhand2.6m/annotations/InterHand2.6M_test_data.json").read_text()
    )["annotations"]
    for first, annotation in zip((0, 2), annotations, strict=True):
        points = np.concatenate([samples[first].keypoints, samples[first + 1].keypoints])
        x, y, w, h = annotation["bbox"]
        low, high = points.min(axis=0), points.max(axis=0)
        np.testing.assert_allclose((low + high) / 2, [x + w / 2, y + h / 2], atol=1)
