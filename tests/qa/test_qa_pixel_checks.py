"""Checks of what images and masks show, of near duplicates, and of how splits are put together."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from curate.basics import images
from curate.data.dataset import write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from qa.check_quality import inspect
from qa.checks.check import Hit
from qa.checks.table import CHECKS
from qa.measures.image_look import look_at_image, perceptual_hashes
from qa.measures.similar_pairs import correlations, similar_pairs
from qa.view import View, open_view

CHECK = {check.id: check for check in CHECKS}
SPLITS = ("train", "train", "train", "val", "test", "test")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Twelve drawn hands of six subjects, 200 x 150."""
    folder = tmp_path_factory.mktemp("pixels")
    rng = np.random.default_rng(5)
    people = [Person.sample(rng) for _ in range(6)]
    samples = []
    for i in range(12):
        side = ("left", "right")[i // 6]
        image, points = draw_hand(rng, people[i % 6], side, width=200, height=150)
        images.write(folder / f"{i}.png", image)
        sample = Sample(
            f"drawn/{i:03d}", "drawn", str(folder / f"{i}.png"), 200, 150, side, "dorsal", f"p{i % 6}"
        )
        sample.keypoints, sample.visibility = points, np.full(21, 2, np.uint8)
        sample.split, sample.licence = SPLITS[i % 6], "MIT"
        samples.append(sample)
    return samples


def changed(sample: Sample, folder: Path, image: np.ndarray | None = None, **values: Any) -> Sample:
    """A copy with other values, and other pixels in a file of its own."""
    copy = dataclasses.replace(sample, keypoints=sample.keypoints.copy(), visibility=sample.visibility.copy())
    if image is not None:
        path = folder / f"changed{len(list(folder.iterdir()))}.png"
        images.write(path, image)
        copy.image, copy.width, copy.height = str(path), image.shape[1], image.shape[0]
    for name, value in values.items():
        setattr(copy, name, value)
    return copy


def view_of(root: Path, samples: list[Sample]) -> View:
    root = root / "set"
    root.mkdir(exist_ok=True)
    write_table(root, [to_batch(samples)])
    write_info(root, {"samples": len(samples), "sources": [], "licences": [], "history": []})
    return open_view([root], workers=1, quiet=True)


def hits(check: str, view: View, **limits: float) -> list[Hit]:
    return list(CHECK[check].run(view, {**CHECK[check].limits, **limits}).hits)


def pixels_of(sample: Sample) -> np.ndarray:
    return images.read(sample.image)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_mirror_hash_is_the_hash_of_the_mirror_image(seed: int) -> None:
    square = np.random.default_rng(seed).integers(0, 256, (32, 32)).astype(np.uint8)
    here, there = perceptual_hashes(square), perceptual_hashes(square[:, ::-1])
    assert int(np.bitwise_count(here[0] ^ there[1])) <= 1  # a bit on the median may fall either way
    assert int(np.bitwise_count(here[1] ^ there[0])) <= 1


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.sampled_from([0, 1, 2, 300, 700]),
    likeness=st.sampled_from([0.9, 0.99]),
)
def test_alike_pairs_are_among_those_found_and_none_is_left_out(
    seed: int, count: int, likeness: float
) -> None:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(0, 1, (40, 4, 4)).astype(np.float32)
    smooth = np.stack([cv2.resize(d, (16, 16)) for d in drawn])[rng.integers(0, 40, count)]
    smooth = np.where(rng.random((count, 1, 1)) < 0.5, smooth, smooth[:, :, ::-1])
    noise = rng.uniform(0, 0.1, (count, 1, 1)) * rng.normal(0, 1, (count, 16, 16))
    thumbs = np.clip(128 + 40 * (smooth + noise), 0, 255).astype(np.uint8)
    thumbs[: count // 100] = 7  # of one tone: like nothing, not even each other
    found, crowded = similar_pairs(thumbs, likeness, 1000)
    keys = list(zip(found.first.tolist(), found.second.tolist(), found.mirrored.tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert (found.first < found.second).all()
    assert len(crowded) == 0
    told = {key for key, alike in zip(keys, correlations(thumbs, found), strict=True) if alike >= likeness}
    expected = set()
    for mirrored in (False, True):
        other = thumbs[:, :, ::-1] if mirrored else thumbs
        flat, turned = (x.reshape(count, 256).astype(np.float64) for x in (thumbs, other))
        flat, turned = flat - flat.mean(axis=1, keepdims=True), turned - turned.mean(axis=1, keepdims=True)
        lengths = np.outer(np.linalg.norm(flat, axis=1), np.linalg.norm(turned, axis=1))
        alike = np.triu(flat @ turned.T / np.maximum(lengths, 1e-9), 1)
        clear = np.abs(alike - likeness) > 1e-5  # float32 may say either of what lies on the limit
        expected |= {(int(i), int(j), mirrored) for i, j in np.argwhere((alike >= likeness) & clear)}
        told -= {(int(i), int(j), mirrored) for i, j in np.argwhere(~clear)}
    assert told == expected


def test_of_too_many_alike_each_is_compared_with_some_and_the_rest_is_told() -> None:
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.normal(0, 40, (4, 4)).astype(np.float32), (16, 16))
    thumbs = np.clip(128 + picture + rng.normal(0, 1, (1600, 16, 16)), 0, 255).astype(np.uint8)
    found, crowded = similar_pairs(thumbs, 0.9, 200)
    assert len(found) == 1400 * 200 + 200 * 199 // 2  # each with the 200 next to it; the last have fewer
    assert len(crowded) == 1399
    # All are still of one group: each is compared with those next to it.
    group = np.arange(1600)
    for _ in range(20):
        np.minimum.at(group, found.second, group[found.first])
        np.minimum.at(group, found.first, group[found.second])
    assert set(group.tolist()) == {0}


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
        "Almost the same photograph as more than 3 others (so are 4 images), "
        "and was compared with 3 of them only."
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
        )
    ]
    found = hits("same-burst", view_of(tmp_path, burst))
    assert [(hit.row, hit.severity) for hit in found] == [(0, "error"), (4, "warning")]


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


