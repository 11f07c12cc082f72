"""Hands that several datasets label in the same photograph."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curate.data.joined import Joined
from curate.hands.tracking import same_hand

TWICE = "sample of a hand that an earlier dataset has in the same photograph"


def labelled_twice(joined: Joined, splits: Sequence[str | None]) -> Counter[str]:
    """Counts samples of a hand that an earlier dataset labels in the same photograph.

    That is the same file, links followed, a copy of it, or the same pixels where the tables hold their hash.
    Where either sample has no points, the photograph alone tells.

    Parameters
    ----------
    splits: of each sample of the datasets; None where it is left out.
    """
    notes = Counter[str]()
    ends = np.cumsum([len(dataset) for dataset in joined.datasets])[:-1].tolist()
    parts = list(zip([0, *ends], [*ends, len(splits)], strict=True))
    homes = Counter(name for start, stop in parts for name in set(joined.pictures[start:stop]))
    before = defaultdict[str, list[NDArray[np.float32]]](list)
    for dataset, (start, stop) in zip(joined.datasets, parts, strict=True):
        names = joined.pictures[start:stop]
        rows = [row for row, name in enumerate(names) if splits[start + row] is not None and homes[name] > 1]
        here = [(names[row], s.keypoints) for row, s in zip(rows, dataset.take(rows), strict=True)]
        notes[TWICE] += sum(any(_is_same(points, other) for other in before[name]) for name, points in here)
        for name, points in here:
            before[name].append(points)
    return +notes


def _is_same(points: ArrayLike, others: ArrayLike) -> bool:
    return same_hand(points, others) or bool(np.isnan(points).all() or np.isnan(others).all())
