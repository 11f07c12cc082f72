"""Which way a palm turns in the image, told from its keypoints alone."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from qa.measures.arrays import Floats

_THUMB_CMC, _INDEX_MCP, _LITTLE_MCP = 1, 5, 17


def near_end(points: Floats) -> Floats:
    """The palm's end that is nearer to the arm, (n, 2), of hands (n, 21, 2): the wrist, else the thumb's CMC.

    The CMC lies on the same side of the line of MCPs in every pose, since the palm is stiff. NaN where both
    are unlabelled.
    """
    wrist = points[:, kp.WRIST]
    return np.where(np.isnan(wrist), points[:, _THUMB_CMC], wrist)


def palm_turn(points: Floats) -> Floats:
    """Sine of the angle from the index to the little MCP, seen from the palm's near end; y points down.

    Positive for the back of a right hand and for a left palm, negative for the other two.

    Parameters
    ----------
    points: (n, 21, 2).

    Returns
    -------
    (n,); NaN where an MCP or the near end is unlabelled, or two of the three coincide.
    """
    anchor = near_end(points)
    return _sine(points[:, _INDEX_MCP] - anchor, points[:, _LITTLE_MCP] - anchor)


def _sine(a: Floats, b: Floats) -> Floats:
    length = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    sine: Floats = np.divide(cross, length, out=np.full(len(a), np.nan), where=length > 0)
    return sine