def photo(folder: Path, name: str, parts: dict[int, dict[int, Any]], orientation: int = 1) -> str:
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
        photo(tmp_path, "plain.jpg", {}),
        photo(tmp_path, "turned.jpg", {}, orientation=6),
        photo(tmp_path, "placed.jpg", place, orientation=3),
        photo(tmp_path, "owned.jpg", {0x8769: {0xA431: "SN-4711"}}),
        photo(tmp_path, "both.jpg", {**place, 0x8769: {0xA430: "Ann Onym"}}),
        photo(tmp_path, "harmless.jpg", {0x8825: {29: "2020:01:01"}, 0x8769: {0x829A: (1.0)}}),
    ]
    files.append(files[2])  # of another hand in the same image
    samples = [dataclasses.replace(drawn[i], sample_id=f"x/{i}", image=file) for i, file in enumerate(files)]
    view = view_of(tmp_path, samples)
    (turned,) = hits("exif-orientation", view)
    assert turned.words == {"count": 2, "total": 6, "what": ""}
    placed, owned = hits("private-metadata", view)
    assert (placed.words["count"], owned.words["count"]) == (2, 2)
    summary = inspect(tmp_path / "set", tmp_path / "qa", fail_on="never", quiet=True)
    assert summary.checks["private-metadata"] == 2
    written = b"".join(file.read_bytes() for file in (tmp_path / "qa").iterdir())
    assert b"where they were taken (GPS)" in written
    assert not any(value in written for value in (b"SN-4711", b"Ann Onym", b"34.0, 56.0"))
    assert hits("private-metadata", view_of(tmp_path, drawn)) == []


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
    assert sizes[7] == "unlike its source's others"


