"""The array types of QA, and ways to take rows: by blocks, evenly, by what they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]  # indices of samples
Names = NDArray[np.object_]  # text, None where unknown

_BLOCK = 1 << 13
# What is usual is estimated from at most so many samples: more would not make it more exact, and to compare
# each with all takes a thousand bytes a sample.
ENOUGH = 1 << 15


def blocks(count: int) -> Iterator[slice]:
    """Rows 0 to `count`, some at a time, so that intermediate results stay small."""
    for start in range(0, count, _BLOCK):
        yield slice(start, min(start + _BLOCK, count))


def is_known(names: Names) -> Flags:
    """(n,) which of the names are not None."""
    flags: Flags = names != np.array(None)  # an array, as linters would turn `!= None` into `is not None`
    return flags


def spread_over(count: int, limit: float) -> Rows:
    """At most `limit` of the indices 0 to `count` - 1, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, int(limit))).round().astype(np.intp))


def evenly(rows: Rows) -> Rows:
    """At most ENOUGH of the rows, evenly spread."""
    return rows[:: max(1, -(-len(rows) // ENOUGH))]


def numbered(names: Names) -> tuple[Sequence[str | None], Rows]:
    """The distinct names, sorted, and for each of (n,) names its index among them."""
    distinct = sorted(set(names.tolist()), key=str)
    place = {name: i for i, name in enumerate(distinct)}
    return distinct, np.fromiter((place[name] for name in names), np.intp, len(names))


def grouped(numbers: Rows) -> Iterator[Rows]:
    """The rows of each number, in the order of the numbers."""
    order = np.argsort(numbers, kind="stable")
    cuts = np.flatnonzero(np.diff(numbers[order])) + 1
    return iter(np.split(order, cuts) if len(order) else ())


def shared(names: Names, folder: Rows) -> Iterator[Rows]:
    """Groups of two or more rows with the same name in the same folder, in the order of their first rows.

    Names that are None are left out.
    """
    rows = np.flatnonzero(is_known(names))
    if not len(rows):
        return
    place: dict[str, int] = {}
    codes = np.fromiter((place.setdefault(name, len(place)) for name in names[rows]), np.intp, len(rows))
    codes = codes * (int(folder.max()) + 1) + folder[rows]
    del place
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    ends = np.append(starts[1:], len(order))
    several = np.flatnonzero(ends - starts > 1)
    for i in several[np.argsort(order[starts[several]])]:
        yield rows[order[starts[i] : ends[i]]]
