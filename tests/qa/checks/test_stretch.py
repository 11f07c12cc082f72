"""Checks of stretched hands and stretched sources."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qa_sets import hits, moved, run

from curate.hands.drawn_hands import Person, draw_hand
from qa.view import View


def test_one_stretched_hand_among_others_is_told_with_its_axis(many: View) -> None:
    points = many.points
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


def test_fingers_that_bend_and_spread_are_no_stretch(many: View) -> None:
    points = []
    for number in range(len(many)):
        person = Person.sample(np.random.default_rng([1, number // 5]))
        rng = np.random.default_rng([1, number // 5, number])
        points.append(draw_hand(rng, person, "right", width=64, height=48)[1])
    people = [f"p{number // 5}" for number in range(len(many))]
    drawn = dataclasses.replace(moved(many, np.array(points, float)), subject_id=np.array(people, object))
    assert [hit for hit in hits("stretched-hand", drawn) if hit.severity == "error"] == []
    drawn.keypoints[40] *= (4 / 3, 1)
    (found,) = [hit for hit in hits("stretched-hand", drawn) if hit.severity == "error"]
    assert (found.row, found.words["axis"]) == (40, "x")


@pytest.mark.parametrize(("stretch", "severity"), [(1.0, None), (4 / 3, "error"), (0.75, "error")])
def test_a_stretched_source_is_told(many: View, stretch: float, severity: str | None) -> None:
    rng = np.random.default_rng(2)
    angles = rng.uniform(-0.6, 0.6, len(many))
    turns = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    points = np.einsum("nij,nkj->nki", turns, many.points) * (stretch, 1.0)
    found = hits("anisotropy", moved(many, points))
    assert [hit.severity for hit in found] == ([severity] if severity else [])
