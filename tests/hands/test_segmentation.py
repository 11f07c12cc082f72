"""Colour segmentation on drawn hands under coloured light, and its refusal where there is no hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from curate.basics import images
from curate.data.dataset import Dataset
from curate.hands.segmentation import fill_holes, hand_mask, pieces


def hand_box(image: np.ndarray) -> np.ndarray | None:
    """Box (x, y, w, h) of what is seen."""
    mask = hand_mask(image)
    return None if mask is None else np.array(cv2.boundingRect(mask.astype(np.uint8)))


def plate(ground: tuple[int, int, int], skin: tuple[int, int, int], size: int = 200) -> np.ndarray:
    """A skin-coloured disc of radius 40 at (120, 90) on a plain ground, both scaled with `size`."""
    image = np.full((size, size, 3), ground, np.uint8)
    s = size / 200
    cv2.circle(image, (round(120 * s), round(90 * s)), round(40 * s), skin, -1)
    return image


@pytest.mark.parametrize(
    "skin",
    [(255, 224, 196), (224, 172, 140), (198, 134, 100), (141, 85, 60), (75, 46, 34)],
    ids=["very fair", "fair", "medium", "dark", "very dark"],
)
@pytest.mark.parametrize("size", [200, 900])
def test_the_box_and_mask_of_a_disc(skin: tuple[int, int, int], size: int) -> None:
    image = plate((250, 250, 248), skin, size)
    s = size / 200
    box = hand_box(image)
    assert box is not None
    np.testing.assert_allclose(box, np.array([80, 50, 80, 80]) * s, atol=3 * s)
    mask = hand_mask(image)
    assert mask is not None
    assert mask.shape == (size, size)
    truth = plate((0, 0, 0), (1, 1, 1), size)[..., 0] > 0
    assert (mask & truth).sum() / (mask | truth).sum() > 0.95


@pytest.mark.parametrize("light", [(1.0, 0.8, 0.6), (0.7, 0.85, 1.0), (0.5, 0.5, 0.5), (0.8, 1.0, 0.8)])
def test_the_light_does_not_matter(drawn_dataset, light: tuple[float, float, float]) -> None:
    dataset = Dataset(drawn_dataset)
    for sample in list(dataset)[:6]:
        image = np.clip(dataset.read_image(sample) * np.array(light), 0, 255).astype(np.uint8)
        box = hand_box(image)
        assert box is not None
        inside = (sample.keypoints >= box[:2] - 4) & (sample.keypoints <= box[:2] + box[2:] + 4)
        assert inside.all()


def test_holes_of_rings_are_filled_and_gaps_between_fingers_stay() -> None:
    image = plate((250, 250, 248), (198, 134, 100))
    cv2.circle(image, (110, 80), 3, (250, 250, 248), -1)
    cv2.circle(image, (135, 100), 12, (250, 250, 248), -1)
    mask = hand_mask(image)
    assert mask is not None
    assert mask[80, 110]
    assert not mask[100, 135]


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        np.full((60, 80, 3), 200, np.uint8),
        np.zeros((60, 80, 3), np.uint8),
        noise(),
        noise()[..., 0],
        np.clip(np.random.default_rng(1).normal(180, 6, (90, 90, 3)), 0, 255).astype(np.uint8),
        cv2.circle(np.full((100, 100, 3), 250, np.uint8), (50, 50), 3, (198, 134, 100), -1),
        np.full((1, 1, 3), 9, np.uint8),
    ],
    ids=["flat", "black", "noise", "grey", "sensor noise", "speck", "one pixel"],
)
def test_no_hand_is_said(image: np.ndarray) -> None:
    assert hand_box(image) is None
    assert hand_mask(image) is None


def test_real_photographs_of_all_skin_tones(real_data) -> None:
    """The photos of 11k Hands at hand: a box in each, of a hand's size."""
    paths = sorted((real_data / "11k_hands" / "Hands").glob("*.jpg"))
    assert len(paths) > 20
    for path in paths:
        box = hand_box(images.read(path, shrink=4))
        assert box is not None, path.name
        assert 0.05 < box[2] * box[3] / (400 * 300) < 0.9


@pytest.mark.parametrize("sleeve", [(235, 20, 25), (200, 30, 40), (230, 110, 150), (230, 120, 40)])
@pytest.mark.parametrize(
    "skin", [(244, 210, 185), (198, 134, 100), (95, 60, 45)], ids=["fair", "medium", "dark"]
)
def test_a_red_sleeve_does_not_win_over_the_hand(sleeve: tuple[int, ...], skin: tuple[int, ...]) -> None:
    image = plate((250, 250, 248), skin)
    image[:52, 95:145] = sleeve
    box = hand_box(image)
    assert box is not None
    np.testing.assert_allclose(box[[0, 2]], [80, 80], atol=3)
    assert box[1] + box[3] == pytest.approx(130, abs=3)


@given(arrays(np.uint8, (12, 15), elements=st.integers(0, 1)))
def test_pieces_and_holes_as_labelling_finds_them(mask: np.ndarray) -> None:
    found = pieces(mask)
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    assert len(found) == count - 1
    around = np.pad(1 - mask, 1, constant_values=1)
    count, labels = cv2.connectedComponents(around, connectivity=4)
    holes = np.bincount(labels.ravel())[1:].tolist()
    holes.remove(int((labels == labels[0, 0]).sum()))
    # A hole that holds a piece of its own counts that piece as well.
    filled = mask.copy()
    fill_holes(filled, found, mask.size)
    assert filled.sum() == ndimage.binary_fill_holes(mask).sum()
    assert sum(len(piece.holes) for piece in found) == len(holes)
    assert sum(size for piece in found for _, size in piece.holes) >= sum(holes)
    alone = [piece for piece in found if not piece.holes]
    if len(found) == 1 and alone:
        assert alone[0].area == mask.sum()


def test_holes_by_hand() -> None:
    """A frame of 6 x 5 pixels with one hole of 4 x 3, and a pixel beside it."""
    mask = np.zeros((8, 10), np.uint8)
    mask[1:6, 1:7] = 1
    mask[2:5, 2:6] = 0
    mask[7, 9] = 1
    found = sorted((piece.area, [size for _, size in piece.holes]) for piece in pieces(mask))
    assert found == [(1, []), (30, [12])]
    fill_holes(mask, pieces(mask), 12)
    assert mask.sum() == 18 + 1
    fill_holes(mask, pieces(mask), 13)
    assert mask.sum() == 30 + 1
