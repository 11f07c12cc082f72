"""Words for people: numbers with their nouns, shares in percent, and the name that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EMPTY = "(empty text)"  # shown for a value without letters, which nobody would see


def one_line(text: object, most: int = 200) -> str:
    """Text of any form as one line of at most so many characters."""
    return " ".join(str(text).split())[:most]


def counted(count: int, noun: str, nouns: str = "") -> str:
    """A number of things: "1 sample", "2,000 samples"; `nouns` is the plural where that is not with an s."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def verb(count: int, of_one: str, of_several: str) -> str:
    """The form of a verb that goes with a number of things: "has" or "have"."""
    return of_one if count == 1 else of_several


def already(reused: bool) -> str:
    """What is added to the description of a result that was finished before."""
    return " (already finished)" if reused else ""


def percent(share: float, digits: int = 0, limit: float | None = None) -> str:
    """A share: "67 %". It gets further digits until it no longer reads as 0 % or 100 % without being just
    that, nor the same as a limit that it is beyond."""
    near = round(share, 9)  # floats that were to be 0 or 1 may be off by a little
    others = [other for other in (0.0, 1.0, limit) if other is not None and round(other, 9) != near]
    while any(f"{100 * share:.{digits}f}" == f"{100 * other:.{digits}f}" for other in others):
        digits += 1
    return f"{100 * share:.{digits}f} %"


def nearest(given: str, names: Iterable[str]) -> str | None:
    """The name that is most like the one given, whatever the letter case; None if none is like it."""
    alike = {name.lower(): name for name in names}
    near = difflib.get_close_matches(given.lower(), alike, n=1)
    return alike[near[0]] if near else None
