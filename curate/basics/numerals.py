"""Numbers in text, typed or in a file. Python alone would also read 1_000, and digits of other scripts."""

from __future__ import annotations

_DIGITS = 19


def is_plain(text: str | bytes) -> bool:
    """Whether a text is free of what only Python allows in numbers (1_000, digits of other scripts), which is
    a slip or damage."""
    return text.isascii() and (b"_" not in text if isinstance(text, bytes) else "_" not in text)


def is_digits(text: str) -> bool:
    """Whether a text is a whole number without a sign, of at most 19 digits."""
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS


def as_number(text: str | bytes) -> float:
    """The number in a text. Raises ValueError."""
    if not is_plain(text):
        raise ValueError(f"could not convert string to float: {text!r}")
    return float(text)


def as_whole(text: str) -> int:
    """The whole number in a text. Raises ValueError."""
    if not is_plain(text):
        raise ValueError(f"invalid literal for int() with base 10: {text!r}")
    return int(text)
