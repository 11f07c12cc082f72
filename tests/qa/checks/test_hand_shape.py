"""Checks of shape in the plane, fitted per source."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qa_sets import hits, moved, run

from qa.view import View


def test_a_point_out_of_place_is_found_and_named(many: View) -> None:
    points = many.points
    points[7, 11] += (35.0, 10.0)
    points[8, 18] += (-20.0, 40.0)
    found = {hit.row: hit for hit in hits("pose-outlier", moved(many, points)) if hit.severity == "error"}
    assert {7, 8} <= set(found)
    assert found[7].words["what"] in ("middle_dip", "middle_tip")  # they tell of each other
    assert found[8].words["what"] == "little_pip"
    assert len(found) <= 6


def test_the_pose_is_judged_whatever_its_place_size_turn_and_side(many: View) -> None:
    points = many.points
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
    points = many.points
    points[::3, 0] = np.nan
    points[5, 3] = np.nan
    points[7, 11] += (35.0, 10.0)
    outcome = run("pose-outlier", moved(many, points))
    assert outcome.checked == 150
    first = outcome.hits[0]
    assert first.row == 7
    assert first.words["what"] in ("middle_dip", "middle_tip")


@pytest.mark.parametrize("point", [0, 8])
def test_hands_that_have_a_point_which_few_have_are_judged_by_the_others(many: View, point: int) -> None:
    points = many.points
    points[7, 11] += (35.0, 10.0)
    points[:, point] = np.nan
    without = [(hit.row, hit.score) for hit in hits("pose-outlier", moved(many, points))]
    points[::10, point] = many.points[::10, point]
    found = run("pose-outlier", moved(many, points))
    assert found.checked == 150
    assert [(hit.row, hit.score) for hit in found.hits] == [(row, pytest.approx(z)) for row, z in without]


@pytest.mark.filterwarnings("error")
def test_hands_without_a_wrist_are_judged_without_a_warning(many: View) -> None:
    points = many.points
    points[:, 0] = np.nan
    assert run("pose-outlier", moved(many, points)).checked == 150


def test_small_sources_are_not_judged_by_others(many: View) -> None:
    source = many.source.copy()
    source[:60] = "another"
    view = dataclasses.replace(many, source=source)
    assert run("pose-outlier", view).checked == 0
    assert run("pose-outlier", view, samples=80).checked == 90
    assert run("bone-length", view).checked == 150
    assert run("bone-length", view, samples=61).checked == 90


def test_a_long_bone_is_named(many: View) -> None:
    points = many.points
    points[3, 8] += 4 * (points[3, 8] - points[3, 7])
    hit = hits("bone-length", moved(many, points))[0]
    assert (hit.row, hit.words) == (3, {"bone": "index_dip to index_tip", "kind": "long"})


def test_what_is_usual_for_a_person_is_no_error(many: View) -> None:
    """A person whose finger is bent aside in all five photographs; a label that is as odd in one."""
    points = many.points
    own = np.flatnonzero(many.subject_id == "p3")
    for row in (*own, 4):
        points[row, 12] += 0.6 * (points[row, 17] - points[row, 5])
    told = {hit.row: hit.severity for hit in hits("pose-outlier", moved(many, points))}
    assert told[4] == "error"
    assert [told[row] for row in own] == ["warning"] * 5


def test_nobody_is_judged_by_a_fit_that_they_took_part_in(many: View) -> None:
    fold = many.folds(np.arange(len(many)))
    assert set(fold.tolist()) == {0, 1, 2, 3, 4}
    assert all(len(set(fold[many.subject_id == person])) == 1 for person in set(many.subject_id))
    alone = dataclasses.replace(many, subject_id=np.full(len(many), "one", object))
    assert np.bincount(alone.folds(np.arange(len(many)))).max() == 30


@pytest.mark.parametrize("count", [1, 2, 3])
def test_sources_of_a_few_hands_can_be_judged(many: View, count: int) -> None:
    assert run("pose-outlier", many.part(np.arange(count)), samples=1).checked == count


def test_palms_are_compared_with_palms(many: View) -> None:
    aspect = many.aspect.copy()
    aspect[:60] = "palmar"
    view = dataclasses.replace(many, aspect=aspect)
    assert run("pose-outlier", view).checked == 0
    assert run("pose-outlier", view, samples=80).checked == 90
    assert run("pose-outlier", view, samples=60).checked == 150
