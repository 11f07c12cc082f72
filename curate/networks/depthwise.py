"""Depthwise convolutions, and what brings small maps to twice their side with them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Depthwise(nn.Conv2d):
    """A convolution of each channel by itself."""

    def __init__(self, channels: int, kernel: int, stride: int = 1, padding: int = 1) -> None:
        super().__init__(channels, channels, kernel, stride, padding, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        # Its gradient in bfloat16 takes processors several times as long.
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def smoothed(channels: int) -> Iterator[nn.Module]:
    """Layers: a depthwise convolution of 3 x 3, normalised."""
    yield from (Depthwise(channels, 3), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def mixed(before: int, after: int) -> Iterator[nn.Module]:
    """Layers: a convolution of 1 x 1, normalised."""
    yield from (nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def doubled(before: int, after: int) -> Iterator[nn.Module]:
    """Layers: maps of twice the side; the channels change first, as long as the maps are small."""
    yield from mixed(before, after)
    yield nn.Upsample(scale_factor=2, mode="bilinear")
    yield from smoothed(after)
