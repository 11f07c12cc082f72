"""Checks of who was photographed and in which order."""

from __future__ import annotations

import json
from pathlib import Path

from qa_sets import changed, copy_of, hits, photo, save, told, view_of

from curate.data.sample import Sample
from qa.check_quality import check_quality


def test_bursts_are_told_by_number_subject_and_aspect(tmp_path: Path, drawn: list[Sample]) -> None:
    burst = [
        changed(drawn[0], tmp_path, sample_id=f"x/{split}/Hand_{number:04d}", split=split, subject_id=subject)
        for number, split, subject in (
            (10, "train", "a"),
            (11, "test", "a"),
            (12, "test", "b"),
            (13, "train", "c"),
            (40, "train", None),
            (41, "test", None),
            (50, "train", "d"),
            (51, "test", "e"),
            (52, "test", "d"),  # torn from the one before the one before it
            (53, "train", "f"),
        )
    ]
    found = hits("same-burst", view_of(tmp_path, burst))
    assert [(hit.row, hit.severity) for hit in found] == [(0, "error"), (6, "error"), (4, "warning")]


def test_subject_leaks_are_found_across_datasets(tmp_path: Path, hands: list[Sample]) -> None:
    train = save(tmp_path / "a", [copy_of(s, split="train") for s in hands[:6]])
    test = save(tmp_path / "b", [copy_of(s, split="test", sample_id="b" + s.sample_id) for s in hands[6:8]])
    summary = check_quality([train, test], tmp_path / "qa", quiet=True)
    assert summary.checks["subject-leak"] == 2
    rows = json.loads((tmp_path / "qa" / "findings.json").read_text())
    messages = [row["message"] for row in rows if row["check"] == "subject-leak"]
    assert "Subject person 0 is in several splits: 1 in test, 1 in train." in messages


def test_crops_of_one_photograph_in_two_splits_are_found(tmp_path: Path, hands: list[Sample]) -> None:
    for sample in hands:
        sample.subject_id, sample.parent_id = None, sample.sample_id
    hands[5].parent_id = hands[0].sample_id  # test and train
    hands[1].parent_id = hands[0].sample_id  # train and train
    (hit,) = hits("parent-leak", view_of(tmp_path, hands))
    assert hit.words["name"] == hands[0].sample_id


def test_frames_of_one_clip_in_two_splits_are_found(tmp_path: Path, hands: list[Sample]) -> None:
    for number, sample in enumerate(hands):
        sample.subject_id, sample.clip = None, f"walk{number % 2}.mp4"
        sample.split = ("train", "test")[number % 2]
    assert hits("clip-leak", view_of(tmp_path / "apart", hands)) == []
    hands[0].split = "val"
    hands[1].split = None
    assert told("clip-leak", view_of(tmp_path / "torn", hands)) == [
        f"Frames of the clip walk0.mp4 are in several splits: {len(hands) // 2 - 1} in train, 1 in val."
    ]


def test_a_person_has_one_gender_and_one_age(tmp_path: Path) -> None:
    samples = [
        photo(0, "ann", attrs={"gender": "female", "age": 30}),
        photo(1, "ann", attrs={"gender": "female", "age": 32}),
        photo(2, "bob", attrs={"gender": "male", "age": 20}),
        photo(3, "bob", attrs={"gender": "female", "age": 44, "skinColor": "dark"}),
        photo(4, attrs={"gender": "male"}, subject_id=None),
    ]
    assert told("subject-facts", view_of(tmp_path, samples)) == [
        "The source contradicts itself on subject bob: gender female and male; age 20 and 44."
    ]


def test_a_slip_inside_a_run_is_told_with_its_neighbours(tmp_path: Path) -> None:
    aspects = ["dorsal"] * 12 + ["palmar"] + ["dorsal"] * 12 + ["palmar"] * 12
    samples = [photo(i, "p1" if i < 24 else "p2", aspect) for i, aspect in enumerate(aspects)]
    view = view_of(tmp_path, samples)
    assert told("label-run", view) == [
        "Labelled palmar right of p1, between dorsal right of p1 and dorsal right of p1: a run of 1, where "
        "12 are usual.",
        "Labelled dorsal right of p2, between dorsal right of p1 and palmar right of p2: a run of 1, where "
        "12 are usual.",
    ]
    # Beside a gap in the numbers others may be missing; where short runs are usual they say nothing.
    far = [photo(i + 100 * (i > 12), "p1", aspect) for i, aspect in enumerate(aspects[:25])]
    assert hits("label-run", view_of(tmp_path, far)) == []
    mixed = [photo(i, f"p{i // 2}") for i in range(30)]
    assert hits("label-run", view_of(tmp_path, mixed)) == []
