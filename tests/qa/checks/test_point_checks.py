"""Checks of the labelled points as numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qa_sets import hits, told, view_of

from curate.data.sample import Sample


def test_few_points_weighs_what_is_missing(tmp_path: Path, hands: list[Sample]) -> None:
    hands[0].visibility[0] = 0
    hands[1].visibility[20] = 0
    hands[2].visibility[12:] = 0
    hands[3].visibility[11:] = 0
    found = hits("few-points", view_of(tmp_path, hands))
    assert {hit.row: hit.severity for hit in found} == {0: "info", 1: "warning", 2: "warning", 3: "error"}
    assert {hit.row: hit.threshold for hit in found} == {0: -21, 1: -21, 2: -21, 3: -12}


def test_a_render_is_cut_off_or_empty_on_purpose(tmp_path: Path, hands: list[Sample]) -> None:
    for sample in hands[:3]:
        sample.label_source = "render"
    hands[0].visibility[:] = 0
    hands[1].visibility[11:] = 0
    hands[2].keypoints[12] = (400.0, 60.0)
    view = view_of(tmp_path, hands)
    assert {hit.row: hit.severity for hit in hits("few-points", view)} == {0: "info", 1: "error"}
    assert {hit.row: hit.severity for hit in hits("out-of-frame", view)} == {2: "info"}


def test_out_of_frame_weighs_visibility_distance_and_crops(tmp_path: Path, hands: list[Sample]) -> None:
    for sample, x in zip(hands, (160.0, 160.0, 176.5, 400.0, 159.99), strict=False):
        sample.keypoints[12] = (x, 60.0)
    for i in (1, 2):
        hands[i].visibility[12] = 1
    hands[3].parent_id = "a photograph"
    found = hits("out-of-frame", view_of(tmp_path, hands))
    assert {hit.row: hit.severity for hit in found} == {0: "error", 1: "warning", 2: "error", 3: "warning"}


def test_one_close_pair_is_no_collapse_but_a_copy_is(tmp_path: Path, hands: list[Sample]) -> None:
    hands[0].keypoints[8] = hands[0].keypoints[12] + 0.2
    hands[1].keypoints[8] = hands[1].keypoints[12]
    assert [hit.row for hit in hits("coincident-points", view_of(tmp_path, hands))] == [1]


def test_a_hand_without_a_point_in_its_image_may_have_a_box_there(
    tmp_path: Path, hands: list[Sample]
) -> None:
    hands[0].keypoints = hands[0].keypoints + np.array([0, 200], np.float32)
    hands[0].bbox = np.array([40, 110, 20, 10], np.float32)  # a wrist that carries no keypoint
    assert hits("box-apart", view_of(tmp_path, hands)) == []


def test_a_copy_says_nothing_where_labels_of_a_small_hand_are_whole_pixels(
    tmp_path: Path, hands: list[Sample]
) -> None:
    """In hands of some 100 px: joints that meet are no copies, a collapsed hand is; so is a copy in a hand of
    1,000 px."""
    for sample, scale in zip(hands, (1, 1, 1, 10), strict=False):
        sample.keypoints = np.floor(scale * sample.keypoints)
        sample.keypoints[8] = sample.keypoints[12]
    hands[1].keypoints += np.float32(0.5)  # as a format whose pixels are counted at their centres
    hands[2].keypoints[9:13] = hands[2].keypoints[12]
    found = hits("coincident-points", view_of(tmp_path, hands[:4]))
    assert [hit.row for hit in found] == [2, 3]


def test_a_box_lies_in_its_image_and_holds_points(tmp_path: Path, hands: list[Sample]) -> None:
    """In images of 160 x 120 pixels; the hands' points lie from (40, 30) to (60, 50)."""
    row = np.linspace(0, 20, 21, dtype=np.float32)
    boxes = [
        (40, 30, 20, 20),  # tight
        (-30, -30, 71, 61),  # holds the first point alone, and leads out of the image
        (0, 0, 40, 29.5),  # half a pixel off, as of rounding
        (0, 0, 37, 26),
        (160, 40, 30, 30),  # begins where the image ends
        None,
        (0, 0, 37, 26),
        (-9, 0, 9, 9),
    ]
    for sample, box in zip(hands, boxes, strict=False):
        sample.keypoints = np.stack([40 + row, 30 + row], axis=1)
        sample.bbox = None if box is None else np.array(box, np.float32)
    hands[6].parent_id = "a photograph"
    hands[7].visibility[:] = 0
    view = view_of(tmp_path, hands[: len(boxes)])
    found = {hit.row: (hit.severity, hit.score) for hit in hits("box-apart", view)}
    assert found == {3: ("error", 5), 4: ("error", 100), 6: ("warning", 5), 7: ("error", 0)}
    assert told("box-apart", view) == [
        "The box (30 x 30 at x 160, y 40) is not this hand's: it lies outside the 160 x 120 image; "
        "it holds no labelled point (the nearest is 100 px away).",
        "The box (37 x 26 at x 0, y 0) is not this hand's: "
        "it holds no labelled point (the nearest is 5 px away).",
        "The box (37 x 26 at x 0, y 0) is not this hand's: "
        "it holds no labelled point (the nearest is 5 px away).",
        "The box (9 x 9 at x -9, y 0) is not this hand's: it lies outside the 160 x 120 image.",
    ]
