"""Hands in a map of likelihoods: pieces, specks, spurs and holes, by hand-drawn maps."""

import numpy as np
import pytest
from numpy.typing import NDArray

from curate.hands.outlines import cleaned, outlines


def drawn(*boxes: tuple[int, int, int, int], value: int = 250) -> NDArray[np.uint8]:
    """A map of 128 x 128 with boxes x, y, w, h."""
    likely = np.zeros((128, 128), np.uint8)
    for x, y, w, h in boxes:
        likely[y : y + h, x : x + w] = value
    return likely


def test_each_piece_is_a_hand_the_largest_first() -> None:
    first, second = outlines(drawn((5, 5, 20, 20), (60, 40, 30, 50)))
    assert first.box.tolist() == [60, 40, 30, 50]
    assert second.box.tolist() == [5, 5, 20, 20]
    assert first.score == pytest.approx(250 / 255)
    assert not (first.mask & second.mask).any()


def test_nothing_likely_is_no_hand() -> None:
    assert outlines(drawn((5, 5, 60, 60), value=120)) == []
    assert not cleaned(drawn()).any()


@pytest.mark.parametrize("speck", [(100, 100, 3, 3), (100, 100, 5, 6), (100, 20, 1, 80)])
def test_specks_and_lines_are_left_out(speck: tuple[int, int, int, int]) -> None:
    (hand,) = outlines(drawn((20, 20, 40, 40), speck))
    assert hand.box.tolist() == [20, 20, 40, 40]


def test_a_spur_a_pixel_wide_does_not_move_the_box() -> None:
    (hand,) = outlines(drawn((20, 20, 40, 40), (60, 35, 30, 1), (35, 2, 1, 18)))
    assert hand.box.tolist() == [20, 20, 40, 40]


def test_a_bridge_a_pixel_wide_does_not_join_two_hands() -> None:
    hands = outlines(drawn((10, 20, 40, 40), (70, 20, 40, 30), (50, 30, 20, 1)))
    assert [hand.box.tolist() for hand in hands] == [[10, 20, 40, 40], [70, 20, 40, 30]]


def test_a_ring_is_filled_and_a_loop_is_not() -> None:
    likely = drawn((20, 20, 60, 60))
    likely[40:44, 40:44] = 0  # 16 pixels of 3,600
    likely[60:72, 60:72] = 0
    mask = cleaned(likely)
    assert mask[41, 41]
    assert not mask[65, 65]


def test_a_second_hand_far_away_counts_and_a_crumb_of_the_first_does_not() -> None:
    assert len(outlines(drawn((10, 10, 60, 60), (90, 90, 20, 20)))) == 2
    assert len(outlines(drawn((10, 10, 60, 60), (90, 90, 18, 18)))) == 1
