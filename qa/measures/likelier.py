"""Whether a hand would be more probable with other points, or as seen from its other side.

Simple measures find hands that look wrong: fingers that seem to run backward, a palm that seems to turn the
other way. They hold for open hands, but a fist, or a hand seen from its edge, can look so as well. What they
suspect is therefore put to a model of a hand that bends and turns (`curate.hands.orientation`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curate.hands.orientation import orientations
from qa.measures.arrays import Flags, Floats, Names, Rows

_MANY = 1000  # of more suspects, if they are most of the hands, no more than the rule need be asked


def confirmed(suspected: Flags, judge: Callable[[Rows], Flags]) -> Flags:
    """Those of the suspected samples (n,) that `judge` confirms, given their rows.

    Where most of many are suspected, it is not their pose: all of them count, unasked, since to fit a hand
    takes milliseconds.
    """
    rows = np.flatnonzero(suspected)
    if len(rows) > max(_MANY, len(suspected) // 2):
        return suspected
    found = np.zeros(len(suspected), bool)
    if len(rows):
        found[rows] = judge(rows)
    return found


def likelier(points: Floats, otherwise: Floats, sides: Names, gain: float = 0.0) -> Flags:
    """Whether hands are more probable with other points than with those that they have, (n,).

    False where too few points are known.

    Parameters
    ----------
    points, otherwise: (n, 21, 2) pixels, y down; NaN where unknown. sides: (n,) "left", "right" or None.
    gain: by how much twice the logarithm of the probability must be larger.
    """
    told = sides.tolist()
    better: Flags = orientations(otherwise, told).cost + gain < orientations(points, told).cost
    return better


def other_face(points: Floats, sides: Names, aspects: Names, least: float) -> Flags:
    """Whether hands of these sides show the other face than they are said to, (n,).

    Parameters
    ----------
    points: (n, 21, 2) pixels, y down; NaN where unknown. sides, aspects: (n,), all known.
    least: cosine of the angle between the line of sight and the palm's normal, below which a hand is seen
        from its edge and no face is told.
    """
    seen = orientations(points, sides.tolist())
    facing = np.cos(np.radians(seen.tilt)) * np.cos(np.radians(seen.roll))
    other = np.array([face not in (None, told) for face, told in zip(seen.aspect, aspects, strict=True)])
    found: Flags = other & (facing > least)
    return found
