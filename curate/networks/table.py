"""The networks by name: the place of each, what it needs and gives. Plain data, read without torch.

To add a network: a module with a subclass of `curate.networks.network.Network`, and a row here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curate.basics.errors import InputError

if TYPE_CHECKING:
    from curate.networks.network import Network


@dataclass(frozen=True, slots=True)
class Needs:
    """What a network needs from a training set.

    stride: the side of the images, 32 to 512 pixels, must be a multiple of this. channels: 1 (grey) or 3
    (colour). keypoints: 20 (without the wrist) or 21. labels: what it learns from besides the keypoints:
    "mask", "xyz" (with K) and "side"; some samples may lack it, but not all.
    """

    stride: int = 1
    channels: tuple[int, ...] = (1, 3)
    keypoints: tuple[int, ...] = (20, 21)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A network: the place of its class ("module:Class"), a line about it, what it needs and gives.

    gives: any of "points", "mask", "xyz".
    """

    place: str
    says: str
    needs: Needs = Needs()
    gives: tuple[str, ...] = ("points",)


TABLE: dict[str, Row] = {
    "figure12": Row(
        "curate.networks.figure12:Figure12",
        "the reference CNN, figure 12 of Arslanova et al. (2020): 12.1 million weights, one heatmap per "
        "keypoint",
        Needs(stride=4),
    ),
    "mobile": Row(
        "curate.networks.mobile:Mobile",
        "a localiser for phones, after Gouidis et al. (2019): MobileNetV2, 8.0 million weights, colour",
        Needs(stride=16, channels=(3,)),
    ),
    "heads": Row(
        "curate.networks.heads:ThreeHeads",
        "three heads on a ResNet, after Sarlin & Zimmermann (2018): regression, disks and score maps",
        Needs(stride=32),
    ),
    "handseg": Row(
        "curate.networks.handseg:HandSeg",
        "hand against ground, a U-Net, after Boehringer & Hartmann (2019); it finds hands for the others",
        Needs(stride=16, labels=("mask",)),
        ("mask",),
    ),
    "posenet": Row(
        "curate.networks.posenet:PoseNet",
        "keypoints, a U-Net, after Boehringer & Hartmann (2019): one heatmap per keypoint",
        Needs(stride=16),
    ),
}


def row(name: str) -> Row:
    """The row of a network. Raises InputError: there is none of this name."""
    if name not in TABLE:
        raise InputError("--network", repr(name), allowed=", ".join(TABLE))
    return TABLE[name]


def promised(place: str) -> set[str]:
    """What all rows with this class give: any of "points", "mask", "xyz"."""
    gives = [set(row.gives) for row in TABLE.values() if row.place == place]
    return set.intersection(*gives) if gives else set()


def load(name: str) -> type[Network]:
    """The class of a network; imports its module, and with it torch. Raises InputError as `row`."""
    module, _, kind = row(name).place.partition(":")
    found: type[Network] = getattr(importlib.import_module(module), kind)
    return found
