"""CSV for people: samples.csv, one row per hand, and images/; for spreadsheets, R and pandas."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from converters.parts.cells import inert, is_formula
from converters.parts.exported_images import put_all
from converters.parts.lost_fields import count_lost
from curate.basics import files
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, SHAPES, to_numpy

NAME = "csv"
TABLE = "samples.csv"
_HELD = frozenset(SCHEMA.names) - {"mask", "depth"}
_MARKED = "text that a spreadsheet would run, put behind an apostrophe"
_CELLS = {
    "keypoint_scores": tuple(f"{name}_score" for name in kp.NAMES),
    "xyz": tuple(f"{name}_{axis}_m" for name in kp.NAMES for axis in "xyz"),
    "K": tuple(f"K{row}{column}" for row in range(3) for column in range(3)),
    "bbox": ("bbox_x", "bbox_y", "bbox_w", "bbox_h"),
    "transform": tuple(f"transform{row}{column}" for row in range(2) for column in range(3)),
}


class _Columns(NamedTuple):
    """Columns of the file that come of one field."""

    field: str
    names: tuple[str, ...]


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write samples.csv and images/.

    A row has the fields of its sample and, for each keypoint, NAME_x, NAME_y (pixels) and NAME_v (0, 1, 2),
    as in `Dataset.to_pandas`; 3D points are in NAME_x_m and so on, metres. A field without a value in any
    sample has no column; unlabelled points are empty cells. UTF-8 with a byte order mark, by which
    spreadsheets recognise it. Text that a spreadsheet would take for a formula gets an apostrophe in front.

    Returns
    -------
    How many values of each field the file could not hold, and what was changed or left out.
    """
    counts = count_lost(dataset, _HELD)
    placed, changed = put_all(dataset, out / "images", engine)
    counts.update(changed)
    names = {ref: path.relative_to(out).as_posix() for ref, path in placed.items()}
    columns = _columns(dataset)
    with files.writing(out / TABLE) as file:
        file.write(codecs.BOM_UTF8 + _text([[name for column in columns for name in column.names]]))
        for batch in dataset.batches():
            there = [ref in names for ref in batch.column("image").to_pylist()]
            if any(there):
                file.write(_text(_rows(batch.filter(pa.array(there, pa.bool_())), columns, names, counts)))
    return +counts


def _columns(dataset: Dataset) -> list[_Columns]:
    found = []
    for field in SCHEMA.names:
        if field == "keypoints":
            found.append(_Columns(field, tuple(f"{name}_{axis}" for name in kp.NAMES for axis in "xyv")))
        elif field in _HELD - {"visibility"} and not dataset.is_empty(field):
            found.append(_Columns(field, _CELLS.get(field, (field,))))
    return found


def _text(rows: Iterable[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _rows(
    batch: pa.RecordBatch, columns: list[_Columns], names: dict[str, str], counts: Counter[str]
) -> Iterator[list[Any]]:
    """The rows of the file, in order."""
    blocks = [_block(batch, column.field, names, counts) for column in columns]
    for row in zip(*blocks, strict=True):
        yield [cell for block in row for cell in block]


def _block(batch: pa.RecordBatch, field: str, names: dict[str, str], counts: Counter[str]) -> list[list[Any]]:
    """The cells that each sample has of a field; None for an empty one."""
    if field == "keypoints":
        seen = to_numpy(batch, "visibility").astype(int).astype(object)
        points = np.concatenate([_numbers(to_numpy(batch, field)), seen[..., None]], axis=2)
        return list(points.reshape(batch.num_rows, -1).tolist())
    if field in SHAPES:
        return list(_numbers(to_numpy(batch, field)).reshape(batch.num_rows, -1).tolist())
    column = batch.column(field)
    if pa.types.is_floating(column.type):
        return [[cell] for cell in _numbers(column.to_numpy(zero_copy_only=False)).tolist()]
    values = column.to_pylist()
    if field == "image":
        return [[names[ref]] for ref in values]
    if not pa.types.is_string(column.type):
        return [[value] for value in values]
    counts[_MARKED] += sum(value is not None and is_formula(value) for value in values)
    return [[value and inert(value)] for value in values]


def _numbers(stored: NDArray[Any]) -> NDArray[Any]:
    """Each number in the fewest digits that give it back; None where there is none."""
    texts = stored.astype(str).astype(object)
    texts[np.isnan(stored)] = None
    return texts
