"""Hands that several datasets label in the same photograph."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curate.basics.paths import is_path
from curate.data.dataset import Dataset
from curate.hands.tracking import same_hand

TWICE = "sample of a hand that an earlier dataset has in the same photograph"
TORN = f"{TWICE}, and in another split"


def labelled_twice(datasets: Sequence[Dataset], splits: Sequence[str | None]) -> Counter[str]:
    """Counts samples of a hand that an earlier dataset labels in the same photograph.

    That is the same file, links followed, or the same pixels where the tables hold their hash; images are not
    read. Where either sample has no points, the photograph alone tells.

    Parameters
    ----------
    splits: of each sample of the datasets; None where it is left out.
    """
    notes = Counter[str]()
    if len(datasets) < 2:
        return notes
    photographs = [list(_photographs(dataset)) for dataset in datasets]
    homes = Counter(name for names in photographs for name in set(names))
    before = defaultdict[str, list[tuple[NDArray[np.float32], str | None]]](list)
    left = iter(splits)
    for dataset, names in zip(datasets, photographs, strict=True):
        own = [(name, split) for name, split in zip(names, left, strict=False)]
        rows = [row for row, (name, split) in enumerate(own) if split is not None and homes[name] > 1]
        here = [(*own[row], sample.keypoints) for row, sample in zip(rows, dataset.take(rows), strict=True)]
        for name, split, points in here:
            others = [at for other, at in before[name] if _is_same(points, other)]
            notes[TWICE] += bool(others)
            notes[TORN] += any(at != split for at in others)
        for name, split, points in here:
            before[name].append((points, split))
    return +notes


def _photographs(dataset: Dataset) -> Iterator[str]:
    """For each sample what its image is known by: the hash of its pixels, else where its file lies."""
    folders: dict[str, str] = {}
    for ref, pixels in zip(*(c.to_pylist() for c in dataset.table(["image", "sha256"]).columns), strict=True):
        folder, name = os.path.split(ref)
        if pixels is not None or not is_path(ref):
            yield pixels or ref
            continue
        if folder not in folders:
            folders[folder] = os.path.realpath(dataset.root / folder)
        path = os.path.join(folders[folder], name)
        yield os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114 (of each image)


def _is_same(points: ArrayLike, others: ArrayLike) -> bool:
    return same_hand(points, others) or bool(np.isnan(points).all() or np.isnan(others).all())
