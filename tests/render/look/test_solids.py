"""Curved surfaces are drawn where they are: their size, what is before what, and where light falls."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from render.look.solids import Eye, Lighting, Surface, drawn

SIZE = 64
# 64 cm away a centimetre is a pixel.
EYE = Eye(32.0, 32.0, 64.0, 64.0)
RED, GREEN = np.array([0.8, 0.0, 0.0]), np.array([0.0, 0.8, 0.0])


def ball(radius: float, middle: tuple[float, float, float], colour: NDArray[np.float64]) -> Surface:
    a, e = np.meshgrid(np.linspace(-np.pi, np.pi, 60), np.linspace(-np.pi / 2, np.pi / 2, 40))
    way = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1)
    return Surface.of(radius * way + middle, colour)


def lamp(*way: float) -> Lighting:
    towards = np.array(way) / np.linalg.norm(way)
    return Lighting(towards, np.ones(3), np.full(3, 0.05))


def test_a_ball_is_a_disc_of_its_size() -> None:
    _, cover = drawn([ball(10, (0, 0, 0), RED)], EYE, lamp(0, 0, 1), SIZE)
    # Its outline is seen under asin(10 / 64), so 64 tan(asin(10 / 64)) = 10.12 pixels from the middle.
    # Whatever it touches of a pixel counts, on the outline half of one on average.
    assert np.pi * 10.12**2 <= cover.sum() <= np.pi * (10.12 + 0.75) ** 2
    rows, columns = np.nonzero(cover)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((32, 32), abs=0.3)


def test_y_is_up_and_the_nearer_hides_what_is_behind() -> None:
    there = [ball(6, (0, 8, 0), RED), ball(6, (0, 8, -20), GREEN), ball(6, (0, -8, -20), GREEN)]
    for order in (there, there[::-1]):
        light, cover = drawn(order, EYE, lamp(0, 0, 1), SIZE)
        assert light[24, 32].argmax() == 0
        assert light[38, 32].argmax() == 1
        assert cover[2, 2] == 0
        assert not light[2, 2].any()


def test_the_side_towards_the_lamp_is_brighter() -> None:
    light, _ = drawn([ball(10, (0, 0, 0), RED)], EYE, lamp(1, 0, 0.3), SIZE)
    assert light[32, 39, 0] > 2 * light[32, 25, 0]


def test_what_is_before_the_lamp_throws_a_shadow() -> None:
    large = ball(12, (0, -8, 0), RED)
    free, _ = drawn([large], EYE, lamp(0, 1, 0.7), SIZE)
    below, _ = drawn([large, ball(4, (0, 4, 16), GREEN)], EYE, lamp(0, 1, 0.7), SIZE)
    assert below[36, 32, 0] < 0.6 * free[36, 32, 0]
    assert below[36, 23, 0] == pytest.approx(free[36, 23, 0], rel=0.1)


def test_nothing_in_sight_leaves_nothing() -> None:
    light, cover = drawn([ball(3, (200, 0, 0), RED)], EYE, lamp(0, 0, 1), SIZE)
    assert not light.any()
    assert not cover.any()
