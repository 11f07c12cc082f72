"""Text in the cells of a table that people open in a spreadsheet."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take the cell for a formula, and run it."""
    return text.startswith(_FORMULA)


def inert(text: str) -> str:
    """The cell, with an apostrophe in front if a spreadsheet would run it: so spreadsheets mark text."""
    return f"'{text}" if is_formula(text) else text
