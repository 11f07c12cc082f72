"""Three ways to find a keypoint on one ResNet, after Sarlin & Zimmermann 2018.

All heads are trained together: direct regression from the fourth stage; from the third, a map a keypoint of
the pixels within a disk around it, and one of its score, a Gaussian. One of them is read.

Their score map failed (a mean squared error of 443, against 48 by regression). The fault was not in the map
but in how it was read: the expectation over a map that nothing normalises. On 128 x 128 pixels, a Gaussian of
sigma 10 has a mass of 628, and a background of only 0.01 has 164, a fifth of the sum: the point is drawn a
fifth of its way to the middle. The preset "paper" does as they did. In "reference", each map is a
distribution; "unaugmented" is "reference" with each picture as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from curate.networks import losses
from curate.networks.decode import as_distributions, decode_heights, expectation, local_expectation
from curate.networks.depthwise import doubled
from curate.networks.network import Decoded, Network, Spec, Targets
from curate.networks.pixels import standardise
from curate.networks.recipe import UNCHANGED, Preset, Ranges, Recipe
from curate.networks.resnet import ResNet

HEADS = ("regression", "disks", "scores")
STRIDE = 4  # pixels a cell of the maps
_RADIUS = 16 / 128  # of a disk, as a share of the image's side
_SIGMA = 10 / 128 * 96  # of a score: its square is 100 at 128 px
_POOLED = 4  # cells a side that coordinates are regressed from

_RANGES = Ranges(rotation=180, flip=0.5, gamma=1.0, contrast=1.0, brightness=1.4, saturation=1.5)

_REFERENCE = Preset(
    Recipe(loss="distributions", sigma=_SIGMA, ranges=_RANGES),
    epochs=60,
    options={"depth": 18, "width": 1.0, "head": "scores", "whole": False, "right_hands": False},
)


class Outputs(NamedTuple):
    """What the heads give: (B, K, 2) coordinates, from -0.5 to 0.5 in the frame, and (B, K, S / 4, S / 4)."""

    regression: Tensor
    disks: Tensor
    scores: Tensor


class ThreeHeads(Network):
    """Images to coordinates, disks and scores of each keypoint.

    Losses: "distributions" (cross-entropy of each score map with a Gaussian of mass 1) and "heights" (the
    squared difference from Gaussians of height 1, as they did).

    Attributes
    ----------
    head: which is read. whole: maps are read by the expectation over all of them, as they did, instead of
        near their highest cell.
    """

    presets: ClassVar[Mapping[str, Preset]] = {
        "reference": _REFERENCE,
        # What augmentation brings, as their table 2 asks.
        "unaugmented": replace(_REFERENCE, recipe=replace(_REFERENCE.recipe, ranges=UNCHANGED)),
        "paper": Preset(
            Recipe(
                loss="heights",
                sigma=_SIGMA,
                optimiser="rmsprop",
                rate=1e-4,
                weight_decay=0.0,
                average=False,
                ranges=_RANGES,
            ),
            epochs=60,
            options={"depth": 152, "width": 1.0, "head": "scores", "whole": True, "right_hands": False},
        ),
    }

    def __init__(
        self, spec: Spec, *, depth: int, width: float, head: str, whole: bool, right_hands: bool = False
    ) -> None:
        """depth, width: of the ResNet. head: of HEADS; whole: see the class; right_hands: see Network.

        Raises ValueError: another head, depth or width, or a size that is not a multiple of 32.
        """
        super().__init__(spec, right_hands=right_hands)
        if spec.size % 32 or head not in HEADS or not isinstance(whole, bool):
            raise ValueError(f"no head {head!r}, whole={whole!r}, for images of {spec.size} pixels")
        self.head, self.whole = head, whole
        self.trunk = ResNet(depth, width, spec.channels)
        third, fourth = self.trunk.channels
        wide = min(256, third)
        self.up = nn.Sequential(*doubled(third, wide), *doubled(wide, wide // 2))
        self.disks = nn.Conv2d(wide // 2, spec.keypoints, 1)
        self.scores = nn.Conv2d(wide // 2, spec.keypoints, 1)
        self.regression = nn.Linear(fourth * _POOLED**2, 2 * spec.keypoints)
        # Small, so that the first maps are nearly flat and the first points in the middle.
        for layer in (self.disks, self.scores, self.regression):
            nn.init.normal_(layer.weight, std=0.001)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Weights of a run of the same network, or of torchvision's ResNet alone."""
        if any(name.startswith("trunk.") for name in weights):
            super().start_from(weights)
        else:
            self.trunk.start_from(weights)

    def forward(self, images: Tensor) -> Outputs:
        """(B, channels, S, S) to what the heads give."""
        third, fourth = self.trunk(standardise(images).contiguous(memory_format=torch.channels_last))
        maps = self.up(third)
        pooled = functional.adaptive_avg_pool2d(fourth, _POOLED).flatten(1)
        points = self.regression(pooled).unflatten(1, (-1, 2))
        return Outputs(points, self.disks(maps), self.scores(maps))

    def loss(self, outputs: Outputs, targets: Targets, recipe: Recipe) -> Tensor:
        """The sum of the three heads' losses."""
        assert recipe.sigma is not None  # Recipe.for_size
        weights = losses.point_weights(targets, recipe.hidden_weight)
        size, points = self.spec.size, targets.keypoints / STRIDE
        coordinates = torch.nan_to_num(targets.keypoints / size - 0.5)
        gap = outputs.regression.float() - coordinates
        if self.spec.loss == "heights":
            away = losses.weighted_mean(gap.square().sum(-1), weights)
            scores = losses.squared_heights(outputs.scores, points, weights, recipe.sigma / STRIDE)
        else:
            away = losses.weighted_mean(gap.abs().sum(-1), weights)
            scores = losses.softmax_cross_entropy(outputs.scores, points, weights, recipe.sigma / STRIDE)
        disks = losses.disk_cross_entropy(outputs.disks, points, weights, _RADIUS * size / STRIDE)
        return 10 * away + disks + scores

    def decode(self, outputs: Outputs) -> Decoded:
        """What the chosen head says."""
        if self.head == "regression":
            return Decoded((outputs.regression.float() + 0.5) * self.spec.size)
        distributions = self.head == "scores" and self.spec.loss == "distributions"
        if self.head == "disks":
            maps = outputs.disks.float().sigmoid()
        elif distributions:
            maps = as_distributions(outputs.scores)
        else:
            maps = outputs.scores.float()
        if self.whole:
            points, scores = expectation(maps)
        else:
            points, scores = local_expectation(maps) if distributions else decode_heights(maps)
        return Decoded(points * STRIDE, scores)
