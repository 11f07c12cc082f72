"""The figures of an evaluation: their values, and that one row is all that a figure takes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from curate.basics import keypoints as kp
from curate.data.predictions import Predictions
from curate.scoring.figures import FIGURES, Figure, Scored, measure, missing, page_rows, summary


def four_points(errors: list[float], size: int = 96) -> Scored:
    """One image whose thumb is off by the given errors, nothing else labelled."""
    truth = np.full((1, kp.COUNT, 2), np.nan, np.float32)
    predicted = np.zeros((1, kp.COUNT, 2), np.float32)
    visibility = np.zeros((1, kp.COUNT), np.uint8)
    for joint, error in enumerate(errors, start=1):
        truth[0, joint] = (30, 40)
        predicted[0, joint] = (30 + error, 40)
        visibility[0, joint] = kp.VISIBLE
    scores = np.ones((1, kp.COUNT), np.float32)
    return Scored(Predictions(["one"], truth, visibility, predicted, scores, size))


def test_figures_of_four_known_errors() -> None:
    figures = measure(four_points([4, 8, math.sqrt(200), 20]))
    assert figures["n"] == 1
    assert figures["points"] == 4
    assert figures["epe_mean"] == pytest.approx(11.5355339, abs=1e-5)
    assert figures["epe_median"] == pytest.approx((8 + math.sqrt(200)) / 2, abs=1e-5)
    assert figures["all_points_9px"] == 0
    assert figures["wrong_1_2_of_all"] == 1
    assert figures["wrong_1_2_of_failures"] == 1
    assert figures["pck"] == {"1": 0, "2": 0, "3": 0, "5": 0.25, "9": 0.5, "15": 0.75, "30": 1}
    errors = figures["per_keypoint_epe"]
    assert list(errors) == ["thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip"]
    assert errors["thumb_tip"] == pytest.approx(20)
    assert "epe_mean_root_aligned" not in figures


def test_nine_pixels_grow_with_the_image() -> None:
    # 9 px at 96 px are 12 px at 128 px.
    assert measure(four_points([11.9], 96))["all_points_9px"] == 0
    figures = measure(four_points([11.9], 128))
    assert figures["right_within_px"] == 12
    assert figures["all_points_9px"] == 1
    assert figures["wrong_1_2_of_failures"] is None


def test_a_missing_prediction_is_wrong_but_has_no_distance() -> None:
    scored = four_points([1, 3])
    scored.predictions.predicted[0, 1] = np.nan
    figures = measure(scored)
    assert figures["unpredicted"] == 1
    assert figures["unpredicted_images"] == 0
    assert figures["epe_mean"] == pytest.approx(3)
    assert figures["all_points_9px"] == 0
    assert figures["pck"]["30"] == 0.5


def test_scores_are_held_against_what_is_right() -> None:
    """Four points with the scores 0.9, 0.8, 0.6 and 0.3, of which the last two lie beyond 9 px."""
    scored = four_points([4, 8, 14, 20])
    scored.predictions.score[0, scored.labelled[0]] = [0.9, 0.8, 0.6, 0.3]
    figures = measure(scored)
    assert figures["score_error"] == pytest.approx((0.1 + 0.2 + 0.6 + 0.3) / 4)
    assert figures["score_auc"] == 1
    assert figures["risk_area_points"] == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert figures["risk_area_images"] == 1


def test_an_image_without_a_prediction_is_no_false_alarm() -> None:
    """Two images whose scores are 0: nothing is predicted in the first, and all is right in the second."""
    one = four_points([0, 0, 0, 0]).predictions
    truth, visibility = np.repeat(one.truth, 2, 0), np.repeat(one.visibility, 2, 0)
    predicted, scores = np.repeat(one.predicted, 2, 0), np.zeros((2, kp.COUNT), np.float32)
    truth[:, 4] = predicted[:, 4] = (50, 60)
    predicted[0] = np.nan
    found = Scored(Predictions(["none", "right"], truth, visibility, predicted, scores, 96))
    assert measure(found)["ap"] == pytest.approx(51 / 101)


def test_without_labels_every_figure_is_null_and_still_json() -> None:
    figures = measure(four_points([]))
    assert figures["n"] == 0
    assert figures["epe_mean"] is None
    assert figures["ap"] is None
    json.dumps(figures, allow_nan=False)


def test_the_summary_says_in_three_lines_how_good_the_points_are() -> None:
    assert summary(measure(four_points([4, 8, math.sqrt(200), 20]))) == [
        "all points within 9 px: 0.0 % of images",
        "only 1-2 points wrong: 100.0 % of images, 100.0 % of failures",
        "error: mean 11.54 px, median 11.07 px",
    ]
    nowhere = four_points([1])
    nowhere.predictions.predicted[:] = np.nan
    assert summary(measure(nowhere))[-1] == "no point was predicted"


def test_the_summary_says_first_what_has_no_prediction() -> None:
    """Three images with four labelled points each: one has all, one lacks two, and one lacks all."""
    one = four_points([1, 1, 1, 1]).predictions
    columns = [np.repeat(of, 3, 0) for of in (one.truth, one.visibility, one.predicted, one.score)]
    scored = Scored(Predictions(["a", "b", "c"], *columns, one.size))
    scored.predictions.predicted[1, 1:3] = np.nan
    scored.predictions.predicted[2] = np.nan
    figures = measure(scored)
    assert (figures["unpredicted"], figures["unpredicted_images"]) == (6, 1)
    assert "unmatched_rows" not in figures
    line = (
        "without a prediction: 6 of 12 labelled points; 1 of 3 images has none at all; "
        "shares count them as wrong, errors leave them out"
    )
    assert summary(figures) == [
        line,
        "all points within 9 px: 33.3 % of images",
        "only 1-2 points wrong: 33.3 % of images, 50.0 % of failures",
        "error: mean 1.00 px, median 1.00 px",
    ]
    rows = dict(page_rows(figures))
    assert rows["labelled points without a prediction"] == "6"
    assert rows["images without any labelled point predicted"] == "1"
    assert missing(figures) == [line]


def test_rows_of_the_predictions_that_match_nothing_are_told() -> None:
    scored = four_points([1])
    unmatched = "rows of the predictions that match no sample of the split"
    assert unmatched not in dict(page_rows(measure(scored)))
    figures = measure(Scored(scored.predictions, unmatched=1234))
    assert figures["unmatched_rows"] == 1234
    assert dict(page_rows(figures))[unmatched] == "1234"
    assert summary(figures)[0] == "rows of the predictions that match no sample of this split: 1,234"
    none = measure(Scored(scored.predictions, unmatched=0))
    assert none["unmatched_rows"] == 0
    assert summary(none)[0].startswith("all points within")
    assert missing(none) == []


def test_the_page_lists_single_figures_then_counts_then_thresholds() -> None:
    rows = page_rows(measure(four_points([4, 8, math.sqrt(200), 20])))
    assert rows[:2] == [
        ("images with all points right", "0.0 %"),
        ("images with only one or two wrong points, of all", "100.0 %"),
    ]
    assert ("median error, px", "11.0711") in rows
    assert [meaning for meaning, _ in rows[16:20]] == [
        "labelled points without a prediction",
        "images without any labelled point predicted",
        "points within 1 px (PCK)",
        "points within 2 px (PCK)",
    ]
    assert rows[-1][0] == "points within 0.2 of the hand's longer side"
    assert dict(page_rows(measure(four_points([]))))["median error, px"] == "–"


def test_a_figure_takes_one_row() -> None:
    far = Figure(
        "farthest",
        lambda s: float(np.nanmax(s.table)),
        "farthest point, px",
        told=lambda f: f"farthest: {f['farthest']:g} px",
    )
    rows = (*FIGURES, far)
    figures = measure(four_points([4, 8]), rows)
    assert figures["farthest"] == 8
    assert ("farthest point, px", "8.0000") in page_rows(figures, rows)
    assert summary(figures, rows)[-1] == "farthest: 8 px"


def test_every_figure_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    assert [figure.name for figure in FIGURES if f"`{figure.name}`" not in page] == []
