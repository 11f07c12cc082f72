"""Whether rows of a samples.parquet hold what the schema says: a stranger's, or damaged ones, may not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.basics import keypoints as kp
from curate.basics.errors import SchemaError
from curate.data.sample import to_numpy

_WORDS = {"side": ("left", "right"), "aspect": ("dorsal", "palmar")}
_WHOLE_ROWS = ("bbox", "K", "transform")  # known as a whole or not at all
_REMEDY = "make the dataset again"


def check(batch: pa.RecordBatch | pa.Table, where: Path) -> None:
    """Hold the columns that are there against the schema.

    Raises
    ------
    SchemaError: a value that no dataset holds; names the field, the value and the first sample that has it.
    """
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        raise SchemaError(where, f"damaged ({error})", remedy=_REMEDY) from None
    there = set(batch.schema.names)

    def refuse(field: str, row: int, found: object, allowed: str) -> None:
        sample = batch.column("sample_id")[row].as_py() if "sample_id" in there else f"row {row}"
        raise SchemaError(where, f"{found} (of {sample!r})", field=field, allowed=allowed, remedy=_REMEDY)

    for entry in batch.schema:
        if not entry.nullable and batch.column(entry.name).null_count:
            row = int(np.flatnonzero(_flags(pc.is_null(batch.column(entry.name))))[0])
            refuse(entry.name, row, "null", "a value")
    for name, words in _WORDS.items():
        if name in there:
            column = batch.column(name)
            odd = pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, pa.array(words, pa.string()))))
            for row in np.flatnonzero(_flags(odd))[:1].tolist():
                refuse(name, row, repr(column[row].as_py())[:60], " or ".join(words))
    for name in ("width", "height"):
        if name in there:
            odd = pc.less(batch.column(name), 1)
            for row in np.flatnonzero(_flags(odd))[:1].tolist():
                refuse(name, row, batch.column(name)[row].as_py(), "1 or more pixels")
    for name in _WHOLE_ROWS:
        if name in there and batch.column(name).null_count < batch.num_rows:
            values = to_numpy(batch, name).reshape(batch.num_rows, -1)
            wrong = _flags(pc.is_valid(batch.column(name))) & ~np.isfinite(values).all(axis=1)
            for row in np.flatnonzero(wrong)[:1].tolist():
                refuse(name, row, "a number that is missing or not finite", "finite numbers, or null")
    if {"keypoints", "visibility"} <= there and batch.num_rows:
        seen = to_numpy(batch, "visibility")
        for row in np.flatnonzero(~np.isin(seen, (0, 1, 2)).all(axis=1))[:1].tolist():
            refuse("visibility", row, sorted(set(seen[row].tolist()) - {0, 1, 2})[0], "0, 1 or 2")
        lost = ~np.isfinite(to_numpy(batch, "keypoints")).all(axis=2) & (seen != kp.UNLABELLED)
        for row in np.flatnonzero(lost.any(axis=1))[:1].tolist():
            refuse("keypoints", row, "a labelled point without finite coordinates", "pixels")
    if "attrs" in there:
        column = batch.column("attrs")
        for text in column.unique().to_pylist():
            if text and not _is_object(text):
                row = int(np.flatnonzero(_flags(pc.equal(column, text)))[0])
                refuse("attrs", row, repr(text)[:60], "a JSON object")


def _flags(column: pa.Array | pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    flags: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.asarray(
        pc.fill_null(column, False).to_numpy(zero_copy_only=False)
        if isinstance(column, pa.Array)
        else pc.fill_null(column, False).to_numpy(),
        np.bool_,
    )
    return flags


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
