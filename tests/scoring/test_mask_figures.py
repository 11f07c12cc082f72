"""The figures of masks: hand-worked values, pictures without a hand, and nothing at all."""

import numpy as np
import pytest

from curate.scoring import metrics
from curate.scoring.figures import measure, page_rows, summary
from curate.scoring.mask_figures import MASK_FIGURES, ScoredMasks


def scored(*pairs: tuple[tuple[int, int, int, int] | None, tuple[int, int, int, int] | None]) -> ScoredMasks:
    """Images of 64 px with a predicted and a true box (x, y, w, h) each; None: no hand."""
    likely, truth = np.zeros((2, len(pairs), 64, 64), np.uint8)
    for row, pair in enumerate(pairs):
        for stack, box in zip((likely, truth), pair, strict=True):
            if box is not None:
                x, y, w, h = box
                stack[row, y : y + h, x : x + w] = 255
    return ScoredMasks(likely, truth)


def test_a_picture_counts_as_one_and_pooled_by_its_pixels() -> None:
    half = ((10, 10, 20, 20), (10, 10, 20, 40))  # 400 of 800
    right = ((10, 10, 10, 10), (10, 10, 10, 10))  # 100 of 100
    figures = measure(scored(half, right), MASK_FIGURES)
    assert figures["mask_iou"] == pytest.approx(0.75)
    assert figures["mask_iou_pooled"] == pytest.approx(500 / 900)
    assert figures["mask_iou_cleaned"] == pytest.approx(0.75, abs=0.01)
    assert figures["boxes_50"] == 1
    assert figures["box_iou"] == pytest.approx(0.75)
    assert figures["ground_left_alone"] is None


def test_a_missed_hand_has_no_box_and_one_seen_on_bare_ground_is_told() -> None:
    figures = measure(scored((None, (10, 10, 20, 20)), ((5, 5, 30, 30), None), (None, None)), MASK_FIGURES)
    assert (figures["n"], figures["with_hand"]) == (3, 1)
    assert figures["mask_iou"] == pytest.approx(1 / 3)
    assert (figures["boxes_50"], figures["box_iou"]) == (0, 0)
    assert figures["ground_left_alone"] == 0.5
    told = summary(figures, MASK_FIGURES)
    assert told == [
        "IoU of the masks: 0.333 per picture, 0.000 pooled, 0.333 cleaned",
        "boxes found of 0.0 % of the hands; no hand seen in 50.0 % of the pictures without one",
    ]


def test_each_hand_of_a_picture_is_looked_for() -> None:
    """Of two hands one is found whole, the other by a third; of the labels' pieces a speck is no hand."""
    of = scored(((2, 2, 20, 20), (2, 2, 20, 20)))
    for stack, (x, y, w, h) in ((of.truth, (40, 30, 15, 30)), (of.likely, (40, 30, 15, 10))):
        stack[0, y : y + h, x : x + w] = 255
    of.truth[0, 60, 2] = 255
    figures = measure(of, MASK_FIGURES)
    assert (figures["with_hand"], figures["hands"], figures["boxes_50"]) == (1, 2, 0.5)
    assert figures["box_iou"] == pytest.approx((1 + 1 / 3) / 2)


def test_specks_weigh_in_the_raw_mask_and_not_in_the_cleaned_one() -> None:
    of = scored(((10, 10, 20, 20), (10, 10, 20, 20)))
    of.likely[0, 60, 2:60:4] = 255
    figures = measure(of, MASK_FIGURES)
    assert figures["mask_iou"] == pytest.approx(400 / 415)
    assert figures["mask_iou_cleaned"] == 1


def test_nothing_to_measure_is_told_as_such() -> None:
    figures = measure(scored((None, None)), MASK_FIGURES)
    assert figures["mask_iou"] == 1
    assert figures["mask_iou_pooled"] is None
    assert figures["boxes_50"] is None
    assert ("IoU of the masks, all pixels pooled", "–") in page_rows(figures, MASK_FIGURES)


def test_boxes_overlap_by_their_areas() -> None:
    assert metrics.box_iou([0, 0, 10, 10], [5, 0, 10, 10]) == pytest.approx(1 / 3)
    assert metrics.box_share([0, 0, 10, 10], [5, 0, 10, 10]) == pytest.approx(0.5)
    assert metrics.box_share([0, 0, 10, 10], [2, 2, 4, 5]) == pytest.approx(1)
    assert np.isnan(metrics.box_share([0, 0, 10, 10], [2, 2, 0, 5]))
    assert metrics.box_iou([0, 0, 10, 10], [20, 0, 10, 10]) == 0
