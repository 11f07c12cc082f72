"""STB: the order of its joints, and each of its three cameras, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from converters.stb import ORDER
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import STB_NAMES, picture, stb, stb_joints


def test_the_order_is_that_of_the_readme() -> None:
    assert [STB_NAMES[row] for row in ORDER[1:]] == list(kp.NAMES[1:])


def test_three_cameras(tmp_path: Path) -> None:
    stb(tmp_path / "s")
    summary, samples, _ = converted("stb", tmp_path / "s")
    assert [s.sample_id for s in samples] == [
        f"stb/B1Counting/{name}_{frame}" for name in ("BB_left", "BB_right", "SK_color") for frame in (0, 1)
    ]
    for sample in samples:
        frame = int(sample.sample_id[-1])
        assert (sample.side, sample.clip, sample.frame) == ("left", "stb/B1Counting", frame)
        assert sample.visibility.tolist() == [0, *[2] * 20]
        x, y, z = stb_joints(frame)[STB_NAMES.index("index_tip")]
        if "BB" in sample.sample_id:
            u = 822.79041 * (x - (120.054 if "right" in sample.sample_id else 0)) / z + 318.47345
            v = 822.79041 * y / z + 250.31296
        else:  # x = R c + t with the readme's small angles: c is about x - t, turned back
            a, b, c = 0.00531, -0.01196, 0.00301
            dx, dy, dz = x + 24.0381, y + 0.4563, z + 1.2326
            x, y, z = dx + c * dy - b * dz, dy - c * dx + a * dz, dz + b * dx - a * dy
            u, v = 607.92271 * x / z + 314.78337, 607.88192 * y / z + 236.42484
        np.testing.assert_allclose(sample.keypoints[kp.INDEX["index_tip"]], [u, v], atol=0.1)
        assert sample.xyz is not None
        assert sample.xyz[kp.INDEX["index_tip"], 2] == pytest.approx(z / 1000, abs=1e-4)
        assert np.isnan(sample.xyz[0]).all()
    assert (summary.quarantined, summary.absent) == (0, {})


def test_pictures_that_were_not_downloaded_are_counted(tmp_path: Path) -> None:
    stb(tmp_path / "s")
    for path in (tmp_path / "s").rglob("BB_right_*.png"):
        path.unlink()
    summary, samples, _ = converted("stb", tmp_path / "s")
    assert (len(samples), summary.absent) == (4, {"annotation without its image": 2})


def test_pictures_beyond_the_table_and_of_another_size_are_told(tmp_path: Path) -> None:
    stb(tmp_path / "s")
    pictures = tmp_path / "s/images/B1Counting"
    for name in ("BB_left_2", "BB_right_7", "SK_depth_2"):
        picture(pictures / f"{name}.png", 640, 480)
    picture(pictures / "BB_left_0.png", 320, 240)
    summary, samples, (reason,) = converted("stb", tmp_path / "s")
    assert len(samples) == 5
    assert summary.dropped == {
        "image without an annotation": 2,
        "image of another size than claimed": 1,
    }
    assert reason.endswith("BB_left_0.png: the image is 320 x 240; its annotation says 640 x 480")


def test_a_bad_table_is_told_and_the_others_used(tmp_path: Path) -> None:
    stb(tmp_path / "s")
    savemat(tmp_path / "s/labels/B1Counting_BB.mat", {"handPara": np.zeros((3, 20, 2))})
    _, samples, (reason,) = converted("stb", tmp_path / "s")
    assert len(samples) == 2
    assert reason == "labels/B1Counting_BB.mat: handPara: an array of (3, 20, 2); allowed: (3, 21, n)"
    (tmp_path / "s/labels/B1Counting_SK.mat").unlink()
    with pytest.raises(InputError, match=r"an array of \(3, 20, 2\)"):
        converted("stb", tmp_path / "s")


def test_a_hand_that_cannot_be_is_told(tmp_path: Path) -> None:
    stb(tmp_path / "s")
    joints = np.stack([stb_joints(0).T, -stb_joints(1).T], axis=2)
    savemat(tmp_path / "s/labels/B1Counting_BB.mat", {"handPara": joints})
    _, samples, reasons = converted("stb", tmp_path / "s")
    assert len(samples) == 4
    assert len(reasons) == 2
    assert all("is not in front of the camera" in reason for reason in reasons)
