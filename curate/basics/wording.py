"""How people are told of numbers."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A number of things: "1 sample", "2,000 samples"; `noun` is one whose plural ends in s."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def percent(share: float, digits: int = 0) -> str:
    """A share: "67 %"; with as many digits more as it takes to say 0 % and 100 % of just these alone."""
    near = round(share, 9)  # floats that were to be 0 or 1 may be off by a little
    text = f"{100 * share:.{digits}f}"
    while 0 < near < 1 and float(text) in (0, 100):
        digits += 1
        text = f"{100 * share:.{digits}f}"
    return f"{text} %"
