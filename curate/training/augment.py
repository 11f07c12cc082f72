"""Augmentation that moves an image and all that is known about it by one matrix.

Images and masks are warped; points, xyz and cameras move; heatmaps are never warped. Every draw depends on
(seed, epoch, index) only, not on batch size, order or number of devices. A mirror turns a left hand into a
right one; every keypoint keeps its identity, so no index is permuted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from curate.networks.network import Targets
from curate.networks.recipe import Ranges


@dataclass(frozen=True)
class Draw:
    """One augmentation a sample.

    matrix: (B, 2, 3) float64, from a sample's pixels to the augmented ones. flipped: (B,) bool, True
    where the hand's side changed. gamma, contrast, brightness, saturation: (B,) float64.
    """

    matrix: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    gamma: NDArray[np.float64]
    contrast: NDArray[np.float64]
    brightness: NDArray[np.float64]
    saturation: NDArray[np.float64]


def draw(
    ranges: Ranges,
    size: int,
    seed: int,
    epoch: int,
    indices: Sequence[int],
    mirrored: NDArray[np.bool_] | None = None,
) -> Draw:
    """The augmentation of each sample in an epoch.

    Parameters
    ----------
    size: of the images, pixels a side. mirrored: (B,), which samples to mirror; None: as chance has it.
    """
    uniform = np.stack([np.random.default_rng((seed, epoch, int(i))).random(10) for i in indices])
    angle = np.deg2rad(ranges.rotation) * (2 * uniform[:, 0] - 1)
    scale = ranges.scale[0] + (ranges.scale[1] - ranges.scale[0]) * uniform[:, 1]
    shift = ranges.shift * size * (2 * uniform[:, 2:4] - 1)
    flipped = uniform[:, 4] < ranges.flip if mirrored is None else mirrored
    cos, sin, mirror = scale * np.cos(angle), scale * np.sin(angle), np.where(flipped, -1.0, 1.0)
    linear = np.stack([cos * mirror, -sin, sin * mirror, cos], 1).reshape(-1, 2, 2)
    across = ranges.stretch ** (2 * uniform[:, 9] - 1)
    linear = np.stack([across, 1 / across], 1)[:, :, None] * linear
    centre = np.full(2, size / 2)
    offset = centre + shift - linear @ centre
    return Draw(
        matrix=np.concatenate([linear, offset[:, :, None]], 2),
        flipped=flipped,
        gamma=ranges.gamma ** (2 * uniform[:, 5] - 1),
        contrast=ranges.contrast ** (2 * uniform[:, 6] - 1),
        brightness=ranges.brightness ** (2 * uniform[:, 7] - 1),
        saturation=ranges.saturation ** (2 * uniform[:, 8] - 1),
    )


def augment(images: Tensor, targets: Targets, drawn: Draw) -> tuple[Tensor, Targets]:
    """Images and their targets under a draw.

    Parameters
    ----------
    images: (B, C, S, S) float in [0, 1].

    Returns
    -------
    The same shapes. Keypoints that leave the frame keep their true coordinates; the image's edge, and the
    mask's, is continued outward, as a wrist cut by the frame would be.
    """
    # Autocast would round positions to a third of a pixel.
    with torch.autocast(images.device.type, enabled=False):
        matrix = torch.as_tensor(drawn.matrix).to(targets.keypoints)
        moved = targets._replace(keypoints=targets.keypoints @ matrix[:, :, :2].mT + matrix[:, None, :, 2])
        if targets.mask is not None:
            moved = moved._replace(mask=_warp(targets.mask[:, None], drawn.matrix)[:, 0])
        if targets.xyz is not None and targets.K is not None:
            xyz, K = _move_in_space(targets.xyz, targets.K, drawn.matrix)
            moved = moved._replace(xyz=xyz, K=K)
        return _tone(_warp(images, drawn.matrix), drawn), moved


def _move_in_space(xyz: Tensor, K: Tensor, matrix: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """The hand turned, or mirrored, about the camera's axis, and the camera that sees it so: scale, shift and
    stretch are the camera's."""
    left, _, right = np.linalg.svd(matrix[:, :, :2])
    turn = np.tile(np.eye(3), (len(matrix), 1, 1))
    turn[:, :2, :2] = left @ right
    plane = np.concatenate([matrix, np.tile([[[0.0, 0.0, 1.0]]], (len(matrix), 1, 1))], 1)
    turned, moved = torch.as_tensor(turn).to(xyz), torch.as_tensor(plane).to(K)
    return xyz @ turned.mT, moved @ K @ turned.mT.to(K)


def _warp(images: Tensor, matrix: NDArray[np.float64]) -> Tensor:
    # grid_sample reads: it wants the inverse map, in coordinates from -1 to 1 between outer corners.
    side = images.shape[-1]
    linear = np.linalg.inv(matrix[:, :, :2])
    offset = -(linear @ matrix[:, :, 2:])
    offset = linear.sum(-1, keepdims=True) + 2 * offset / side - 1
    theta = torch.as_tensor(np.concatenate([linear, offset], 2)).to(images)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, "bilinear", padding_mode="border", align_corners=False)


def _tone(images: Tensor, drawn: Draw) -> Tensor:
    # Brightness as a gamma: standardisation undoes any straight line, but not a curve or a clip.
    def column(values: NDArray[np.float64]) -> Tensor:
        return torch.as_tensor(values, dtype=images.dtype, device=images.device)[:, None, None, None]

    if (drawn.saturation != 1).any():  # which would change others by rounding
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * column(drawn.saturation)
    images = images * column(drawn.brightness)
    images = images.clamp(0, 1) ** column(drawn.gamma)
    return (0.5 + (images - 0.5) * column(drawn.contrast)).clamp(0, 1)
