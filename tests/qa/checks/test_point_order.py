"""Checks of points under the wrong name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qa_sets import finger_wise_reversed, hits, mirror_side, moved, opened, reverse_order, run, save, view_of

from curate.data.sample import Sample
from curate.hands.shape import backward_fingers
from qa.view import View


def test_handedness_is_not_judged_without_side_or_palm(tmp_path: Path, hands: list[Sample]) -> None:
    hands[0].side = None
    hands[1].aspect = None
    for i in (2, 3):
        mirror_side(hands[i])
    hands[2].visibility[[0, 1]] = 0  # neither wrist nor thumb CMC
    hands[3].visibility[0] = 0  # the thumb's CMC serves
    view = opened(save(tmp_path / "d", hands))
    outcome = run("handedness", view)
    assert outcome.checked == len(hands) - 3
    assert [hit.row for hit in outcome.hits] == [3]


def test_finger_order_survives_a_missing_wrist_and_a_fist(flat_hand: np.ndarray) -> None:

    fist = flat_hand.astype(float)
    for base in (5, 9, 13, 17):  # fingers folded back over the palm, seen from it
        along = fist[0] - fist[base]
        fist[base + 1] = fist[base] - 0.05 * along
        fist[base + 2] = fist[base] + 0.25 * along
        fist[base + 3] = fist[base] + 0.45 * along
    backward = finger_wise_reversed(flat_hand.astype(float))
    lone = backward.copy()
    lone[0] = np.nan
    counts, measured = backward_fingers(np.stack([flat_hand.astype(float), fist, backward, lone]))
    assert counts.tolist() == [0, 0, 5, 5]
    assert measured.tolist() == [5, 5, 5, 5]


def test_a_wrong_order_map_is_told_once_for_the_set(tmp_path: Path, hands: list[Sample]) -> None:
    for sample in hands:
        reverse_order(sample)
    (hit,) = hits("finger-order-set", view_of(tmp_path, hands))
    assert hit.score > 0.95


def test_swapped_fingers_and_joints_are_told(many: View) -> None:
    points = many.points
    points[4, 5:13] = points[4, [9, 10, 11, 12, 5, 6, 7, 8]]
    points[6, [14, 15]] = points[6, [15, 14]]
    (fan,) = hits("mcp-fan", moved(many, points))
    assert (fan.row, fan.severity, fan.words) == (4, "error", {"one": "index", "other": "middle"})
    (fold,) = hits("fold-back", moved(many, points))
    assert fold.row == 6
    assert fold.words["joint"] in ("ring_pip", "ring_dip")
