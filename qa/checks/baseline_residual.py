"""A trained network's predictions against the labels: where they are far apart, one of the two is wrong."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.predictions import read_predictions
from qa.checks.check import Check, Limits, Outcome, sample_outcome
from qa.measures.arrays import Floats
from qa.view import View

_SIDE = 96.0  # px: the crop that distances are told for, as in Arslanova et al. 2020


def predicted_points(paths: Sequence[str | os.PathLike[str]], sample_ids: Sequence[str]) -> Floats:
    """What `curate evaluate` predicted, (n, 21, 2) pixels of the training set; NaN for other samples.

    Raises
    ------
    SchemaError: a file that is no predictions.parquet.
    InputError: none of a file's samples is among `sample_ids`.
    """
    places = {name: row for row, name in enumerate(sample_ids)}
    found = np.full((len(sample_ids), kp.COUNT, 2), np.nan)
    for path in paths:
        predicted = read_predictions(path)
        rows = np.array([places.get(name, -1) for name in predicted.sample_ids], np.intp)
        if not (rows >= 0).any():
            remedy = "give the training set that was evaluated"
            raise InputError(path, "predictions of none of these samples", remedy=remedy)
        found[rows[rows >= 0]] = predicted.predicted[rows >= 0]
    return found


def baseline_residual(view: View, limits: Limits) -> Outcome:
    """Samples that a network predicts otherwise: a point by more than `pixels` (of 96), and on average by
    more than the set's `quantile`.

    A network repeats the errors of the samples it was trained on: predictions of a test split tell more.
    """
    off = np.linalg.norm(view.predicted - view.points, axis=2) / view.frame.max(axis=1)[:, None] * _SIDE
    known = np.isfinite(off)
    judged = known.any(axis=1)
    worst = np.where(known, off, -1.0).max(axis=1)
    mean = np.where(known, off, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    many = judged.sum() >= limits["samples"]
    usual = np.quantile(mean[judged], limits["quantile"]) if many else np.inf

    def words(i: int) -> dict[str, object]:
        return {"keypoint": kp.NAMES[int(np.where(known[i], off[i], -1).argmax())], "mean": mean[i]}

    wrong = judged & (worst > limits["pixels"]) & (mean >= usual)
    return sample_outcome(judged, wrong, worst, limits["pixels"], words)


CHECKS: tuple[Check, ...] = (
    Check(
        "baseline-residual",
        "A trained network finds the labels",
        "info",
        "sample",
        baseline_residual,
        "The network puts {keypoint} {score:.0f} px (of 96) from its label, all points {mean:.1f} px off "
        "on average.",
        "Look at the picture: either the label is wrong or the hand is hard.",
        {"pixels": 9.0, "quantile": 0.99, "samples": 20},
    ),
)
