"""Hands that a format yields one by one: checked, and collected into parts; and arrays of their points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from converters.parts.hand_checks import fault
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import ROWS
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.source import Source

T = TypeVar("T")

IMPOSSIBLE_BOX = "impossible bbox, left out"
NOT_TOLD = "hand without visibility, its points read as visible"


def gathered(hands: Iterable[Sample], tally: Part, *, note: str | None = None) -> Iterator[Part]:
    """Yield the hands in parts of ROWS, with what `tally` gathered while they were read.

    A hand with an impossible number is quarantined.

    Parameters
    ----------
    tally: what was left out or noted, and why; emptied into each part.
    note: counted once for each hand that is kept.
    """
    waiting: list[Sample] = []
    for hand in hands:
        found = fault(hand)
        if found:
            tally.quarantine.append((hand.sample_id, found))
            continue
        waiting.append(hand)
        if note is not None:
            tally.notes[note] += 1
        if len(waiting) == ROWS:
            yield _part(waiting, tally, note)
            waiting = []
    yield _part(waiting, tally, note)


def from_tables(
    tables: Iterable[T], hands: Callable[[T], Iterator[Sample]], source: Source, tally: Part
) -> Iterator[Sample]:
    """The hands of several tables, or of sets of tables that belong together. A table that cannot be used
    goes to the quarantine of `tally`.

    Raises
    ------
    InputError: no table can be used.
    """
    failed: InputError | None = None
    used = False
    for table in tables:
        try:
            yield from hands(table)
            used = True
        except InputError as error:
            tally.quarantine.append((source.name(Path(error.where)), error.reason))
            failed = error
    if failed is not None and not used:
        raise failed


def _part(hands: list[Sample], tally: Part, note: str | None) -> Part:
    """The hands with what the tally holds, which is emptied."""
    part = Part(to_batch(hands), of_each=note)
    part.count(tally)
    part.dropped, part.notes, part.absent = +part.dropped, +part.notes, +part.absent  # without zeros
    for held in (tally.dropped, tally.quarantine, tally.notes, tally.absent, tally.spoilt):
        held.clear()
    return part


def seen(points: NDArray[Any], labelled: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """(n,) visibility of points (n, 2): visible where labelled, by default where not NaN; else unlabelled."""
    known = ~np.isnan(points).any(axis=1) if labelled is None else labelled
    return np.where(known, kp.VISIBLE, kp.UNLABELLED).astype(np.uint8)


def shaped(values: Any, shape: tuple[int, ...], where: Path | str, field: str) -> NDArray[np.float64]:
    """Nested lists of numbers as an array. Raises InputError where they have another shape."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.shape != shape:
        found = " x ".join(map(str, array.shape)) if array.size else "not an array of numbers"
        raise InputError(where, found, field=field, allowed=f"{' x '.join(map(str, shape))} numbers")
    return array


def narrow(values: NDArray[Any]) -> NDArray[np.float32]:
    """As float32; a number too large for it becomes infinite, which `gathered` reports."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
