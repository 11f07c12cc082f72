"""Checks of masks: points off them, their faults, old rims, sides."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from qa_sets import changed, hits, pixels_of, view_of

from curate.basics import images
from curate.data.sample import Sample


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


def test_off_a_mask_found_by_colour_only_what_looks_like_ground_counts(
    tmp_path: Path, drawn: list[Sample]
) -> None:
    point = changed(drawn[0], tmp_path, sample_id="on the ground")
    point.keypoints[8] = (5.0, 5.0)
    dark = pixels_of(drawn[1])
    tip = drawn[1].keypoints[12].round().astype(int)
    cv2.circle(dark, tuple(tip.tolist()), 12, (40, 40, 40), -1)  # hair, a nail: what colour takes for ground
    nail = changed(drawn[1], tmp_path, dark, sample_id="dark nail")
    view = view_of(tmp_path, [point, nail, *drawn[2:]])
    assert view.pixels.depth[1, 12] < -0.02
    assert view.pixels.likeness[1, 12] > 0.5
    found = hits("off-hand", view, samples=1)
    assert [(hit.row, hit.severity, hit.threshold) for hit in found] == [(0, "error", 0.0)]
    # In a small source nobody knows; one point of twenty is then not worth a word.
    assert not hits("off-hand", view)


def test_a_face_that_colour_takes_for_the_hand_speaks_against_no_label(
    tmp_path: Path, drawn: list[Sample]
) -> None:
    """Of two pieces of skin, colour keeps the larger one."""
    pixels = pixels_of(drawn[0])
    palm = drawn[0].keypoints[[0, 5, 17]].mean(axis=0).round().astype(int)
    skin = pixels[palm[1], palm[0]].tolist()
    wide = np.concatenate([pixels, np.full((pixels.shape[0], 180, 3), pixels[0, 0], np.uint8)], axis=1)
    cv2.circle(wide, (wide.shape[1] - 80, wide.shape[0] // 2), 55, skin, -1)
    beside = changed(drawn[0], tmp_path, wide, sample_id="beside a face")
    view = view_of(tmp_path, [beside, *drawn[1:]])
    assert (view.pixels.depth[0, 1:21] < -0.02).all()
    assert not hits("off-hand", view, samples=1)


def test_off_hand_tells_the_limit_that_was_broken(tmp_path: Path, drawn: list[Sample]) -> None:
    one = masked(drawn[0], tmp_path, hand_shape(drawn[0]))
    one.keypoints[8] += (60.0, 0.0)
    all_off = masked(drawn[1], tmp_path, hand_shape(drawn[1], shift=40))
    told = {
        hit.row: (hit.severity, hit.threshold) for hit in hits("off-hand", view_of(tmp_path, [one, all_off]))
    }
    assert told == {0: ("warning", 0.0), 1: ("error", 0.2)}


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
    assert "its area is unusual; it touches several sides of the image" in told[4]


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


def test_points_that_another_hand_covers_are_in_their_place(tmp_path: Path, drawn: list[Sample]) -> None:
    """Three fingers of a left hand lie behind a right one, in whose parts their points are then."""
    left = drawn[0]
    parts = np.where(hand_shape(left) > 0, 5, 0).astype(np.uint8)
    behind = [*range(9, 21)]
    low, high = left.keypoints[behind].min(axis=0) - 4, left.keypoints[behind].max(axis=0) + 4
    x0, y0, x1, y1 = np.maximum((*low, *high), 0).astype(int)
    parts[y0:y1, x0:x1] = 20
    seen, told = masked(left, tmp_path, parts), masked(left, tmp_path, parts)
    told.sample_id = "told"
    told.visibility = np.where(np.isin(np.arange(21), behind), 1, 2).astype(np.uint8)
    view = view_of(tmp_path, [seen, told])
    for check in ("side-mask", "off-hand"):
        assert [hit.row for hit in hits(check, view)] == [0]
