"""The kinds of arrays that QA is written in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]  # indices of samples
Names = NDArray[np.object_]  # text, None where unknown

_BLOCK = 1 << 15


def blocks(count: int) -> Iterator[slice]:
    """Rows 0 to `count`, some at a time: what is made of them in passing would otherwise take many times
    their memory."""
    for start in range(0, count, _BLOCK):
        yield slice(start, min(start + _BLOCK, count))
