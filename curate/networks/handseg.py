"""Hand against ground: the segmentation of Boehringer & Hartmann 2019, a U-Net at 128 px."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from curate.networks.losses import weighted_mean
from curate.networks.network import Decoded, Network, Spec, Targets
from curate.networks.recipe import UNCHANGED, Preset, Ranges, Recipe
from curate.networks.unet import UNet

_REFERENCE = Recipe(
    loss="cross_entropy",
    optimiser="adam",
    rate=1e-3,
    weight_decay=0.0,
    cosine=True,
    average=True,
    # Hands come in any pose and far away, too.
    ranges=Ranges(rotation=60.0, scale=(0.6, 1.3), shift=0.15, gamma=1.8, contrast=1.4, saturation=1.6),
)
_RENDERS = Preset(
    replace(
        _REFERENCE, rate=2e-3, ranges=replace(_REFERENCE.ranges, scale=(0.5, 1.3), shift=0.2, stretch=1.4)
    ),
    epochs=15,
    options={"width": 16, "folded": True},
)
_FURTHER = replace(_RENDERS, recipe=replace(_RENDERS.recipe, rate=1e-3), epochs=7)
_WIDE = replace(_FURTHER, options={"width": 32, "folded": True}, epochs=4)
_FINISH = replace(
    _WIDE.recipe,
    rate=7e-4,
    ranges=replace(_WIDE.recipe.ranges, rotation=45.0, scale=(0.7, 1.2), shift=0.12, stretch=1.25),
)
_LAST = "body.last."  # the layer that gives the maps


class HandSeg(Network):
    """Images to one map of logits: a pixel is the hand's where it is above 0.

    One map with the sigmoid is what two maps, hand and ground, are with the softmax.
    """

    presets: ClassVar[Mapping[str, Preset]] = {
        # Narrow and folded: what a CPU trains in minutes.
        "reference": Preset(
            _REFERENCE,
            epochs=15,
            options={"width": 24, "folded": True},
        ),
        # Renders alone, for photographs: small, for the box, and their shape is not kept.
        "renders": _RENDERS,
        # From weights that have learnt long: at the full rate they would forget it first.
        "further": _FURTHER,
        # As wide as the box's localiser, with which it begins: that knows hands, and four times the weights
        # tell them better from what has their colour.
        "wide": _WIDE,
        # The last epochs of a wide one: pictures are moved and scaled less, which makes outlines sharper.
        "finish": replace(_WIDE, recipe=_FINISH, epochs=2),
        # Boehringer & Hartmann 2019: the U-Net at its own width, Adam 1e-3, batches of 32.
        "paper": Preset(
            Recipe(
                loss="cross_entropy",
                optimiser="adam",
                rate=1e-3,
                weight_decay=0.0,
                cosine=False,
                average=False,
                ranges=UNCHANGED,
            ),
            epochs=15,
            options={"width": 64, "folded": False},
        ),
    }

    def __init__(self, spec: Spec, *, width: int, folded: bool) -> None:
        """The options of `UNet`, and its errors."""
        super().__init__(spec)
        cell = UNet.cell_of(folded)
        self.body = UNet(spec.channels, cell**2, width=width, folded=folded)
        self.unfold = nn.PixelShuffle(cell)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Weights of a run of the same network, or of a `posenet` as wide, all but its last layer's: what
        finds a hand's keypoints knows most of its outline."""
        own = self.state_dict()
        given = weights.get(f"{_LAST}weight")
        if given is not None and len(given) != len(own[f"{_LAST}weight"]):
            weights = {**weights, **{name: value for name, value in own.items() if name.startswith(_LAST)}}
        super().start_from(weights)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, S, S) to logits (B, S, S)."""
        logits: Tensor = self.unfold(self.body(images))[:, 0]
        return logits

    def loss(self, outputs: Tensor, targets: Targets, recipe: Recipe) -> Tensor:
        """Cross-entropy, the mean over the pixels of the batch."""
        assert targets.mask is not None  # its row in the table asks for masks
        pixels = functional.binary_cross_entropy_with_logits(outputs.float(), targets.mask, reduction="none")
        return weighted_mean(pixels.mean((1, 2)), targets.weight)

    def decode(self, outputs: Tensor) -> Decoded:
        """Each pixel's probability of being the hand's."""
        return Decoded(mask=outputs.float().sigmoid())
