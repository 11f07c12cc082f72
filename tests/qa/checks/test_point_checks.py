"""Checks of the labelled points as numbers."""

from __future__ import annotations

from pathlib import Path

from qa_sets import (
    hits,
    view_of,
)

from curate.data.sample import Sample


def test_few_points_weighs_what_is_missing(tmp_path: Path, hands: list[Sample]) -> None:
    hands[0].visibility[0] = 0
    hands[1].visibility[20] = 0
    hands[2].visibility[12:] = 0
    hands[3].visibility[11:] = 0
    found = hits("few-points", view_of(tmp_path, hands))
    assert {hit.row: hit.severity for hit in found} == {0: "info", 1: "warning", 2: "warning", 3: "error"}


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
