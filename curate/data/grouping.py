"""Values to group samples by: those of columns and of attrs that hold words or numbers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from curate.basics.errors import InputError
from curate.basics.settings import known
from curate.data.condition import asked_for
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, attrs_of

_PLAIN = (str, int, float, bool)


def values_of(dataset: Dataset, split: str, name: str) -> list[Any]:
    """The value of a column, or of an entry of attrs, for each sample of a split, in the order of the table.

    None stands for a value that is missing, or neither a word nor a number.

    Parameters
    ----------
    name: a column, or else a name in attrs, which can also be written attrs.NAME.

    Raises
    ------
    InputError: no sample has it, or no value of it is a word or a number.
    """
    columns = [one for one in SCHEMA.names if _is_plain(SCHEMA.field(one).type) and one != "attrs"]
    table = dataset.table(["attrs", *columns])
    here = [place for place, one in enumerate(table.column("split").to_pylist()) if one == split]
    attrs: list[Any] = [attrs_of(text) for text in table.column("attrs").take(here).to_pylist()]
    column, entry = asked_for(name, SCHEMA.names)
    there = sorted({key for one in attrs for key, value in one.items() if isinstance(value, _PLAIN)})
    what = "name in attrs"
    if column or entry == name:  # not written as an entry of attrs
        what = "column or attr"
        there += [one for one in columns if table.column(one).null_count < len(table)]
    asked = column or entry
    if asked not in there and (column or any(entry in one for one in attrs)):
        found = f"{name!r}, which holds no word and no number in split {split}"
        raise InputError(dataset.root, found, field="column or attr", allowed=", ".join(there))
    known(dataset.root, what, asked, there)
    values = table.column(column).take(here).to_pylist() if column else [one.get(entry) for one in attrs]
    return [value if isinstance(value, _PLAIN) else None for value in values]


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))
