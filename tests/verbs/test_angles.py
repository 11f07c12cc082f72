"""`curate angles`: what the points tell is filled in, and what is known stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate.angles import angles
from curate.basics import progress
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands import articulated
from curate.hands.articulated import DIFFERENCES, JOINTS
from render.angles import turn

HELD = np.radians([[joint.mean + 30 * joint.free for joint in JOINTS]])
BODY = articulated.keypoints(HELD, np.zeros((1, DIFFERENCES)), np.zeros(1))[0][0]
SEEN = np.full(21, 2, np.uint8)


def points(tilt: float, rotation: float) -> np.ndarray:
    """A right hand's back, 500 mm away, in a picture of 200 px."""
    x, y, z = ((BODY - BODY.mean(axis=0)) @ turn(tilt, rotation, 0, "dorsal").T).T
    near = 400 / (500 - z)
    return np.stack([x * near + 100, 100 - y * near], axis=1).astype(np.float32)


def right(name: str, tilt: float, rotation: float) -> Sample:
    return Sample(
        name, "s", f"{name}.jpg", 200, 200, side="right", keypoints=points(tilt, rotation), visibility=SEEN
    )


@pytest.fixture
def hands(tmp_path: Path) -> Path:
    known = replace(right("known", 30, 60), tilt=-12.5, rotation=7.0, aspect="palmar")
    unknown = replace(right("unknown", 40, 250), side=None)
    bare = Sample("bare", "s", "bare.jpg", 200, 200)
    folder = tmp_path / "hands"
    write_table(folder, [to_batch([right("told", 40, 60), known, unknown, bare])])
    write_info(folder, {"samples": 4, "sources": ["s"], "licences": [], "history": []}, trusted=True)
    return folder


def test_progress_counts_hands(
    hands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY", -1.0)
    angles(hands, tmp_path / "out")
    assert capsys.readouterr().err.startswith("angles: 4 of 4, ")


def test_angles_are_filled_in_and_what_is_known_stays(hands: Path, tmp_path: Path) -> None:
    summary = angles(hands, tmp_path / "out")
    told, known, unknown, bare = Dataset(summary.out)
    assert told.tilt == pytest.approx(40, abs=3)
    assert told.rotation == pytest.approx(60, abs=1.5)
    assert (told.side, told.aspect) == ("right", "dorsal")
    assert told.attrs["roll"] == pytest.approx(0, abs=3)
    assert told.attrs["angles_from"] == told.attrs["aspect_from"] == "points"
    assert "side_from" not in told.attrs
    assert (known.tilt, known.rotation, known.aspect, known.attrs) == (-12.5, 7.0, "palmar", {})
    assert (unknown.side, unknown.aspect, unknown.attrs["side_from"]) == ("right", "dorsal", "points")
    assert (bare.tilt, bare.side, bare.attrs) == (None, None, {})
    assert told.image == "../hands/told.jpg"


def test_what_was_filled_in_is_counted(hands: Path, tmp_path: Path) -> None:
    assert angles(hands, tmp_path / "out").notes == {
        "tilt and rotation from the points": 2,
        "side from the points": 1,
        "aspect from the points": 2,
        "angles not told by the points": 1,
        "side left open": 1,
    }


def test_one_angle_beside_a_known_one_is_left_open_and_counted(hands: Path, tmp_path: Path) -> None:
    half = [replace(right("tilted", 40, 60), tilt=5.0), replace(right("turned", 40, 60), rotation=5.0)]
    write_table(hands, [to_batch(half)])
    summary = angles(hands, tmp_path / "out")
    assert [(sample.tilt, sample.rotation) for sample in Dataset(summary.out)] == [(5.0, None), (None, 5.0)]
    assert summary.notes == {
        "aspect from the points": 2,
        "tilt or rotation left open, as the other is known": 2,
    }


def test_a_rotation_that_is_told_without_a_tilt_is_counted_apart(hands: Path, tmp_path: Path) -> None:
    """Where the palm is not known, nor which hand it is, the points do not tell to which side it tilts."""
    seen = SEEN.copy()
    seen[:2] = 0
    lone = replace(right("lone", 20, 60), side=None, visibility=seen)
    lone.keypoints[:2] = np.nan
    write_table(hands, [to_batch([lone])])
    summary = angles(hands, tmp_path / "out")
    (made,) = Dataset(summary.out)
    assert (made.side, made.tilt) == (None, None)
    assert made.rotation == pytest.approx(60, abs=3)
    assert summary.notes == {"rotation alone from the points": 1, "side left open": 1}


def test_the_same_again_changes_nothing(hands: Path, tmp_path: Path) -> None:
    once = angles(hands, tmp_path / "once")
    assert angles(hands, once.out).reused
    twice = angles(once.out, tmp_path / "twice")
    assert [sample.tilt for sample in Dataset(twice.out)] == [sample.tilt for sample in Dataset(once.out)]
