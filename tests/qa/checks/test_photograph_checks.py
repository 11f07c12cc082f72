"""Checks of how hands are photographed, and of what image files tell."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from qa_sets import changed, hits, pixels_of, view_of

from curate.basics.wording import percent
from curate.data.sample import Sample
from qa.check_quality import check_quality
from qa.options import QualityOptions


def test_blur_and_exposure_are_judged_by_the_hand(tmp_path: Path, drawn: list[Sample]) -> None:
    soft = cv2.GaussianBlur(pixels_of(drawn[1]), (0, 0), 3.0)
    night = (pixels_of(drawn[2]) * 0.15).astype(np.uint8)
    burnt = pixels_of(drawn[3])
    burnt[:, :] = np.where(np.indices(burnt.shape)[1] // 20 % 2, 255, 0)
    samples = [*drawn]
    for row, image in ((1, soft), (2, night), (3, burnt)):
        samples[row] = changed(drawn[row], tmp_path, image)
    view = view_of(tmp_path, samples)
    assert 1 in [hit.row for hit in hits("blur", view, samples=5)]
    assert hits("blur", view) == []  # too few to fit to
    exposure = {hit.row: str(hit.words["what"]) for hit in hits("exposure", view)}
    assert exposure[2] == "too dark"
    assert exposure[3].endswith("is pure black or white")
    assert set(exposure) == {2, 3}


def test_a_limit_of_0_on_darkness_leaves_the_others(tmp_path: Path, drawn: list[Sample]) -> None:
    night, black = (pixels_of(drawn[2]) * 0.15).astype(np.uint8), np.zeros_like(pixels_of(drawn[3]))
    samples = [*drawn]
    samples[2], samples[3] = changed(drawn[2], tmp_path, night), changed(drawn[3], tmp_path, black)
    view = view_of(tmp_path, samples)
    assert {hit.row for hit in hits("exposure", view)} == {2, 3}
    (hit,) = hits("exposure", view, dark=0, light=0)
    assert (hit.row, str(hit.words["what"])) == (3, "clipped: 100 % of its box is pure black or white")


def test_empty_grey_and_odd_images(tmp_path: Path, drawn: list[Sample]) -> None:
    samples = [changed(s, tmp_path, sample_id=f"{s.sample_id}/{k}") for k in range(2) for s in drawn]
    grey = pixels_of(drawn[3])
    grey[:] = grey.mean(axis=2, keepdims=True).astype(np.uint8)
    samples[1] = changed(samples[1], tmp_path, np.full((150, 200, 3), (200, 180, 90), np.uint8))
    samples[3] = changed(samples[3], tmp_path, grey)
    samples[5] = changed(samples[5], tmp_path, pixels_of(drawn[5])[:40])
    samples[7] = changed(samples[7], tmp_path, cv2.resize(pixels_of(drawn[7]), (1000, 750)))
    view = view_of(tmp_path, samples)
    told = {hit.row: str(hit.words["what"]) for hit in hits("low-information", view, grey=0.2)}
    assert told == {1: "next to no structure", 3: "no colour, unlike the others"}
    sizes = {hit.row: str(hit.words["kind"]) for hit in hits("odd-size", view, samples=5)}
    assert sizes[5] == "very narrow"
    assert sizes[7] == "unlike others of its source"


def test_hands_at_the_edge_and_small_in_their_crops(tmp_path: Path, drawn: list[Sample]) -> None:
    cut = changed(drawn[0], tmp_path)
    cut.keypoints[[8, 12, 16, 20], 1] = 149.5
    view = view_of(tmp_path, [cut, drawn[1]])
    assert [(hit.row, hit.words["pixels"]) for hit in hits("near-edge", view)] == [(0, "2")]
    assert hits("near-edge", view, pixels=4.5)[0].words["pixels"] == "4.5"
    small = changed(drawn[2], tmp_path, parent_id="photo")
    small.keypoints = (small.keypoints - 75) * np.float32(0.3) + 75
    view = view_of(tmp_path, [small, drawn[1]])
    (hit,) = hits("hand-scale", view)
    assert (hit.row, hit.threshold) == (0, 0.45)
    (hit,) = hits("hand-scale", view, least=0, most=hit.score - 1e-5)
    assert hit.threshold == pytest.approx(hit.score - 1e-5)
    assert hit.words["share"] != percent(hit.threshold)  # with the digits that tell it from the limit


def jpeg(folder: Path, name: str, parts: dict[int, dict[int, Any]], orientation: int = 1) -> str:
    """A JPEG with EXIF data: parts by their tag in the first."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for part, tags in parts.items():
        exif.get_ifd(part).update(tags)
    Image.fromarray(np.full((150, 200, 3), 90, np.uint8)).save(folder / name, exif=exif)
    return str(folder / name)


def test_what_exif_tells_is_counted_by_image_and_kept_nowhere(tmp_path: Path, drawn: list[Sample]) -> None:
    place = {0x8825: {1: "N", 2: (12.0, 34.0, 56.0), 3: "E", 4: (7.0, 8.0, 9.0)}}
    files = [
        jpeg(tmp_path, "plain.jpg", {}),
        jpeg(tmp_path, "turned.jpg", {}, orientation=6),
        jpeg(tmp_path, "placed.jpg", place, orientation=3),
        jpeg(tmp_path, "owned.jpg", {0x8769: {0xA431: "SN-4711"}}),
        jpeg(tmp_path, "both.jpg", {**place, 0x8769: {0xA430: "Ann Onym"}}),
        jpeg(tmp_path, "harmless.jpg", {0x8825: {29: "2020:01:01"}, 0x8769: {0x829A: (1.0)}}),
    ]
    files.append(files[2])  # of another hand in the same image
    samples = [dataclasses.replace(drawn[i], sample_id=f"x/{i}", image=file) for i, file in enumerate(files)]
    view = view_of(tmp_path, samples)
    (turned,) = hits("exif-orientation", view)
    assert turned.words == {"images": "2 of 6 images", "what": ""}
    placed, owned = hits("private-metadata", view)
    assert placed.words["images"] == owned.words["images"] == "2 of 6 images"
    summary = check_quality(tmp_path / "set", tmp_path / "qa", QualityOptions(fail_on="never"), quiet=True)
    assert summary.checks["private-metadata"] == 2
    written = b"".join(file.read_bytes() for file in (tmp_path / "qa").iterdir())
    assert b"where they were taken (GPS)" in written
    assert not any(value in written for value in (b"SN-4711", b"Ann Onym", b"34.0, 56.0"))
    assert hits("private-metadata", view_of(tmp_path, drawn)) == []
