"""Numbers as tools and people write them into JSON."""

from __future__ import annotations

_LARGEST = 1 << 31


def pixels(value: object) -> int | None:
    """A width or height, also as a whole float or in quotes; None for what is none: the file tells it."""
    if type(value) is int and 0 < value < _LARGEST:
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value) if len(value) < 12 else None
    return int(value) if isinstance(value, int | float) and 0 < value < _LARGEST else None
