"""What a network finds in a batch of images, as arrays; read and passed on without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Answer(NamedTuple):
    """What a network finds in N images of S x S pixels.

    points: (N, 21, 2) float32 in pixels, NaN where there is no answer, or no such keypoint (the wrist of
    20). scores: (N, 21) float32 in [0, 1], 0 there. masks: (N, S, S) uint8, 255 times the probability of
    the hand. xyz: (N, 21, 3) float32, metres in the camera frame. hands: (N,) float32, how likely each shows
    a hand. The last three are None where the network does not give them.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    masks: NDArray[np.uint8] | None = None
    xyz: NDArray[np.float32] | None = None
    hands: NDArray[np.float32] | None = None


def joined(parts: Sequence[Answer]) -> Answer:
    """The answers for several batches as one."""
    fields = zip(*parts, strict=True)
    return Answer._make(None if values[0] is None else np.concatenate(values) for values in fields)
