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

from curate.basics import keypoints as kp
from curate.data.dataset import Dataset
from curate.data.training_set import HAND, read_split
from curate.networks.network import Targets


class Batch(NamedTuple):
    """Some samples as they are stored: row in the split (B,), pixels (B, S, S[, 3]) uint8, left (B,) bool,
    True for left hands, and what they teach."""

    row: Tensor
    pixels: Tensor
    left: Tensor
    targets: Targets


class Examples(TorchDataset[Batch]):
    """One split of a training set; the pixels stay on disk, memory-mapped, until they are asked for.

    Attributes
    ----------
    size, channels: of the images. sample_ids: of the split, in the order of the table.
    keypoints: (N, K, 2) float32. visibility: (N, K) uint8, 0, 1 or 2. left: (N,) bool, True for left hands.
    pixels, masks: as those of curate.data.training_set.Split.
    """

    def __init__(
        self,
        training_set: Dataset,
        split: str,
        keypoints: int | None = None,
        labels: Sequence[str] = (),
    ) -> None:
        """Open a split.

        Parameters
        ----------
        keypoints: 20 (without the wrist) or 21; None: as the training set says.
        labels: what batches carry beyond the keypoints, of "mask" and "xyz" (with K).

        Raises
        ------
        InputError: no training set, no such split, or content that contradicts dataset.json.
        """
        self._split = read_split(training_set, split, keypoints)
        self._labels = labels
        self.size, self.channels = self._split.form.size, self._split.form.channels
        self.sample_ids, self.left = self._split.sample_ids, self._split.left
        self.keypoints, self.visibility = self._split.keypoints, self._split.visibility
        self.pixels, self.masks = self._split.pixels, self._split.masks

    def __len__(self) -> int:
        return len(self.sample_ids)

    def all_keypoints(
        self, rows: Sequence[int] | NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """(B, 21, 2) and (B, 21): keypoints and visibility of the given rows of the split; NaN and 0 for the
        wrist where it is left out."""
        points = np.full((len(rows), kp.COUNT, 2), np.nan, np.float32)
        visibility = np.zeros((len(rows), kp.COUNT), np.uint8)
        subset = kp.subset(self.keypoints.shape[1])
        points[:, subset], visibility[:, subset] = self.keypoints[rows], self.visibility[rows]
        return points, visibility

    def __getitem__(self, row: int) -> Batch:
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        # The hook by which a DataLoader fetches a whole batch at once.
        masks = self.masks(rows) if "mask" in self._labels else None
        spatial = "xyz" in self._labels
        targets = Targets(
            torch.from_numpy(self.keypoints[rows]),
            torch.from_numpy(self.visibility[rows]),
            torch.from_numpy(self._split.weights[rows]),
            None if masks is None else torch.from_numpy(masks / np.float32(HAND)),
            torch.from_numpy(self._split.xyz[rows]) if spatial else None,
            torch.from_numpy(self._split.intrinsics[rows]).float() if spatial else None,
            torch.from_numpy(self._split.empty[rows]),
        )
        left = torch.from_numpy(self.left[rows])
        return Batch(torch.as_tensor(rows), torch.from_numpy(self.pixels(rows)), left, targets)


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
