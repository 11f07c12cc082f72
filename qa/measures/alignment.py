"""Hands laid onto each other, whatever their side, place, size and rotation (Procrustes)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.hands.shape import palm_turn
from qa.measures.arrays import Flags, Floats, blocks

Complex = NDArray[np.complex128]  # points and rotations of the image plane, x + iy
_ROUNDS = 4  # of the alignment; it moves by less than 1 % after three


@dataclass(frozen=True, slots=True)
class Aligned:
    """Hands laid onto their median hand.

    Attributes
    ----------
    shape: (n, 21, 2) their points in its frame; zero where unknown.
    seen: (n, 21) which points are known.
    factor: (n,) the rotation and scale applied to each, as a complex number. model: (21,) the median hand.
    """

    shape: Floats
    seen: Flags
    factor: Complex
    model: Complex


def align(points: Floats) -> Aligned:
    """Mirror hands (n, 21, 2) so that all palms turn one way (`palm_turn`), then move, rotate and scale each
    onto the median of all: generalised Procrustes analysis (Gower 1975, Psychometrika 40:33-51), with medians
    for means."""
    hand, seen = _centred(points)
    count = np.maximum(seen.sum(axis=1), 1)
    some = np.flatnonzero(seen.any(axis=0))
    model = hand[seen.sum(axis=1).argmax()]
    factor, middle = np.ones(len(hand), complex), np.zeros(len(hand), complex)
    for _ in range(_ROUNDS):
        for rows in blocks(len(hand)):
            own, known = hand[rows], seen[rows]
            middle[rows] = (known * model).sum(axis=1) / count[rows]
            target = np.where(known, model - middle[rows, None], 0)
            energy = np.maximum(np.square(np.abs(own)).sum(axis=1), 1e-12)
            factor[rows] = (np.conj(own) * target).sum(axis=1) / energy
        model = np.zeros(kp.COUNT, complex)
        for k in some.tolist():
            placed = (hand[:, k] * factor + middle)[seen[:, k]]
            model[k] = np.median(placed.real) + 1j * np.median(placed.imag)
        model -= model[some].mean()
        model /= max(float(np.sqrt(np.square(np.abs(model)).mean())), 1e-12)
    hand *= factor[:, None]
    hand += middle[:, None]
    return Aligned(hand.view(np.float64).reshape(len(hand), kp.COUNT, 2), seen, factor, model)


def _centred(points: Floats) -> tuple[Complex, Flags]:
    """Hands as complex numbers about their mean, mirrored to one side, 0 where unknown; and which points are
    known."""
    hand = points[..., 0] + 1j * points[..., 1]
    other = palm_turn(points) < 0
    hand[other] = -np.conj(hand[other])
    seen = np.isfinite(hand)
    hand[~seen] = 0
    hand -= (hand.sum(axis=1) / np.maximum(seen.sum(axis=1), 1))[:, None]
    hand[~seen] = 0
    return hand, seen
