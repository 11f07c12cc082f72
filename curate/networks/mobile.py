"""A localiser for phones: MobileNetV2 with a decoder of depthwise convolutions, after Gouidis et al. 2019.

The encoder is MobileNetV2 to block 17, from block 14 on without stride. The decoder follows VNect with
depthwise convolutions in place of full ones: maps a sixteenth of the image are brought to a quarter. With 21
keypoints there are 22 maps; the last one is for the ground, and 1 - the highest of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from curate.networks import losses
from curate.networks.decode import decode_peaks, decode_softmax
from curate.networks.depthwise import doubled, mixed, smoothed
from curate.networks.inverted_residuals import STRIDE as ENCODER_STRIDE
from curate.networks.inverted_residuals import Encoder, whole_eights
from curate.networks.network import Decoded, Network, Spec, Targets
from curate.networks.recipe import Camera, Preset, Ranges, Recipe

STRIDE = 4  # pixels a cell of the maps
_WITHIN = 3  # blocks before the maps grow
_RADIUS = 3  # cells around a peak that count; over three sigma
_THRESHOLD = 0.5  # of the highest peak, from which another counts

# As they say: turns of 30 degrees, moved by 30 of 224 px, from 0.8 to 1.5 times the size.
_RANGES = Ranges(rotation=30, scale=(0.8, 1.5), shift=30 / 224, flip=0.5)
# The decoder has as many channels as MobileNetV2's last layer.
_OPTIONS = {
    "encoder": "mobilenet_v2",
    "width": 1.0,
    "decoder": 1280,
    "right_hands": False,
    "peaks": False,
}
_RENDERS = Preset(
    Recipe(
        loss="softmax",
        sigma=3.0,
        ranges=replace(_RANGES, scale=(0.7, 1.2), shift=0.1, saturation=1.6, stretch=1.4),
    ),
    epochs=4,
    options={**_OPTIONS, "encoder": "efficientnet_lite0", "decoder": 256},
)


class Mobile(Network):
    """Images to K + 1 maps of logits, a quarter of their side; 8.0 million parameters.

    It is made for squares with the hand in their middle and as much again around it: a side of 2 G, where
    G is the longer side of the hand's box (`curate build --crop keypoints --margin 0.5`).
    """

    presets: ClassVar[Mapping[str, Preset]] = {
        "reference": Preset(
            Recipe(loss="softmax", sigma=3.0, ranges=_RANGES),
            epochs=60,
            options=_OPTIONS,
        ),
        # Renders alone, for photographs: colours and shapes differ more. Smaller, and with the encoder that
        # a CPU learns fastest.
        "renders": _RENDERS,
        # The same, as other cameras would have seen them.
        "renders-camera": replace(_RENDERS, recipe=replace(_RENDERS.recipe, camera=Camera())),
        # Left hands are mirrored, and of several peaks the one nearest to the middle counts. What they leave
        # silent (loss, optimiser, threshold) is a choice of ours.
        "paper": Preset(
            Recipe(
                loss="softmax", sigma=3.0, optimiser="adam", average=False, weight_decay=0, ranges=_RANGES
            ),
            epochs=60,
            options={**_OPTIONS, "right_hands": True, "peaks": True},
        ),
    }

    def __init__(
        self, spec: Spec, *, encoder: str, width: float, decoder: int, right_hands: bool, peaks: bool
    ) -> None:
        """A network with new weights.

        Parameters
        ----------
        encoder: its name in curate.networks.inverted_residuals. width: share of its channels.
        decoder: channels of the decoder where its maps are smallest. right_hands: see Network.
        peaks: read each map by its peak nearest to the middle, instead of by its highest.

        Raises
        ------
        ValueError: another encoder or width, a size that is not a multiple of 16, or grey images.
        """
        super().__init__(spec, right_hands=right_hands)
        if spec.size % ENCODER_STRIDE or spec.channels != 3:
            raise ValueError(f"no mobile network is made for {spec}")
        if not isinstance(peaks, bool):
            raise ValueError(f"peaks={peaks!r}: true or false")
        if type(decoder) is not int or not 8 <= decoder <= 4096:
            raise ValueError(f"decoder={decoder!r}: 8 to 4096 channels")
        self.peaks = peaks
        self.encoder = Encoder(encoder, width)
        wide, half, quarter = (whole_eights(decoder * share) for share in (1, 0.4, 0.2))
        maps = nn.Conv2d(quarter, spec.keypoints + 1, 1)
        self.decoder = nn.Sequential(
            *mixed(self.encoder.channels, wide),
            *(Separable(wide) for _ in range(_WITHIN)),
            *doubled(wide, half),
            *doubled(half, quarter),
            maps,
        )
        # Small, so that the first maps are nearly flat and no keypoint starts with a favourite cell.
        nn.init.normal_(maps.weight, std=0.01)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Weights of a run of the same network, or of its encoder alone, as trained on ImageNet."""
        if any(name.startswith("decoder.") for name in weights):
            super().start_from(weights)
        else:
            self.encoder.start_from(weights)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) to logits (B, keypoints + 1, S / 4, S / 4); the last map is the ground's."""
        images = images.contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.decoder(self.encoder(images))
        return logits

    def loss(self, outputs: Tensor, targets: Targets, recipe: Recipe) -> Tensor:
        """Cross-entropy of each map, as a distribution over its cells, with its target.

        A keypoint's is a Gaussian of the recipe's sigma, the ground's 1 - the highest of these Gaussians at
        height 1. The ground counts as a keypoint, where all of a sample's are labelled.
        """
        assert recipe.sigma is not None  # Recipe.for_size
        points, sigma = targets.keypoints / STRIDE, recipe.sigma / STRIDE
        weights = losses.point_weights(targets, recipe.hidden_weight)
        hands = losses.softmax_cross_entropy(outputs[:, :-1], points, weights, sigma)
        known = (targets.visibility > 0).all(1)
        return hands + _ground(outputs[:, -1], points, known * targets.weight, sigma) / points.shape[1]

    def decode(self, outputs: Tensor) -> Decoded:
        """Points and scores of the maps; see curate.networks.decode."""
        maps = outputs[:, :-1]
        if self.peaks:
            points, scores = decode_peaks(maps, _THRESHOLD, _RADIUS)
        else:
            points, scores = decode_softmax(maps, _RADIUS, self.shape)
        return Decoded(points * STRIDE, scores)


class Separable(nn.Module):
    """A depthwise convolution and one of 1 x 1, each normalised, and a way past them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.layers = nn.Sequential(*smoothed(channels), pointwise, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.layers(x))


def _ground(logits: Tensor, points: Tensor, weights: Tensor, sigma: float) -> Tensor:
    """Cross-entropy of the ground's map (B, S, S) with 1 - the highest Gaussian; scalar."""
    hands = losses.gaussians(torch.nan_to_num(points, nan=torch.inf), sigma, logits.shape[-1])
    target = 1 - hands.amax(1)
    target = target / target.sum((1, 2), keepdim=True)
    likelihood = functional.log_softmax(logits.flatten(1), -1, dtype=torch.float32)
    return losses.weighted_mean(-(likelihood * target.flatten(1)).sum(1), weights)