def test_tone_by_hand() -> None:
    half = np.zeros((64, 64), np.uint8)
    half[:, 32:] = 255
    told = look_at_image(half)
    assert (told.entropy, told.mean, told.grey) == (1.0, 0.5, False)
    assert look_at_image(np.stack([half] * 3, axis=2)).grey


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (500, 300), (257, 255)])
def test_images_of_any_shape_are_measured(shape: tuple[int, int]) -> None:
    assert look_at_image(np.full((*shape, 3), 128, np.uint8)).mean == pytest.approx(128 / 255)


def masked(sample: Sample, folder: Path, mask: np.ndarray) -> Sample:
    path = folder / f"mask{len(list(folder.iterdir()))}.png"
    images.write(path, mask)
    return changed(sample, folder, mask=str(path))


def hand_shape(sample: Sample, shift: int = 0) -> np.ndarray:
    """A mask that holds all the points, as thick as a hand's."""
    mask = np.zeros((150, 200), np.uint8)
    hull = cv2.convexHull((sample.keypoints + shift).round().astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 255)
    return cv2.dilate(mask, np.ones((9, 9), np.uint8))


def test_points_off_their_own_mask(tmp_path: Path, drawn: list[Sample]) -> None:
    fits = masked(drawn[0], tmp_path, hand_shape(drawn[0]))
    off = masked(drawn[1], tmp_path, hand_shape(drawn[1], shift=40))
    view = view_of(tmp_path, [fits, off])
    assert [(hit.row, hit.severity) for hit in hits("off-hand", view)] == [(1, "error")]


def test_mask_faults_are_named(tmp_path: Path, drawn: list[Sample]) -> None:
    whole = hand_shape(drawn[0])
    pieces = whole.copy()
    pieces[:30, :30] = 255
    holes = whole.copy()
    y, x = drawn[0].keypoints[9, ::-1].astype(int)
    holes[y - 4 : y + 5, x - 4 : x + 5] = 0
    empty, full = np.zeros_like(whole), np.full_like(whole, 255)
    samples = [
        masked(s, tmp_path, m)
        for s, m in zip([drawn[0]] * 5, (whole, pieces, holes, empty, full), strict=True)
    ]
    for i, sample in enumerate(samples):
        sample.sample_id = f"m/{i}"
    told = {
        hit.row: str(hit.words["what"]) for hit in hits("mask-shape", view_of(tmp_path, samples), sides=2)
    }
    assert 0 not in told
    assert "it has several pieces" in told[1]
    assert told[2] == "it has holes"
    assert told[3] == "it is empty"
    assert "its area is odd, it touches several sides of the image" in told[4]


def test_a_rim_of_the_old_background_is_told(tmp_path: Path, drawn: list[Sample]) -> None:
    rng = np.random.default_rng(1)
    samples = []
    for i in range(120):
        sample = drawn[i % 12]
        mask = hand_shape(sample)
        image = np.where(mask[..., None] > 0, pixels_of(sample), rng.integers(60, 90, 3)).astype(np.uint8)
        if i in (3, 50):
            rim = cv2.dilate(mask, np.ones((7, 7), np.uint8)) > mask
            image[rim] = 250
        image = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
        copy = changed(sample, tmp_path, image, sample_id=f"h/{i}")
        images.write(tmp_path / f"rim{i}.png", mask)
        copy.mask = str(tmp_path / f"rim{i}.png")
        samples.append(copy)
    found = hits("mask-halo", view_of(tmp_path, samples))
    assert {hit.row for hit in found} == {3, 50}
    assert all(float(str(hit.words["rim"])) > 100 for hit in found)


def test_part_ids_tell_the_side(tmp_path: Path, drawn: list[Sample]) -> None:
    left = drawn[0]
    parts = np.where(hand_shape(left) > 0, 5, 0).astype(np.uint8)
    right = masked(left, tmp_path, np.where(parts, 20, 0).astype(np.uint8))
    right.sample_id = "wrong"
    found = hits("side-mask", view_of(tmp_path, [masked(left, tmp_path, parts), right]))
    assert [(hit.row, hit.words["share"]) for hit in found] == [(1, "0 %")]


