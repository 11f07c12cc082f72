"""The samples of a dataset image by image, for formats that have an entry an image."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.data.dataset import Dataset
from curate.data.sample import Sample, from_batch

_ROWS = 2048  # samples that are held as objects at a time


def by_image(dataset: Dataset, refs: Collection[str]) -> Iterator[list[Sample]]:
    """The hands of each image among `refs`, in the order in which the images first stand in the table."""
    table = dataset.table().combine_chunks()
    images = table.column("image").to_pylist()
    number: dict[str, int] = {}
    numbers = np.array([number.setdefault(ref, len(number)) for ref in images], np.int64)
    wanted = np.array([ref in refs for ref in images], bool)
    order = np.argsort(numbers, kind="stable")
    order = order[wanted[order]]
    for _, hands in groupby(_samples(table, order), key=lambda sample: sample.image):
        yield list(hands)


def _samples(table: pa.Table, order: NDArray[np.int64]) -> Iterator[Sample]:
    for start in range(0, len(order), _ROWS):
        for batch in table.take(pa.array(order[start : start + _ROWS])).to_batches():
            yield from from_batch(batch)
