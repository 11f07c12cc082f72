"""Checks of shape: in the plane, fitted per source, and in space."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.data.dataset import write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from qa.checks.check import Hit, Outcome
from qa.checks.table import CHECKS
from qa.measures import robust
from qa.measures.robust import excess, z_scores
from qa.view import View, open_view

CHECK = {check.id: check for check in CHECKS}


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> View:
    """150 hands without images; points as drawn hands have them, right hands only every second."""
    rng = np.random.default_rng(11)
    people = [Person.sample(rng) for _ in range(30)]
    samples = []
    for i in range(150):
        side = ("left", "right")[i % 2]
        _, points = draw_hand(rng, people[i % 30], side, width=48, height=36)
        sample = Sample(f"s/{i}", "s", "none.png", 480, 360, side, "dorsal", keypoints=points * 10)
        sample.visibility = np.full(21, 2, np.uint8)
        samples.append(sample)
    return view_of(tmp_path_factory.mktemp("many"), samples)


def view_of(root: Path, samples: list[Sample]) -> View:
    write_table(root, [to_batch(samples)])
    write_info(root, {"samples": len(samples), "sources": [], "licences": [], "history": []})
    return open_view([root], workers=1, quiet=True)


def run(check: str, view: View, **limits: float) -> Outcome:
    return CHECK[check].run(view, {**CHECK[check].limits, **limits})


def hits(check: str, view: View, **limits: float) -> list[Hit]:
    return list(run(check, view, **limits).hits)


def moved(view: View, points: np.ndarray) -> View:
    return dataclasses.replace(view, points=points)


def test_robust_scores_by_hand() -> None:
    z = z_scores(np.array([1.0, 2.0, 3.0, 4.0, 100.0, np.nan]))
    assert z[:5] == pytest.approx(np.array([-2, -1, 0, 1, 97]) / 1.4826)
    assert np.isnan(z[5])
    assert z_scores(np.array([5.0, 5.0, 5.0])).tolist() == [0, 0, 0]
    scores = np.exp(np.random.default_rng(0).normal(0, 2, 20_000))
    assert excess(scores).std() == pytest.approx(1, abs=0.05)
    assert excess(scores)[0] == pytest.approx(np.log(scores[0]) / 2, abs=0.05)


def test_a_point_out_of_place_is_found_and_named(many: View) -> None:
    points = many.points.copy()
    points[7, 11] += (35.0, 10.0)
    points[8, 18] += (-20.0, 40.0)
    found = {hit.row: hit for hit in hits("pose-outlier", moved(many, points)) if hit.severity == "error"}
    assert {7, 8} <= set(found)
    assert found[7].words["what"] == "middle_dip"
    assert found[8].words["what"] == "little_pip"
    assert len(found) <= 6


def test_the_pose_is_judged_whatever_its_place_size_turn_and_side(many: View) -> None:
    points = many.points.copy()
    points[7, 11] += (35.0, 10.0)
    before = {hit.row: hit.score for hit in hits("pose-outlier", moved(many, points))}
    rng = np.random.default_rng(0)
    for i in range(len(points)):
        angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 5)
        turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points[i] = (points[i] * rng.choice([-1, 1])) @ turn.T + rng.uniform(-500, 500, 2)
    after = {hit.row: hit.score for hit in hits("pose-outlier", moved(many, points))}
    assert after == pytest.approx(before, rel=2e-2)


def test_a_point_that_is_missing_is_not_blamed(many: View) -> None:
    points = many.points.copy()
    points[::3, 0] = np.nan
    points[5, 3] = np.nan
    points[7, 11] += (35.0, 10.0)
    outcome = run("pose-outlier", moved(many, points))
    assert outcome.checked == 150
    first = outcome.hits[0]
    assert (first.row, first.words["what"]) == (7, "middle_dip")


def test_small_sources_are_not_judged_by_others(many: View) -> None:
    source = many.source.copy()
    source[:60] = "another"
    view = dataclasses.replace(many, source=source)
    assert run("pose-outlier", view).checked == 0
    assert run("pose-outlier", view, samples=80).checked == 90
    assert run("bone-length", view).checked == 150
    assert run("bone-length", view, samples=61).checked == 90


def test_a_long_bone_is_named(many: View) -> None:
    points = many.points.copy()
    points[3, 8] += 4 * (points[3, 8] - points[3, 7])
    hit = hits("bone-length", moved(many, points))[0]
    assert (hit.row, hit.words) == (3, {"bone": "index_dip to index_tip", "kind": "long"})


def test_swapped_fingers_and_joints_are_told(many: View) -> None:
    points = many.points.copy()
    points[4, 5:13] = points[4, [9, 10, 11, 12, 5, 6, 7, 8]]
    points[6, [14, 15]] = points[6, [15, 14]]
    (fan,) = hits("mcp-fan", moved(many, points))
    assert (fan.row, fan.severity, fan.words) == (4, "error", {"one": "index", "other": "middle"})
    (fold,) = hits("fold-back", moved(many, points))
    assert fold.row == 6
    assert fold.words["joint"] in ("ring_pip", "ring_dip")


def test_one_stretched_hand_among_others_is_told_with_its_axis(many: View) -> None:
    points = many.points.copy()
    points[20] *= (1.5, 1.0)
    points[21] *= (1.0, 1.5)
    points[21, 5:9] = np.nan  # a finger that is missing hides nothing
    found = {hit.row: hit for hit in hits("stretched-hand", moved(many, points))}
    assert (found[20].words["axis"], found[21].words["axis"]) == ("x", "y")
    assert len(found) <= 5  # people differ
    person = dataclasses.replace(moved(many, points), subject_id=many.subject_id.copy())
    person.subject_id[:] = [f"p{i % 30}" for i in range(150)]
    found = {hit.row: hit for hit in hits("stretched-hand", person)}
    assert {row for row, hit in found.items() if hit.severity == "error"} == {20, 21}
    assert run("stretched-hand", moved(many, many.points[:, :] * np.nan)).checked == 0


def test_a_median_leaves_out_the_value_that_it_judges() -> None:
    values = np.array([8.0, 1, 16, 4, 2])  # without 8: 1 2 4 16, and so on
    assert robust.medians_of_others(values).tolist() == [3, 6, 3, 5, 6]
    assert robust.medians_of_others(np.array([1.0, 5, 1])).tolist() == [3, 1, 3]


@pytest.mark.parametrize(("stretch", "severity"), [(1.0, None), (4 / 3, "error"), (0.75, "error")])
def test_a_stretched_source_is_told(many: View, stretch: float, severity: str | None) -> None:
    rng = np.random.default_rng(2)
    angles = rng.uniform(-0.6, 0.6, len(many))
    turns = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    points = np.einsum("nij,nkj->nki", turns, many.points) * (stretch, 1.0)
    found = hits("anisotropy", moved(many, points))
    assert [hit.severity for hit in found] == ([severity] if severity else [])


def hand_in_space(side: str, flex: tuple[float, float, float] = (0, 0, 0), aside: float = 0) -> np.ndarray:
    """(21, 3) metres: the back of a hand towards the camera, each finger flexed towards the palm, degrees."""
    place = np.zeros((21, 3))
    place[1:5] = [(-2, 2, 0), (-4, 4, 0), (-5, 6, 0), (-6, 7, 0)]
    for finger, x in enumerate((-3.0, -1.0, 1.0, 3.0)):
        at, angle = np.array([x, 8.0, 0]), 0.0
        place[5 + 4 * finger] = at
        for joint, length in enumerate((4.0, 2.5, 2.0)):
            angle += np.radians(flex[joint])
            step = np.array([0, np.cos(angle), -np.sin(angle)])
            if joint == 0:
                step = step + np.array([np.tan(np.radians(aside)) * np.cos(angle), 0, 0])
            at = at + length * step
            place[6 + 4 * finger + joint] = at
    camera = place * [1, -1, -1] + [0, 0, 50]  # x right, y down, z forward
    return camera * ([-1, 1, 1] if side == "left" else [1, 1, 1]) / 100


def in_space(tmp_path: Path, xyz: np.ndarray, side: str = "right", **columns: Any) -> View:
    sample = Sample("s/0", "s", "none.png", 320, 320, side, "dorsal", xyz=xyz.astype(np.float32), **columns)
    return view_of(tmp_path, [sample])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("flex", "aside", "joint", "beyond"),
    [
        ((0, 0, 0), 0, None, 0),
        ((60, 80, 40), 0, None, 0),
        ((90, 100, 60), 0, None, 0),
        ((0, -30, 0), 0, "PIP's flexion", 15),
        ((0, 0, -30), 0, "DIP's flexion", 15),
        ((0, 140, 0), 0, "PIP's flexion", 15),
        ((0, 0, 0), 50, "MCP's sideways angle", None),
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


def test_bones_in_space_out_of_proportion(tmp_path: Path) -> None:
    xyz = hand_in_space("right")
    assert run("bone-ratio-3d", in_space(tmp_path, xyz)).hits == []
    xyz[[10, 11]] = xyz[[11, 10]]
    (hit,) = hits("bone-ratio-3d", in_space(tmp_path, xyz))
    assert (hit.severity, hit.words["finger"]) == ("error", "middle")


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
    sample.tilt = 80.0  # seen from its end
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
