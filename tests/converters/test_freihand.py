"""FreiHAND: entries, their versions before other grounds, and what their tables may hold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import K, freihand, picture, space, spots, write_json


def test_entries_and_versions(tmp_path: Path) -> None:
    freihand(tmp_path / "s")
    summary, samples, _ = converted("freihand", tmp_path / "s")
    assert [(s.sample_id, s.split) for s in samples] == [
        *((f"freihand/training/{n:08d}", "train") for n in range(4)),
        ("freihand/evaluation/00000000", "test"),
    ]
    for sample, hand in zip(samples, (0, 1, 0, 1, 3), strict=True):
        np.testing.assert_allclose(sample.keypoints, spots(hand), atol=1e-3)
        assert sample.xyz is not None
        assert sample.K is not None
        np.testing.assert_allclose(sample.xyz, space(hand), atol=1e-6)
        np.testing.assert_array_equal(sample.K, K)
        assert (sample.side, set(sample.visibility)) == ("right", {2})
    clips = [s.clip for s in samples]
    assert clips[:2] == clips[2:4]
    assert len(set(clips)) == 3
    masks = [None if s.mask is None else Path(s.mask).name for s in samples]
    assert masks == ["00000000.jpg", "00000001.jpg", "00000000.jpg", "00000001.jpg", None]
    assert (summary.dropped, summary.absent, summary.quarantined) == ({}, {}, 0)


def test_what_is_not_there_is_counted(tmp_path: Path) -> None:
    freihand(tmp_path / "s")
    rgb = tmp_path / "s/training/rgb"
    (rgb / "00000001.jpg").rename(rgb / "00000008.jpg")
    (rgb / "00000002.jpg").rename(rgb / "copy of 2.jpg")
    shutil.copy(rgb / "00000003.jpg", rgb / "٠٠٠٠٠٠٠١.jpg")  # digits, and none of FreiHAND's
    summary, samples, _ = converted("freihand", tmp_path / "s")
    assert [s.sample_id[-1] for s in samples if s.split == "train"] == ["0", "3"]
    assert (summary.absent, summary.dropped) == (
        {"annotation without its image": 1},
        {"image without an annotation": 1},
    )
    assert summary.notes["file that is not called as FreiHAND's pictures are, passed over"] == 2


@pytest.mark.parametrize(
    ("table", "value", "found"),
    [
        ("K", [[300, 0, 80]], "training_K.json[0]: 1 x 3; allowed: 3 x 3 numbers"),
        ("K", [[1e400, 0, 80], [0, 1, 0], [0, 0, 1]], "[0]"),
        (
            "K",
            [[300, 0, 0], [0, 300, 0], [80, 82, 1]],
            "K: focal lengths that are not above 0, or a last row that is not 0 0 1",
        ),
        ("K", [[0, 0, 0]] * 3, "K: focal lengths that are not above 0"),
        ("K", [[300, 0, 80], [0, -300, 82], [0, 0, 1]], "K: focal lengths that are not above 0"),
        ("xyz", (1000 * space(0)).tolist(), "xyz: a hand of less than 1 mm or more than 1 m"),
        (
            "xyz",
            [[0.0, float("nan"), 0.5]] * 21,
            "training_xyz.json[0][0][1]: Expected float, got null or NaN",
        ),
        ("xyz", "none", "training_xyz.json[0]: Expected array, got str"),
        ("xyz", [[0.0, 0.0, -0.5]] * 21, "xyz: a point that is not in front of the camera"),
        ("xyz", [[1e30, 0.0, 1e-30]] * 21, "wrist at inf, 82; allowed: finite pixels"),
    ],
)
def test_a_flawed_entry_is_told_alone(tmp_path: Path, table: str, value: Any, found: str) -> None:
    freihand(tmp_path / "s")
    path = tmp_path / "s" / f"training_{table}.json"
    content = json.loads(path.read_text())
    content[0] = value
    path.write_text(json.dumps(content))
    summary, samples, reasons = converted("freihand", tmp_path / "s")
    assert [s.sample_id for s in samples if s.split == "train"] == [
        f"freihand/training/{n:08d}" for n in (1, 3)
    ]
    assert summary.quarantined == 2
    assert all(found in reason for reason in reasons)


def test_the_table_at_fault_is_named(tmp_path: Path) -> None:
    freihand(tmp_path / "s")
    (tmp_path / "s/training_K.json").write_text("[[1, 2")
    _, samples, (reason,) = converted("freihand", tmp_path / "s")
    assert len(samples) == 1
    assert reason.startswith("training_K.json: is not JSON")


def test_a_photograph_of_another_size_is_told(tmp_path: Path) -> None:
    freihand(tmp_path / "s")
    picture(tmp_path / "s/training/rgb/00000000.jpg", 256, 256)
    _, samples, (reason,) = converted("freihand", tmp_path / "s")
    assert len(samples) == 4
    assert "the image is 256 x 256; its annotation says 224 x 224" in reason


def test_tables_of_different_lengths_are_refused(tmp_path: Path) -> None:
    freihand(tmp_path / "s")
    write_json(tmp_path / "s/training_xyz.json", [space(0).tolist()])
    _, samples, reasons = converted("freihand", tmp_path / "s")
    assert [s.split for s in samples] == ["test"]
    assert reasons[0].startswith("training_xyz.json: 1 entry; training_K.json has 2")
    (tmp_path / "s/evaluation_xyz.json").unlink()
    with pytest.raises(InputError, match=r"1 entry; training_K\.json has 2"):
        converted("freihand", tmp_path / "s")


def test_cameras_without_points_are_no_labels(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "s").symlink_to(real_data / "freihand_native_partial")
    with pytest.raises(InputError, match=r"no training_xyz\.json or evaluation_xyz\.json"):
        converted("freihand", tmp_path / "s")
