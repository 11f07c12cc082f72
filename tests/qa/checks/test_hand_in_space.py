"""Checks of bones, joints and the camera in space, and of the way back from a crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qa_sets import hand_in_space, hits, in_space, run, told, view_of

from curate.data.sample import Sample


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("flex", "aside", "joint", "beyond"),
    [
        ((0, 0, 0), 0, None, 0),
        ((60, 80, 40), 0, None, 0),
        ((90, 100, 60), 0, None, 0),
        ((0, -30, 0), 0, "PIP flexion", 15),
        ((0, 0, -30), 0, "DIP flexion", 15),
        ((0, 140, 0), 0, "PIP flexion", 15),
        ((0, 0, 0), 50, "MCP abduction", None),
    ],
)
def test_joints_beyond_their_range_are_told_on_either_side_at_any_turn(
    tmp_path: Path,
    side: str,
    flex: tuple[float, float, float],
    aside: float,
    joint: str | None,
    beyond: float | None,
) -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    outcome = run("joint-limits-3d", in_space(tmp_path, hand_in_space(side, flex, aside) @ turn.T, side))
    assert outcome.checked == 1
    assert [hit.words["joint"] for hit in outcome.hits] == ([joint] if joint else [])
    if joint and beyond is not None:
        assert outcome.hits[0].score == pytest.approx(beyond, abs=0.5)


@pytest.mark.parametrize(
    ("unit", "length"), [(1.0, None), (0.5, None), (1000.0, "80"), (100.0, "8"), (0.001, "8e-05"), (0.0, "0")]
)
def test_a_hand_in_another_unit_than_metres(tmp_path: Path, unit: float, length: str | None) -> None:
    """Its bones are 40, 24 and 16 mm from MCP to tip: 80 mm."""
    xyz = hand_in_space("right")
    for joint, bone in ((6, 40), (7, 24), (8, 16)):
        for finger in range(4):
            at = joint + 4 * finger
            xyz[at] = xyz[at - 1] + [0, -bone / 1000, 0]
    outcome = run("finger-length-3d", in_space(tmp_path, xyz * unit))
    assert outcome.checked == 1
    assert [hit.words["length"] for hit in outcome.hits] == ([length] if length else [])


def test_bones_in_space_out_of_proportion(tmp_path: Path) -> None:
    xyz = hand_in_space("right")
    assert run("bone-ratio-3d", in_space(tmp_path, xyz)).hits == []
    xyz[[10, 11]] = xyz[[11, 10]]
    (hit,) = hits("bone-ratio-3d", in_space(tmp_path, xyz))
    assert (hit.severity, hit.words["finger"]) == ("error", "middle")
    (sentence,) = told("bone-ratio-3d", in_space(tmp_path, xyz))
    assert sentence == (
        f"In 3D the middle finger's {hit.words['bone']} is {hit.words['ratio']} times as long as its "
        f"{hit.words['before']}, which is rare."
    )
    assert (hit.words["bone"], hit.words["before"]) == ("distal phalanx", "middle phalanx")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("point", "before", "words"),
    [
        (12, 11, ("middle", "distal phalanx", "0.00")),
        (10, 9, ("middle", "middle phalanx", "1000.00")),
        (17, 0, ("little", "proximal phalanx", "1000.00")),
    ],
)
def test_a_bone_without_length_is_out_of_proportion(
    tmp_path: Path, point: int, before: int, words: tuple[str, str, str]
) -> None:
    xyz = hand_in_space("right")
    xyz[point] = xyz[before]
    (hit,) = hits("bone-ratio-3d", in_space(tmp_path, xyz))
    assert hit.severity == "error"
    assert tuple(hit.words[name] for name in ("finger", "bone", "ratio")) == words
    assert np.isfinite(hit.score)
    outcome = run("bone-ratio-3d", in_space(tmp_path, np.full((21, 3), 0.5)))
    assert outcome.checked == 0  # nothing has a length: its size is wrong, not its proportions


@pytest.mark.parametrize(("off", "severity"), [(0.5, None), (2.0, "warning"), (5.0, "error")])
def test_reprojection_in_pixels(tmp_path: Path, off: float, severity: str | None) -> None:
    xyz = hand_in_space("right")
    camera = np.array([[300.0, 0, 160], [0, 300, 160], [0, 0, 1]])
    image = xyz @ camera.T
    points = (image[:, :2] / image[:, 2:]).astype(np.float32)
    points[9, 0] += off
    seen = np.full(21, 2, np.uint8)
    found = hits("reprojection", in_space(tmp_path, xyz, keypoints=points, visibility=seen, K=camera))
    assert [hit.severity for hit in found] == ([severity] if severity else [])
    if severity:
        assert found[0].score == pytest.approx(off, abs=1e-3)
        assert found[0].words["keypoint"] == "middle_mcp"


@pytest.mark.parametrize(("rotation", "tilt", "off"), [(90, 0, 0), (450, 10, 0), (0, 0, 90), (300, -20, 150)])
def test_renders_point_where_their_rotation_says(
    tmp_path: Path, flat_hand: np.ndarray, rotation: float, tilt: float, off: float
) -> None:
    seen = np.full(21, 2, np.uint8)
    turned = np.stack([200 - flat_hand[:, 1], flat_hand[:, 0]], axis=1)  # fingers up becomes fingers right
    sample = Sample("s/0", "s", "none.png", 200, 200, keypoints=turned, visibility=seen)
    sample.rotation, sample.tilt = rotation, tilt
    found = hits("render-angle", view_of(tmp_path, [sample]))
    assert [hit.score for hit in found] == ([pytest.approx(off, abs=1e-4)] if off else [])
    sample.attrs = {"angles_from": "points"}
    assert run("render-angle", view_of(tmp_path, [sample])).checked == 0
    sample.tilt, sample.attrs = 80.0, {}  # seen from its end
    assert run("render-angle", view_of(tmp_path, [sample])).checked == 0


@pytest.mark.parametrize(
    ("matrix", "wrong"),
    [
        ([[2, 0, 5], [0, 2, -7]], False),
        ([[0, -2, 5], [2, 0, -7]], False),
        ([[2, 0, 5], [0, 2.01, -7]], True),
        ([[-2, 0, 5], [0, 2, -7]], True),
        ([[2, 0.1, 5], [0, 2, -7]], True),
        ([[0, 0, 5], [0, 0, -7]], True),
    ],
)
def test_a_crop_leads_back_by_scaling_alone(tmp_path: Path, matrix: list[list[float]], wrong: bool) -> None:
    sample = Sample("s/0", "s", "none.png", 96, 96, transform=np.array(matrix, float), parent_id="p")
    assert bool(hits("crop-maths", view_of(tmp_path, [sample]))) is wrong
