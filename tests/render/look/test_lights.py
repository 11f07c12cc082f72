"""Lights are drawn where they light the hand. Each kind also goes through tests/render/test_shot.py, and
through Blender in test_real_blender.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.look import lights
from render.look.lights import LIGHTS, Environment, Studio

FACING = np.array([0.0, 0.6, 0.8])
HAND = np.array([0.0, 0.0, -0.5])
SEEDS = st.integers(0, 2**32 - 1)


def drawn(kind: str, seed: int) -> lights.Light:
    return LIGHTS[kind].draw(FACING, 0.5, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", LIGHTS)
def test_the_same_numbers_give_the_same_light(kind: str) -> None:
    assert drawn(kind, 1) == drawn(kind, 1)
    assert drawn(kind, 1) != drawn(kind, 2)
    assert isinstance(drawn(kind, 1), LIGHTS[kind])
    assert LIGHTS[kind].about


@given(SEEDS)
def test_a_studio_has_lamps_on_the_side_that_is_seen(seed: int) -> None:
    light = drawn("studio", seed)
    assert isinstance(light, Studio)
    assert light.name == "studio"
    assert 1 <= len(light.lamps) <= 3
    for lamp in light.lamps:
        assert lamp.target == pytest.approx(HAND)
        away = np.array(lamp.position) - HAND
        reach = np.linalg.norm(away)
        assert 0.7 <= reach <= 2.0 + 1e-9
        assert away @ FACING / reach > 0.2
        # As bright at the hand from near as from far: 1.2 to 4 watts at a metre.
        assert 1.2 <= lamp.watts / reach**2 <= 4 + 1e-9


@given(SEEDS)
def test_an_environment_has_one_of_blenders_maps_and_a_flash_beside_the_camera(seed: int) -> None:
    light = drawn("environment", seed)
    assert isinstance(light, Environment)
    assert light.name == light.map_name
    assert light.map_name in lights.ENVIRONMENTS
    (flash,) = light.lamps
    assert flash.position[2] == 0.1  # behind the camera, which looks along -z
    assert flash.target == pytest.approx(HAND)
