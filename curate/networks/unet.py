"""The U-Net of Ronneberger et al. (2015): the body of `handseg` and `posenet`, which differ in their outputs.

Five levels of two 3 x 3 convolutions, each at half the side and twice the width of the one above, and the way
back up, where each level also sees what went down at its own side. Unlike the original it pads, so that its
maps are as large as the image, and it normalises by batch, so that it trains in few steps.

A folded one leaves out the highest level, which costs a CPU most, as its maps are large and its products
small: two by two pixels of the image are four times the channels of one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from curate.networks.pixels import standardise
from curate.networks.winograd import Conv3x3

_LEVELS = 5
STRIDE = 2 ** (_LEVELS - 1)  # a side is a multiple of this
_WIDTHS = range(1, 257)


class UNet(nn.Module):
    """Images (B, channels, S, S) to (B, maps, S / cell, S / cell).

    Each image is brought to mean 0 and deviation 1 first: exposure tells nothing of where a hand is.

    Attributes
    ----------
    cell: 1, or 2 of a folded one: pixels of the image a cell of its maps.
    """

    def __init__(self, channels: int, maps: int, *, width: int, folded: bool) -> None:
        """width: channels of the highest level, 64 in the original; the work grows with its square.

        Raises
        ------
        ValueError: no such width.
        """
        super().__init__()
        if type(width) is not int or width not in _WIDTHS or not isinstance(folded, bool):
            told = f"no U-Net is made with width={width!r}, folded={folded!r}"
            raise ValueError(f"{told}; width: {_WIDTHS[0]} to {_WIDTHS[-1]}, folded: true or false")
        self.cell = self.cell_of(folded)
        widths = [width * 2**level for level in range(_LEVELS - folded)]
        inputs = channels * self.cell**2
        self.fold = nn.PixelUnshuffle(self.cell)
        self.down = nn.ModuleList(_twice(before, after) for before, after in pairwise([inputs, *widths]))
        self.pool = nn.MaxPool2d(2)
        steps = list(pairwise(reversed(widths)))
        self.rise = nn.ModuleList(nn.ConvTranspose2d(below, here, 2, stride=2) for below, here in steps)
        self.up = nn.ModuleList(_twice(below, here) for below, here in steps)
        self.last = nn.Conv2d(width, maps, 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @staticmethod
    def cell_of(folded: bool) -> int:
        """Pixels of the image a cell of the maps."""
        return 2 if folded else 1

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        x = self.fold(standardise(images)).contiguous(memory_format=torch.channels_last)
        seen: list[Tensor] = []
        for layer in self.down:
            x = layer(self.pool(x) if seen else x)
            seen.append(x)
        for rise, layer, beside in zip(self.rise, self.up, reversed(seen[:-1]), strict=True):
            x = layer(torch.cat([beside, rise(x)], 1))
        maps: Tensor = self.last(x)
        return maps


def _twice(before: int, after: int) -> nn.Sequential:
    layers: list[Any] = []
    for channels in (before, after):
        layers += [Conv3x3(channels, after, bias=False), nn.BatchNorm2d(after), nn.ReLU(True)]
    return nn.Sequential(*layers)
