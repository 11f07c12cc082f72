"""Earlier versions of the schema: how their rows are read as today's.

1    the depth map ("depth") and the keypoints' scores ("keypoint_scores") stood in attrs; there were no
     columns for recordings
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.basics import keypoints as kp
from curate.data.sample import SCHEMA, attrs_of, json_text

_LIFTED = ("depth", "keypoint_scores")  # from attrs into columns
_SINCE_2 = (*_LIFTED, "clip", "frame", "track")
SCHEMA_1 = pa.schema([entry for entry in SCHEMA if entry.name not in _SINCE_2])

# Columns that are read as they are.
KEPT = frozenset(SCHEMA_1.names) - {"attrs"}


def upgraded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of version 1 (SCHEMA_1) as today's (SCHEMA)."""
    told = {name: batch.column(name) for name in SCHEMA_1.names} | _lifted(batch.column("attrs"))
    columns = [
        told[entry.name] if entry.name in told else pa.nulls(batch.num_rows, entry.type) for entry in SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _lifted(attrs: pa.Array) -> dict[str, pa.Array]:
    """Columns of what stood in attrs, and attrs without these; nothing if no row has any."""
    candidates = pc.match_substring_regex(attrs, f'"(?:{"|".join(_LIFTED)})"').fill_null(False)
    if not pc.any(candidates).as_py():
        return {}
    texts = attrs.to_pylist()
    depths: list[str | None] = [None] * len(texts)
    scores: list[list[float | None] | None] = [None] * len(texts)
    for row in np.flatnonzero(candidates.to_numpy(zero_copy_only=False)):
        told = _table(texts[row])
        depth, found = told.get("depth"), _scores(told.get("keypoint_scores"))
        if isinstance(depth, str) and depth:
            depths[row] = told.pop("depth")
        if found is not None:
            scores[row] = found
            del told["keypoint_scores"]
        if depths[row] is not None or found is not None:
            texts[row] = json_text(told)
    values = {"attrs": texts, "depth": depths, "keypoint_scores": scores}
    return {name: pa.array(value, SCHEMA.field(name).type) for name, value in values.items()}


def _table(text: str) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        found = attrs_of(text)
        return found if isinstance(found, dict) else {}
    return {}


def _scores(value: Any) -> list[float | None] | None:
    """The scores of the keypoints, None for one without; None if the value is something else."""
    if not isinstance(value, list) or len(value) != kp.COUNT:
        return None
    if not all(score is None or isinstance(score, float) for score in value):
        return None
    return [None if score is None or math.isnan(score) else score for score in value]
