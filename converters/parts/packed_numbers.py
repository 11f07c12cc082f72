"""Lists of numbers as arrays, and those in JSON as bytes, so that no object is kept for each number."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Numbers = list[float | list[float]]
NOTHING = msgspec.Raw(b"null")
_ANY = msgspec.json.Decoder(Numbers | None)


def pack(lists: Sequence[msgspec.Raw], count: int) -> list[bytes | Numbers | None]:
    """Each list of `count` numbers in JSON as the bytes of as many float32; anything else as its value.

    Raises
    ------
    msgspec.DecodeError: neither a list of numbers, nor one of lists of numbers, nor null.
    """
    decode = msgspec.json.Decoder(tuple[(float,) * count]).decode  # type: ignore[misc]
    packed = struct.Struct(f"{count}f").pack
    found: list[bytes | Numbers | None] = []
    for text in lists:
        try:
            found.append(packed(*decode(text)))
        except msgspec.ValidationError:
            found.append(_ANY.decode(text))
    return found


def is_packed(numbers: object) -> bool:
    """Whether these are numbers that `pack` has packed."""
    return type(numbers) is bytes


def stack(rows: Sequence[Any], shape: tuple[int, ...], dtype: type[Any] = np.float64) -> NDArray[Any]:
    """Rows, each a list of numbers, packed float32 (`pack`) or None, as an array (n, *shape). A row that is
    None or has another number of values is NaN."""
    count = int(np.prod(shape))
    packed = struct.Struct(f"{count}{np.dtype(dtype).char}").pack
    try:
        joined = bytearray().join([row if type(row) is bytes else packed(*row) for row in rows])
        return np.frombuffer(joined, dtype).reshape(len(rows), *shape)
    except (TypeError, struct.error):  # rows that are None, or nested
        pass
    with np.errstate(over="ignore"):  # beyond float32 is infinity, which is refused later
        try:
            found = np.array(rows, dtype).reshape(len(rows), -1)
            if found.shape[1] == count:
                return found.reshape(len(rows), *shape)
        except (TypeError, ValueError):
            pass
        stacked = np.full((len(rows), *shape), np.nan, dtype)
        for i, row in enumerate(rows):
            try:
                values = np.frombuffer(row, np.float32) if is_packed(row) else np.array(row, dtype)
            except (TypeError, ValueError):
                continue
            if values.size == count:
                stacked[i] = values.reshape(shape)
    return stacked
