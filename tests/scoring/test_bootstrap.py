"""Intervals, slices, and two predictions compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from curate.basics.errors import InputError
from curate.data.predictions import Predictions
from curate.scoring import against, bootstrap, metrics, slices
from curate.scoring.figures import Scored, finite

SIDE = 100.0  # px, the hands' longer sides


def predictions(errors: NDArray[np.float64], *, size: int = 224, first: int = 0) -> Predictions:
    """Hands whose every point is off by so many pixels: one number an image; NaN: not labelled."""
    count = len(errors)
    truth = np.tile(np.linspace([20, 20], [20 + SIDE, 60], 21), (count, 1, 1)).astype(np.float32)
    labelled = np.isfinite(errors)
    predicted = truth + np.stack([np.nan_to_num(errors), np.zeros(count)], 1)[:, None].astype(np.float32)
    visibility = np.repeat(labelled[:, None], 21, 1).astype(np.uint8) * 2
    names = [f"a/{first + number}" for number in range(count)]
    return Predictions(names, truth, visibility, predicted, np.ones((count, 21), np.float32), size)


def scored(*errors: float) -> Scored:
    return Scored(predictions(np.array(errors)))


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_figures_are_those_of_the_metrics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.exponential(15, (12, 21))
    table[rng.random(table.shape) < 0.2] = np.nan
    table[rng.random(table.shape) < 0.05] = np.inf
    sides = rng.uniform(40, 90, 12)
    assert bootstrap.mean_error(table).value == pytest.approx(metrics.epe_mean(table))
    near = bootstrap.share_within(table, sides, 0.2)
    assert near.value == pytest.approx(metrics.pck_normalised(table, sides, 0.2))
    low, high = bootstrap.interval(near)
    assert low <= near.value <= high


def test_an_interval_is_that_of_the_normal_distribution_where_there_are_many_images() -> None:
    table = np.random.default_rng(0).normal(10, 2, (400, 1))
    low, high = bootstrap.interval(bootstrap.mean_error(table))
    # 1.96 * 2 / sqrt(400) = 0.196 to either side.
    assert (high - low) / 2 == pytest.approx(0.196, rel=0.1)
    assert (low, high) == bootstrap.interval(bootstrap.mean_error(table))


def test_images_that_are_all_alike_leave_no_doubt_and_one_alone_tells_nothing() -> None:
    assert bootstrap.interval(bootstrap.mean_error(np.full((5, 21), 3.0))) == (3.0, 3.0)
    assert all(math.isnan(end) for end in bootstrap.interval(bootstrap.mean_error(np.ones((1, 21)))))


def test_slices_count_labelled_images_and_give_each_values_figures() -> None:
    found = slices.sliced(scored(1.0, 3.0, 30.0, math.nan), {"side": ["left", "left", "right", "right"]})[
        "side"
    ]
    assert [(row["value"], row["n"]) for row in found] == [("left", 2), ("right", 1)]
    assert [row["epe_mean"] for row in found] == pytest.approx([2.0, 30.0], rel=1e-5)
    # 0.2 of 100 px is 20 px.
    assert [row["pck_box_0.2"] for row in found] == [1.0, 0.0]
    assert 1 - 1e-5 <= found[0]["epe_mean_low"] <= 2 <= found[0]["epe_mean_high"] <= 3 + 1e-5
    assert math.isnan(found[1]["epe_mean_low"])


def test_many_numbers_become_ranges_and_few_stay_as_they_are() -> None:
    several = scored(*range(1, 13))
    few = slices.sliced(several, {"age": [30.0, 20.0, None] * 4})["age"]
    assert [(row["value"], row["n"]) for row in few] == [("20", 4), ("30", 4), ("not known", 4)]
    ranges = slices.sliced(several, {"tilt": [float(-10 + 2 * n) for n in range(12)]})["tilt"]
    assert len(ranges) == 6
    assert sum(row["n"] for row in ranges) == 12
    assert [float(row["value"].split()[0]) for row in ranges] == sorted(
        float(row["value"].split()[0]) for row in ranges
    )
    assert ranges[0]["value"].startswith("-10 to")
    assert [row["epe_mean"] for row in ranges] == sorted(row["epe_mean"] for row in ranges)


@pytest.mark.parametrize(
    ("numbers", "first", "last"),
    [
        # Twelve scores between 0.97 and 1, of which the last are nearer to each other than a thousandth.
        ([0.97, 0.98, *(0.999 + 0.0001 * n for n in range(10))], "0.97 to 0.98", "0.9997 to 0.9999"),
        ([0.01 * n for n in range(12)], "0 to 0.01", "0.09 to 0.11"),
        ([1990 + n for n in range(12)], "1990 to 1991", "1999 to 2001"),
        ([1e-9 * n for n in range(1, 13)], "1e-09 to 2e-09", "1e-08 to 1.2e-08"),
    ],
    ids=["scores", "hundredths", "years", "tiny"],
)
def test_ranges_of_a_small_span_are_told_apart(numbers: Sequence[float], first: str, last: str) -> None:
    ranges = slices.sliced(scored(*range(1, 13)), {"score": numbers})["score"]
    assert [row["n"] for row in ranges] == [2] * 6
    assert [row["epe_mean"] for row in ranges] == pytest.approx([1.5, 3.5, 5.5, 7.5, 9.5, 11.5], rel=1e-5)
    assert len({row["value"] for row in ranges}) == 6
    assert (ranges[0]["value"], ranges[-1]["value"]) == (first, last)


def test_of_very_many_values_all_are_kept_and_the_largest_are_told() -> None:
    """60 names: 10 of two images each, behind 50 of one in the alphabet; two names are only of images
    without a label."""
    names = [f"a{n:02}" for n in range(50)] + [f"b{n}" for n in range(10) for _ in range(2)] + ["c", "d"]
    errors = [1.0] * 70 + [math.nan] * 2
    by = slices.sliced(scored(*errors), {"subject": names})
    assert [row["value"] for row in by["subject"]] == sorted(set(names[:70]))
    assert sum(row["n"] for row in by["subject"]) == 70
    lines = list(slices.told(by))
    assert len(lines) == 51
    # Of those of one image each, the first 40 in the alphabet.
    assert lines[39].startswith("subject a39: mean error 1.00")
    assert lines[40].startswith("subject b0: mean error 1.00 (1.00 to 1.00) px in 2 images")
    assert lines[50] == "subject: 10 more values in 10 images: see metrics.json"
    fifty = {"subject": by["subject"][:50]}
    assert len(list(slices.told(fifty))) == 50


def test_few_numbers_that_lie_near_each_other_are_told_apart() -> None:
    found = slices.sliced(scored(1.0, 2.0, 3.0), {"score": [0.99999991, 0.99999992, 0.5]})["score"]
    assert [(row["value"], row["n"]) for row in found] == [("0.5", 1), ("0.99999991", 1), ("0.99999992", 1)]


def test_numbers_that_are_none_are_not_known_and_come_last() -> None:
    numbers = [math.nan, None, *(float(n) for n in range(10))]
    ranges = slices.sliced(scored(*range(1, 13)), {"depth": numbers})["depth"]
    assert (ranges[-1]["value"], ranges[-1]["n"]) == ("not known", 2)
    assert sum(row["n"] for row in ranges[:-1]) == 10


def test_what_says_not_known_is_told_from_what_says_nothing() -> None:
    given = ["not known", None, "not known", "sure"]
    found = slices.sliced(scored(1.0, 2.0, 3.0, 4.0), {"age": given})["age"]
    assert [(row["value"], row["n"]) for row in found] == [('"not known"', 2), ("sure", 1), ("not known", 1)]


def test_two_predictions_are_compared_image_by_image() -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(0, 40, 60)  # images differ far more than the two networks do
    ours, other = Scored(predictions(hard)), predictions(hard + rng.normal(1, 0.3, 60))
    found = against.compared(ours, other, "other")
    assert found["n"] == 60
    assert found["epe_mean_other"] - found["epe_mean"] == pytest.approx(1, abs=0.2)
    assert found["epe_mean_difference"] == pytest.approx(found["epe_mean"] - found["epe_mean_other"])
    assert -1.3 < found["epe_mean_low"] < found["epe_mean_difference"] < found["epe_mean_high"] < -0.8
    assert found["nearer"] == 1.0
    same = against.compared(ours, ours.predictions, "same")
    assert (same["epe_mean_difference"], same["epe_mean_low"], same["epe_mean_high"]) == (0, 0, 0)
    assert "which may be chance" in next(against.told(same))
    assert "which may be chance" not in next(against.told(found))


def test_only_images_of_both_are_compared_and_others_are_refused() -> None:
    ours = scored(1.0, 2.0, 3.0)
    shifted = predictions(np.array([5.0, 5.0, 5.0]), first=1)
    found = against.compared(ours, shifted, "other")
    assert found["n"] == 2
    assert found["epe_mean"] == pytest.approx(2.5, rel=1e-5)
    more = predictions(np.array([5.0, 5.0, 5.0, 5.0]), first=1)
    assert list(against.told(against.compared(ours, more, "other")))[1:] == [
        "  over the images that both have: these predictions lack 2 and the others lack 1"
    ]
    assert " px in 1 image, " in next(
        against.told(against.compared(scored(1.0), scored(2.0).predictions, ""))
    )
    with pytest.raises(InputError, match="no image in common with this split"):
        against.compared(ours, predictions(np.ones(2), first=9), "other")
    with pytest.raises(InputError, match="size: 96 px; allowed: 224 px"):
        against.compared(ours, predictions(np.ones(3), size=96), "other")
    twice = predictions(np.ones(3))
    twice.sample_ids[2] = twice.sample_ids[0]
    with pytest.raises(InputError, match=f"1 sample more than once, such as '{twice.sample_ids[0]}'"):
        against.require_alike(ours.predictions, twice, "other")


def test_errors_are_compared_over_the_points_that_both_predict() -> None:
    """Of two images the other lacks the worse one, which counts for PCK alone."""
    other = predictions(np.array([2.0, 3.0]))
    other.predicted[1] = np.nan
    found = against.compared(scored(1.0, 30.0), other, "other")
    assert (found["epe_mean"], found["epe_mean_other"]) == (pytest.approx(1), pytest.approx(2))
    assert (found["pck_box_0.2"], found["pck_box_0.2_other"]) == (0.5, 0.5)  # 30 px are more than 20, too
    assert (found["points"], found["unpredicted"], found["unpredicted_other"]) == (42, 0, 21)
    assert found["nearer"] == 1.0
    assert list(against.told(found))[1:] == [
        "  over the points that both predict; of 42 labelled points the others lack 21"
    ]


def test_predictions_of_hands_that_were_cut_out_otherwise_are_refused() -> None:
    """Labels that were corrected in one image of three are no other set."""
    corrected = predictions(np.ones(3))
    corrected.truth[1] += 5
    assert against.compared(scored(1.0, 2.0, 3.0), corrected, "other")["n"] == 3
    corrected.truth[2] += 1
    with pytest.raises(InputError, match=r"truth: labels that lie up to 7.1 px from ours in 2 of 3 images"):
        against.compared(scored(1.0, 2.0, 3.0), corrected, "other")


def test_images_without_a_prediction_make_no_figure_surer() -> None:
    made = predictions(np.array([2.0, 3.0, 4.0]))
    made.predicted[1:] = np.nan
    (row,) = slices.sliced(Scored(made), {"side": ["left"] * 3})["side"]
    assert (row["n"], row["unpredicted"], row["epe_mean"]) == (3, 42, pytest.approx(2.0, rel=1e-5))
    assert math.isnan(row["epe_mean_low"])
    assert not math.isnan(row["pck_box_0.2_low"])  # where points without a prediction are wrong
    (line,) = slices.told({"side": [finite(row)]})
    told = "mean error 2.00 px in 3 images, 42 points of these without a prediction"
    assert line == f"side left: {told}"
