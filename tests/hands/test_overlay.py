"""Skeletons fall where the keypoints are."""

import numpy as np
import pytest

from curate.hands.overlay import contact_sheet, draw_skeleton


def test_a_keypoint_is_drawn_at_its_pixel_and_nan_is_left_out() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    points = np.full((21, 2), np.nan)
    points[8] = (40.5, 20.5)
    drawn = draw_skeleton(image, points, colour=(255, 0, 0))
    rows, columns = np.nonzero(drawn[..., 0] > 128)
    assert (rows.mean(), columns.mean()) == pytest.approx((20, 40), abs=0.3)
    assert image.max() == 0


def test_scaling_moves_points_with_the_picture() -> None:
    points = np.full((21, 2), np.nan)
    points[0] = (10.0, 5.0)
    drawn = draw_skeleton(np.zeros((20, 40), np.uint8), points, size=400, colour=(0, 255, 0))
    assert drawn.shape == (200, 400, 3)
    rows, columns = np.nonzero(drawn[..., 1] > 128)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((100, 50), abs=0.6)


def test_points_far_outside_do_no_harm() -> None:
    points = np.full((21, 2), 1e30)
    assert draw_skeleton(np.zeros((8, 8, 3), np.uint8), points).shape == (8, 8, 3)


def test_contact_sheet_keeps_proportions() -> None:
    sheet = contact_sheet([np.zeros((10, 20), np.uint8)] * 3, columns=2, cell=40, gap=0)
    assert sheet.shape == (80, 80, 3)
    assert (sheet[:, :, 0] == 0).sum() == 3 * 40 * 20
