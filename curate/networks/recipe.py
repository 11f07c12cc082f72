"""How a network is trained, as plain data: recipes, and the presets in which a network offers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_SIZE = 96  # pixels a side that a recipe's sigma is meant for


@dataclass(frozen=True)
class Ranges:
    """The ranges of augmentation; each value is drawn uniformly from its range.

    rotation: degrees to either side. scale: factors. shift: share of the side, on each axis.
    flip: probability of a mirror. gamma, contrast, brightness and saturation: largest factor either way
    (1 = unchanged). stretch: largest factor either way by which the picture becomes wider and less high, as
    if its aspect ratio was not kept; of a network that learns xyz, the camera's focal lengths then differ.
    """

    rotation: float = 30.0
    scale: tuple[float, float] = (0.85, 1.3)
    shift: float = 0.08
    flip: float = 0.5
    gamma: float = 1.5
    contrast: float = 1.3
    brightness: float = 1.0
    saturation: float = 1.0
    stretch: float = 1.0


@dataclass(frozen=True)
class Camera:
    """How far pictures are changed, as by light, lenses, cameras and things in front of the hand.

    shade: standard deviation of the logarithm of uneven light. cast: largest factor of a colour either way.
    grey: share of pictures without colour. covered: share with a patch over a part. filtered: share seen
    through a random filter. coarse: largest factor by which they are coarser. blur: of focus or by motion, as
    a share of the side. noise: largest standard deviation, of 1. Light, cast, coarseness and noise are each
    applied to half of the pictures, blur to a quarter.
    """

    shade: float = 0.22
    cast: float = 1.3
    grey: float = 0.1
    covered: float = 0.35
    filtered: float = 0.4
    coarse: float = 3.5
    blur: float = 0.04
    noise: float = 0.06


UNCHANGED = Ranges(rotation=0.0, scale=(1.0, 1.0), shift=0.0, flip=0.0, gamma=1.0, contrast=1.0)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    loss: which of the network's losses. sigma: of Gaussian targets, pixels at a side of 96 px; None: the
    training set's own. optimiser: "adam", "adamw" or "rmsprop". cosine: warm up the learning rate over at
    most one epoch, then let it fall to 0 over the planned epochs. average: the result is an exponential
    moving average of the weights, not the last ones. hidden_weight: weight of a hidden point; a visible one
    has 1. empty_weight: weight of each map of an image without a hand, for networks that learn to be sure of
    no point there. camera: what it does to pictures; None: nothing.
    """

    loss: str
    sigma: float | None = None
    optimiser: str = "adamw"
    rate: float = 1e-3
    weight_decay: float = 1e-4
    cosine: bool = True
    average: bool = True
    hidden_weight: float = 0.5
    empty_weight: float = 0.0
    ranges: Ranges = Ranges()
    camera: Camera | None = None

    def for_size(self, size: int, sigma: float) -> Recipe:
        """This recipe for images of `size` pixels: its sigma, or else the given one, in pixels of them."""
        return replace(self, sigma=sigma if self.sigma is None else self.sigma * size / _SIZE)


@dataclass(frozen=True)
class Preset:
    """A named way to train a network.

    epochs: unless others are asked for. options: what the network's constructor takes beyond the Spec;
    JSON values, which run.json keeps.
    """

    recipe: Recipe
    epochs: int
    options: Mapping[str, Any] = field(default_factory=dict)
