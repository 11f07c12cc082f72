"""Text in the cells of a table that people open with a spreadsheet."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take a cell for a formula, and run it."""
    return text.startswith(_FORMULA)


def as_text(text: str) -> str:
    """A cell that a spreadsheet shows and does not run: behind an apostrophe, as spreadsheets mark text."""
    return f"'{text}" if is_formula(text) else text
