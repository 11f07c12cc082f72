"""How the checks' sentences name keypoints, sizes and shares."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from qa.measures.arrays import Flags, Floats


def keypoint_names(mask: Flags) -> str:
    """Names of the keypoints in a mask (21,): all of up to four, else the first three and how many more."""
    names = [kp.NAMES[i] for i in np.flatnonzero(mask)]
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def size_text(size: Floats) -> str:
    """Width and height, as people write them."""
    return f"{size[0]:.0f} x {size[1]:.0f}"


def offset_text(offset: Floats) -> str:
    """An offset (x, y) in shares of a side, as signed percentages."""
    x, y = np.round(100 * offset, 1) + 0.0  # no minus before a zero
    return f"({x:+.1f} %, {y:+.1f} %)"
