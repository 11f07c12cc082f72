"""Pixels as networks take them."""

from __future__ import annotations

from torch import Tensor, std_mean


def to_float(pixels: Tensor) -> Tensor:
    """(B, S, S) or (B, S, S, C) uint8 to (B, C, S, S) float32 in [0, 1]."""
    images = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    return images.float() / 255


def standardise(images: Tensor) -> Tensor:
    """Each image to mean 0 and deviation 1 over its pixels and channels; a flat image becomes 0."""
    # Flat: OpenCV 4.14 takes a wrong mean of several axes at once, where it runs an exported network.
    deviation, mean = std_mean(images.flatten(1), 1, correction=0, keepdim=True)
    return (images - mean[..., None, None]) / deviation.clamp(min=1e-3)[..., None, None]
