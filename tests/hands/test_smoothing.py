"""The one-euro filter: by hand, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.hands.smoothing import OneEuro, Smoothed, smooth, smooth_whole


def run(track: np.ndarray, by: OneEuro, rate: float = 30.0, size: float = 100.0) -> np.ndarray:
    """A track, (n, 2), through the filter."""
    past: Smoothed | None = None
    result = []
    for number, point in enumerate(track):
        past = smooth(past, point[None], number / rate, size, by)
        result.append(past.points[0])
    return np.array(result)


def test_a_step_by_the_papers_equations() -> None:
    """At 10 frames a second, a point moves by 5 px of a hand of 100 px: 0.5 sizes a second."""
    first = smooth(None, np.array([[10.0, 20.0]]), 0.0, 100, OneEuro(1.0, 2.0))
    second = smooth(first, np.array([[15.0, 20.0]]), 0.1, 100, OneEuro(1.0, 2.0))

    def share(cutoff: float) -> float:
        tau = 1 / (2 * np.pi * cutoff)
        return 1 / (1 + tau / 0.1)

    speed = share(1.0) * 0.5
    assert second.speeds[0] == pytest.approx([speed, 0])
    assert second.points[0] == pytest.approx([10 + share(1.0 + 2.0 * speed) * 5, 20])


def test_a_hand_at_rest_trembles_less_and_a_fast_one_is_followed() -> None:
    rng = np.random.default_rng(0)
    rest = 50 + rng.normal(0, 1, (200, 2))
    calmed = run(rest, OneEuro(0.5, 5.0))
    jitter = [np.abs(np.diff(track, n=2, axis=0)).mean() for track in (rest, calmed)]
    assert jitter[1] < jitter[0] / 3
    fast = np.stack([np.arange(60) * 20.0, np.zeros(60)], 1)  # 6 hands' sizes a second
    assert np.abs(run(fast, OneEuro(0.5, 5.0)) - fast)[30:].max() < 20  # less than a frame behind
    assert np.abs(run(fast, OneEuro(0.5, 0.0)) - fast)[30:].max() > 100  # as a plain low-pass filter is not


def test_a_point_that_was_missing_begins_anew() -> None:
    by, gone = OneEuro(0.5, 1.0), np.array([[np.nan, np.nan], [1.0, 1.0]])
    past = smooth(None, np.array([[5.0, 5.0], [1.0, 1.0]]), 0.0, 10, by)
    past = smooth(past, gone, 0.1, 10, by)
    assert np.isnan(past.points[0]).all()
    past = smooth(past, np.array([[90.0, 90.0], [1.0, 1.0]]), 0.2, 10, by)
    assert past.points.tolist() == [[90, 90], [1, 1]]
    assert past.speeds.tolist() == [[0, 0], [0, 0]]


def test_a_frame_with_no_later_time_begins_anew() -> None:
    past = smooth(None, np.zeros((1, 2)), 1.0, 10, OneEuro(0.5, 1.0))
    assert smooth(past, np.full((1, 2), 7.0), 1.0, 10, OneEuro(0.5, 1.0)).points.tolist() == [[7, 7]]


@given(scale=st.floats(0.01, 100), least=st.floats(0.1, 5), slope=st.floats(0, 20))
def test_near_and_far_hands_are_smoothed_alike(scale: float, least: float, slope: float) -> None:
    track = np.random.default_rng(1).normal(0, 10, (20, 2)).cumsum(0)
    by = OneEuro(least, slope)
    np.testing.assert_allclose(
        run(track * scale, by, size=100 * scale), run(track, by) * scale, rtol=1e-6, atol=1e-9
    )


def test_of_a_whole_recording_nothing_lags() -> None:
    """A hand of 100 px that moves by 20 px a frame: forward alone comes late by as much as backward early."""
    path = 20.0 * np.arange(80)[:, None, None] + 100 * np.array([[0.0, 0.0], [1.0, 1.0]])
    seconds = np.arange(80) / 30
    by = OneEuro(0.5, 1.0)
    np.testing.assert_allclose(smooth_whole(path, seconds, by)[30:50], path[30:50], atol=0.01)
    assert (path - run(path[:, 0], by)[:, None])[30:50].min() > 5


def test_a_whole_recording_is_smoothed_alike_in_both_directions_of_time() -> None:
    rng = np.random.default_rng(0)
    track, seconds = 100 * rng.normal(size=(40, 3, 2)), np.sort(rng.uniform(0, 2, 40))
    by = OneEuro(1.0, 1.0)
    back = smooth_whole(track[::-1], -seconds[::-1], by)[::-1]
    np.testing.assert_allclose(back, smooth_whole(track, seconds, by))
    trembling = [np.abs(np.diff(points, n=2, axis=0)).mean() for points in (track, back)]
    assert trembling[1] < 0.7 * trembling[0]


def test_a_point_that_a_recording_lacks_stays_away() -> None:
    track = np.ones((6, 3, 2)) * np.arange(3)[:, None]
    track[2:4, 1] = np.nan
    found = smooth_whole(track, np.arange(6) / 10, OneEuro(1.0, 1.0))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(track))
    np.testing.assert_allclose(found[:2], track[:2])
