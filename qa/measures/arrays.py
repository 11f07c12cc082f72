"""The kinds of arrays that QA is written in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]  # indices of samples
Names = NDArray[np.object_]  # text, None where unknown
