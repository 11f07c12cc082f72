"""A dataset that has a bit of everything, for the exports, and the places of a hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from curate.basics import images
from curate.basics import keypoints as kp
from curate.data import depth
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage

WIDTH, HEIGHT = 64, 48


def _work(samples: list[Sample]) -> Part:
    return Part(to_batch(samples))


@pytest.fixture(scope="session")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Eight hands, two an image; masks, a depth map, 3D, scores, a hand without labels, a point outside, text
    that means something to spreadsheets, Markdown and YAML, all three splits and none."""
    root = tmp_path_factory.mktemp("varied") / "dataset"
    rng = np.random.default_rng(0)
    samples = []
    for i in range(8):
        sample = Sample(f"toy/{i}", "toy", f"images/{i // 2}.png", WIDTH, HEIGHT)
        sample.visibility = rng.integers(0, 3, kp.COUNT).astype(np.uint8)
        sample.visibility[0] = kp.VISIBLE
        sample.keypoints = rng.uniform(1, HEIGHT - 1, (kp.COUNT, 2)).astype(np.float32)
        sample.side, sample.aspect = ("left", "right")[i % 2], "dorsal"
        sample.subject_id, sample.label_source = f"p{i // 4}", "manual"
        sample.split = ("train", "train", "val", "test")[i // 2]
        sample.licence = "CC BY 4.0"
        if i % 2:
            sample.xyz = rng.normal(0.3, 0.1, (kp.COUNT, 3)).astype(np.float32)
            sample.K = np.array([[300, 0, WIDTH / 2], [0, 300, HEIGHT / 2], [0, 0, 1]])
        else:
            sample.mask, sample.bbox = f"masks/{i}.png", np.array([10.5, 20, 20, 15], np.float32)
        samples.append(sample)
    samples[1].keypoints[0] = (-12.5, 70.25)
    samples[2].subject_id, samples[2].split = "=1+1", None
    samples[3].visibility[:] = kp.UNLABELLED
    samples[5].depth = "depth/5.png"
    samples[6].attrs = {"age": 33, "note": "<b>|---\n x"}
    samples[6].score, samples[6].keypoint_scores = 0.9, rng.random(kp.COUNT, np.float32)
    for sample in samples:
        sample.keypoints[sample.visibility == kp.UNLABELLED] = np.nan
    for i in range(4):
        images.write(root / f"images/{i}.png", rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[:, : WIDTH // 2] = 255
        images.write(root / f"masks/{2 * i}.png", mask)
    (root / "depth").mkdir()
    (root / "depth" / "5.png").write_bytes(depth.encode(np.full((HEIGHT, WIDTH), 0.5, np.float32)))
    return _opened(root, samples)


def _opened(root: Path, samples: list[Sample]) -> Dataset:
    made = root.with_name("made")
    Stage("made", made, {}, quiet=True).run([samples], _work)
    for path in made.iterdir():
        path.rename(root / path.name)
    return Dataset(root)


@pytest.fixture
def shares() -> NDArray[Any]:
    """Places (21, 2) of a hand, as shares of its picture."""
    return np.linspace(0.1, 0.9, 42).reshape(21, 2)
