"""Checks of shape in the plane, fitted per source."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qa_sets import (
    hits,
    run,
)

from qa.view import View


def moved(view: View, points: np.ndarray) -> View:
    return dataclasses.replace(view, points=points)


def test_a_point_out_of_place_is_found_and_named(many: View) -> None:
    points = many.points.copy()
    points[7, 11] += (35.0, 10.0)
    points[8, 18] += (-20.0, 40.0)
    found = {hit.row: hit for hit in hits("pose-outlier", moved(many, points)) if hit.severity == "error"}
    assert {7, 8} <= set(found)
    assert found[7].words["what"] in ("middle_dip", "middle_tip")  # they tell of each other
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
    assert first.row == 7
    assert first.words["what"] in ("middle_dip", "middle_tip")


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
