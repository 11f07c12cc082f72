"""What the scores of a run mean: a temperature, fitted on the validation split, that brings them to the share
of points that are right. run.json keeps it, and whoever opens the run is given such scores.

    "confidence": {"temperature", "split", "points": how many, "within_px": how near is right,
                   "score_error": by how much such scores are off there, see `calibration.calibration_error`,
                   "threshold": from which score on hands are to be trusted, see `precision.Threshold`}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.networks import inference
from curate.networks.network import Network
from curate.scoring import calibration, metrics
from curate.scoring.precision import Threshold, threshold_for
from curate.training.examples import Examples

CONFIDENCE, TEMPERATURE, THRESHOLD = "confidence", "temperature", "threshold"
SCORE_ERROR = "score_error"
_BATCH = 256


def fit_confidence(network: Network, examples: Examples, split: str) -> dict[str, Any] | None:
    """What run.json says under "confidence".

    Returns
    -------
    None where it cannot be known: no point was predicted, or all of them are right, or none.
    """
    scores: list[NDArray[np.floating]] = [np.empty((0, kp.COUNT), np.float32)]
    gaps: list[NDArray[np.floating]] = [np.empty((0, kp.COUNT))]
    limit = metrics.right_within(network.spec.size)
    for first in range(0, len(examples), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(examples)))
        found = inference.predict(network, examples.pixels(rows), examples.left[rows])
        truth, visibility = examples.all_keypoints(rows)
        scores.append(found.scores)
        gaps.append(metrics.distances(found.points, truth, visibility > 0))
    every, far = np.concatenate(scores), np.concatenate(gaps)
    known, right = np.isfinite(far), far <= limit
    temperature = calibration.fit_temperature(every[known], right[known])
    if temperature is None:
        return None
    temperature = round(temperature, 4)
    meant = calibration.tempered(every, temperature)
    threshold = _threshold(meant, known, right)
    return {
        TEMPERATURE: temperature,
        "split": split,
        "points": int(known.sum()),
        "within_px": limit,
        SCORE_ERROR: round(calibration.calibration_error(meant[known], right[known]), 4),
        THRESHOLD: None if threshold is None else asdict(threshold),
    }


def _threshold(
    scores: NDArray[np.floating], known: NDArray[np.bool_], right: NDArray[np.bool_]
) -> Threshold | None:
    """By the mean score of the points that were found, as a hand's is."""
    found = scores > 0
    there = found.any(axis=1)
    mean = scores[there].sum(axis=1) / found[there].sum(axis=1)
    return threshold_for(mean, right[there].sum(axis=1), known[there].sum(axis=1))


def temperature_of(info: Mapping[str, Any]) -> float:
    """The temperature that a run.json tells; 1, which changes nothing, where it tells none.

    Raises
    ------
    ValueError: what it tells is none.
    """
    told = info.get(CONFIDENCE)
    value = 1.0 if told is None else told[TEMPERATURE] if isinstance(told, dict) else None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or value <= 0
    ):
        raise ValueError(f"a temperature of {value!r}")
    return float(value)


def threshold_of(info: Mapping[str, Any]) -> Threshold | None:
    """The threshold that a run.json tells; None where it tells none.

    Raises
    ------
    ValueError: what it tells is none.
    """
    told = (info.get(CONFIDENCE) or {}).get(THRESHOLD)
    return None if told is None else msgspec.convert(told, Threshold)


def score_error_of(info: Mapping[str, Any]) -> float | None:
    """How far off a run.json tells its scores to be on the split that they were fitted to; None where it does
    not."""
    told = info.get(CONFIDENCE)
    value = told.get(SCORE_ERROR) if isinstance(told, dict) else None
    return value if isinstance(value, float) else None
