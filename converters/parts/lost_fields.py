"""What a format cannot hold: the fields of a sample that it has no place for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

import numpy as np

from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, to_numpy

# Each export has the image, which tells its size and hash; visibility goes where the keypoints go.
_NEVER_LOST = frozenset({"image", "width", "height", "sha256", "visibility"})


def count_lost(dataset: Dataset, held: Set[str]) -> Counter[str]:
    """How many samples have a value in each field that is not among those that a format holds."""
    lost = Counter[str]()
    fields = [name for name in SCHEMA.names if name not in held | _NEVER_LOST]
    for batch in dataset.batches():
        for name in fields:
            if name == "keypoints":
                lost[name] += int(np.count_nonzero(to_numpy(batch, "visibility").any(axis=1)))
            else:
                lost[name] += batch.num_rows - batch.column(name).null_count
    return +lost
