"""Whether rows of a samples.parquet hold what the schema says: a stranger's, or damaged ones, may not.

What the schema can hold but no hand has, such as a picture of no width, is left to QA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.basics import json_text
from curate.basics import keypoints as kp
from curate.basics.errors import SchemaError
from curate.data.sample import ASPECTS, SIDES, WHOLE, to_numpy
from curate.data.split import SPLITS

_SCALARS = {"tilt": "degrees", "rotation": "degrees", "score": "a finite number"}
_WORDS = {"side": SIDES, "aspect": ASPECTS, "split": SPLITS}
_MEASURES = ("keypoints", "xyz", "keypoint_scores")  # each number known or not

# A field, the rows that are wrong in it, what is said of one, and what is allowed.
_Fault = tuple[str, NDArray[np.bool_], Callable[[int], str], str]


def check(batch: pa.RecordBatch | pa.Table, where: Path, *, remedy: str = "make the dataset again") -> None:
    """Hold the columns that are there against the schema, those of other tables against their own.

    Raises
    ------
    SchemaError: a value that no dataset holds; names the field, the value and the first sample that has it.
    """
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        raise SchemaError(where, f"damaged ({error})", remedy=remedy) from None
    there = batch.schema.names
    for field, wrong, found, allowed in _faults(batch, there):
        rows = np.flatnonzero(wrong)
        if len(rows):
            row = int(rows[0])
            sample = repr(batch.column("sample_id")[row].as_py())[:80] if "sample_id" in there else row
            told = f"{found(row)} (sample {sample})"
            raise SchemaError(where, told, field=field, allowed=allowed, remedy=remedy)


def _faults(batch: pa.RecordBatch | pa.Table, there: Sequence[str]) -> Iterator[_Fault]:
    def value(name: str) -> Callable[[int], str]:
        return lambda row: repr(batch.column(name)[row].as_py())[:60]

    for entry in batch.schema:
        if not entry.nullable:
            yield entry.name, _flags(pc.is_null(batch.column(entry.name))), lambda _: "null", "a value"
    if "sample_id" in there:
        nameless = pc.equal(batch.column("sample_id"), "")
        yield "sample_id", _flags(nameless), value("sample_id"), "a name that is not empty"
    for name in WHOLE:
        if name in there:
            values = to_numpy(batch, name)
            finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
            given = _flags(pc.is_valid(batch.column(name)))
            yield name, given & ~finite, lambda _: "a number that is missing or not finite", "finite numbers"
    if "bbox" in there:
        inverted = (to_numpy(batch, "bbox")[:, 2:] < 0).any(axis=1)
        yield "bbox", np.asarray(inverted), value("bbox"), "x, y, and a width and height of 0 or more"
    for name, words in _WORDS.items():
        if name in there:
            column = batch.column(name)
            odd = pc.invert(pc.is_in(column, pa.array([None, *words])))
            yield name, _flags(odd), value(name), f"{', '.join(words)}, or null"
    for name, what in _SCALARS.items():
        # Predictions have a score for each point instead.
        if name in there and pa.types.is_floating(batch.schema.field(name).type):
            endless = _flags(pc.is_inf(batch.column(name)))
            yield name, endless, lambda _: "an infinite number", f"{what}, or null"
    for name in _MEASURES:
        if name in there:
            values = to_numpy(batch, name)
            endless = np.asarray(np.isinf(values).any(axis=tuple(range(1, values.ndim))))
            yield name, endless, lambda _: "an infinite number", "finite numbers, or null"
    if "keypoints" in there and "visibility" in there:
        points, seen = to_numpy(batch, "keypoints"), to_numpy(batch, "visibility")
        odd = np.asarray(~np.isin(seen, (0, 1, 2)).all(axis=1))
        yield "visibility", odd, value("visibility"), "0, 1 or 2"
        lost = ~np.isfinite(points).all(axis=2) & (seen != kp.UNLABELLED)
        what = "a labelled point without finite coordinates"
        yield "keypoints", np.asarray(lost.any(axis=1)), lambda _: what, "pixels"
    if "attrs" in there:
        column = batch.column("attrs")
        texts = [text for text in column.unique().to_pylist() if text and not _is_object(text)]
        wrong = _flags(pc.is_in(column, pa.array(texts, pa.string())))
        yield "attrs", wrong, value("attrs"), "a JSON object"


def _flags(column: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.array(pc.fill_null(column, False), np.bool_)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json_text.parse(text), dict)
    except ValueError:
        return False
