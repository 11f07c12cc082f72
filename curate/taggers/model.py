"""What a tagger and a finder ask of a network, whoever runs it: torch a run, OpenCV what is in the box."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from curate.networks.answer import Answer
from curate.scoring.precision import Threshold


class Model(Protocol):
    """A network with its weights. `name`: what people call it. `threshold`: see `curate.taggers.tagger`."""

    @property
    def name(self) -> str: ...

    @property
    def threshold(self) -> Threshold | None: ...

    @property
    def form(self) -> tuple[int, int]:
        """Pixels a side of the images that it is shown, and their channels: 1 (grey) or 3 (R, G, B)."""

    @property
    def right_hands(self) -> bool:
        """Whether it knows right hands alone: left ones are mirrored for it, others taken for right."""

    def predict(self, pixels: NDArray[Any], left: NDArray[np.bool_] | None = None) -> Answer:
        """What it finds in images, (N, S, S) or (N, S, S, 3) uint8; `left` (N,): which show left hands."""
