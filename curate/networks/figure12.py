"""The reference network: figure 12 of Arslanova et al. 2020, 12,132,608 parameters.

Two pairs of 3 x 3 convolutions with pooling, one 24 x 24 convolution that sees the whole 96-px hand,
a 1 x 1 convolution, and a transposed convolution back to one map a keypoint at full size.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from curate.networks import losses
from curate.networks.decode import decode_sigmoid, decode_softmax
from curate.networks.fftconv import FFTConv2d
from curate.networks.network import Decoded, Network, Spec, Targets
from curate.networks.pixels import standardise
from curate.networks.recipe import Preset, Ranges, Recipe
from curate.networks.winograd import Conv3x3

STRIDE = 4  # input pixels a cell of the inner maps
_LOSSES = {"softmax": losses.softmax_cross_entropy, "sigmoid": losses.binary_cross_entropy}


class Figure12(Network):
    """Images to one map of logits a keypoint; 20 of them give the paper's 12,132,608 parameters.

    The paper leaves the activation silent: ReLU. Losses: "softmax" and "sigmoid".
    """

    presets: ClassVar[Mapping[str, Preset]] = {
        # Trained with what has been learnt since the paper.
        "reference": Preset(
            Recipe(
                loss="softmax",  # cross-entropy of each map with formula (1)
                sigma=2.5,  # narrower targets than the paper's give sharper points
                optimiser="adamw",
                rate=1e-3,
                weight_decay=1e-4,
                cosine=True,
                average=True,
                hidden_weight=0.5,  # a hidden point labelled by hand is a guess
                ranges=Ranges(),
            ),
            epochs=15,
            options={"standardised": True},
        ),
        # Arslanova et al. 2020 as far as they say; what they leave silent is Keras's default or, for the
        # loss, what their figures imply (curate.networks.losses).
        "paper": Preset(
            Recipe(
                loss="sigmoid",  # binary cross-entropy with Gaussians of height 1
                sigma=None,  # the training set's own: 5 px unless it was built otherwise
                optimiser="adam",
                rate=1e-3,
                weight_decay=0.0,
                cosine=False,
                average=False,
                hidden_weight=1.0,
                ranges=Ranges(gamma=1.0, contrast=1.0),  # flips and affine maps only
            ),
            epochs=300,
            options={"standardised": False},
        ),
    }

    def __init__(self, spec: Spec, *, standardised: bool) -> None:
        """standardised: each image to mean 0 and deviation 1, instead of grey values from 0 to 1.

        Raises
        ------
        ValueError: a size that is not a multiple of 4.
        """
        super().__init__(spec)
        if spec.size % STRIDE or not isinstance(standardised, bool):
            raise ValueError(f"figure 12 is not made for {spec}, standardised={standardised!r}")
        self.standardised = standardised
        widths = (spec.channels, 64, 64, 128, 128)
        self.convolutions = nn.ModuleList(Conv3x3(before, after) for before, after in pairwise(widths))
        self.bottleneck_1 = FFTConv2d(128, 160, kernel_size=24)
        self.bottleneck_2 = nn.Conv2d(160, 160, 1)
        self.up = nn.ConvTranspose2d(160, spec.keypoints, STRIDE, stride=STRIDE, bias=False)
        for layer in (*self.convolutions, self.bottleneck_2):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
            layer.to(memory_format=torch.channels_last)
        # Small, so that the first maps are nearly flat and no keypoint starts with a favourite cell.
        nn.init.normal_(self.up.weight, std=0.01)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, S, S) to logits (B, keypoints, S, S)."""
        x = standardise(images) if self.standardised else images
        x = x.contiguous(memory_format=torch.channels_last)
        for number, layer in enumerate(self.convolutions):
            x = functional.relu(layer(x))
            if number % 2:
                x = functional.max_pool2d(x, 2)
        x = functional.relu(self.bottleneck_1(x))
        x = functional.relu(self.bottleneck_2(x))
        logits: Tensor = self.up(x)
        return logits

    def loss(self, outputs: Tensor, targets: Targets, recipe: Recipe) -> Tensor:
        """Cross-entropy of the maps with Gaussians of the recipe's sigma; see curate.networks.losses."""
        assert recipe.sigma is not None  # Recipe.for_size
        weights = losses.point_weights(targets, recipe.hidden_weight)
        return _LOSSES[self.spec.loss](outputs, targets.keypoints, weights, recipe.sigma)

    def decode(self, outputs: Tensor) -> Decoded:
        """Points and scores of the maps; see curate.networks.decode."""
        alone = self.spec.loss == "sigmoid"
        points, scores = decode_sigmoid(outputs) if alone else decode_softmax(outputs, shape=self.shape)
        return Decoded(points, scores)
