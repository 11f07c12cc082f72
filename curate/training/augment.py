"""Pixels to network input, and augmentation that moves image and keypoints by one matrix.

Images are warped and points moved; maps are never warped. Every draw depends on (seed, epoch, index)
only, not on batch size, order or number of devices. A mirror turns a left hand into a right one; every
keypoint keeps its identity, so no index is permuted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Ranges:
    """How far augmentation goes; each value is drawn evenly from its range.

    rotation: degrees to either side. scale: factors. shift: share of the side, on each axis.
    flip: probability of a mirror. gamma and contrast: largest factor either way (1 = unchanged).
    """

    rotation: float = 30.0
    scale: tuple[float, float] = (0.85, 1.3)
    shift: float = 0.08
    flip: float = 0.5
    gamma: float = 1.5
    contrast: float = 1.3


@dataclass(frozen=True)
class Draw:
    """One augmentation a sample.

    matrix: (B, 2, 3) float64, from a sample's pixels to the augmented ones. flipped: (B,) bool, True
    where the hand's side changed. gamma, contrast: (B,) float64.
    """

    matrix: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    gamma: NDArray[np.float64]
    contrast: NDArray[np.float64]


def draw(ranges: Ranges, size: int, seed: int, epoch: int, indices: Sequence[int]) -> Draw:
    """The augmentation of each sample in an epoch, for images of `size` pixels a side."""
    uniform = np.stack([np.random.default_rng((seed, epoch, int(i))).random(7) for i in indices])
    angle = np.deg2rad(ranges.rotation) * (2 * uniform[:, 0] - 1)
    scale = ranges.scale[0] + (ranges.scale[1] - ranges.scale[0]) * uniform[:, 1]
    shift = ranges.shift * size * (2 * uniform[:, 2:4] - 1)
    flipped = uniform[:, 4] < ranges.flip
    cos, sin, mirror = scale * np.cos(angle), scale * np.sin(angle), np.where(flipped, -1.0, 1.0)
    linear = np.stack([cos * mirror, -sin, sin * mirror, cos], 1).reshape(-1, 2, 2)
    centre = np.full(2, size / 2)
    offset = centre + shift - linear @ centre
    return Draw(
        matrix=np.concatenate([linear, offset[:, :, None]], 2),
        flipped=flipped,
        gamma=ranges.gamma ** (2 * uniform[:, 5] - 1),
        contrast=ranges.contrast ** (2 * uniform[:, 6] - 1),
    )


def augment(images: Tensor, keypoints: Tensor, drawn: Draw) -> tuple[Tensor, Tensor]:
    """Images and keypoints under a draw.

    Parameters
    ----------
    images: (B, C, S, S) float in [0, 1]. keypoints: (B, K, 2) in pixels; NaN stays NaN.

    Returns
    -------
    The same shapes. Keypoints that leave the frame keep their true coordinates; the image's edge is
    continued outward, as a wrist cut by the frame would be.
    """
    # Autocast would round positions to a third of a pixel.
    with torch.autocast(images.device.type, enabled=False):
        matrix = torch.as_tensor(drawn.matrix).to(keypoints)
        moved = keypoints @ matrix[:, :, :2].mT + matrix[:, None, :, 2]
        return _tone(_warp(images, drawn.matrix), drawn), moved


def _warp(images: Tensor, matrix: NDArray[np.float64]) -> Tensor:
    # grid_sample reads: it wants the inverse map, in coordinates from -1 to 1 between outer corners.
    side = images.shape[-1]
    linear = np.linalg.inv(matrix[:, :, :2])
    offset = -(linear @ matrix[:, :, 2:])
    offset = linear.sum(-1, keepdims=True) + 2 * offset / side - 1
    theta = torch.as_tensor(np.concatenate([linear, offset], 2)).to(images)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _tone(images: Tensor, drawn: Draw) -> Tensor:
    # Brightness as a gamma: standardisation undoes any straight line, but not a curve or a clip.
    def column(values: NDArray[np.float64]) -> Tensor:
        return torch.as_tensor(values, dtype=images.dtype, device=images.device)[:, None, None, None]

    images = images.clamp(0, 1) ** column(drawn.gamma)
    return (0.5 + (images - 0.5) * column(drawn.contrast)).clamp(0, 1)


def to_float(pixels: Tensor) -> Tensor:
    """(B, S, S) or (B, S, S, C) uint8 to (B, C, S, S) float32 in [0, 1]."""
    images = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    return images.float() / 255


def standardise(images: Tensor) -> Tensor:
    """Each image to mean 0 and deviation 1 over its pixels and channels; a flat image becomes 0."""
    deviation, mean = torch.std_mean(images, (1, 2, 3), correction=0, keepdim=True)
    return (images - mean) / deviation.clamp(min=1e-3)
