"""Predictions that other tools made for the images of a training set.

A Parquet file with the columns `sample_id`, `predicted` (21 x, y, or 42 numbers) and perhaps `score` (21
numbers); the predictions.parquet of `curate evaluate` is one. Or COCO's results: a JSON list of objects with
`keypoints` (x, y, score of 21 points), `score`, and as `image_id` the sample's id. Keypoints are in our order
and in pixels of the training set's images.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.paths import open_file, read_file
from curate.basics.wording import counted

_MOST = 1 << 30  # bytes of a JSON file
_LARGEST = 1e6  # px
_FORMS = "Parquet, or COCO results as .json"


class Given(NamedTuple):
    """Predictions for N images.

    Attributes
    ----------
    points: (N, 21, 2) float32, pixels, NaN where there is none. scores: (N, 21) float32, 0 to 1.
    unmatched: how many rows of the file belong to none of these images. outdone: how many rows gave way to
        another one of the same image.
    beyond: how many of the scores that are used lay outside 0 to 1, and were clipped.
    unscored: how many rows, where an image has several, have no number as score; they count as 0.
    totals: (N,) the scores of whole hands in COCO's results, NaN where there is none; None for other files.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    unmatched: int
    outdone: int
    beyond: int
    unscored: int
    totals: NDArray[np.float64] | None = None


def read_given(path: str | os.PathLike[str], sample_ids: Sequence[str]) -> Given:
    """The predictions in a file for some samples. Samples without a row have none; other rows are counted.

    Of several rows for one sample, the one with the highest score is used, and of equal scores the last.

    Raises
    ------
    InputError: no such file, one of another form, none of these samples in it, or coordinates that are not
        pixels.
    """
    rows = {name: row for row, name in enumerate(sample_ids)}
    made = np.full((len(rows), kp.COUNT, 2), np.nan, np.float32)
    sure = np.zeros((len(rows), kp.COUNT), np.float32)
    unmatched = outdone = 0
    beyond, told, unscored = (np.zeros(len(rows), np.intp) for _ in range(3))
    best, totals = np.full(len(rows), -np.inf), np.full(len(rows), np.nan)
    of_coco = Path(path).suffix.lower() != ".parquet"
    read = _coco_results if of_coco else _parquet
    for name, points, scores, total in read(path):
        row = rows.get(name)
        if row is None:
            unmatched += 1
            continue
        outdone += bool(told[row])
        told[row] += 1
        unscored[row] += total is None
        least = 0.0 if total is None else total
        if least >= best[row]:
            best[row], made[row] = least, points
            totals[row] = np.nan if total is None else total
            there = np.isfinite(points).all(-1)
            sure[row] = np.where(there, scores.clip(0, 1), 0)
            beyond[row] = (there & (scores != scores.clip(0, 1))).sum()
    if not told.any():
        _refuse(path, "no prediction for a sample of this split", "sample ids as in the training set")
    if np.isfinite(made).any() and np.nanmax(np.abs(made)) <= 1:
        _refuse(path, "coordinates within -1 to 1", "pixels of the training set's images", "keypoints")
    counts = unmatched, outdone, int(beyond.sum()), int(unscored[told > 1].sum())
    return Given(made, sure, *counts, totals if of_coco else None)


_Row = tuple[str, NDArray[np.float32], NDArray[np.float32], float | None]


def _parquet(path: str | os.PathLike[str]) -> Iterator[_Row]:
    try:
        with open_file(path) as file:  # Arrow opens no name that is not UTF-8
            table = pq.read_table(file)
        there = [name for name in ("sample_id", "predicted", "score") if name in table.column_names]
        rows = table.select(there).to_pylist()
    except (OSError, pa.ArrowException) as error:
        _refuse_unread(path, error)
    if there[:2] != ["sample_id", "predicted"]:
        _refuse(path, "other columns", "sample_id, predicted and perhaps score")
    for number, row in enumerate(rows):
        points = _numbers(path, f"row {number}: predicted", row["predicted"], 2 * kp.COUNT)
        told = row.get("score")
        scores = np.ones(kp.COUNT) if told is None else _numbers(path, f"row {number}: score", told, kp.COUNT)
        yield _row(str(row["sample_id"]), points.reshape(-1, 2), scores, float(np.nan_to_num(scores).mean()))


def _coco_results(path: str | os.PathLike[str]) -> Iterator[_Row]:
    try:
        found = json.loads(read_file(path, _MOST))
    except (OSError, ValueError, RecursionError) as error:
        _refuse_unread(path, error)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        _refuse(path, "not a list of objects", "COCO results, or Parquet")
    for number, entry in enumerate(found):
        where = f"result {number}: keypoints"
        triples = _numbers(path, where, entry.get("keypoints"), 3 * kp.COUNT).reshape(-1, 3)
        total = _number(entry.get("score"))
        points = np.where(triples[:, 2:] > 0, triples[:, :2], np.nan)
        yield _row(str(entry.get("image_id")), points, triples[:, 2], total)


def _row(name: str, points: NDArray[np.float64], scores: NDArray[np.float64], total: float | None) -> _Row:
    near = np.where(np.abs(points) <= _LARGEST, points, np.nan)
    return name, near.astype(np.float32), np.nan_to_num(scores).astype(np.float32), total


def _number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    try:
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    except OverflowError:
        return None


def _numbers(path: str | os.PathLike[str], where: str, value: Any, count: int) -> NDArray[np.float64]:
    """The `count` numbers in a list that may be nested, as (count,); null is NaN."""
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.size != count:
        found = counted(array.size, "number") if array.ndim and array.size else str(value)[:40]
        _refuse(path, found, f"{count} numbers", where)
    return array.ravel()


def _refuse_unread(path: str | os.PathLike[str], error: Exception) -> NoReturn:
    if isinstance(error, FileNotFoundError):
        _refuse(path, "no such file", _FORMS)
    if isinstance(error, pa.ArrowException):
        _refuse(path, "not readable (no Parquet file, or a damaged one)", _FORMS)
    why = (isinstance(error, OSError) and error.strerror) or error
    _refuse(path, f"not readable ({why})", _FORMS)


def _refuse(path: str | os.PathLike[str], found: str, allowed: str, field: str = "") -> NoReturn:
    raise InputError(path, found, field=field, allowed=allowed)
