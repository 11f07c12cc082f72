"""What the scores of a run mean: a temperature, fitted on the validation split, that brings them to the share
of points that are right. run.json keeps it, and whoever opens the run is given such scores.

    "confidence": {"temperature", "split", "points": how many, "within_px": how near is right}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from curate.networks import inference
from curate.networks.network import Network
from curate.scoring import calibration, metrics
from curate.training.examples import Examples

CONFIDENCE, TEMPERATURE = "confidence", "temperature"
_BATCH = 256


def fit_confidence(network: Network, examples: Examples, split: str) -> dict[str, Any] | None:
    """What run.json says under "confidence".

    Returns
    -------
    None where it cannot be known: no point was predicted, or all of them are right, or none.
    """
    scores, right = [], []
    limit = metrics.right_within(network.spec.size)
    for first in range(0, len(examples), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(examples)))
        found = inference.predict(network, examples.pixels(rows), examples.left[rows])
        truth, visibility = examples.all_keypoints(rows)
        gaps = metrics.distances(found.points, truth, visibility > 0)
        known = np.isfinite(gaps)
        scores.append(found.scores[known])
        right.append(gaps[known] <= limit)
    every = np.concatenate(scores) if scores else np.empty(0)
    temperature = calibration.fit_temperature(every, np.concatenate(right) if right else np.empty(0, bool))
    if temperature is None:
        return None
    return {TEMPERATURE: round(temperature, 4), "split": split, "points": len(every), "within_px": limit}


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
