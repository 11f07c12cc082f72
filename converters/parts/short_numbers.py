"""Numbers for text files: few digits, if these give the same float32 back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 4


def short(values: NDArray[Any], scale: float = 1.0) -> NDArray[np.float64]:
    """float32 values times `scale`, rounded to 4 decimals; unrounded where dividing the rounded number by
    `scale` would not give the same float32 back. NaN stays NaN."""
    exact = values.astype(np.float64) * scale
    rounded = np.round(exact, _DECIMALS)
    return np.where((rounded / scale).astype(np.float32) == values, rounded, exact)
