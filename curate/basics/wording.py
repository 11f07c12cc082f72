"""How people are told of numbers of things."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A number of things: "1 sample", "2,000 samples"; `noun` is one whose plural ends in s."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
