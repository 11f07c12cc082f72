"""Dexter+Object: fingertips from a depth camera's frame into the colour picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import dexter_object, dexter_tips, picture


def test_fingertips(tmp_path: Path) -> None:
    dexter_object(tmp_path / "s")
    summary, samples, _ = converted("dexter-object", tmp_path / "s")
    assert [s.sample_id for s in samples] == [
        f"dexter-object/{name}/image_{hand:05d}_color"
        for hand, name in enumerate(["Grasp1", "Grasp1", "Pinch", "Pinch"])
    ]
    for hand, sample in enumerate(samples):
        seen = [i for i in kp.TIPS if sample.visibility[i]]
        assert seen == [i for i in kp.TIPS if (hand, i) != (0, 8)]
        assert set(np.flatnonzero(sample.visibility)) == set(seen)
        x, y, z = dexter_tips(hand)[4]  # the little one
        at = [
            0.9999 * x + 0.0034 * y + 0.0161 * z + 19.0473,
            -0.0033 * x + y - 0.0079 * z - 1.8514,
            -0.0162 * x + 0.0079 * y + 0.9998 * z - 4.7501,
        ]
        spot = [587.45209 * at[0] / at[2] + 325, 600.67456 * at[1] / at[2] + 249]
        np.testing.assert_allclose(sample.keypoints[20], spot, atol=1e-2)
        assert sample.xyz is not None
        np.testing.assert_allclose(sample.xyz[20], np.array(at) / 1000, atol=1e-6)
    assert [(s.side, s.clip, s.frame) for s in samples[2:]] == [
        ("left", "dexter-object/Pinch", 0),
        ("left", "dexter-object/Pinch", 1),
    ]
    assert (summary.quarantined, summary.absent) == (0, {})
    assert not any("depth picture" in note for note in summary.notes)


def test_places_that_contradict_the_depth_picture_are_counted(tmp_path: Path) -> None:
    dexter_object(tmp_path / "s")
    for path in (tmp_path / "s").rglob("my_*3D.txt"):
        path.unlink()  # what is left has each tip at 0, 0, 0
    for path in (tmp_path / "s").rglob("*3D.txt"):
        path.write_text("50, 10, 400;" * 5 + "\n" + "50, 10, 400;" * 5)
    summary, samples, _ = converted("dexter-object", tmp_path / "s")
    assert len(samples) == 4
    note = "fingertip over 5 px of the depth picture from where its 2D label is"
    assert summary.notes[note] == 20


def test_a_table_must_have_a_line_for_each_picture(tmp_path: Path) -> None:
    dexter_object(tmp_path / "s")
    picture(tmp_path / "s/data/Grasp1/color/image_00009_color.png")
    _, samples, (reason,) = converted("dexter-object", tmp_path / "s")
    assert len(samples) == 2
    assert "my_Grasp13D.txt: 2 lines for 3 pictures in color/" in reason
    picture(tmp_path / "s/data/Pinch/color/image_00009_color.png")
    with pytest.raises(InputError, match="lines for 3 pictures"):
        converted("dexter-object", tmp_path / "s")


def test_hidden_files_are_no_pictures(tmp_path: Path) -> None:
    dexter_object(tmp_path / "s")
    (tmp_path / "s/data/Grasp1/color/._image_00000_color.png").write_bytes(b"macOS")
    summary, samples, _ = converted("dexter-object", tmp_path / "s")
    assert (len(samples), summary.quarantined) == (4, 0)


def test_a_picture_of_another_size_is_told(tmp_path: Path) -> None:
    dexter_object(tmp_path / "s")
    picture(tmp_path / "s/data/Grasp1/color/image_00000_color.png", 320, 240)
    _, samples, (reason,) = converted("dexter-object", tmp_path / "s")
    assert len(samples) == 3
    assert "the image is 320 x 240; its annotation says 640 x 480" in reason


def test_a_flawed_line_is_told_alone(tmp_path: Path) -> None:
    dexter_object(tmp_path / "s")
    path = tmp_path / "s/data/Grasp1/annotations/my_Grasp13D.txt"
    path.write_text("1, 2;" * 5 + "\n" + "0,0,32001;" * 5)
    summary, samples, (reason,) = converted("dexter-object", tmp_path / "s")
    assert len(samples) == 2
    assert "line 1: '1, 2;1, 2;" in reason
    assert summary.absent == {"hand without a fingertip that is seen": 1}
    path.write_text("0,0,400;" * 4 + "1_0,0,400;\n" + "0,0,32001;" * 5)
    assert "line 1: '0,0,400;" in converted("dexter-object", tmp_path / "s")[2][0]
    path.write_text("0,0,400;" * 4 + "nan,0,400;\n" + "0,0,32001;" * 5)
    assert "line 1: a number that is not finite" in converted("dexter-object", tmp_path / "s")[2][0]
