"""The samples of a dataset, image by image, for formats with one entry per image."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from curate.data.dataset import ROWS, Dataset
from curate.data.sample import Sample


def by_image(dataset: Dataset, refs: Collection[str]) -> Iterator[list[Sample]]:
    """The hands of each image among `refs`; images in the order of their first rows in the table."""
    images = dataset.table(["image"]).column(0).to_pylist()
    number: dict[str, int] = {}
    numbers = np.array([number.setdefault(ref, len(number)) for ref in images], np.int64)
    wanted = np.array([ref in refs for ref in images], bool)
    order = np.argsort(numbers, kind="stable")
    order = order[wanted[order]]
    del images, number, numbers, wanted
    for _, hands in groupby(_samples(dataset, order), key=lambda sample: sample.image):
        yield list(hands)


def _samples(dataset: Dataset, order: NDArray[np.int64]) -> Iterator[Sample]:
    """The samples in the rows of `order`, ROWS at a time; each time the table is read from front to back."""
    for start in range(0, len(order), ROWS):
        rows = order[start : start + ROWS].tolist()
        ascending = sorted(rows)
        samples = dict(zip(ascending, dataset.take(ascending), strict=True))
        yield from map(samples.__getitem__, rows)
