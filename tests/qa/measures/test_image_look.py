"""What an image shows, in numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.measures.image_look import look_at_image, perceptual_hashes


@given(seed=st.integers(0, 2**32 - 1))
def test_the_mirror_hash_is_the_hash_of_the_mirror_image(seed: int) -> None:
    square = np.random.default_rng(seed).integers(0, 256, (32, 32)).astype(np.uint8)
    here, there = perceptual_hashes(square), perceptual_hashes(square[:, ::-1])
    assert int(np.bitwise_count(here[0] ^ there[1])) <= 1  # a bit on the median may fall either way
    assert int(np.bitwise_count(here[1] ^ there[0])) <= 1


def test_tone_by_hand() -> None:
    half = np.zeros((64, 64), np.uint8)
    half[:, 32:] = 255
    told = look_at_image(half)
    assert (told.entropy, told.mean, told.grey) == (1.0, 0.5, False)
    assert look_at_image(np.stack([half] * 3, axis=2)).grey


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (500, 300), (257, 255)])
def test_images_of_any_shape_are_measured(shape: tuple[int, int]) -> None:
    assert look_at_image(np.full((*shape, 3), 128, np.uint8)).mean == pytest.approx(128 / 255)
