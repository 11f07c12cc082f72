"""How fingers are held: poses drawn within the joints' limits, from a flat hand to gestures.

The last finger joint follows the middle one, about two thirds of it (Rijpkema and Girard, SIGGRAPH 1991). A
pose in which flesh passes through flesh is drawn again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.hands.kinematics import DEVIATION, FLEXION, TWIST
from render.hand import contact, signs
from render.hand.contact import Ways
from render.hand.limits import APART, CLOSED, limited
from render.hand.model import HandModel

Floats = NDArray[np.float64]

_TRIES = 40
WRIST = 8.5
_WRIST_BENT, _WRIST_TURNED = (-60.0, 60.0), (-28.0, 20.0)  # degrees
ORDINARY = Ways()
# How far flesh may be pressed together before it counts as passing through itself.
_PRESSED = 0.78


def sample_pose(
    kind: str, model: HandModel, rng: np.random.Generator, ways: Ways = ORDINARY, wrist: float = WRIST
) -> tuple[Floats, Floats]:
    """Joint angles (5, 3, 3) and those of the wrist (2,), radians, as `kinematics.bone_matrices` takes them.

    Parameters
    ----------
    kind: one of `render.job.POSES`. ways: how thumb and neighbours lie.
    wrist: how far it is bent and turned to a side: standard deviation, degrees.

    Notes
    -----
    A pose in which flesh passes through flesh is drawn again; after 40 tries the fingers are spread.
    """
    for attempt in range(_TRIES + 1):
        angles = _DRAWN[kind](rng) if kind in _DRAWN else _sign(kind, model, rng)
        angles = contact.applied(ways, angles, model, rng)
        if attempt == _TRIES:
            angles[1:, 0, DEVIATION] = APART
            angles[0, 0, DEVIATION] = 50
        angles = np.radians(limited(angles))
        if attempt == _TRIES or not penetrates(model, angles):
            break
    bent, turned = wrist * rng.normal(size=2)
    return angles, np.radians([np.clip(bent, *_WRIST_BENT), np.clip(turned, *_WRIST_TURNED)])


def penetrates(model: HandModel, angles: Floats) -> bool:
    """Whether flesh of one finger lies within that of another, or of the palm (`contact.balls`).

    angles: (5, 3, 3), radians. A finger's first bone grows out of the palm, and may overlap it.
    """
    points, size, who = contact.balls(model, angles)
    gap = np.linalg.norm(points[:, None] - points[None], axis=2)
    touching = gap < _PRESSED * (size[:, None] + size[None])
    return bool((touching & (who[:, None] != who[None]) & ~_grown_together(who)).any())


def _grown_together(who: NDArray[np.int_]) -> NDArray[np.bool_]:
    """(N, N) pairs of balls that may overlap: the palm's with those of each finger's first bone."""
    first = np.zeros(len(who), bool)
    for finger in range(5):
        first[np.flatnonzero(who == finger)[:5]] = True
    is_palm = who == contact.PALM
    together: NDArray[np.bool_] = (first[:, None] & is_palm[None]) | (is_palm[:, None] & first[None])
    return together


def _spread(angles: Floats, rng: np.random.Generator, share: float) -> None:
    angles[1:, 0, DEVIATION] = CLOSED + share * (APART - CLOSED) + rng.normal(0, 1.8, 4)


def _flat(rng: np.random.Generator) -> Floats:
    """A hand laid or held flat, as in 11k Hands: fingers together or apart, thumb in or out."""
    angles = np.zeros((5, 3, 3))
    common = rng.normal(1, 6)
    angles[1:, 0, FLEXION] = common + rng.normal(0, 3, 4)
    angles[1:, 1, FLEXION] = np.abs(rng.normal(4, 6) + rng.normal(0, 3, 4))
    angles[1:, 2, FLEXION] = 0.6 * angles[1:, 1, FLEXION] + rng.normal(0, 3, 4)
    _spread(
        angles, rng, float(np.clip(rng.choice([0, 0, 0.1, 0.45, 0.95]) + rng.normal(0, 0.12), -0.05, 1.1))
    )
    # All fingers lean to one side where the hand is not laid straight.
    angles[1:, 0, DEVIATION] += rng.normal(0, 3)
    out = rng.beta(0.9, 0.9)
    angles[0, 0] = [rng.normal(6, 6), 23 + 29 * out + rng.normal(0, 5), rng.normal(0, 8)]
    # Some thumbs bend far backwards.
    angles[0, 1:, FLEXION] = [rng.normal(20, 12), rng.normal(-13, 17)]
    # Fingers are not straight: those beside the middle one lean towards it.
    angles[1:, 1:, DEVIATION] = np.array([-2.0, -0.7, 0.9, 1.0])[:, None] + rng.normal(0, 0.6, (4, 2))
    return angles


def _relaxed(rng: np.random.Generator) -> Floats:
    angles = _flat(rng)
    curl = rng.uniform(0.1, 1)
    rising = curl * (0.75 + 0.15 * np.arange(4)) + rng.normal(0, 0.08, 4)
    angles[1:, 0, FLEXION] = 40 * rising + rng.normal(0, 5, 4)
    angles[1:, 1, FLEXION] = 55 * rising + rng.normal(0, 6, 4)
    angles[1:, 2, FLEXION] = 0.62 * angles[1:, 1, FLEXION] + rng.normal(0, 4, 4)
    angles[0, :, FLEXION] = [rng.uniform(5, 40), rng.uniform(0, 30), rng.uniform(-5, 40)]
    angles[0, 0, TWIST] = rng.uniform(-25, 10)
    return angles


def _gesture(rng: np.random.Generator) -> Floats:
    """Each finger straight, bent or closed by itself, as in counting, pointing, holding, a fist."""
    angles = _flat(rng)
    state = rng.choice([0.0, 0.45, 1.0], size=4, p=[0.45, 0.2, 0.35])
    if rng.random() < 0.35:
        state[:] = state[0]
    state = np.clip(state + rng.normal(0, 0.07, 4), 0, 1)
    angles[1:, 0, FLEXION] += 75 * state
    angles[1:, 1, FLEXION] += 95 * state
    angles[1:, 2, FLEXION] = 0.62 * angles[1:, 1, FLEXION] + rng.normal(0, 5, 4)
    angles[0, :, FLEXION] = [rng.uniform(-5, 45), rng.uniform(0, 45), rng.uniform(-10, 60)]
    angles[0, 0, DEVIATION] = rng.uniform(12, 58)
    angles[0, 0, TWIST] = rng.uniform(-35, 10)
    return angles


def _sign(name: str, model: HandModel, rng: np.random.Generator) -> Floats:
    angles = _flat(rng)
    _spread(angles, rng, signs.SIGNS[name].apart + rng.normal(0, 0.1))
    return signs.held(name, angles, model, rng)


_DRAWN = {"flat": _flat, "relaxed": _relaxed, "gesture": _gesture}
