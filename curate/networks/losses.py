"""Losses between maps of logits and keypoints; the target maps are never drawn.

A Gaussian's map is the outer product of two profiles, so its sum against a map of logits is
column' * map * row: two small products in place of a target as large as the output.

Maps are (B, K, S, S) with cell (j, i) standing for the point (i + 0.5, j + 0.5); keypoints are
(B, K, 2) as (x, y) in those pixels, NaN where unlabelled; weights are (B, K), 0 where a keypoint does
not count. All losses return a scalar in float32, 0 where nothing counts.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from curate.basics.keypoints import HIDDEN, VISIBLE
from curate.networks.network import Targets


def point_weights(targets: Targets, hidden: float) -> Tensor:
    """How much each keypoint counts, (B, K): 0 if unlabelled, `hidden` if hidden, 1 if visible, times the
    weight of its sample."""
    seen, unseen = targets.visibility == VISIBLE, targets.visibility == HIDDEN
    return (seen.float() + hidden * unseen.float()) * targets.weight[:, None]


def profiles(coordinates: Tensor, sigma: float, size: int) -> Tensor:
    """Peak-1 Gaussian profiles along one axis: (...) coordinates in pixels to (..., size).

    exp(-(i + 0.5 - c)^2 / (2 sigma^2)) for cell i; a NaN coordinate gives NaN.
    """
    centres = torch.arange(size, dtype=torch.float32, device=coordinates.device) + 0.5
    return torch.exp(-((centres - coordinates.float()[..., None]) ** 2) / (2 * sigma**2))


def gaussians(keypoints: Tensor, sigma: float, size: int) -> Tensor:
    """Peak-1 Gaussian maps, (B, K, size, size), of keypoints (B, K, 2)."""
    axes = profiles(keypoints, sigma, size)
    return axes[:, :, 1, :, None] * axes[:, :, 0, None, :]


def softmax_cross_entropy(logits: Tensor, keypoints: Tensor, weights: Tensor, sigma: float) -> Tensor:
    """Cross-entropy of each map, as a distribution over its cells, with formula (1)'s Gaussian.

    Formula (1) of Arslanova et al. 2020 sums to 1 over the plane; here it is made to sum to 1 over the
    frame, so that a point at the edge weighs as much as one inside. A point outside the frame has no
    cell: its weight becomes 0. The least possible value is the target's entropy,
    1 + log(2 pi sigma^2) away from the edges.
    """
    size = logits.shape[-1]
    inside = ((keypoints >= 0) & (keypoints < size)).all(-1)
    weights = weights * inside
    known = torch.where(inside[..., None], keypoints, 0.0)
    axes = profiles(known, sigma, size)
    axes = axes / axes.sum(-1, keepdim=True)
    return weighted_mean(-_against(_likelihood(logits), axes), weights)


def softmax_flatness(logits: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of each map, as a distribution over its cells, with the one that is the same everywhere,
    less what it is at least: 0 for a flat map."""
    cells = logits.shape[-2] * logits.shape[-1]
    return weighted_mean(-_likelihood(logits).mean((2, 3)) - math.log(cells), weights)


def binary_cross_entropy(logits: Tensor, keypoints: Tensor, weights: Tensor, sigma: float) -> Tensor:
    """Mean over cells of the sigmoid cross-entropy with a Gaussian whose peak is 1.

    This is the loss that the arithmetic of Arslanova et al. 2020 points to: its floor at sigma 5 on
    96 x 96 maps is pi^3 sigma^2 / (3 S^2) = 0.0280, the training loss they report. A point outside the
    frame still casts its tail into it.
    """
    size = logits.shape[-1]
    known = torch.nan_to_num(keypoints, nan=0.0)
    logits = logits.float()
    on = _against(logits, profiles(known, sigma, size))
    cells = functional.softplus(logits).sum((-2, -1)) - on
    return weighted_mean(cells / size**2, weights * torch.isfinite(keypoints).all(-1))


def squared_heights(maps: Tensor, keypoints: Tensor, weights: Tensor, sigma: float) -> Tensor:
    """Mean over cells of the squared difference from Gaussians whose peak is 1."""
    target = gaussians(torch.nan_to_num(keypoints), sigma, maps.shape[-1])
    cells = (maps.float() - target).square().mean((2, 3))
    return weighted_mean(cells, weights * torch.isfinite(keypoints).all(-1))


def disk_cross_entropy(logits: Tensor, keypoints: Tensor, weights: Tensor, radius: float) -> Tensor:
    """Mean over cells of the sigmoid cross-entropy with disks: 1 where a cell's centre is no farther from the
    keypoint than `radius` cells, else 0."""
    centres = torch.arange(logits.shape[-1], dtype=torch.float32, device=logits.device) + 0.5
    away = (centres - torch.nan_to_num(keypoints).float()[..., None]).square()
    target = (away[:, :, 1, :, None] + away[:, :, 0, None, :] <= radius**2).float()
    cells = functional.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return weighted_mean(cells.mean((2, 3)), weights * torch.isfinite(keypoints).all(-1))


def _likelihood(logits: Tensor) -> Tensor:
    flat = functional.log_softmax(logits.flatten(2), -1, dtype=torch.float32)
    return flat.view(logits.shape)


def _against(maps: Tensor, axes: Tensor) -> Tensor:
    """(B, K, S, S) maps summed against the outer products of (B, K, 2, S) profiles (x, y): (B, K)."""
    # Autocast would round the sums of ten thousand terms to three digits.
    with torch.autocast(maps.device.type, enabled=False):
        rows = torch.matmul(maps, axes[:, :, 0, :, None])[..., 0]
    return (rows * axes[:, :, 1]).sum(-1)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of values by weights of the same shape; 0 where all weights are."""
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)
