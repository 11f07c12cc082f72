"""Clutter behind a hand is the seed's, and a picture like others."""

from __future__ import annotations

import numpy as np
import pytest

from render.look import clutter
from render.look.colour import encoded


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
