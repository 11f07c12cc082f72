"""Pixels as networks take them."""

import pytest
import torch

from curate.networks.pixels import standardise, to_float


def test_pixels_become_floats_with_channels_first() -> None:
    grey = to_float(torch.tensor([[[0, 255], [51, 102]]], dtype=torch.uint8))
    assert grey.shape == (1, 1, 2, 2)
    assert grey.flatten().tolist() == pytest.approx([0, 1, 0.2, 0.4])
    colour = to_float(torch.zeros(5, 8, 8, 3, dtype=torch.uint8))
    assert colour.shape == (5, 3, 8, 8)


def test_standardised_images_have_mean_0_and_deviation_1_and_flat_ones_are_0() -> None:
    torch.manual_seed(0)
    images = torch.rand(3, 1, 8, 8)
    images[2] = 0.4
    ready = standardise(images)
    assert ready[:2].mean((1, 2, 3)).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert ready[:2].std((1, 2, 3), correction=0).tolist() == pytest.approx([1, 1], abs=1e-4)
    assert ready[2].abs().max() < 1e-3
