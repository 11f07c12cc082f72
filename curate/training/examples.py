"""The samples of a training set as batches of tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import INFO, Dataset
from curate.data.sample import labelled_points, to_numpy
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
        said = shape_of(training_set)
        self.size, self.channels = said["size"], said["channels"]
        self._stack = _open_stack(training_set, self.size, self.channels)
        self._masks = None
        if said.get("masks"):
            self._masks = np.load(training_set.root / "masks.npy", mmap_mode="r", allow_pickle=False)
        _check_heatmaps(training_set, len(self._stack), said["keypoints"], self.size)
        columns = ["sample_id", "image", "split", "keypoints", "visibility", "side", "xyz", "K"]
        table = training_set.table(columns)
        chosen = np.array([value == split for value in table.column("split").to_pylist()], bool)
        if not chosen.any():
            there = sorted({str(value) for value in table.column("split").to_pylist()})
            raise InputError(training_set.root, f"no sample of split {split!r}", allowed=", ".join(there))
        table = table.filter(chosen)
        self.sample_ids: list[str] = table.column("sample_id").to_pylist()
        self._subset = subset = kp.subset(keypoints or said["keypoints"])
        points, visibility = labelled_points(table)
        self.keypoints, self.visibility = points[:, subset], visibility[:, subset]
        self.left = np.array([side == "left" for side in table.column("side").to_pylist()], bool)
        self._labels = labels
        self._xyz = to_numpy(table, "xyz")[:, subset].astype(np.float32)
        self._K = to_numpy(table, "K").astype(np.float32)
        self._rows = _stack_rows(training_set, table.column("image").to_pylist(), len(self._stack))

    def __len__(self) -> int:
        return len(self.sample_ids)

    def pixels(self, rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.uint8]:
        """(B, S, S) or (B, S, S, 3) of the given rows of the split."""
        return np.asarray(self._stack[self._rows[rows]])

    def masks(self, rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.uint8] | None:
        """(B, S, S) of the given rows of the split, 255 for the hand; None: the set holds no masks."""
        return None if self._masks is None else np.asarray(self._masks[self._rows[rows]])

    def all_keypoints(
        self, rows: Sequence[int] | NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """(B, 21, 2) and (B, 21): keypoints and visibility of the given rows of the split; NaN and 0 for the
        wrist where it is left out."""
        points = np.full((len(rows), kp.COUNT, 2), np.nan, np.float32)
        visibility = np.zeros((len(rows), kp.COUNT), np.uint8)
        points[:, self._subset], visibility[:, self._subset] = self.keypoints[rows], self.visibility[rows]
        return points, visibility

    def __getitem__(self, row: int) -> Batch:
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        # The hook by which a DataLoader fetches a whole batch at once.
        masks = self.masks(rows) if "mask" in self._labels else None
        targets = Targets(
            torch.from_numpy(self.keypoints[rows]),
            torch.from_numpy(self.visibility[rows]),
            torch.ones(len(rows)),
            None if masks is None else torch.from_numpy((masks > 127).view(np.uint8)),
            torch.from_numpy(self._xyz[rows]) if "xyz" in self._labels else None,
            torch.from_numpy(self._K[rows]) if "xyz" in self._labels else None,
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


def shape_of(training_set: Dataset) -> dict[str, Any]:
    """The training set's size, channels, keypoints and sigma.

    Raises
    ------
    InputError: the dataset is no training set, or one that the network does not fit.
    """
    said = training_set.training
    where = training_set.root / INFO
    if said is None:
        remedy = "make one with: curate build"
        raise InputError(training_set.root, "a dataset, but no training set", remedy=remedy)
    allowed: dict[str, tuple[int, ...]] = {"channels": (1, 3), "keypoints": (kp.COUNT - 1, kp.COUNT)}
    for name, values in allowed.items():
        if said.get(name) not in values:
            text = " or ".join(map(str, values))
            raise InputError(where, repr(said.get(name)), field=f"training.{name}", allowed=text)
    size = said.get("size")
    if not isinstance(size, int) or size <= 0:
        raise InputError(where, repr(size), field="training.size", allowed="pixels")
    return said


def _open_stack(training_set: Dataset, size: int, channels: int) -> NDArray[np.uint8]:
    stack = images.open_stack(training_set.root)
    expected = (size, size) if channels == 1 else (size, size, channels)
    if stack.shape[1:] != expected:
        raise InputError(
            training_set.root / "pixels.npy",
            f"images of shape {stack.shape[1:]}",
            allowed=f"{expected}, as {INFO} says",
            remedy="build the training set again",
        )
    return stack


def _check_heatmaps(training_set: Dataset, count: int, keypoints: int, size: int) -> None:
    """Maps are drawn from the keypoints, but a set whose stored ones contradict it is not to be trusted."""
    if "heatmaps" not in (training_set.training or {}):
        return
    path = training_set.root / "heatmaps.npy"
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (OSError, ValueError) as error:
        raise InputError(path, str(error), remedy="build the training set again") from None
    expected = (count, keypoints, size, size)
    if shape != expected:
        raise InputError(path, f"maps of shape {shape}", allowed=f"{expected}, as {INFO} says")


def _stack_rows(training_set: Dataset, refs: list[str], count: int) -> NDArray[np.intp]:
    rows = np.array([_stack_row(training_set, ref) for ref in refs], np.intp)
    if rows.max(initial=-1) >= count:
        raise InputError(
            training_set.root / "pixels.npy",
            f"{count} images, but a sample refers to row {rows.max()}",
            remedy="build the training set again",
        )
    return rows


def _stack_row(training_set: Dataset, ref: str) -> int:
    prefix = images.stack_ref(0).removesuffix("0")
    digits = ref.removeprefix(prefix)
    if not ref.startswith(prefix) or not digits.isdecimal():
        raise InputError(
            training_set.root, repr(ref), field="image", allowed=f"{prefix}ROW in a training set"
        )
    return int(digits)


def _place() -> tuple[int, int]:
    """This process's rank and the number of processes that train together."""
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    return (torch.distributed.get_rank(), torch.distributed.get_world_size()) if together else (0, 1)
