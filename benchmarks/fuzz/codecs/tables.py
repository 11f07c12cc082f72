"""Parquet tables."""

from __future__ import annotations

import io
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.fuzz import hostile
from benchmarks.fuzz.hostile import Raw


def parquet(rng: Random, content: bytes) -> bytes:
    """A Parquet table with cells, columns, types or encodings that its readers do not expect."""
    table = pq.read_table(io.BytesIO(content), use_threads=False)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        table = _spoilt_table(rng, table)
    sink = io.BytesIO()
    options: dict[str, Any] = {
        "compression": rng.choice(("snappy", "zstd", "gzip", "none")),
        "use_dictionary": rng.random() < 0.5,
        "row_group_size": rng.choice((1, 2, 1000)),
        "data_page_version": rng.choice(("1.0", "2.0")),
        "version": rng.choice(("1.0", "2.6")),
    }
    if rng.random() < 0.1:
        table = table.replace_schema_metadata({b"split": b"\xff\x00", b"size": b"-1", b"": b"9" * 9999})
    try:
        pq.write_table(table, sink, **options)
    except pa.ArrowException:
        return hostile.data(rng, content)
    return sink.getvalue()


def _spoilt_table(rng: Random, table: pa.Table) -> pa.Table:
    if not table.num_columns:
        return table
    at = rng.randrange(table.num_columns)
    field, column = table.schema.field(at), table.column(at)
    kind = rng.random()
    if kind < 0.6:
        return _spoilt_cell(rng, table, at)
    if kind < 0.66:
        return table.remove_column(at)
    if kind < 0.7:
        return table.append_column(rng.choice(("extra", "", field.name)), column)
    if kind < 0.76:
        return table.slice(0, rng.choice((0, 0, 1)))
    if kind < 0.86 and table.num_rows:
        return pa.concat_tables([table, table.slice(rng.randrange(table.num_rows), 1)])
    if kind < 0.9:
        nothing = pa.nulls(table.num_rows, rng.choice((field.type, pa.null())))
        return table.set_column(at, pa.field(field.name, nothing.type), nothing)
    if kind < 0.93:
        nullable = pa.field(field.name, field.type, nullable=not field.nullable)
        return table.set_column(at, nullable, column)
    order = list(range(table.num_columns))
    rng.shuffle(order)
    return table.select(order)


def _spoilt_cell(rng: Random, table: pa.Table, at: int) -> pa.Table:
    """One cell, or all of a column, exchanged: mostly for values of its type, which go in deepest."""
    field, values = table.schema.field(at), table.column(at).to_pylist()
    rows = [rng.randrange(len(values))] if values and rng.random() < 0.7 else range(len(values))
    draw = _fitting if rng.random() < 0.75 else _cell
    for row in rows:
        values[row] = draw(rng, field.type, values)
    for kind in (field.type, pa.binary(), None):
        try:
            if kind == pa.binary() and pa.types.is_string(field.type):
                raw = [v.encode("utf-8", "surrogatepass") if isinstance(v, str) else v for v in values]
                made = pa.Array.from_buffers(pa.string(), len(raw), pa.array(raw, pa.binary()).buffers())
            else:
                made = pa.array(values, kind)
            return table.set_column(at, pa.field(field.name, made.type, field.nullable), made)
        except (pa.ArrowException, OverflowError, TypeError, ValueError, AttributeError):
            continue
    return table


def _fitting(rng: Random, kind: pa.DataType, values: list[Any]) -> Any:
    """A value of a type."""
    if rng.random() < 0.15:
        return rng.choice((None, *values))
    if pa.types.is_fixed_size_list(kind):
        old = next((value for value in values if value is not None), None)
        new = list(old) if old and rng.random() < 0.7 else [None] * kind.list_size
        for _ in range(rng.choice((1, 2, 2 * len(new)))):
            new[rng.randrange(len(new))] = _fitting(rng, kind.value_type, new)
        return new
    if pa.types.is_integer(kind):
        top = 2 if kind.bit_width == 8 else 2**31 - 1
        return rng.choice((0, 1, top, rng.randrange(top + 1), *(() if kind.bit_width == 8 else (-1, -top))))
    if pa.types.is_floating(kind):
        return float(rng.choice([number for number in hostile.NUMBERS if number != 10**400]))
    if pa.types.is_boolean(kind):
        return rng.random() < 0.5
    told = (*hostile.TEXTS, *hostile.PATHS, *_WORDS)
    return rng.choice([text for text in told if text.isprintable() or rng.random() < 0.2])


_WORDS = (
    "right",
    "palmar",
    "train",
    "test",
    "val",
    "auto:x",
    "MIT",
    '{"a": [1]}',
    "[]",
    '{"age": NaN}',
    "images",
)


_CELLS = (b"\xff\xfe", b"", b"x" * 100_000)


def _cell(rng: Random, _kind: pa.DataType, values: list[Any]) -> Any:
    """A value of any type."""
    old = rng.choice(values)
    if isinstance(old, list) and rng.random() < 0.8:
        new = list(old)
        for _ in range(rng.choice((1, 2, len(new)))):
            new[rng.randrange(len(new))] = rng.choice((None, *hostile.NUMBERS))
        return new
    if isinstance(old, str) and rng.random() < 0.5:
        return rng.choice((*hostile.TEXTS, *hostile.PATHS, *_CELLS, old + "\0"))
    drawn = hostile.value(rng)
    return drawn.text if isinstance(drawn, Raw) else drawn
