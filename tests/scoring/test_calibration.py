"""What scores mean, by hand-worked values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.scoring.calibration import (
    COLDEST,
    HOTTEST,
    calibration_error,
    discrimination,
    fit_temperature,
    reliability,
    risk_coverage_area,
    tempered,
)

SCORES = np.array([0.9, 0.8, 0.6, 0.5])
RIGHT = np.array([True, True, False, True])


def test_groups_of_equal_size_the_lowest_scores_first() -> None:
    assert reliability(SCORES, RIGHT, 2) == [(0.55, 0.5, 2), (pytest.approx(0.85), 1.0, 2)]
    assert [size for _, _, size in reliability(SCORES, RIGHT, 10)] == [1, 1, 1, 1]


def test_the_error_is_the_mean_distance_of_score_and_share() -> None:
    """|0.55 - 0.5| and |0.85 - 1|, of two points each."""
    assert calibration_error(SCORES, RIGHT, 2) == pytest.approx((0.05 + 0.15) / 2)


def test_area_under_risk_and_coverage() -> None:
    """Of the first 1, 2, 3 and 4, none, none, a third and a quarter are wrong."""
    assert risk_coverage_area(SCORES, RIGHT) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)


def test_equal_scores_count_in_every_order() -> None:
    """One right and one wrong: the first is wrong in half of the orders, and half of both are."""
    assert risk_coverage_area(np.array([0.5, 0.5]), np.array([True, False])) == pytest.approx(0.5)
    assert discrimination(np.array([0.5, 0.5]), np.array([True, False])) == pytest.approx(0.5)


def test_the_error_of_equal_scores_does_not_hang_on_their_order() -> None:
    """As of a tagger that gives all points of a hand one score: seven in ten points with 0.7 are right."""
    right = np.arange(20) < 14
    for order in (right, right[::-1], np.roll(right, 5)):
        assert calibration_error(np.full(20, 0.7), order) == pytest.approx(0)
    assert reliability(np.full(20, 0.7), right, 2) == [(pytest.approx(0.7), pytest.approx(0.7), 10)] * 2


def test_right_above_wrong() -> None:
    """The wrong 0.6 lies above one of three right ones."""
    assert discrimination(SCORES, RIGHT) == pytest.approx(2 / 3)


@pytest.mark.parametrize("right", [np.ones(4, bool), np.zeros(4, bool)])
def test_all_alike_tell_nothing(right: np.ndarray) -> None:
    assert np.isnan(discrimination(SCORES, right))
    assert fit_temperature(SCORES, right) is None


def test_without_points_there_is_nothing_to_tell() -> None:
    none = np.empty(0)
    assert np.isnan(
        [calibration_error(none, none), risk_coverage_area(none, none), discrimination(none, none)]
    ).all()
    assert fit_temperature(none, none) is None


def test_a_temperature_of_two_halves_the_logit() -> None:
    """0.9 has the odds 9, whose root is 3: three in four. No point stays no point."""
    np.testing.assert_allclose(tempered(np.array([0.9, 0.5, 0.1, 0.0]), 2), [0.75, 0.5, 0.25, 0], atol=1e-6)


@given(temperature=st.floats(0.3, 5), seed=st.integers(0, 9))
def test_the_temperature_that_made_the_scores_is_found_again(temperature: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.02, 0.98, 20_000)
    right = rng.uniform(size=len(true)) < true
    found = fit_temperature(tempered(true, 1 / temperature), right)
    assert found == pytest.approx(temperature, rel=0.05)


@given(count=st.integers(2, 30), seed=st.integers(0, 9))
def test_tempering_changes_no_order_and_never_makes_the_fitted_scores_less_likely(
    count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores, right = rng.uniform(0.01, 0.99, count), np.arange(count) % 2 == 0
    found = fit_temperature(scores, right)
    assert found is not None
    assert COLDEST <= found <= HOTTEST
    after = tempered(scores, found)
    assert (np.argsort(after, kind="stable") == np.argsort(scores, kind="stable")).all()

    def likelihood(p: np.ndarray) -> float:
        return float(np.log(np.where(right, p, 1 - p)).mean())

    assert likelihood(after) >= likelihood(scores) - 1e-4
