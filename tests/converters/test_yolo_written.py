"""YOLO pose: what is written, and comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from converters import yolo_pose
from curate.basics import images
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from tests.converters.yolo_files import HEIGHT, WIDTH, run


def as_part(samples: tuple[Sample, ...]) -> Part:
    return Part(to_batch(samples))


def dataset(folder: Path, *samples: Sample) -> Dataset:
    images.write(folder.parent / "picture.png", np.full((HEIGHT, WIDTH, 3), 60, np.uint8))
    Stage("test", folder, {}, quiet=True).run([samples], as_part)
    return Dataset(folder)


def hand(number: int, points: NDArray[Any], seen: NDArray[Any], **fields: Any) -> Sample:
    given: dict[str, Any] = {"width": WIDTH, "height": HEIGHT, "image": "../picture.png", **fields}
    points = np.where(seen[:, None] > 0, points, np.nan).astype(np.float32)
    return Sample(f"s/{number}", "s", keypoints=points, visibility=seen.astype(np.uint8), **given)


inside = st.floats(0, 1, width=32, exclude_min=True)


@given(
    points=st.lists(st.tuples(inside, inside), min_size=21, max_size=21),
    seen=st.lists(st.integers(0, 2), min_size=21, max_size=21).filter(any),
)
def test_points_and_visibility_survive_the_round_trip(
    points: list[tuple[float, float]], seen: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    pixels = np.array(points, np.float32) * np.array([WIDTH, HEIGHT], np.float32)
    before = hand(0, pixels, np.array(seen), bbox=np.array([20, 10, 50, 60], np.float32))
    lost = yolo_pose.write(dataset(folder / "d", before), folder / "y")
    assert lost == {"sample without a split, put into train": 1, "sample_id": 1, "source": 1}
    _, (after,) = run(folder / "y", folder / "back")
    np.testing.assert_array_equal(after.keypoints, before.keypoints)
    assert after.visibility.tolist() == seen
    np.testing.assert_allclose(after.bbox, [20, 10, 50, 60], atol=1e-4)  # type: ignore[arg-type]


def test_what_yolo_cannot_hold_is_counted(tmp_path: Path, shares: NDArray[Any]) -> None:
    points = shares * (WIDTH, HEIGHT)
    points[3] = -5, 20
    points[4] = 0, 0
    seen = np.full(21, 2)
    nothing = np.zeros(21)
    made = dataset(
        tmp_path / "d",
        hand(
            0,
            points,
            seen,
            bbox=np.array([-20, 0, 100, 50], np.float32),
            side="left",
            subject_id="7",
            split="val",
            xyz=np.ones((21, 3), np.float32),
            mask="m.png",
        ),
        hand(1, points, nothing, split="val"),
        hand(2, points, seen, image="gone.png", split="train"),
    )
    lost = yolo_pose.write(made, tmp_path / "y")
    assert lost == {
        "sample_id": 3,
        "source": 3,
        "side": 1,
        "subject_id": 1,
        "xyz": 1,
        "mask": 1,
        "bbox clipped to the image": 1,
        "sample without a box, which gets one around its points": 1,
        "point outside the image, written as unlabelled": 4,
        "left out: sample without a box, or points in the image to draw one around": 1,
        "image missing or unreadable": 1,
        "left out: sample without an image": 1,
    }
    numbers = (tmp_path / "y" / "labels" / "val" / "picture.txt").read_text().split()
    assert len(numbers) == 68
    assert [float(n) for n in numbers[1:5]] == [0.2, 0.25, 0.4, 0.5]  # x 0..80 of 200, y 0..50 of 100
    assert numbers[5 + 9 : 5 + 15] == ["0"] * 6
    assert sorted(p.name for p in (tmp_path / "y" / "images").iterdir()) == ["val"]


def test_data_yaml_has_the_identity_for_flips(tmp_path: Path, shares: NDArray[Any]) -> None:
    made = dataset(tmp_path / "d", hand(0, shares * 50, np.full(21, 2), split="test"))
    yolo_pose.write(made, tmp_path / "y")
    content = yaml.safe_load((tmp_path / "y" / "data.yaml").read_text())
    assert content["flip_idx"] == list(range(21))
    assert content["kpt_shape"] == [21, 3]
    assert content["test"] == "images/test"
    assert content["train"] == content["val"] == "images/test"  # for want of others; Ultralytics wants all
    assert "path" not in content  # Ultralytics would count it from where it is started


def test_two_hands_share_a_file_and_a_box_is_found_for_them(tmp_path: Path, shares: NDArray[Any]) -> None:
    points = np.tile([[50.0, 50.0]], (21, 1))
    points[1] = 100, 60
    hands = [hand(i, points, np.full(21, 2), split="train") for i in range(2)]
    lost = yolo_pose.write(dataset(tmp_path / "d", *hands), tmp_path / "y")
    assert lost["sample without a box, which gets one around its points"] == 2
    text = (tmp_path / "y" / "labels" / "train" / "picture.txt").read_text()
    assert len(text.splitlines()) == 2
    _, samples = run(tmp_path / "y", tmp_path / "back")
    # In shares the points span 0.25 x 0.1, to which a tenth of the longer side is added all around.
    np.testing.assert_allclose(samples[0].bbox, [45, 47.5, 60, 15], atol=1e-4)  # type: ignore[arg-type]


def test_hands_that_follow_another_of_their_image_into_its_split_are_counted(
    tmp_path: Path, shares: NDArray[Any]
) -> None:
    splits = ("val", "test", None)
    hands = [hand(i, shares * 50, np.full(21, 2), split=split) for i, split in enumerate(splits)]
    lost = yolo_pose.write(dataset(tmp_path / "d", *hands), tmp_path / "y")
    assert lost["sample in the split of another hand of its image"] == 2
    assert "sample without a split, put into train" not in lost
    assert [path.name for path in (tmp_path / "y" / "labels").iterdir()] == ["val"]


def test_a_set_of_hidden_points_alone_stays_hidden(tmp_path: Path, shares: NDArray[Any]) -> None:
    yolo_pose.write(dataset(tmp_path / "d", hand(0, shares * 50, np.ones(21), split="train")), tmp_path / "y")
    _, (sample,) = run(tmp_path / "y", tmp_path / "back")
    assert set(sample.visibility) == {1}


def test_real_labels_survive_the_round_trip(real_data: Path, tmp_path: Path) -> None:
    summary, before = run(real_data / "11k_hands_224", tmp_path / "out", limit=300)
    assert summary.samples == 300
    yolo_pose.write(Dataset(tmp_path / "out"), tmp_path / "y")
    _, after = run(tmp_path / "y", tmp_path / "back")
    inside = {s.sample_id.rpartition("/")[2]: s for s in after}
    assert len(inside) == 300
    for sample in before:
        twin = inside[sample.sample_id.rpartition("/")[2]]
        np.testing.assert_array_equal(twin.keypoints, sample.keypoints)
        np.testing.assert_array_equal(twin.visibility, sample.visibility)