def many(drawn: list[Sample], count: int, **columns: list[Any]) -> list[Sample]:
    """The drawn hands again and again, half train, half test, each of its own subject."""
    samples = []
    for i in range(count):
        sample = changed(drawn[i % 12], Path(drawn[0].image).parent, sample_id=f"n/{i}", subject_id=f"p{i}")
        sample.split = ("train", "test")[i % 2]
        for name, values in columns.items():
            setattr(sample, name, values[i])
        samples.append(sample)
    return samples


def test_splits_of_other_hands_drift_and_the_same_do_not(tmp_path: Path, drawn: list[Sample]) -> None:
    aspects = [("dorsal", "dorsal", "dorsal", "palmar")[i % 4] for i in range(200)]
    samples = many(drawn, 200, aspect=aspects, side=["left", "left", "right", "right"] * 50)
    found = hits("split-drift", view_of(tmp_path, samples))
    assert ("test", "error", "aspect") in {(hit.split, hit.severity, hit.words["feature"]) for hit in found}
    assert "side" not in {hit.words["feature"] for hit in found}
    one = many(drawn, 200, aspect=aspects)
    for sample in one:
        sample.subject_id = sample.split
    assert hits("split-drift", view_of(tmp_path, one)) == []  # two subjects differ: that says nothing


def test_places_of_keypoints_are_compared_between_crops(tmp_path: Path, drawn: list[Sample]) -> None:
    samples = many(drawn, 120, parent_id=[f"photo {i}" for i in range(120)])
    assert hits("location-prior", view_of(tmp_path, samples), pixels=20) == []
    for sample in samples:
        if sample.split == "test":
            sample.keypoints[8] += (30, 0)
    (hit,) = hits("location-prior", view_of(tmp_path, samples), pixels=15)
    assert (hit.split, hit.words["keypoint"]) == ("test", "index_tip")
    assert hit.score == pytest.approx(30 / 200 * 128, rel=0.3)


def test_what_is_rare_is_told(tmp_path: Path, drawn: list[Sample]) -> None:
    people = [
        {"skinColor": "dark" if i == 3 else "fair", "gender": "male", "age": 20 + i % 2} for i in range(60)
    ]
    found = hits("balance", view_of(tmp_path, many(drawn, 60, attrs=people)))
    (hit,) = found
    assert (hit.severity, hit.score) == ("warning", 59)
    assert (hit.words["what"], hit.words["least"], hit.words["few"]) == ("skinColor", "dark", 1)


def test_automatic_labels_belong_in_no_test(tmp_path: Path, drawn: list[Sample]) -> None:
    sources = ["auto:openpose"] * 8 + ["manual"] * 2
    reviewed: list[Any] = [{"decision": "accept"} if i == 1 else {} for i in range(10)]
    (hit,) = hits(
        "auto-label-in-test", view_of(tmp_path, many(drawn, 10, label_source=sources, attrs=reviewed))
    )
    assert hit.words == {"bad": 3, "count": 5}


def test_licences_are_noted(tmp_path: Path, drawn: list[Sample]) -> None:
    told = ["MIT", None, "RHD: research only", "CC-BY-4.0"]
    found = hits("licence", view_of(tmp_path, many(drawn, 4, licence=told)))
    assert [hit.words["what"] for hit in found] == [
        "no licence is recorded",
        "the licence is RHD: research only",
    ]


def test_hands_at_the_edge_and_small_in_their_crops(tmp_path: Path, drawn: list[Sample]) -> None:
    cut = changed(drawn[0], tmp_path)
    cut.keypoints[[8, 12, 16, 20], 1] = 149.5
    assert [hit.row for hit in hits("near-edge", view_of(tmp_path, [cut, drawn[1]]))] == [0]
    small = changed(drawn[2], tmp_path, parent_id="photo")
    small.keypoints = (small.keypoints - 75) * np.float32(0.3) + 75
    (hit,) = hits("hand-scale", view_of(tmp_path, [small, drawn[1]]))
    assert hit.row == 0
