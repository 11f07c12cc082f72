"""The fields of a sample that a format has no place for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

import numpy as np

from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, to_numpy

# Each export has the image, and with it size and hash; visibility is stored if the keypoints are.
_NEVER_LOST = frozenset({"image", "width", "height", "sha256", "visibility"})


def count_lost(dataset: Dataset, held: Set[str]) -> Counter[str]:
    """For each field that a format does not hold, how many samples have a value in it."""
    lost = Counter[str]()
    fields = [name for name in SCHEMA.names if name not in held | _NEVER_LOST]
    for batch in dataset.batches():
        for name in fields:
            if name == "keypoints":
                lost[name] += int(np.count_nonzero(to_numpy(batch, "visibility").any(axis=1)))
            else:
                lost[name] += batch.num_rows - batch.column(name).null_count
    return +lost
