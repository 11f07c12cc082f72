"""A dataset with other splits than its own, in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa

from curate.data.dataset import Dataset


class Resplit(Dataset):
    """A dataset whose samples have other splits; on disk nothing changes."""

    def __init__(self, dataset: Dataset, splits: Sequence[str | None]) -> None:
        """Give each sample, in the order of the table, a split, or None."""
        super().__init__(dataset.root)
        self._splits = pa.array(splits, pa.string())
        assert len(self._splits) == len(self)
        said = repr([self.fingerprint, self._splits.to_pylist()])
        self.fingerprint = hashlib.sha256(said.encode()).hexdigest()

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """As Dataset says."""
        table = super().table(columns)
        place = table.schema.get_field_index("split")
        return table if place < 0 else table.set_column(place, table.schema.field(place), self._splits)
