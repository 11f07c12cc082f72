"""From which score on hands are to be trusted, on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.scoring.precision import Threshold, threshold_for

SCORES = np.array([0.5, 0.9, 0.6, 0.8, 0.7])
RIGHT = np.array([2, 10, 9, 10, 9])  # of 10 points


@pytest.mark.parametrize(
    ("precision", "score", "hands"),
    [(0.9, 0.6, 4), (0.95, 0.8, 2), (0.2, 0.5, 5), (1.0, 0.8, 2)],
)
def test_the_score_down_to_which_that_many_points_are_right(
    precision: float, score: float, hands: int
) -> None:
    found = threshold_for(SCORES, RIGHT, np.full(5, 10), precision)
    assert found == Threshold(score, precision, hands, 5)


def test_many_good_hands_do_not_hold_up_a_bad_one() -> None:
    """99 % of all points are right, and none of the hand at 0.2."""
    scores, right = np.append(np.full(100, 0.9), 0.2), np.append(np.full(100, 20), 0)
    assert threshold_for(scores, right, np.full(101, 20)) == Threshold(0.9, 0.95, 100, 101)


def test_hands_of_one_score_count_together() -> None:
    right = np.array([20, 18, 20, 0])
    assert threshold_for(np.array([0.9, 0.8, 0.8, 0.7]), right, np.full(4, 20)) == Threshold(0.8, 0.95, 3, 4)


def test_pictures_without_a_labelled_point_tell_nothing() -> None:
    """Such as those that show no hand: here they have scores below those of all good hands, and above."""
    scores, right = np.array([0.95, 0.9, 0.8, 0.4, 0.3]), np.array([0, 20, 20, 0, 2])
    labelled = np.array([0, 20, 20, 0, 20])
    assert threshold_for(scores, right, labelled) == Threshold(0.8, 0.95, 2, 3)
    assert threshold_for(scores[[0, 3, 4]], right[[0, 3, 4]], labelled[[0, 3, 4]]) is None


@pytest.mark.parametrize("scores", [[], [0.9, 0.8]])
def test_there_may_be_no_such_score(scores: list[float]) -> None:
    assert threshold_for(np.array(scores), np.zeros(len(scores)), np.full(len(scores), 20)) is None


@given(
    hands=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20)), min_size=1, max_size=40),
    precision=st.floats(0.5, 1),
)
def test_what_is_trusted_has_the_precision(hands: list[tuple[float, int]], precision: float) -> None:
    scores, right = np.array([score for score, _ in hands]), np.array([count for _, count in hands])
    found = threshold_for(scores, right, np.full(len(hands), 20), precision)
    if found is not None:
        best = np.argsort(-scores, kind="stable")[: found.hands]
        assert right[best].mean() >= precision * 20 - 1e-4
        assert scores[best].min() >= found.score


@pytest.mark.parametrize("wrong", [(1.2, 0.95, 1, 2), (0.5, 0.0, 1, 2), (0.5, 0.95, 3, 2)])
def test_what_can_be_no_threshold_is_refused(wrong: tuple[float, float, int, int]) -> None:
    with pytest.raises(ValueError, match="threshold"):
        Threshold(*wrong)
