"""The reference network: figure 12 of Arslanova et al. 2020, 12,132,608 parameters.

Two pairs of 3 x 3 convolutions with pooling, one 24 x 24 convolution that sees the whole 96-px hand,
a 1 x 1 convolution, and a transposed convolution back to one map a keypoint at full size.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from curate.networks.fftconv import FFTConv2d

STRIDE = 4  # input pixels a cell of the inner maps


class Figure12(nn.Module):
    """Images to one map of logits a keypoint.

    The paper leaves the activation silent: ReLU. What the logits mean (sigmoid or softmax) is the
    loss's and the decoder's affair.

    Parameters
    ----------
    keypoints: number of maps; 20 gives the paper's 12,132,608 parameters.
    channels: 1 (grey) or 3 (colour).
    """

    def __init__(self, keypoints: int = 20, channels: int = 1) -> None:
        super().__init__()
        self.keypoints, self.channels = keypoints, channels
        widths = (channels, 64, 64, 128, 128)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths)
        )
        self.bottleneck_1 = FFTConv2d(128, 160, kernel_size=24)
        self.bottleneck_2 = nn.Conv2d(160, 160, 1)
        self.up = nn.ConvTranspose2d(160, keypoints, STRIDE, stride=STRIDE, bias=False)
        for layer in (*self.convolutions, self.bottleneck_2):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
            layer.to(memory_format=torch.channels_last)
        # Small, so that the first maps are nearly flat and no keypoint starts with a favourite cell.
        nn.init.normal_(self.up.weight, std=0.01)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, S, S) to logits (B, keypoints, S, S); S a multiple of 4, 96 in the paper.

        Raises
        ------
        ValueError: the images are not square with a side that is a multiple of 4.
        """
        if images.shape[2] != images.shape[3] or images.shape[2] % STRIDE:
            raise ValueError(
                f"Figure12 needs square images with a side that is a multiple of {STRIDE}, "
                f"got {tuple(images.shape[2:])}"
            )
        x = images.contiguous(memory_format=torch.channels_last)
        for number, layer in enumerate(self.convolutions):
            x = functional.relu(layer(x))
            if number % 2:
                x = functional.max_pool2d(x, 2)
        x = functional.relu(self.bottleneck_1(x))
        x = functional.relu(self.bottleneck_2(x))
        logits: Tensor = self.up(x)
        return logits
