"""What a training set holds, and what is refused when it is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics import heatmaps, images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import INFO, Dataset, write_info, write_table
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from curate.data.training_set import SIZES, Form, Stored, Writer, form_of, open_heatmaps, read_split

FORM = Form(32, 1, 20, 2.0)
SPLITS = ["train", "test", "train", "val"]


def sample_of(row: int, split: str = "train") -> Sample:
    """Its points lie on a diagonal, but the little finger is not labelled; odd ones are known in 3D."""
    points = np.stack([np.arange(21) + row, np.arange(21) + 0.5], axis=1).astype(np.float32)
    visibility = np.full(21, kp.VISIBLE, np.uint8)
    points[17:], visibility[17:] = np.nan, 0
    sample = Sample(f"s/{row}", "s", f"{row}.png", keypoints=points, visibility=visibility, split=split)
    if row % 2:
        sample.xyz = np.full((21, 3), row, np.float32)
        sample.K = np.diag([row, row, 1.0])
    return sample


def picture(row: int, form: Form = FORM) -> np.ndarray:
    return np.random.default_rng(row).integers(0, 256, form.shape, np.uint8)


def mask(row: int) -> np.ndarray:
    return np.where(np.arange(32 * 32).reshape(32, 32) % (row + 2), 0, 255).astype(np.uint8)


def write_set(root: Path, form: Form = FORM, splits: list[str] = SPLITS) -> Dataset:
    """A training set of a stage with two samples a task."""
    stage = Stage("make", root, {}, quiet=True)
    writer = Writer(form, stage.folder, root)

    def work(index: int) -> Part:
        rows = range(2 * index, min(2 * index + 2, len(splits)))
        batch = to_batch([sample_of(row, splits[row]) for row in rows])
        masks = [mask(row) for row in rows] if form.masks else []
        writer.write(index, batch, [picture(row, form) for row in rows], masks)
        return Part(batch)

    stage.run(range(-(-len(splits) // 2)), work, finish=writer.finish)
    return Dataset(root)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read(tmp_path: Path, channels: int) -> None:
    form = Form(32, channels, 20, 2.0, masks=True)
    dataset = write_set(tmp_path / "t", form)
    assert form_of(dataset) == form
    assert (dataset.training or {})["splits"] == {"test": 1, "train": 2, "val": 1}
    split = read_split(dataset, "train")
    assert split.sample_ids == ["s/0", "s/2"]
    np.testing.assert_array_equal(split.pixels([1, 0]), [picture(2, form), picture(0, form)])
    np.testing.assert_array_equal(split.masks([1]), [mask(2)])
    np.testing.assert_array_equal(split.keypoints[1], sample_of(2).keypoints[1:])
    assert split.visibility[0].tolist() == [2] * 16 + [0] * 4
    assert split.weights.tolist() == [1, 1]
    assert np.isnan(split.xyz).all()
    assert np.isnan(split.intrinsics).all()
    known = read_split(dataset, "val", 21)
    np.testing.assert_array_equal(known.xyz, np.full((1, 21, 3), 3))
    np.testing.assert_array_equal(known.intrinsics, [np.diag([3, 3, 1])])
    assert known.keypoints.shape == (1, 21, 2)


def test_a_set_without_masks_has_none(tmp_path: Path) -> None:
    dataset = write_set(tmp_path / "t")
    assert read_split(dataset, "train").masks([0]) is None
    assert {path.name for path in dataset.root.iterdir()} == {
        ".curate.json", "samples.parquet", "dataset.json", "quarantine.jsonl", "pixels.npy",
    }  # fmt: skip


def test_stored_heatmaps_are_those_of_the_keypoints(tmp_path: Path) -> None:
    form = Form(32, 1, 21, 2.0, Stored("uint8", True))
    dataset = write_set(tmp_path / "t", form)
    assert form_of(dataset) == form
    maps = open_heatmaps(dataset, form, 4)
    assert maps is not None
    drawn = heatmaps.draw(sample_of(3).keypoints, sample_of(3).visibility, 32, 2.0, peak1=True)
    np.testing.assert_array_equal(maps[3], np.rint(drawn * 255))
    assert open_heatmaps(write_set(tmp_path / "u"), FORM, 4) is None


def test_samples_weigh_what_the_set_says(tmp_path: Path) -> None:
    dataset = write_set(tmp_path / "t")
    np.save(dataset.root / "weights.npy", np.array([0.5, 1, 0, 2]))
    assert read_split(dataset, "train").weights.tolist() == [0.5, 0]
    for wrong, message in [
        (np.ones(3), r"shape \(3,\); allowed: \(4,\)"),
        (np.ones(4, int), r"an array of int64; allowed: float32 or float64"),
        (np.array([1, 1, -0.5, 1]), r"weights.npy: row 2: -0.5; allowed: 0 or more"),
        (np.array([1, np.nan, 1, 1]), r"weights.npy: row 1: nan; allowed: 0 or more"),
        (np.array([{}] * 4), r"weights.npy: not readable"),
    ]:
        np.save(dataset.root / "weights.npy", wrong, allow_pickle=True)
        with pytest.raises(InputError, match=message):
            read_split(dataset, "train")


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"size": 40}, r"training.size: 40; allowed: a multiple of 16 from 32 to 512, in pixels"),
        ({"size": 32.0}, r"training.size: 32.0; allowed"),
        ({"size": "32"}, r"training.size: '32'; allowed"),
        ({"channels": True}, r"training.channels: True; allowed: 1 or 3"),
        ({"keypoints": None}, r"training.keypoints: None; allowed: 20 \(without the wrist\) or 21"),
        ({"sigma": "5"}, r"training.sigma: '5'; allowed: 0.3 to 32 pixels"),
        ({"sigma": float("nan")}, r"training.sigma: nan; allowed"),
        ({"heatmaps": "float16"}, r"training.heatmaps: 'float16'; allowed: {\"dtype\": ..., \"peak1\": ...}"),
        ({"heatmaps": {"dtype": "float16"}}, r"heatmaps.npy: not readable .*; build the training set again"),
        ({"masks": True}, r"masks.npy: not readable"),
        ({"size": 48}, r"pixels.npy: images of shape \(32, 32\); allowed: \(48, 48\), as dataset.json says"),
    ],
)  # fmt: skip
def test_a_set_that_contradicts_itself_is_refused(
    tmp_path: Path, training: dict[str, Any], message: str
) -> None:
    root = write_set(tmp_path / "t").root
    info = json.loads((root / INFO).read_text())
    info["training"] |= training
    (root / INFO).write_text(json.dumps(info))
    with pytest.raises(InputError, match=message):
        read_split(Dataset(root), "train")


@pytest.mark.parametrize("said", [3, [], "set"])
def test_a_record_that_is_no_table_is_refused(tmp_path: Path, said: object) -> None:
    root = write_set(tmp_path / "t").root
    info = json.loads((root / INFO).read_text())
    (root / INFO).write_text(json.dumps({**info, "training": said}))
    with pytest.raises(InputError, match=r"training: .*; allowed: a table of size, channels"):
        form_of(Dataset(root))


@pytest.mark.parametrize("row", ["", "-1", "x", "9" * 5000, None])
def test_a_sample_that_names_no_row_is_refused(tmp_path: Path, row: str | None) -> None:
    sample = sample_of(0)
    sample.image = "7.png" if row is None else f"pixels.npy#{row}"
    write_table(tmp_path, [to_batch([sample])])
    np.save(tmp_path / "pixels.npy", picture(0)[None])
    write_info(tmp_path, {"history": [], "training": FORM.record({"train": 1})})
    with pytest.raises(InputError, match=r"image: '.*; allowed: pixels.npy#ROW in a training set"):
        read_split(Dataset(tmp_path), "train")


def test_a_row_beyond_the_images_and_a_split_that_is_not_there_are_refused(tmp_path: Path) -> None:
    dataset = write_set(tmp_path / "t")
    with pytest.raises(InputError, match="no sample of split 'dev'; allowed: test, train, val"):
        read_split(dataset, "dev")
    np.save(dataset.root / "pixels.npy", picture(0)[None])
    with pytest.raises(InputError, match="1 image, but a sample refers to row 2; build"):
        read_split(dataset, "train")


@given(st.integers(-10, 600))
def test_a_size_is_a_multiple_of_16_from_32_to_512(size: int) -> None:
    form = Form(size, 3, 21, 0.5)
    assert (size in SIZES) == (size % 16 == 0 and 32 <= size <= 512)
    if size in SIZES:
        form.check("build")
    else:
        with pytest.raises(InputError, match=rf"build: size: {size}; allowed: a multiple of 16"):
            form.check("build")


def test_no_image_at_all(tmp_path: Path) -> None:
    dataset = write_set(tmp_path / "t", splits=[])
    assert images.open_stack(dataset.root).shape == (0, 32, 32)
    with pytest.raises(InputError, match="no sample of split 'train'"):
        read_split(dataset, "train")
