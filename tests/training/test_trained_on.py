"""What a run was trained on is kept, and what an evaluation shares with it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.basics.errors import SchemaError
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.training.trained_on import FILE, seen_in_training, write_trained_on


def hand(name: str, split: str, subject: str | None = None, parent: str | None = None) -> Sample:
    points = np.full((21, 2), 5, np.float32)
    sample = Sample(name, "s", f"{name}.png", subject_id=subject, parent_id=parent, split=split)
    sample.keypoints, sample.visibility = points, np.full(21, 2, np.uint8)
    return sample


@pytest.fixture
def trained(store, tmp_path: Path) -> Dataset:
    samples = [
        hand("a", "train", "ann"),
        hand("b", "train", None, parent="photo"),
        hand("c", "test", "ann"),
        hand("d", "test", "bob", parent="photo"),
        hand("e", "val", "cyd"),
    ]
    return Dataset(store(tmp_path / "set", samples, {}))


def test_what_is_shared_is_counted_by_kind(trained: Dataset, tmp_path: Path) -> None:
    write_trained_on(tmp_path, trained)
    assert seen_in_training(tmp_path, trained, "train") == {"samples": 2, "photographs": 2, "subjects": 1}
    assert seen_in_training(tmp_path, trained, "test") == {"samples": 0, "photographs": 1, "subjects": 1}
    assert seen_in_training(tmp_path, trained, "val") == {"samples": 0, "photographs": 0, "subjects": 0}


def test_no_name_is_kept(trained: Dataset, tmp_path: Path) -> None:
    write_trained_on(tmp_path, trained)
    assert "ann" not in (tmp_path / FILE).read_text()


def test_a_run_that_does_not_tell_or_tells_nonsense(trained: Dataset, tmp_path: Path) -> None:
    assert seen_in_training(tmp_path, trained, "test") is None
    (tmp_path / FILE).write_text("[1]")
    with pytest.raises(SchemaError, match="does not parse"):
        seen_in_training(tmp_path, trained, "test")
