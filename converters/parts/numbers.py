"""Pixels in files: the farthest coordinate, and widths and heights."""

from __future__ import annotations

import os
from contextlib import suppress

from curate.basics.errors import InputError
from curate.basics.numerals import as_number

FARTHEST = 1e7  # pixels; a coordinate beyond is none
_LARGEST = 1 << 31


def pixels(value: object, where: str | os.PathLike[str], field: str) -> int | None:
    """A width or height, also as a whole float or in quotes; None for anything else, as the image tells.

    Raises
    ------
    InputError: a fraction: no picture has such a size, so the labels belong to something else.
    """
    if type(value) is int and 0 < value < _LARGEST:
        return value
    told = value
    if isinstance(value, str):
        with suppress(ValueError):
            told = as_number(value)
    if not isinstance(told, int | float) or not 0 < told < _LARGEST:
        return None
    if told != int(told):
        raise InputError(where, f"{value!r}", field=field, allowed="a whole number of pixels")
    return int(told)
