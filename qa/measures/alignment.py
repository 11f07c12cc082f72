"""Hands laid onto each other, whatever their side, place, size and turn (Procrustes)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.hands.shape import palm_turn
from qa.measures.arrays import Flags, Floats

Complex = NDArray[np.complex128]  # places and turns of the image plane, x + iy
_ROUNDS = 4  # of the alignment; it moves by less than 1 % after three


@dataclass(frozen=True, slots=True)
class Aligned:
    """Hands laid onto their median hand.

    Attributes
    ----------
    shape: (n, 21, 2) where their points come to lie, zero where unknown. seen: (n, 21) which are known.
    factor: (n,) the turn and scale that each was given, as a complex number. model: (21,) the median hand.
    """

    shape: Floats
    seen: Flags
    factor: Complex
    model: Complex


def align(points: Floats) -> Aligned:
    """Turn hands (n, 21, 2) to one side; then move, turn and scale each onto the median of all."""
    plane = points[..., 0] + 1j * points[..., 1]
    plane = np.where(palm_turn(points)[:, None] < 0, -np.conj(plane), plane)
    seen = np.isfinite(plane)
    count = np.maximum(seen.sum(axis=1), 1)
    hand = np.where(seen, plane, 0)
    hand = np.where(seen, hand - (hand.sum(axis=1) / count)[:, None], 0)
    energy = np.maximum(np.square(np.abs(hand)).sum(axis=1), 1e-12)
    model = hand[seen.sum(axis=1).argmax()]
    placed, factor = hand, np.ones(len(hand), complex)
    for _ in range(_ROUNDS):
        middle = (seen * model).sum(axis=1) / count
        target = np.where(seen, model - middle[:, None], 0)
        factor = (np.conj(hand) * target).sum(axis=1) / energy
        placed = hand * factor[:, None] + middle[:, None]
        known = np.where(seen, placed, np.nan)
        some = seen.any(axis=0)
        model = np.zeros(kp.COUNT, complex)
        model[some] = np.nanmedian(known.real[:, some], axis=0) + 1j * np.nanmedian(
            known.imag[:, some], axis=0
        )
        model -= model[some].mean()
        model /= max(float(np.sqrt(np.square(np.abs(model)).mean())), 1e-12)
    return Aligned(np.stack([placed.real, placed.imag], axis=-1), seen, factor, model)
