"""Small networks that keep the contract in different ways, and their rows in the table."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from curate.networks.decode import decode_softmax
from curate.networks.losses import point_weights, softmax_cross_entropy
from curate.networks.network import Decoded, Network, Spec, Targets
from curate.networks.recipe import Preset, Recipe
from curate.networks.table import Needs, Row


class Regressor(Network):
    """Points at once, without heatmaps."""

    presets: ClassVar = {
        "plain": Preset(Recipe(loss="l1", rate=1e-2), epochs=3, options={"width": 16}),
        "square": Preset(
            Recipe(loss="l2", optimiser="adam", cosine=False, average=False), 2, options={"width": 4}
        ),
    }

    def __init__(self, spec: Spec, *, width: int) -> None:
        super().__init__(spec)
        self.power = {"l1": 1, "l2": 2}[spec.loss]
        self.layers = nn.Sequential(
            *(nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(64 * spec.channels, width)),
            *(nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2 * spec.keypoints)),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).unflatten(1, (-1, 2))

    def loss(self, outputs: Tensor, targets: Targets, recipe: Recipe) -> Tensor:
        gap = outputs.float() - (targets.keypoints / self.spec.size - 0.5)
        return gap[targets.visibility > 0].abs().pow(self.power).mean()

    def decode(self, outputs: Tensor) -> Decoded:
        return Decoded(points=(outputs + 0.5) * self.spec.size)


class Silhouette(Network):
    """A mask, and nothing else."""

    presets: ClassVar = {"plain": Preset(Recipe(loss="cross_entropy", rate=0.5, average=False), epochs=4)}

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.layer = nn.Conv2d(spec.channels, 1, 1)
        self.place = nn.Parameter(torch.randn(spec.size, spec.size))

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images - 0.5)[:, 0] + self.place

    def loss(self, outputs: Tensor, targets: Targets, recipe: Recipe) -> Tensor:
        return functional.binary_cross_entropy_with_logits(outputs.float(), targets.mask.float())

    def decode(self, outputs: Tensor) -> Decoded:
        return Decoded(mask=outputs.sigmoid())


class Localiser(Network):
    """A map a keypoint and one for the ground at a quarter of the size, of right hands; and xyz."""

    right_hands = True
    presets: ClassVar = {"plain": Preset(Recipe(loss="softmax", sigma=6.0), epochs=1)}

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.layer = nn.Conv2d(spec.channels, spec.keypoints + 1, 4, stride=4)
        self.space = nn.Linear(spec.keypoints + 1, 3 * spec.keypoints)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.layer(images)
        return maps, self.space(maps.mean((2, 3))).unflatten(1, (-1, 3))

    def loss(self, outputs: tuple[Tensor, Tensor], targets: Targets, recipe: Recipe) -> Tensor:
        maps, xyz = outputs
        weights = point_weights(targets, recipe.hidden_weight)
        flat = softmax_cross_entropy(maps[:, :-1], targets.keypoints / 4, weights, recipe.sigma / 4)
        known = targets.xyz.isfinite() & targets.K.isfinite().all((1, 2))[:, None, None]
        return flat + (targets.xyz - xyz)[known].abs().mean()

    def decode(self, outputs: tuple[Tensor, Tensor]) -> Decoded:
        points, scores = decode_softmax(outputs[0][:, :-1])
        return Decoded(4 * points, scores, xyz=outputs[1])


TOYS = {
    "toy-points": Row("tests.toy_networks:Regressor", "points without maps"),
    "toy-mask": Row(
        "tests.toy_networks:Silhouette", "a mask", Needs(stride=8, labels=("mask",)), gives=("mask",)
    ),
    "toy-maps": Row(
        "tests.toy_networks:Localiser",
        "maps of right hands",
        Needs(stride=4, keypoints=(21,), labels=("side", "xyz")),
        gives=("points", "xyz"),
    ),
}
