"""Whether what is rare in a source is usual for a person: a person's hand looks the same in several
photographs, a label goes wrong in one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from qa.measures.arrays import Floats, Names, Rows

_SUPPORT = 2  # how many of a person's other photographs must agree: one may be a copy, or as wrong


def apart_from_own(rows: Iterable[int], person: Names, apart: Callable[[int, Rows], Floats]) -> Floats:
    """How far samples are from the second-nearest of their person's other samples, (n,); inf for a person
    with too few samples, and for all rows that are not asked for.

    Parameters
    ----------
    rows: the samples asked for. person: (n,), None where unknown.
    apart: gives the distances of a sample (a row) from others (rows), in any order.
    """
    far = np.full(len(person), np.inf)
    photographs = defaultdict[str, list[int]](list)
    for row, name in enumerate(person.tolist()):
        if name is not None:
            photographs[name].append(row)
    for row in rows:
        others = np.array(photographs.get(person[row], ()), np.intp)
        if len(others) > _SUPPORT:
            far[row] = np.sort(apart(row, others[others != row]))[_SUPPORT - 1]
    return far
