"""Numbers as tools and people write them."""

from __future__ import annotations

import os
from contextlib import suppress

from curate.basics.errors import InputError

_LARGEST = 1 << 31


def is_plain(text: str | bytes) -> bool:
    """Whether a text is free of what only Python has in numbers: 1_000, and digits of other scripts. In a
    file it is a slip or damage."""
    return text.isascii() and (b"_" not in text if isinstance(text, bytes) else "_" not in text)


def as_number(text: str | bytes) -> float:
    """A number as files have it. Raises ValueError."""
    if not is_plain(text):
        raise ValueError(f"could not convert string to float: {text!r}")
    return float(text)


def pixels(value: object, where: str | os.PathLike[str], field: str) -> int | None:
    """A width or height, also as a whole float or in quotes; None for what is none: the file tells it.

    Raises
    ------
    InputError: a fraction, by which the labels cannot be those of any picture.
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
