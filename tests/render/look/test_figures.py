"""People in clutter are the seed's, of any distance, and leave what is beside them as it is."""

from __future__ import annotations

import numpy as np
import pytest

from render.look import figures


def shown(seed: int, height: float, at: tuple[float, float] = (40.0, 34.0)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    picture = np.full((80, 80, 3), 0.5, np.float32)
    figures.somebody(picture, rng, height, at, figures.lighting(rng))
    return picture


@pytest.mark.parametrize("height", [3.0, 12.0, 40.0, 120.0])
def test_somebody_is_the_seeds(height: float) -> None:
    one, again, other = shown(1, height), shown(1, height), shown(2, height)
    np.testing.assert_array_equal(one, again)
    assert np.isfinite(one).all()
    assert one.min() >= 0
    assert not np.array_equal(one, other)


def test_a_head_is_as_high_as_asked_and_above_a_body() -> None:
    for seed in range(6):
        changed = (np.abs(shown(seed, 20) - 0.5) > 1e-3).any(axis=2)
        rows = np.flatnonzero(changed[:, 38:43].any(axis=1))
        assert 18 <= rows[0] <= 29  # 34 less half of 20, hair and a bent head besides
        assert changed[70].sum() > changed[34].sum()
        assert not changed[:14].any()


def test_an_arm_that_crosses_leaves_the_picture_at_both_ends() -> None:
    twice = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        picture = np.full((80, 80, 3), 0.5, np.float32)
        figures.crossing(picture, rng, figures.lighting(rng))
        changed = (np.abs(picture - 0.5) > 1e-3).any(axis=2)
        around = np.concatenate([changed[0], changed[:, -1], changed[-1, ::-1], changed[::-1, 0]])
        twice += (around & ~np.roll(around, 1)).sum() == 2
    assert twice >= 5  # others run along the edge, or beyond it
