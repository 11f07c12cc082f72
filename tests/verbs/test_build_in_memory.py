"""Training sets that build cuts out and puts before grounds on its way, without files in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate.background import background
from curate.basics import images
from curate.basics.engine import Local
from curate.build import build
from curate.crop import crop
from curate.data.dataset import Dataset
from curate.options.background import BackgroundOptions
from curate.options.build import BuildOptions
from curate.options.crop import CropOptions


def chained(folder: Path, data: Path, background_of: str) -> tuple[Dataset, Dataset]:
    """By files, background, crop and build; and all in memory. Crops by the same boxes in both."""
    background(data, folder / "b", BackgroundOptions(backgrounds=background_of, seed=3), quiet=True)
    crop(folder / "b", folder / "c", CropOptions(by="keypoints", margin=0.3), quiet=True)
    build([folder / "c"], folder / "files", BuildOptions(size=64, colour=True, seed=3), quiet=True)
    at_once = BuildOptions(
        size=64, colour=True, crop="keypoints", margin=0.3, backgrounds=background_of, seed=3
    )
    build([data], folder / "memory", at_once, quiet=True)
    return Dataset(folder / "files"), Dataset(folder / "memory")


@pytest.mark.parametrize("ground", ["colour:#2040c0", "gradient", "noise"])
def test_all_in_memory_gives_what_the_three_commands_give(
    drawn_dataset: Path, tmp_path: Path, ground: str
) -> None:
    files, memory = chained(tmp_path, drawn_dataset, ground)
    assert len(files) == len(memory) == 24
    for one, other in zip(files, memory, strict=True):
        assert (one.sample_id, one.split, one.subject_id) == (other.sample_id, other.split, other.subject_id)
        np.testing.assert_allclose(one.keypoints, other.keypoints, atol=0.3)
        np.testing.assert_allclose(one.transform, other.transform, atol=1.0)
        difference = np.abs(files.read_image(one).astype(int) - memory.read_image(other))
        assert difference.mean() < 6
    assert {p.name for p in memory.root.iterdir()} == {
        ".curate.json", "samples.parquet", "dataset.json", "quarantine.jsonl", "pixels.npy",
    }  # fmt: skip
    (entry,) = [e for e in memory.info["history"] if e["stage"] == "build"]
    assert entry["options"]["backgrounds"] == [ground]
    assert entry["options"]["crop"]["by"] == "keypoints"


def test_a_photo_becomes_a_sample_before_each_of_several_grounds(drawn_dataset: Path, tmp_path: Path) -> None:
    options = BuildOptions(crop="colour", size=64, colour=True)
    build([drawn_dataset], tmp_path / "plain", options, quiet=True)
    grounds = ["own", "colour:#00ff00", "noise", "noise"]
    mixed_options = replace(options, backgrounds=grounds)
    summary = build([drawn_dataset], tmp_path / "t", mixed_options, engine=Local(2), quiet=True)
    assert summary.samples == 4 * 24
    plain, mixed = list(Dataset(tmp_path / "plain")), list(Dataset(tmp_path / "t"))
    before, after = images.open_stack(tmp_path / "plain"), images.open_stack(tmp_path / "t")
    for number, sample in enumerate(plain):
        copies = mixed[4 * number : 4 * number + 4]
        assert [copy.sample_id for copy in copies] == [
            sample.sample_id + end for end in ("", "~2", "~3", "~4")
        ]
        assert {copy.split for copy in copies} == {sample.split}
        assert {copy.parent_id for copy in copies} == {sample.parent_id}
        assert all(np.array_equal(copy.keypoints, sample.keypoints) for copy in copies)
        own, green, *noisy = after[4 * number : 4 * number + 4]
        assert np.array_equal(own, before[number])
        assert green[0, 0].tolist() == [0, 255, 0]
        assert not np.array_equal(*noisy)
    assert Dataset(tmp_path / "t").info["history"][-1]["options"]["backgrounds"] == grounds
