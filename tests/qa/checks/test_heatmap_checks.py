"""Checks of a training set's heatmaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qa_sets import crops_of, hits, opened, save_training

from curate.basics import heatmaps
from curate.data.sample import Sample
from qa.view import View


def stored_heatmaps(view: View, sigma: float = 3.0) -> np.ndarray:
    return heatmaps.draw(view.points[:, 1:], view.visibility[:, 1:], 64, sigma)


def test_stored_heatmaps_are_compared_with_the_keypoints(tmp_path: Path, hands: list[Sample]) -> None:
    pixels, crops = crops_of(hands)
    root = save_training(tmp_path / "t", crops, pixels)
    maps = stored_heatmaps(opened(root))
    maps[4, 7] = np.roll(maps[4, 7], 2, axis=1)
    maps[9, 2] *= 1.02
    np.save(root / "heatmaps.npy", maps.astype(np.float16))
    peaks, masses = hits("heatmap-peak", opened(root)), hits("heatmap-mass", opened(root))
    assert [(hit.row, hit.words["keypoint"]) for hit in peaks] == [(4, "index_tip")]
    assert [(hit.row, hit.words["keypoint"]) for hit in masses] == [(9, "thumb_ip")]
    assert not hits("heatmap-levels", opened(root))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_narrow_gaussians_at_an_edge_and_beyond_it_are_right(
    sigma: float, tmp_path: Path, hands: list[Sample]
) -> None:
    """They fall between the cells: their sum is not their integral."""
    pixels, crops = crops_of(hands)
    for number, crop in enumerate(crops):
        crop.keypoints[8] = (30.0, 0.3 * number - 5)
    root = save_training(tmp_path / "t", crops, pixels, sigma=sigma)
    assert not hits("heatmap-mass", opened(root))
    np.save(root / "heatmaps.npy", stored_heatmaps(opened(root), sigma).astype(np.float16))
    assert not hits("heatmap-mass", opened(root))


def test_formula_one_as_eight_bits_is_refused(tmp_path: Path, hands: list[Sample]) -> None:
    pixels, crops = crops_of(hands)
    root = save_training(tmp_path / "t", crops, pixels, sigma=5.0)
    maps = stored_heatmaps(opened(root), 5.0)
    np.save(root / "heatmaps.npy", heatmaps.as_dtype(maps, "uint8"))
    (hit,) = hits("heatmap-levels", opened(root))
    assert hit.score == 3
