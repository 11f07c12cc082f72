"""Checks for the same photograph twice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from qa_sets import CHECK, changed, hits, pixels_of, view_of

from curate.basics import images
from curate.data.sample import Sample


@pytest.mark.parametrize("filled", [False, True], ids=["computed", "given"])
def test_duplicates_weigh_by_split(tmp_path: Path, hands: list[Sample], filled: bool) -> None:
    hands[6].image = hands[0].image  # train and train, one file
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(hands[1].image).read_bytes())
    hands[7].image = str(copy)  # train and train, two files
    hands[5].image = hands[2].image  # test and train
    if filled:
        for sample in hands:
            sample.sha256 = images.pixel_sha256(images.read(sample.image))
    found = hits("exact-duplicates", view_of(tmp_path, hands))
    assert [(hit.row, hit.severity) for hit in found] == [(5, "error"), (7, "warning")]


@pytest.mark.parametrize(
    ("split", "severity"), [("train", "warning"), ("test", "error")], ids=["within", "across"]
)
def test_both_hands_of_a_copied_picture(
    tmp_path: Path, drawn: list[Sample], split: str, severity: str
) -> None:
    """Those of the copy are told of, and not the second hand of the first file."""
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(drawn[0].image).read_bytes())
    first = (drawn[0].image, "train")
    files = [first, first, (str(copy), split), (str(copy), split), (drawn[0].image, split)]
    five = [
        dataclasses.replace(drawn[0], sample_id=f"{number}", image=image, split=own, sha256=None)
        for number, (image, own) in enumerate(files)
    ]
    told = [(hit.row, hit.severity) for hit in hits("exact-duplicates", view_of(tmp_path, five))]
    again = [] if split == "train" else [(4, severity)]  # a hand of the first file in another split
    assert told == [(2, severity), (3, severity), *again]


def test_a_hand_that_is_labelled_twice_in_its_image(tmp_path: Path, drawn: list[Sample]) -> None:
    one, other = drawn[0], drawn[1]
    near = changed(one, tmp_path, sample_id="near")
    near.keypoints += 2.0  # of a hand of about 100 px
    beside = changed(one, tmp_path, sample_id="beside")
    beside.keypoints[:, 0] += 30.0
    part = changed(one, tmp_path, sample_id="part")
    part.visibility[4:], part.keypoints[4:] = 0, np.nan  # four points say too little
    twin = changed(other, tmp_path, sample_id="twin")
    twin.image = one.image
    found = hits("hand-twice", view_of(tmp_path, [one, near, beside, part, other, twin]))
    assert [(hit.row, hit.rows, hit.words["other"]) for hit in found] == [(1, (0, 1), one.sample_id)]
    far = np.hypot(2, 2) / np.ptp(one.keypoints, axis=0).max()
    assert found[0].score == pytest.approx(far, rel=1e-3)


def test_the_report_says_where_not_all_look_alikes_were_compared(tmp_path: Path, drawn: list[Sample]) -> None:
    rng = np.random.default_rng(0)
    image = pixels_of(drawn[0]).astype(np.float64)
    samples = [
        changed(
            drawn[0],
            tmp_path,
            np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8),
            sample_id=f"n/{i}",
        )
        for i in range(8)
    ]
    *group, note = hits("near-duplicates", view_of(tmp_path, samples), compared=3)
    assert [hit.rows for hit in group] == [tuple(range(8))]
    assert (note.severity, note.rows) == ("info", ())
    assert CHECK["near-duplicates"].sentence.format_map(note.words) == (
        "Looks almost the same as more than 3 others (4 such images), but was compared with only 3 of them."
    )
    assert len(hits("near-duplicates", view_of(tmp_path, samples), compared=7)) == 1


@pytest.mark.parametrize("how", ["re-encoded", "resized", "mirrored", "darker"])
def test_a_near_duplicate_in_another_split_is_an_error(tmp_path: Path, drawn: list[Sample], how: str) -> None:
    image, points = pixels_of(drawn[4]), drawn[4].keypoints.copy()
    if how == "re-encoded":
        image = images.decode(images.encode(image, ".jpg", quality=50), "x")
    if how == "resized":
        image, points = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA), points * np.float32(0.8)
    if how == "mirrored":
        image, points = np.ascontiguousarray(image[:, ::-1]), points * (-1, 1) + np.float32([200, 0])
    if how == "darker":
        image = (image * 0.8).astype(np.uint8)
    twin = changed(
        drawn[4], tmp_path, image, keypoints=points.astype(np.float32), sample_id="twin", split="train"
    )
    (hit,) = hits("near-duplicates", view_of(tmp_path, [*drawn, twin]))
    assert (hit.row, hit.severity, hit.rows, hit.words["other"]) == (4, "error", (4, 12), "twin")


def test_of_two_people_more_likeness_is_asked(tmp_path: Path, drawn: list[Sample]) -> None:
    image = pixels_of(drawn[0])
    rng = np.random.default_rng(0)
    spots = cv2.resize(rng.normal(0, 6.5, (19, 25)).astype(np.float32), (200, 150))
    alike = np.clip(image + spots[..., None], 0, 255).astype(np.uint8)
    twin = changed(drawn[0], tmp_path, alike, sample_id="drawn/900", split="test")
    view = view_of(tmp_path, [*drawn, twin])
    one, two = (thumb.astype(float).ravel() for thumb in view.pixels.thumbs[[0, -1]])
    assert 0.99 < np.corrcoef(one, two)[0, 1] < 0.997
    assert [hit.severity for hit in hits("near-duplicates", view)] == ["error"]
    stranger = dataclasses.replace(twin, subject_id="someone else")
    assert hits("near-duplicates", view_of(tmp_path, [*drawn, stranger])) == []


def test_a_near_duplicate_in_the_same_split_is_a_note_and_other_labels_none(
    tmp_path: Path, drawn: list[Sample]
) -> None:
    darker = (pixels_of(drawn[0]) * 0.9).astype(np.uint8)
    twin = changed(drawn[0], tmp_path, darker, sample_id="twin")
    (hit,) = hits("near-duplicates", view_of(tmp_path, [*drawn, twin]))
    assert (hit.severity, hit.rows) == ("info", (0, 12))
    twin.keypoints[5:] += 30
    assert hits("near-duplicates", view_of(tmp_path, [*drawn, twin])) == []
    twin.visibility[:] = 0
    (hit,) = hits("near-duplicates", view_of(tmp_path, [*drawn, twin]))
    assert hit.rows == (0, 12)
