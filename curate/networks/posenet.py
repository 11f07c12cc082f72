"""Keypoints from crops: the PoseNet of Boehringer & Hartmann 2019, a U-Net with a map a keypoint at 128 px.

Theirs found nothing: its points lay in the corners. Preset `paper` repeats that, `reference` mends it. A
one-hot target asks for one cell in 16,384 of its map. Under a cross-entropy of each cell with 0 or 1, a map
that is empty everywhere costs 0.0007, a thousandth of what training begins with, and the one cell that
counts pulls with a 16,384th of the gradient; nor is there any pull at its neighbours, where a near miss
would land. So maps become flat, and the largest cell of a flat map is decided by what the zero padding does
at the frame's edge, or, where cells are equal, by their order: it is the corner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from curate.networks import losses
from curate.networks.decode import decode_softmax
from curate.networks.network import Decoded, Network, Spec, Targets
from curate.networks.recipe import UNCHANGED, Camera, Preset, Ranges, Recipe
from curate.networks.unet import UNet

# Each map is one distribution over its cells, so an empty map is worth nothing, and a Gaussian target makes a
# near miss better than a far one.
_REFERENCE = Recipe(
    loss="softmax",
    sigma=2.0,
    optimiser="adam",
    rate=2e-3,
    weight_decay=0.0,
    cosine=True,
    average=True,
    hidden_weight=1.0,  # hidden points of renders are exact
    ranges=Ranges(rotation=60.0, scale=(0.75, 1.2), gamma=1.8, contrast=1.4),
)
_RENDERS = Preset(
    replace(
        _REFERENCE,
        empty_weight=0.1,
        ranges=replace(_REFERENCE.ranges, scale=(0.7, 1.2), shift=0.1, saturation=1.6, stretch=1.4),
    ),
    epochs=30,
    options={"width": 32, "folded": True, "right_hands": False},
)
_FURTHER = replace(_RENDERS, recipe=replace(_RENDERS.recipe, rate=4e-4), epochs=10)


class PoseNet(Network):
    """Images to one map of logits a keypoint. Losses: "softmax", and "one_hot", which fails."""

    presets: ClassVar[Mapping[str, Preset]] = {
        "reference": Preset(
            _REFERENCE,
            epochs=20,
            options={"width": 16, "folded": True, "right_hands": False},
        ),
        # Renders alone, for photographs: light, colours, shape and what a finder cuts out differ more. In
        # images without a hand, which `build --grounds-alone` makes, it learns to be sure of no point.
        "renders": _RENDERS,
        # From weights that have learnt long: at the full rate they would forget it first.
        "further": _FURTHER,
        # Photographs of one's own need no other camera: with one, they are learnt more slowly.
        "further-renders": replace(_FURTHER, recipe=replace(_FURTHER.recipe, camera=Camera())),
        # Boehringer & Hartmann 2019.
        "paper": Preset(
            Recipe(
                loss="one_hot",
                optimiser="adam",
                rate=1e-3,
                weight_decay=0.0,
                cosine=False,
                average=False,
                hidden_weight=1.0,
                ranges=UNCHANGED,
            ),
            epochs=20,
            options={"width": 64, "folded": False, "right_hands": False},
        ),
    }

    def __init__(self, spec: Spec, *, width: int, folded: bool, right_hands: bool = False) -> None:
        """The options of `UNet`, and its errors; right_hands: see Network."""
        super().__init__(spec, right_hands=right_hands)
        self.body = UNet(spec.channels, spec.keypoints, width=width, folded=folded)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, S, S) to logits (B, keypoints, S / cell, S / cell)."""
        maps: Tensor = self.body(images)
        return maps

    def loss(self, outputs: Tensor, targets: Targets, recipe: Recipe) -> Tensor:
        """Of the maps with Gaussians of the recipe's sigma, or with one cell each."""
        weights = losses.point_weights(targets, recipe.hidden_weight)
        points = targets.keypoints / self.body.cell
        if self.spec.loss == "one_hot":
            return one_hot_cross_entropy(outputs, points, weights)
        assert recipe.sigma is not None  # Recipe.for_size
        loss = losses.softmax_cross_entropy(outputs, points, weights, recipe.sigma / self.body.cell)
        if recipe.empty_weight and targets.empty is not None:
            nowhere = (targets.empty * targets.weight)[:, None].expand_as(weights)
            loss = loss + recipe.empty_weight * losses.softmax_flatness(outputs, nowhere)
        return loss

    def decode(self, outputs: Tensor) -> Decoded:
        """Points and scores: of a local expectation, or of the largest cell."""
        one_hot = self.spec.loss == "one_hot"
        points, scores = decode_largest(outputs) if one_hot else decode_softmax(outputs, shape=self.shape)
        return Decoded(self.body.cell * points, scores)


def one_hot_cross_entropy(logits: Tensor, keypoints: Tensor, weights: Tensor) -> Tensor:
    """Mean over cells of the sigmoid cross-entropy with maps that are 1 in the keypoint's cell, else 0.

    Shapes as in curate.networks.losses. A point outside the frame has no cell: its weight becomes 0.
    """
    size = logits.shape[-1]
    inside = ((keypoints >= 0) & (keypoints < size)).all(-1)
    x, y = torch.where(inside[..., None], keypoints, 0.0).long().unbind(-1)
    logits = logits.float().flatten(2)
    on = logits.gather(2, (y * size + x)[..., None])[..., 0]
    cells = (functional.softplus(logits).sum(-1) - on) / size**2
    return losses.weighted_mean(cells, weights * inside)


def decode_largest(logits: Tensor) -> tuple[Tensor, Tensor]:
    """The middle of each map's largest cell, the first of equal ones, as (B, K, 2); and its sigmoid, (B, K).

    A map that is not finite gives a NaN point and score 0.
    """
    flat = logits.float().flatten(2)
    finite = flat.isfinite().all(-1)
    peak, cell = torch.where(finite[..., None], flat, 0.0).max(-1)
    size = logits.shape[-1]
    points = torch.stack([cell % size, cell // size], -1) + 0.5
    return torch.where(finite[..., None], points, torch.nan), torch.where(finite, peak.sigmoid(), 0.0)
