"""How far labels lie from a network's predictions, and how far is usual."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.predictions import read_predictions
from qa.measures import robust
from qa.measures.arrays import Flags, Floats, Rows

SIDE = 96.0  # px: side of the crop that distances are given in, as in Arslanova et al. 2020
# A network confirms labels if it agrees within so many px of SIDE, on so many points.
_AGREED, _ENOUGH = 4.0, 12
_CHANGED = 0.01  # of the image's side: labels that differ by more have changed since the prediction
_FEW = 20  # residuals of a keypoint needed to say what is usual
_LEAST = 0.25  # px of SIDE: the smallest spread, as no network agrees with labels any better


@dataclass(frozen=True, slots=True)
class Residuals:
    """Labels against a network's predictions, one row per sample; NaN where either is unknown.

    Attributes
    ----------
    distance: (n, 21) pixels of a crop of 96. confidence: (n, 21) the network's score, 0 to 1.
    """

    distance: Floats
    confidence: Floats

    def excess(self) -> Floats:
        """Distances above their keypoint's median, (n, 21), in robust standard deviations; NaN where too few
        are known to say what is usual."""
        z = np.full(self.distance.shape, np.nan)
        many = np.isfinite(self.distance).sum(axis=0) >= _FEW
        if many.any():
            z[:, many] = robust.z_scores(self.distance[:, many], least=_LEAST)
        return z

    def part(self, rows: Rows | slice) -> Residuals:
        """The residuals of some samples."""
        return Residuals(self.distance[rows], self.confidence[rows])

    @property
    def confirmed(self) -> Flags:
        """(n,) whether the network puts every labelled point next to its label. What is merely rare in the
        source is then no error: geometry can only guess whether a label fits the picture."""
        known = np.isfinite(self.distance)
        agreed: Flags = (known.sum(axis=1) >= _ENOUGH) & ~(self.distance > _AGREED).any(axis=1)
        return agreed


def none(count: int) -> Residuals:
    """The residuals of samples without predictions; they take no memory."""
    nothing = np.broadcast_to(np.nan, (count, kp.COUNT))
    return Residuals(nothing, nothing)


def read_residuals(
    paths: Sequence[str | os.PathLike[str]], sample_ids: Sequence[str], points: Floats
) -> Residuals:
    """The residuals of samples in files of predictions; a later file replaces what earlier ones say.

    A sample whose labels have changed since is left out: those of the prediction are then not `points`
    scaled, rotated and shifted.

    Parameters
    ----------
    paths: predictions.parquet of `curate evaluate`, or of `curate qa` with a network.
    sample_ids: (n,). points: (n, 21, 2) their labels, in pixels of their own images.

    Raises
    ------
    SchemaError: a file that is no predictions.parquet.
    InputError: none of a file's samples is among `sample_ids`.
    """
    places = {name: row for row, name in enumerate(sample_ids)}
    found = Residuals(*np.full((2, len(sample_ids), kp.COUNT), np.nan))
    for path in paths:
        said = read_predictions(path)
        rows = np.array([places.get(name, -1) for name in said.sample_ids], np.intp)
        here = rows >= 0
        if not here.any():
            remedy = "give the training set that was evaluated"
            raise InputError(path, "predictions of none of these samples", remedy=remedy)
        here &= _same_labels(points[rows], said.truth.astype(np.float64), said.size * _CHANGED)
        distance = np.linalg.norm(said.predicted.astype(np.float64) - said.truth, axis=2) / said.size * SIDE
        for values, new in ((found.distance, distance), (found.confidence, said.score)):
            values[rows[here]] = np.where(np.isfinite(distance), new, np.nan)[here]
    return found


def _same_labels(now: Floats, then: Floats, allowed: float) -> Flags:
    """(n,) whether points (n, 21, 2), scaled, rotated and shifted, lie within `allowed` px of others."""
    known = np.isfinite(now).all(axis=2) & np.isfinite(then).all(axis=2)
    count = np.maximum(known.sum(axis=1), 1)[:, None]

    def centred(points: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
        plane = np.where(known, points[..., 0] + 1j * points[..., 1], 0)
        return np.where(known, plane - plane.sum(axis=1, keepdims=True) / count, 0)

    a, b = centred(now), centred(then)
    factor = (np.conj(a) * b).sum(axis=1) / np.maximum(np.square(np.abs(a)).sum(axis=1), 1e-12)
    off = np.abs(a * factor[:, None] - b).max(axis=1)
    same: Flags = off <= allowed
    return same
