"""The fields of a sample as JSON, for formats that store fields they have no place of their own for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from curate.data.sample import Sample


def fields(sample: Sample, names: Iterable[str]) -> dict[str, Any]:
    """The fields of these names that have a value, ready for JSON: NaN, also within an array, is None.

    float32 values have the fewest digits that give them back.
    """
    values = {name: getattr(sample, name) for name in names}
    return {name: _value(value) for name, value in values.items() if not (value is None or _is_empty(value))}


def _is_empty(value: Any) -> bool:
    return isinstance(value, dict) and not value  # attrs


def _value(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == np.float32:  # the shortest text of a float32, as a number
            value = value.astype(str).astype(np.float64)
        return _without_nan(value.tolist())
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _without_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
