"""Numbers for text files: few digits where these lead back to the same float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 4


def short(values: NDArray[Any], scale: float = 1.0) -> NDArray[np.float64]:
    """float32 values times `scale` as doubles that print with at most 4 decimals, where a reader who divides
    by `scale` gets the same float32 from them; in full elsewhere. NaN stays."""
    exact = values.astype(np.float64) * scale
    rounded = np.round(exact, _DECIMALS)
    return np.where((rounded / scale).astype(np.float32) == values, rounded, exact)
