"""sRGB and linear light."""

from __future__ import annotations

import numpy as np
import pytest

from render.look import colour


def test_srgb_of_known_values() -> None:
    # IEC 61966-2-1: a straight line of slope 12.92 up to 0.0031308, then a curve; 0.5 is sRGB of 0.2140.
    assert colour.encoded(np.array([0.0, 0.001, 0.2140, 1.0])) == pytest.approx(
        [0, 0.01292, 0.5, 1], abs=1e-4
    )


def test_linear_undoes_it() -> None:
    values = np.linspace(0, 1, 256)
    assert colour.encoded(colour.linear(values)) == pytest.approx(values, abs=1e-4)


def test_dyes_go_from_pale_to_nearly_black() -> None:
    rng = np.random.default_rng(0)
    brightest = np.array([max(colour.dye(rng)) for _ in range(100)])
    assert set(np.round(brightest, 2).tolist()) == {0.03, 0.25, 0.8}
