"""Whether what is rare in a source is usual for a person: people are alike in several photographs, labels go
wrong in one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from qa.measures.arrays import Floats, Names, Rows

_SUPPORT = 2  # of a person's other photographs that must agree: one may be the same, or as wrong


def apart_from_own(rows: Iterable[int], person: Names, apart: Callable[[int, Rows], Floats]) -> Floats:
    """How far samples are from the second-nearest of their person's others, (n,); inf where that is unknown.

    Parameters
    ----------
    rows: which of the samples are asked for. person: (n,), None where unknown.
    apart: of a sample and its person's others, their distances, one or more, in any order.
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
