"""Affine maps: hand-worked values and the laws they obey."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curate.basics import geometry

NUMBERS = st.floats(-100, 100)
POINTS = arrays(np.float64, (5, 2), elements=NUMBERS)


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    """Invertible maps: a turn, a scale on each axis and a shift."""
    turn, shift = draw(st.floats(0, 6.3)), draw(arrays(np.float64, 2, elements=NUMBERS))
    scales = [draw(st.floats(0.1, 10)), draw(st.floats(0.1, 10)) * draw(st.sampled_from([-1, 1]))]
    c, s = np.cos(turn), np.sin(turn)
    return np.hstack([np.array([[c, -s], [s, c]]) @ np.diag(scales), shift[:, None]])


@given(affines(), POINTS)
def test_the_inverse_leads_back(affine: np.ndarray, points: np.ndarray) -> None:
    there = geometry.apply(affine, points)
    np.testing.assert_allclose(geometry.apply(geometry.invert(affine), there), points, atol=1e-8)


@given(affines(), affines(), POINTS)
def test_compose_does_first_and_then_second(
    second: np.ndarray, first: np.ndarray, points: np.ndarray
) -> None:
    both = geometry.apply(geometry.compose(second, first), points)
    np.testing.assert_allclose(both, geometry.apply(second, geometry.apply(first, points)), atol=1e-7)


def test_apply_by_hand() -> None:
    turn = [[0, -1, 10], [1, 0, 20]]
    np.testing.assert_allclose(geometry.apply(turn, [[3, 4], [np.nan, np.nan]]), [[6, 23], [np.nan] * 2])
    np.testing.assert_allclose(geometry.apply(geometry.IDENTITY, [[3, 4]]), [[3, 4]])


def test_a_map_without_an_inverse() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        geometry.invert([[1, 2, 0], [2, 4, 0]])


def test_boxes_by_hand() -> None:
    np.testing.assert_allclose(geometry.bounding_box([[1, 5], [np.nan, 0], [4, 2]]), [1, 2, 3, 3])
    assert geometry.bounding_box([[np.nan, 1]]) is None
    np.testing.assert_allclose(geometry.square_around([10, 20, 40, 20], 0.25), [0, 0, 60, 60])
    np.testing.assert_allclose(geometry.box_to_size([10, 20, 50, 25], (100, 50)), [[2, 0, -20], [0, 2, -40]])


@given(arrays(np.float64, 4, elements=st.floats(1, 500)), st.floats(0, 1))
def test_a_square_holds_its_box_with_the_margin(box: np.ndarray, margin: float) -> None:
    x, y, side, same = geometry.square_around(box, margin)
    assert side == same
    room = max(box[2:]) * margin - 1e-9
    assert x <= box[0] - room
    assert y <= box[1] - room
    assert x + side >= box[0] + box[2] + room
    assert y + side >= box[1] + box[3] + room


def test_index_space_is_what_opencv_means() -> None:
    """A white pixel moved by warpAffine lands where the map sends its centre."""
    image = np.zeros((20, 20), np.uint8)
    image[4, 3] = 255
    affine = np.array([[2.0, 0, 1], [0, 2, 3]])
    warped = cv2.warpAffine(image, geometry.to_index_space(affine), (20, 20), flags=cv2.INTER_LINEAR)
    weights = warped / warped.sum()
    centre = [(weights.sum(0) * (np.arange(20) + 0.5)).sum(), (weights.sum(1) * (np.arange(20) + 0.5)).sum()]
    np.testing.assert_allclose(centre, geometry.apply(affine, [[3.5, 4.5]])[0], atol=1e-6)
