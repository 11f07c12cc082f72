"""Heatmaps against formula (1) written out, hand-worked values and the laws of the normal distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics import heatmaps
from curate.basics.errors import InputError


def formula_1(x: float, y: float, size: int, sigma: float) -> np.ndarray:
    """The paper's formula, cell by cell."""
    return np.array(
        [
            [
                math.exp(-((i + 0.5 - x) ** 2 + (j + 0.5 - y) ** 2) / (2 * sigma**2))
                / (2 * math.pi * sigma**2)
                for i in range(size)
            ]
            for j in range(size)
        ]
    )


@given(st.floats(-20, 60), st.floats(-20, 60), st.integers(1, 40), st.floats(0.5, 12), st.booleans())
def test_a_map_is_formula_1(x: float, y: float, size: int, sigma: float, peak1: bool) -> None:
    expected = formula_1(x, y, size, sigma)
    if peak1:
        expected *= 2 * math.pi * sigma**2
    drawn = heatmaps.draw([[x, y]], [2], size, sigma, peak1=peak1)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn[0], expected, atol=1e-6)


def test_hand_worked_values() -> None:
    """A point on the centre of cell (2, 1), sigma 1: 1 there, e^-1/2 beside it, e^-1 diagonally."""
    drawn = heatmaps.draw([[2.5, 1.5]], [2], 4, 1.0, peak1=True)[0]
    assert drawn[1, 2] == 1.0
    assert drawn[1, 3] == pytest.approx(0.60653066)
    assert drawn[0, 1] == pytest.approx(0.36787944)
    assert heatmaps.peak(5.0) == pytest.approx(0.0063661977)


def test_the_point_lies_between_cells_and_the_map_is_symmetric_about_it() -> None:
    drawn = heatmaps.draw([[2.0, 2.0]], None, 4, 1.5)[0]
    np.testing.assert_array_equal(drawn, drawn[::-1])
    np.testing.assert_array_equal(drawn, drawn[:, ::-1])
    np.testing.assert_array_equal(drawn, drawn.T)


@pytest.mark.parametrize(
    ("point", "seen"), [((3.0, 3.0), 0), ((math.nan, math.nan), 2), ((3.0, math.inf), 1)]
)
def test_an_unlabelled_point_has_a_zero_map(point: tuple[float, float], seen: int) -> None:
    drawn = heatmaps.draw([point, (3.0, 3.0)], [seen, 1], 8, 2.0)
    assert not drawn[0].any()
    assert drawn[1].any()


def test_many_hands_at_once_and_into_a_buffer() -> None:
    points = np.random.default_rng(1).uniform(0, 12, (3, 5, 2))
    seen = np.array([[2, 2, 0, 1, 2]] * 3)
    buffer = np.full((3, 5, 12, 12), 7, np.float32)
    drawn = heatmaps.draw(points, seen, 12, 2.0, out=buffer)
    assert drawn is buffer
    for hand in range(3):
        np.testing.assert_array_equal(drawn[hand], heatmaps.draw(points[hand], seen[hand], 12, 2.0))


@pytest.mark.parametrize(
    ("point", "share"), [((48.0, 48.0), 1.0), ((0.0, 48.0), 0.5), ((96.0, 0.0), 0.25), ((-96.0, 48.0), 0.0)]
)
def test_mass_inside_the_frame(point: tuple[float, float], share: float) -> None:
    assert heatmaps.mass([point], 96, 5.0)[0] == pytest.approx(share, abs=1e-9)


@given(st.floats(-9, 105), st.floats(-9, 105), st.floats(0.3, 20))
def test_a_map_sums_to_its_mass(x: float, y: float, sigma: float) -> None:
    total = heatmaps.draw([[x, y]], None, 96, sigma).sum(dtype=np.float64)
    assert total == pytest.approx(float(heatmaps.mass([[x, y]], 96, sigma)[0]), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    ("dtype", "sigma", "levels"),
    [("uint8", 5, 3), ("uint8", 10, 1), ("uint16", 5, 418), ("float16", 5, 7814)],
)
def test_levels_are_those_that_the_stored_map_has(dtype: str, sigma: float, levels: int) -> None:
    assert heatmaps.levels(dtype, sigma) == levels
    if dtype.startswith("uint"):
        values = np.linspace(0, heatmaps.peak(sigma), 100_000, dtype=np.float32)
        assert len(np.unique(heatmaps.as_dtype(values, dtype))) == levels


@pytest.mark.parametrize(("dtype", "sigma"), [("uint8", 5.0), ("uint8", 10.0), ("float16", 1000.0)])
def test_a_type_that_destroys_the_maps_is_refused(dtype: str, sigma: float) -> None:
    with pytest.raises(InputError, match=r"levels? of formula \(1\) .* at least 32 levels"):
        heatmaps.check_dtype(dtype, sigma)


@pytest.mark.parametrize("dtype", ["int8", "bool", "complex64", "U4"])
def test_a_type_that_holds_no_maps_is_refused(dtype: str) -> None:
    with pytest.raises(InputError, match="float16, float32, uint8, uint16"):
        heatmaps.check_dtype(dtype, 5.0)


@pytest.mark.parametrize(
    ("dtype", "peak1"), [("float16", False), ("float32", False), ("uint16", False), ("uint8", True)]
)
def test_a_type_that_is_allowed_keeps_the_maps(dtype: str, peak1: bool) -> None:
    kind = heatmaps.check_dtype(dtype, 5.0, peak1=peak1)
    drawn = heatmaps.draw([[40.2, 51.9]], None, 96, 5.0, peak1=peak1)
    stored = heatmaps.as_dtype(drawn, kind)
    assert stored.dtype == kind
    back = stored.astype(np.float64) / (np.iinfo(kind).max if kind.kind == "u" else 1)
    step = {"uint8": 0.5 / 255, "uint16": 0.5 / 65535, "float16": drawn.max() * 2**-11, "float32": 0.0}[dtype]
    assert np.abs(back - drawn).max() <= step * (1 + 1e-6)
