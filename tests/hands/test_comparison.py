"""Predictions beside the truth."""

import numpy as np

from curate.hands.comparison import draw_prediction

NOWHERE, UNSEEN = np.full((21, 2), np.nan), np.zeros(21, np.uint8)


def test_a_predicted_mask_tints_the_hand_alone() -> None:
    image = np.full((40, 40), 100, np.uint8)
    mask = np.zeros((40, 40), np.uint8)
    mask[:, 20:] = 255
    drawn = draw_prediction(image, NOWHERE, NOWHERE, UNSEEN, size=40, mask=mask)
    assert (drawn[:, :20] == 100).all()
    assert drawn[5, 30].tolist() == [50, 129, 108]  # half of 100 and half of (0, 158, 115), rounded to even
    assert (draw_prediction(image, NOWHERE, NOWHERE, UNSEEN, size=40) == 100).all()
