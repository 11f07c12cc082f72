"""Clutter behind a hand is the seed's, and a picture like others."""

from __future__ import annotations

import numpy as np
import pytest

from render.look import clutter
from render.look.colour import encoded
from render.look.tone import Tone

HAND = np.array([40.0, 40.0, 24.0, 40.0], np.float32)  # x, y, width, height


def with_owner(seed: int, bright: float = 0.4, melanin: float = 0.05) -> np.ndarray:
    return clutter.with_owner(np.random.default_rng(seed), 96, Tone(melanin, 0.01), HAND, bright)


@pytest.mark.parametrize("size", [32, 129])
def test_clutter_is_a_picture_that_the_seed_decides(size: int) -> None:
    one, again, other = (clutter.draw(np.random.default_rng(seed), size) for seed in (4, 4, 5))
    assert one.shape == (size, size, 3)
    assert np.isfinite(one).all()
    assert 0 <= one.min() < one.max() <= 4  # windows and lamps are brighter than white
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_skin_is_among_it_and_most_of_it_is_grey() -> None:
    drawn = np.stack([clutter.draw(np.random.default_rng(seed), 48) for seed in range(24)])
    red, green, blue = np.moveaxis(encoded(np.clip(drawn, 0, 1)), -1, 0)
    assert np.mean((red > 1.15 * green) & (green > blue)) > 0.03
    spread = np.ptp(np.stack([red, green, blue]), axis=0)
    assert np.median(spread) < 0.1


def test_no_two_pieces_of_clutter_are_alike_and_none_is_plain() -> None:
    drawn = [clutter.draw(np.random.default_rng(seed), 48) for seed in range(12)]
    assert min(picture.std() for picture in drawn) > 0.02
    means = np.array([picture.mean(axis=(0, 1)) for picture in drawn])
    assert (means.std(axis=0) > 0.05).all()


def test_an_owner_is_before_the_clutter_near_the_hand() -> None:
    """Somebody stands there where the clutter of the same seed has none, mostly over the hand's half."""
    np.testing.assert_array_equal(with_owner(3), with_owner(3))
    changed = np.zeros((96, 96))
    for seed in range(12):
        bare = clutter.draw(np.random.default_rng(seed), 96)
        changed += np.abs(with_owner(seed) - bare).max(axis=2) > 0.05
    assert changed[48:, 30:70].mean() > 5  # of 12: the trunk is below the head
    assert changed[:16].mean() < 0.75 * changed[48:].mean()


def test_an_owner_is_lit_as_brightly_as_the_hand() -> None:
    for seed in range(4):
        bright, dim = with_owner(seed, bright=0.8), with_owner(seed, bright=0.4)
        lit = np.abs(bright - dim).max(axis=2) > 1e-4
        assert lit.mean() > 0.1
        assert (bright >= dim - 1e-5).all()
        # What is not the owner is as it was; soft edges and blur mix both.
        assert np.quantile(bright[lit] / dim[lit], 0.95) == pytest.approx(2, abs=0.05)
