"""Numbers for text files: few digits where these lead back to the same float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 4


def short(values: NDArray[Any], scale: float = 1.0) -> NDArray[np.float64]:
    """float32 values times `scale`, as doubles rounded to 4 decimals; in full where a reader who divides by
    `scale` would not get the same float32 back. NaN stays."""
    exact = values.astype(np.float64) * scale
    rounded = np.round(exact, _DECIMALS)
    return np.where((rounded / scale).astype(np.float32) == values, rounded, exact)
