"""The options of `curate crop`."""

from __future__ import annotations

import os
from dataclasses import dataclass

from curate.basics.settings import Options, flag, number, text, whole

# What a hand may be found by, and how; the finders themselves are in curate.hands.finding.
FINDERS = {
    "colour": "what is redder than the background, whatever the labels say",
    "keypoints": "the box of the labelled points",
    "mask": "the box of the sample's mask",
    "bbox": "the sample's bbox",
    "box": "what the network that comes with this tool takes for a hand",
}
A_RUN = "a run that finds masks, or points in whole photographs"  # that can find hands
ALLOWED = f"{', '.join(FINDERS)}, or the folder of {A_RUN}"
CHOICES = f"{'|'.join(FINDERS)}|RUN"  # as --help has it


def named(by: str) -> str:
    """`by`, where it names a finder or may be a run's folder. Raises ValueError: it is neither."""
    if by not in FINDERS and not os.path.isdir(by):  # noqa: PTH112 (Path.is_dir raises for one too long)
        raise ValueError
    return by


@dataclass(frozen=True, slots=True)
class Cropping(Options):
    """How the crop of a photo is chosen. What `jitter` draws depends only on `seed` and the sample's id."""

    by: str = text(
        "colour",
        ALLOWED,
        "how the hand is found: "
        + "; ".join(f"{name}, {says}" for name, says in FINDERS.items())
        + f"; or what a run takes for the hand: {A_RUN}",
        named,
        metavar=CHOICES,
    )
    margin: float = number(
        0.1, 0, 2, "space left on each side, as a share of the longer side of the hand's box"
    )
    square: bool = flag(True, "keep the shape of the hand's box instead of cutting a square")
    jitter: float = number(
        0.0,
        0,
        0.5,
        "move and scale each crop at random by up to this share of its side, to study off-centre crops",
    )
    seed: int = whole(0, 0, 2**63 - 1, "seed of --jitter")


@dataclass(frozen=True, slots=True)
class CropOptions(Cropping):
    """How `curate crop` cuts hands out."""

    size: int | None = whole(
        256,
        8,
        4096,
        "longer side of the crops, px; small crops are not enlarged; in Python, None keeps each size",
        none=True,
    )
