"""The contract between networks and what trains, opens, evaluates and applies them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from curate.networks.hand_shape import HandShape
from curate.networks.recipe import Preset, Recipe
from curate.networks.weights import put


@dataclass(frozen=True)
class Spec:
    """The input and output that a network is made for, and its loss; run.json stores it.

    size: side of the images, pixels. channels: 1 (grey) or 3 (RGB). keypoints: 20 (without the wrist) or 21,
    those of the training set. loss: the one it is trained with, which may determine how outputs are read.

    Raises
    ------
    ValueError: a value that no network is made for.
    """

    size: int
    channels: int
    keypoints: int
    loss: str

    def __post_init__(self) -> None:
        whole = type(self.size) is int and self.size > 0
        if not whole or self.channels not in (1, 3) or self.keypoints not in (20, 21):
            raise ValueError(f"no network is made for {self}")


class Targets(NamedTuple):
    """The training targets of a batch of B images of S x S pixels. Coordinates are in pixels of those images.

    keypoints: (B, K, 2) float32; NaN where unlabelled. visibility: (B, K) uint8, COCO's 0, 1, 2.
    weight: (B,) float32, how much each sample counts; usually 1.
    None unless the network's row in the table asks for them:
    mask: (B, S, S) float32, the share of each pixel that belongs to the hand: 1 for the hand, 0 for the
    background, values between along the edge, which would else be half a pixel off after augmentation.
    xyz: (B, K, 3) float32, metres in the camera frame; NaN where unknown. K: (B, 3, 3) float32, the
    camera's intrinsics, which project xyz onto the keypoints; NaN where unknown.
    empty: (B,) bool, True if the image shows no hand (not merely no labelled one); None: every image shows
    one.
    """

    keypoints: Tensor
    visibility: Tensor
    weight: Tensor
    mask: Tensor | None = None
    xyz: Tensor | None = None
    K: Tensor | None = None
    empty: Tensor | None = None


class Decoded(NamedTuple):
    """The predictions for a batch of B images of S x S pixels; None for what the network does not predict.

    points: (B, K, 2) in pixels of the images, NaN where there is no answer. scores: (B, K) in [0, 1], the
    confidence in each point; None counts as 1. mask: (B, S, S), probability of the hand.
    xyz: (B, K, 3), metres in the camera frame.
    """

    points: Tensor | None = None
    scores: Tensor | None = None
    mask: Tensor | None = None
    xyz: Tensor | None = None


class Network(nn.Module, ABC):
    """A network that curate can train, open, evaluate and predict with.

    Its module defines one subclass; its row in `curate.networks.table` says where that is and what it
    needs from a training set. No other code knows the subclass. Training draws augmentations, applies them
    to images and Targets alike, and calls `forward` (under bfloat16 autocast if the processor supports it)
    and `loss`. Prediction calls `forward` in float32, and `decode`.

    The constructor takes a Spec and, as keywords, the options of the preset. What it builds must depend only
    on these (and on torch's random numbers), so that stored weights fit later. It raises ValueError for a
    Spec or options that it does not know: run.json is untrusted.

    Attributes
    ----------
    presets: ways to train it, by name; the first is the default.
    right_hands: the network is only shown right hands. Left hands are mirrored for it, and its answers are
        mirrored back; a training set in which no sample has a side is then refused.
    shape: the relative positions of the keypoints in the hands that it was trained on, for use in `decode`;
        None: not known, or the network gives no maps.
    spec: what this network is made for.
    """

    presets: ClassVar[Mapping[str, Preset]]
    right_hands: bool = False
    shape: HandShape | None = None

    def __init__(self, spec: Spec, *, right_hands: bool | None = None) -> None:
        """right_hands: see the class; None: the value of the class.

        Raises ValueError: a loss that no preset has, or a `right_hands` that is not a bool.
        """
        super().__init__()
        if right_hands is not None:
            if not isinstance(right_hands, bool):
                raise ValueError(f"right_hands={right_hands!r}: true or false")
            self.right_hands = right_hands
        if spec.loss not in {preset.recipe.loss for preset in self.presets.values()}:
            raise ValueError(f"no preset is trained with the loss {spec.loss!r}")
        self.spec = spec

    @abstractmethod
    def forward(self, images: Tensor) -> Any:
        """Images (B, channels, S, S), float32 in [0, 1], to outputs in any form that `loss` and `decode`
        expect: maps at any stride, points, a mask, or several of these.

        To be exportable, neither this nor `decode` may branch on values or fix B: write `unflatten(1, ...)`
        instead of `view(len(images), ...)`.
        """

    @abstractmethod
    def loss(self, outputs: Any, targets: Targets, recipe: Recipe) -> Tensor:
        """A scalar, float32. Unlabelled points do not count; each sample counts by its weight."""

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights before training; by default those of a run of the same network.

        Raises
        ------
        ValueError: they do not belong to this network.
        """
        put(self, weights)

    @abstractmethod
    def decode(self, outputs: Any) -> Decoded:
        """The predictions in the outputs. An output that is not finite gives a NaN point, not an error."""


def place_of(network: Network) -> str:
    """Its module and class, as in the table."""
    return f"{type(network).__module__}:{type(network).__qualname__}"


def told_as(network: Network) -> str:
    """The name in messages about a network that breaks the contract."""
    return f"network {place_of(network)}"
