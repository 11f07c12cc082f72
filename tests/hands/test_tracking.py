"""Which hand is which."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curate.hands.tracking import apart, matched, same_hand


def box(x: float, y: float, side: float = 100.0) -> np.ndarray:
    return np.array([x, y, side, side])


def test_distance_counts_in_sizes_of_the_hand() -> None:
    assert apart(box(0, 0), box(30, 40)) == 0.5
    assert apart(np.array([0, 0, 50, 200.0]), np.array([50, 0, 50, 200.0])) == 0.25
    assert apart(box(0, 0, 0), box(0, 0, 0)) == np.inf


def test_the_nearest_come_together_first_and_what_is_far_is_another() -> None:
    followed = [box(0, 0), box(300, 0)]
    assert matched(followed, [box(290, 0), box(20, 0)]) == {0: 1, 1: 0}
    assert matched(followed, [box(20, 0), box(60, 0)]) == {0: 0}
    assert matched(followed, [box(150, 0)]) == {}
    assert matched(followed, []) == {}
    assert matched([], followed) == {}


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=6))
def test_who_does_not_move_is_known_again_in_any_order(places: list[tuple[int, int]]) -> None:
    places = list(dict.fromkeys(places))
    boxes = [box(x, y) for x, y in places]
    order = np.random.default_rng(0).permutation(len(boxes))
    assert matched(boxes, [boxes[i] for i in order]) == {row: int(i) for row, i in enumerate(order)}


def test_one_hand_twice_is_told_from_two() -> None:
    hand = np.random.default_rng(0).uniform(0, 100, (21, 2))
    assert same_hand(hand, hand + 5)
    assert not same_hand(hand, hand + 60)
    partly = hand.copy()
    partly[3:] = np.nan
    assert same_hand(hand, partly)
    assert not same_hand(partly, np.where(np.isnan(partly), hand, np.nan))
