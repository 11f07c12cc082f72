"""How far the joints of fingers and thumb go. numpy only.

Limits are those of the American Academy of Orthopaedic Surgeons (joint motion, 1965) as far as a person
reaches unaided.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.hands.kinematics import DEVIATION, FLEXION, TWIST

Floats = NDArray[np.float64]

# Degrees: rows first, second, third joint; thumb and fingers.
FLEXION_LIMITS = {
    "thumb": np.array([[-10.0, 45.0], [-10.0, 55.0], [-40.0, 80.0]]),
    "finger": np.array([[-25.0, 90.0], [-5.0, 105.0], [-8.0, 80.0]]),
}
_THUMB_REACH = (8.0, 62.0)
# A thumb that is opposed turns its pulp towards the fingers: that is below 0.
_THUMB_TWIST = (-45.0, 25.0)
_FINGER_SWAY = 22.0

# Fingers closed and apart: degrees towards the thumb from straight on, index to little.
CLOSED = np.array([-5.0, 0.0, 2.0, 5.0])
APART = np.array([10.0, 2.0, -10.0, -26.0])


def limited(angles: Floats) -> Floats:
    """Joint angles (5, 3, 3), degrees, brought within the limits, in place."""
    low_high = np.stack([FLEXION_LIMITS["thumb"], *[FLEXION_LIMITS["finger"]] * 4])
    angles[..., FLEXION] = np.clip(angles[..., FLEXION], low_high[..., 0], low_high[..., 1])
    angles[0, 0, DEVIATION] = np.clip(angles[0, 0, DEVIATION], *_THUMB_REACH)
    angles[0, 0, TWIST] = np.clip(angles[0, 0, TWIST], *_THUMB_TWIST)
    # Bent fingers cannot be spread: their side ligaments are taut.
    room = _FINGER_SWAY * np.clip(1 - angles[1:, 0, FLEXION] / 90, 0.15, 1)
    middle = (CLOSED + APART) / 2
    angles[1:, 0, DEVIATION] = np.clip(angles[1:, 0, DEVIATION], middle - room, middle + room)
    return angles
