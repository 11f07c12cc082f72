"""The 21 keypoints of a hand: names, bones, colours, the 20-point subset and the flip rule.

Order: wrist, thumb CMC MCP IP TIP, then index, middle, ring, little MCP PIP DIP TIP
(the order of OpenPose, MediaPipe, FreiHAND and COCO-WholeBody).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Side = Literal["left", "right"]

FINGERS: tuple[str, ...] = ("thumb", "index", "middle", "ring", "little")
NAMES: tuple[str, ...] = (
    "wrist",
    *(f"thumb_{joint}" for joint in ("cmc", "mcp", "ip", "tip")),
    *(f"{finger}_{joint}" for finger in FINGERS[1:] for joint in ("mcp", "pip", "dip", "tip")),
)
COUNT = len(NAMES)
INDEX: dict[str, int] = {name: i for i, name in enumerate(NAMES)}

WRIST = 0
TIPS: tuple[int, ...] = (4, 8, 12, 16, 20)
BASES: tuple[int, ...] = (1, 5, 9, 13, 17)
# The order with each finger counted from its tip; taken twice, it is ours again.
TIP_TO_PALM: tuple[int, ...] = (WRIST, *(tip - joint for tip in TIPS for joint in range(4)))

BONES: tuple[tuple[int, int], ...] = tuple(
    (WRIST if joint == 0 else base + joint - 1, base + joint) for base in BASES for joint in range(4)
)

# Okabe-Ito, told apart by every kind of colour vision; RGB, one a finger.
FINGER_COLOURS: tuple[tuple[int, int, int], ...] = (
    (213, 94, 0),
    (230, 159, 0),
    (0, 158, 115),
    (0, 114, 178),
    (204, 121, 167),
)

# COCO's visibility, used throughout.
UNLABELLED, HIDDEN, VISIBLE = 0, 1, 2


def hex_colour(keypoint: int) -> str:
    """Of a keypoint, that of its finger, as the web writes it."""
    return "#{:02x}{:02x}{:02x}".format(*FINGER_COLOURS[finger_of(keypoint)])


def subset(count: int) -> NDArray[np.intp]:
    """Indices into the 21 of the set with `count` keypoints: 21, or 20 (without the wrist).

    The 20-point set is that of the reference CNN (Arslanova et al. 2020).

    Raises
    ------
    ValueError: for any other count.
    """
    if count == COUNT:
        return np.arange(COUNT)
    if count == COUNT - 1:
        return np.arange(1, COUNT)
    raise ValueError(f"no keypoint set of {count}; allowed: 20 (without the wrist) or 21")


def finger_of(keypoint: int) -> int:
    """Finger (0 thumb .. 4 little) that a keypoint belongs to; the wrist counts as the thumb's base."""
    return max(0, (keypoint - 1) // 4)


def flip_side(side: Side | None) -> Side | None:
    """Handedness after a mirror: it swaps, while every keypoint keeps its identity (flip_idx = identity)."""
    return {"left": "right", "right": "left", None: None}[side]
