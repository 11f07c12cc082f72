"""The contract of a tagger: it is given photographs, and gives the keypoints of the hand in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from curate.basics.errors import InputError
from curate.hands.photograph import Photograph


@dataclass(frozen=True, slots=True)
class Tagged:
    """The hand in one photograph.

    Attributes
    ----------
    keypoints: (21, 2), pixels of the photograph; NaN where none was found. scores: (21,), 0 to 1.
    found_by: what the hand was found by, a name of `curate.hands.finding`.
    looked_at: (4,) x, y, w, h, pixels: the part of the photograph that the keypoints were looked for in.
    """

    keypoints: NDArray[np.floating]
    scores: NDArray[np.floating]
    found_by: str
    looked_at: NDArray[Any]

    @property
    def found(self) -> NDArray[np.bool_]:
        """(21,) which keypoints were found."""
        return np.asarray(np.isfinite(self.keypoints).all(axis=1))


class Tagger(Protocol):
    """Finds keypoints.

    Attributes
    ----------
    label_source: what is recorded of labels that it made, "auto:NAME".
    """

    @property
    def label_source(self) -> str: ...

    def tag(self, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
        """For each photograph its hand, or why it cannot be used; the others are not held up by it.

        The same photographs give the same, whatever is asked before and in which process.
        """
