"""A cut moves pixels, points, directions and intrinsics alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.cut import Cut

CUTS = st.builds(
    Cut,
    x=st.integers(0, 4),
    y=st.integers(0, 3),
    size=st.just(5),
    mirrored=st.booleans(),
    quarters=st.integers(0, 3),
)
K = np.array([[50.0, 0, 4.25], [0, 50, 3.5], [0, 0, 1]])


def test_a_point_by_hand() -> None:
    # 2 right and 1 down in the part, whose side is 10.
    point = np.array([[5.0, 8.0]])
    assert Cut(3, 7, 10, False, 0).points(point).tolist() == [[2, 1]]
    assert Cut(3, 7, 10, True, 0).points(point).tolist() == [[8, 1]]
    # A quarter clockwise takes what is near the top to the right.
    assert Cut(3, 7, 10, False, 1).points(point).tolist() == [[9, 2]]
    assert Cut(3, 7, 10, False, 2).points(point).tolist() == [[8, 9]]
    assert Cut(3, 7, 10, True, 1).points(point).tolist() == [[9, 8]]


@given(CUTS, st.integers(0, 4), st.integers(0, 4))
def test_a_pixel_goes_where_its_middle_goes(cut: Cut, column: int, row: int) -> None:
    picture = np.arange(9 * 10).reshape(9, 10)
    x, y = np.floor(cut.points(np.array([[cut.x + column + 0.5, cut.y + row + 0.5]]))[0]).astype(int)
    seen = cut.pixels(picture)
    assert seen.shape == (5, 5)
    assert seen[y, x] == picture[cut.y + row, cut.x + column]


@given(CUTS)
def test_points_before_the_camera_are_seen_where_the_cut_has_them(cut: Cut) -> None:
    points = np.array([[0.02, -0.01, 0.4], [-0.03, 0.02, 0.5]])
    seen = points @ K.T
    turned = cut.rays(points) @ cut.intrinsics(K).T
    np.testing.assert_allclose(turned[:, :2] / turned[:, 2:], cut.points(seen[:, :2] / seen[:, 2:]))


def test_intrinsics_by_hand() -> None:
    # 4.25 and 3.5 in the render are 1.25 and 2.5 in a part at (3, 1) of side 5; mirrored 3.75.
    assert Cut(3, 1, 5, True, 0).intrinsics(K)[:2, 2] == pytest.approx([3.75, 2.5])
    assert Cut(3, 1, 5, True, 0).intrinsics(K)[0, 0] == 50
