"""hand-graph-cnn's real set: 3D joints, and their places in pictures that were cut out and scaled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from converters.table import FORMATS
from curate.basics.errors import InputError
from curate.convert import ConvertOptions, convert
from curate.data.source import Source
from tests.converters.converted import converted
from tests.layouts import HANDS, hand_graph, picture, space, spots


def test_points_camera_and_space(tmp_path: Path) -> None:
    hand_graph(tmp_path / "s")
    summary, samples, _ = converted("hand-graph", tmp_path / "s")
    assert [s.sample_id for s in samples] == [f"hand-graph/{n:05d}" for n in range(HANDS)]
    for hand, sample in enumerate(samples):
        assert (sample.side, sample.subject_id, set(sample.visibility)) == ("left", "hand-graph", {2})
        np.testing.assert_allclose(sample.keypoints, 2 * (spots(hand) - [30 + hand, 20]), atol=1e-3)
        assert sample.xyz is not None
        assert sample.K is not None
        np.testing.assert_allclose(sample.xyz, space(hand), atol=1e-6)
        np.testing.assert_allclose(sample.K, [[600, 0, 2 * (50 - hand)], [0, 600, 124], [0, 0, 1]])
    assert summary.notes == {"hand without visibility, its points read as visible": HANDS}


def test_notes_are_of_the_hands_that_a_limit_leaves(tmp_path: Path) -> None:
    """They counted the whole source."""
    hand_graph(tmp_path / "s")
    options, source = ConvertOptions(limit=2), Source(tmp_path / "s")
    read = FORMATS["hand-graph"].read
    summary = convert(read, "hand-graph", source, tmp_path / "out", options, quiet=True)
    assert summary.samples == 2
    assert summary.notes == {"hand without visibility, its points read as visible": 2}


def test_rows_without_a_picture_are_counted_and_others_used(tmp_path: Path) -> None:
    hand_graph(tmp_path / "s")
    (tmp_path / "s/images/00001.jpg").unlink()
    picture(tmp_path / "s/images/00002.jpg", 160, 120)
    (tmp_path / "s/images/00003.jpg").write_bytes(b"no picture")
    summary, samples, reasons = converted("hand-graph", tmp_path / "s")
    assert [s.sample_id for s in samples] == ["hand-graph/00000"]
    assert (summary.absent, summary.quarantined) == ({"annotation without its image": 1}, 2)
    assert any("row 2: bbox: an image of 160 x 120 for a box of 80 x 80" in reason for reason in reasons)
    assert any(reason.startswith("images/00003.jpg: ") for reason in reasons)


def wrong(root: Path, **changed: Any) -> None:
    hand_graph(root)
    tables = {"image_path": ["images/00000.jpg"], "cam_param": np.ones((1, 4)), "bbox": np.ones((1, 4))}
    savemat(root / "params.mat", {k: v for k, v in (tables | changed).items() if v is not None})


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"bbox": None}, "no array 'bbox'"),
        ({"cam_param": np.ones((1, 3))}, r"cam_param: an array of \(1, 3\)"),
        ({}, r"pose_gt: an array of \(4, 21, 3\); allowed: \(1, 21, 3\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, Any], found: str) -> None:
    wrong(tmp_path / "s", **changed)
    with pytest.raises(InputError, match=found):
        converted("hand-graph", tmp_path / "s")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "s/1.jpg")
    with pytest.raises(InputError, match=r"no params\.mat and pose_gt\.mat"):
        converted("hand-graph", tmp_path / "s")


def test_real_photographs(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "s").symlink_to(real_data / "hand_graph_real")
    summary, samples, _ = converted("hand-graph", tmp_path / "s")
    assert (len(samples), summary.absent) == (280, {"annotation without its image": 303})
    spread = np.array([[s.keypoints.min(), s.keypoints.max()] for s in samples])
    assert spread.min() > 0
    assert spread.max() < 256
