"""What holds for sets of any size: samples are judged some at a time, and compared with so many others."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

import numpy as np
import pytest
from qa_sets import CHECK

from qa import view as views
from qa.measures import arrays
from qa.measures.arrays import shared
from qa.view import View


def names(*values: str | None) -> np.ndarray:
    column = np.empty(len(values), object)
    column[:] = values
    return column


@pytest.fixture(scope="module")
def flawed(many: View) -> View:
    """10,000 hands, each moved a little, of which many are flawed."""
    rng = np.random.default_rng(0)
    view = many.part(np.arange(10_000) % len(many))
    points = view.keypoints + rng.normal(0, 3, (10_000, 1, 1)).astype(np.float32) ** 3
    points[rng.random(points.shape[:2]) < 0.02] = 0
    points[::7, 5:] = points[::7, 5:].reshape(-1, 4, 4, 2)[:, :, ::-1].reshape(-1, 16, 2)
    points[::11, 9] = points[::11, 13]
    seen = np.where(rng.random(points.shape[:2]) < 0.05, 0, view.visibility).astype(np.uint8)
    points[seen == 0] = np.nan
    size = np.where(rng.random((10_000, 1)) < 0.1, view.size + 2, view.size)
    return dataclasses.replace(view, keypoints=points, visibility=seen, size=size)


@pytest.mark.parametrize("name", [name for name, check in CHECK.items() if check.alone])
def test_samples_judged_some_at_a_time_are_judged_as_all_at_once(flawed: View, name: str) -> None:
    check = CHECK[name]
    whole, parts = check.run(flawed, check.limits), check.measure(flawed)
    assert whole.checked == parts.checked
    assert whole.threshold == parts.threshold
    assert [(hit.row, hit.severity, hit.score) for hit in parts.hits] == [
        (hit.row, hit.severity, hit.score) for hit in whole.hits
    ]
    assert [hit.words for hit in parts.hits[:50]] == [hit.words for hit in whole.hits[:50]]
    np.testing.assert_array_equal(parts.scores, whole.scores)


def test_the_flaws_are_found_by_many_checks(flawed: View) -> None:
    found = [name for name, check in CHECK.items() if check.alone and check.measure(flawed).hits]
    assert {"placeholder-points", "few-points", "out-of-frame", "finger-order"} <= set(found)


def test_a_large_source_is_compared_in_parts_that_tear_hardly_anybody_apart(
    many: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "ENOUGH", 20)
    subject = names(*(f"person {i % 10}" if i < 100 else None for i in range(len(many))))
    parts = list(dataclasses.replace(many, subject_id=subject).peers(1))
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(many)))
    assert max(map(len, parts)) <= 22
    homes = defaultdict(set)
    for number, rows in enumerate(parts):
        assert (np.diff(rows) > 0).all()
        for name in set(subject[rows].tolist()):
            homes[name].add(number)
    assert homes.pop(None) == set(range(len(parts)))  # of whom nothing is known, some in each
    assert sum(len(places) - 1 for places in homes.values()) < len(parts)


def test_sources_and_aspects_are_not_compared_with_each_other(many: View) -> None:
    source, aspect = many.source.copy(), many.aspect.copy()
    source[:30], aspect[20:50] = "another", "palmar"
    parts = list(dataclasses.replace(many, source=source, aspect=aspect).peers(20))
    kinds = [set(zip(source[rows].tolist(), aspect[rows].tolist(), strict=True)) for rows in parts]
    assert [len(kind) for kind in kinds] == [1] * len(parts)
    assert {len(rows) for rows in parts} == {20, 100}  # the other two kinds have ten and twenty
    assert sum(map(len, parts)) == 140


def test_rows_that_share_a_name() -> None:
    found = shared(names("b", "a", None, "b", "a", "c", None, "b"), np.array([0, 0, 0, 0, 0, 0, 0, 1]))
    assert [rows.tolist() for rows in found] == [[0, 3], [1, 4]]
    assert not list(shared(names(None, "a"), np.zeros(2, np.intp)))
    assert not list(shared(names(), np.zeros(0, np.intp)))


def test_some_rows_are_taken_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "ENOUGH", 3)
    assert arrays.evenly(np.arange(3)).tolist() == [0, 1, 2]
    assert arrays.evenly(np.arange(10, 17)).tolist() == [10, 13, 16]
    assert arrays.evenly(np.zeros(0, np.intp)).tolist() == []
