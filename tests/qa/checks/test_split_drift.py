"""Checks of the splits against train."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from qa_sets import again, hits, posed, run, view_of

from curate.data.sample import Sample


def test_splits_of_other_hands_drift_and_the_same_do_not(tmp_path: Path, drawn: list[Sample]) -> None:
    aspects = [("dorsal", "dorsal", "dorsal", "palmar")[i % 4] for i in range(200)]
    samples = again(drawn, 200, aspect=aspects, side=["left", "left", "right", "right"] * 50)
    found = hits("split-drift", view_of(tmp_path, samples))
    assert ("test", "error", "aspect") in {(hit.split, hit.severity, hit.words["feature"]) for hit in found}
    assert "side" not in {hit.words["feature"] for hit in found}
    one = again(drawn, 200, aspect=aspects)
    for sample in one:
        sample.subject_id = sample.split
    assert hits("split-drift", view_of(tmp_path, one)) == []  # two subjects differ: that says nothing


def test_places_of_keypoints_are_compared_between_crops(tmp_path: Path, drawn: list[Sample]) -> None:
    samples = again(drawn, 120, parent_id=[f"photo {i}" for i in range(120)])
    assert hits("location-prior", view_of(tmp_path, samples), pixels=20) == []
    for sample in samples:
        if sample.split == "test":
            sample.keypoints[8] += (30, 0)
    (hit,) = hits("location-prior", view_of(tmp_path, samples), pixels=15)
    assert (hit.split, hit.words["keypoint"]) == ("test", "index_tip")
    assert hit.score == pytest.approx(30 / 200 * 128, rel=0.3)


def test_too_few_crops_to_compare_places_are_not_judged(tmp_path: Path, drawn: list[Sample]) -> None:
    view = view_of(tmp_path, again(drawn, 58, parent_id=[f"photo {i}" for i in range(58)]))
    assert run("location-prior", view).checked == 0
    assert run("location-prior", view, samples=29).checked == 1


def test_splits_of_other_poses_are_told_apart_and_alike_ones_are_not(tmp_path: Path) -> None:
    assert hits("split-classifier", view_of(tmp_path, posed(240, test=0))) == []
    (hit,) = hits("split-classifier", view_of(tmp_path, posed(240, test=60)))
    assert (hit.split, hit.severity) == ("test", "error")
    assert hit.score > 0.9
    few = [dataclasses.replace(s, subject_id=s.split) for s in posed(240, test=60)]
    assert hits("split-classifier", view_of(tmp_path, few)) == []  # two people differ: that says nothing
