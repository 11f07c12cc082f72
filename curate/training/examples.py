"""The samples of a training set as batches of tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from curate.data.dataset import Dataset
from curate.data.training_set import read_split


class Batch(NamedTuple):
    """Some samples: row in the split (B,), pixels (B, S, S[, 3]) uint8, keypoints (B, K, 2) float32 in
    pixels with NaN where unlabelled, visibility (B, K) uint8."""

    row: Tensor
    pixels: Tensor
    keypoints: Tensor
    visibility: Tensor


class Examples(TorchDataset[Batch]):
    """One split of a training set; the pixels stay on disk, memory-mapped, until they are asked for.

    Attributes
    ----------
    size, channels: of the images. sample_ids: of the split, in the order of the table.
    keypoints: (N, K, 2) float32. visibility: (N, K) uint8, 0, 1 or 2.
    """

    def __init__(self, training_set: Dataset, split: str, keypoints: int | None = None) -> None:
        """Open a split.

        Parameters
        ----------
        keypoints: 20 (without the wrist) or 21; None: as the training set says.

        Raises
        ------
        InputError: no training set, no such split, or content that contradicts dataset.json.
        """
        self._split = read_split(training_set, split, keypoints)
        self.size, self.channels = self._split.form.size, self._split.form.channels
        self.sample_ids = self._split.sample_ids
        self.keypoints, self.visibility = self._split.keypoints, self._split.visibility

    def __len__(self) -> int:
        return len(self.sample_ids)

    def pixels(self, rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.uint8]:
        """(B, S, S) or (B, S, S, 3) of the given rows of the split."""
        return self._split.pixels(rows)

    def __getitem__(self, row: int) -> Batch:
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        # The hook by which a DataLoader fetches a whole batch at once.
        return Batch(
            torch.as_tensor(rows),
            torch.from_numpy(self.pixels(rows)),
            torch.from_numpy(self.keypoints[rows]),
            torch.from_numpy(self.visibility[rows]),
        )


class Shuffled(Sampler[int]):
    """Every row once an epoch in an order that (seed, epoch) decides, dealt out to the devices in turn."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed, self.epoch = count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rank, devices = _place()
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.count)
        # Equal shares, or the devices would wait for each other at the end.
        return iter(order[: self.count - self.count % devices][rank::devices].tolist())

    def __len__(self) -> int:
        return self.count // _place()[1]


def _place() -> tuple[int, int]:
    """This process's rank and the number of processes that train together."""
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    return (torch.distributed.get_rank(), torch.distributed.get_world_size()) if together else (0, 1)
