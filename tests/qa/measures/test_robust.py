"""Statistics that a few wrong labels do not move."""

from __future__ import annotations

import numpy as np
import pytest

from qa.measures import robust
from qa.measures.robust import excess, upper, z_scores


def test_robust_scores_by_hand() -> None:
    z = z_scores(np.array([1.0, 2.0, 3.0, 4.0, 100.0, np.nan]))
    assert z[:5] == pytest.approx(np.array([-2, -1, 0, 1, 97]) / 1.4826)
    assert np.isnan(z[5])
    assert z_scores(np.array([5.0, 5.0, 5.0])).tolist() == [0, 0, 0]
    scores = np.exp(np.random.default_rng(0).normal(0, 2, 20_000))
    assert excess(scores).std() == pytest.approx(1, abs=0.05)
    assert excess(scores)[0] == pytest.approx(np.log(scores[0]) / 2, abs=0.05)


def test_others_alone_tell_what_is_usual() -> None:
    values, fold = np.array([1.0, 2, 3, 50, 60, 70]), np.array([0, 0, 0, 1, 1, 1])
    assert z_scores(values, fold)[0] == pytest.approx((1 - 60) / 14.826)  # of 50, 60 and 70
    assert z_scores(values, fold)[3] == pytest.approx((50 - 2) / 1.4826)
    assert z_scores(np.array([5.0, 5, 7]), least=0.5).tolist() == [0, 0, 4]
    usual = np.exp(np.random.default_rng(0).normal(0, 1, 4000))
    other = np.repeat([0, 1], 2000)
    scores = usual * np.where(other, 100, 1)
    assert excess(scores, upper(scores, other))[3000] > 4


@pytest.mark.filterwarnings("error")
def test_what_has_nothing_to_be_judged_by_is_not_judged() -> None:
    values, fold = (
        np.array([[1.0, np.nan, 5.0], [3, np.nan, np.nan], [9, np.nan, np.nan]]),
        np.array([0, 1, 1]),
    )
    z = z_scores(values)
    assert z[0, 0] == pytest.approx(-1 / 1.4826)
    assert np.isnan(z[:, 1]).all()
    assert np.isnan(z_scores(values, fold)[0, 2])  # the only 5, in a fold of its own


def test_a_median_leaves_out_the_value_that_it_judges() -> None:
    values = np.array([8.0, 1, 16, 4, 2])  # without 8: 1 2 4 16, and so on
    assert robust.medians_of_others(values).tolist() == [3, 6, 3, 5, 6]
    assert robust.medians_of_others(np.array([1.0, 5, 1])).tolist() == [3, 1, 3]
    columns = np.array(
        [[8.0, np.nan, np.nan], [1, 1, 7], [16, 5, np.nan], [4, 1, np.nan], [2, np.nan, np.nan]]
    )
    found = robust.medians_of_others(columns)
    assert found[:, 0].tolist() == [3, 6, 3, 5, 6]
    np.testing.assert_array_equal(found[:, 1], [np.nan, 3, 1, 3, np.nan])
    assert np.isnan(found[:, 2]).all()  # 7 has no other


def test_a_median_of_nothing_is_not_known() -> None:
    values = np.array([[1.0, np.nan], [3, np.nan], [9, np.nan]])
    np.testing.assert_array_equal(robust.medians(values), [3, np.nan])
    assert robust.medians(values[:, 0]) == 3
