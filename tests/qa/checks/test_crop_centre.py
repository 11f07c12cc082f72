"""Checks of where hands lie in their crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qa_sets import crops_of, hits, opened, run, save, save_training

from curate.data.sample import Sample


def test_a_shifted_crop_is_found_in_its_split(tmp_path: Path, hands: list[Sample]) -> None:
    pixels, crops = crops_of(hands)
    for sample in crops:
        if sample.split == "test":
            sample.keypoints += np.float32([-4, -10])  # of 64
    root = save_training(tmp_path / "t", crops, pixels)
    (bias,) = hits("crop-centre", opened(root))
    assert (bias.split, bias.severity) == ("test", "error")
    assert bias.score == pytest.approx(10 / 64, abs=1e-6)
    (drift,) = hits("crop-centre-drift", opened(root))
    assert (drift.split, drift.words["train"]) == ("test", "(+0.0 %, +0.0 %)")


def test_whole_photographs_have_no_crop_centre(tmp_path: Path, hands: list[Sample]) -> None:
    view = opened(save(tmp_path / "d", hands))
    for name in ("crop-centre", "crop-centre-drift", "heatmap-peak", "heatmap-levels"):
        assert run(name, view).checked == 0
