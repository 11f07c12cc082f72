"""A training set: a dataset whose images are one array of squares of one size, split, as networks read them.

    pixels.npy      (N, S, S) grey or (N, S, S, 3) RGB, uint8; a sample's `image` is "pixels.npy#row"
    masks.npy       (N, S, S) uint8, the share of each pixel that belongs to the hand, times 255; only in sets
                    that were built with masks
    heatmaps.npy    (N, K, S, S), if they were asked for; otherwise they are drawn from the keypoints
    weights.npy     (N,) float, how much each sample counts; without this file each counts as 1

`dataset.json` says under "training" what the set holds. The samples' keypoints, bbox and K are in pixels of
the squares.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.basics import files, heatmaps, images
from curate.basics import keypoints as kp
from curate.basics.arrays import open_mapped
from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.data.dataset import INFO, Dataset
from curate.data.part import revise_part
from curate.data.sample import labelled_points, replace_columns, to_numpy

PIXELS, MASKS, HEATMAPS, WEIGHTS = images.STACK, "masks.npy", "heatmaps.npy", "weights.npy"
SIZES = range(32, 513, 16)  # pixels; networks halve the side up to four times
HAND = 255  # in masks.npy

_AGAIN = "build the training set again"


class Stored(NamedTuple):
    """How heatmaps are stored: their type (integers hold value * max), and whether their peak is 1."""

    dtype: str
    peak1: bool


@dataclass(frozen=True, slots=True)
class Form:
    """What a training set holds.

    Attributes
    ----------
    size: S, pixels. channels: 1 (grey) or 3 (RGB). keypoints: 20 (without the wrist) or 21.
    sigma: of the heatmaps, pixels. heatmaps: how they are stored; None: not. masks: whether there are any.
    """

    size: int
    channels: int
    keypoints: int
    sigma: float
    heatmaps: Stored | None = None
    masks: bool = False

    def check(self, where: str | os.PathLike[str], section: str = "") -> None:
        """Raise InputError for a field that no training set can have; `section` comes before its name."""
        if not _is_one_of(self.size, SIZES):
            _refuse(where, f"{section}size", self.size, "a multiple of 16 from 32 to 512, in pixels")
        if not _is_one_of(self.channels, (1, 3)):
            _refuse(where, f"{section}channels", self.channels, "1 or 3")
        if not _is_one_of(self.keypoints, (kp.COUNT - 1, kp.COUNT)):
            _refuse(where, f"{section}keypoints", self.keypoints, "20 (without the wrist) or 21")
        if not isinstance(self.sigma, int | float) or not 0.3 <= self.sigma <= self.size:
            _refuse(where, f"{section}sigma", self.sigma, f"0.3 to {self.size} pixels")

    def in_colour(self, image: images.Pixels) -> images.Pixels:
        """An image in the set's colours, grey or RGB."""
        if self.channels == 1 and image.ndim == 3:
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        return image

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image."""
        return (self.size, self.size) if self.channels == 1 else (self.size, self.size, self.channels)

    def record(self, splits: dict[str, int]) -> dict[str, Any]:
        """What dataset.json holds under "training", with the number of samples of each split."""
        said: dict[str, Any] = {
            "size": self.size,
            "keypoints": self.keypoints,
            "channels": self.channels,
            "sigma": self.sigma,
            "splits": splits,
        }
        if self.heatmaps is not None:
            said["heatmaps"] = self.heatmaps._asdict()
        return {**said, "masks": True} if self.masks else said


def form_of(dataset: Dataset) -> Form:
    """The form of a training set, by its dataset.json. Raises InputError: it has no form, or no valid one."""
    said, where = dataset.training, dataset.root / INFO
    if said is None:
        remedy = "make one with: curate build"
        raise InputError(dataset.root, "a dataset, but no training set", remedy=remedy)
    if not isinstance(said, dict):
        _refuse(where, "training", said, "a table of size, channels, keypoints and sigma")
    stored = said.get("heatmaps")
    try:
        kept = None if stored is None else Stored(str(stored["dtype"]), bool(stored.get("peak1")))
    except (AttributeError, KeyError, TypeError):
        _refuse(where, "training.heatmaps", stored, '{"dtype": ..., "peak1": ...}')
    fields: dict[str, Any] = {name: said.get(name) for name in ("size", "channels", "keypoints", "sigma")}
    form = Form(**fields, heatmaps=kept, masks=bool(said.get("masks")))
    form.check(where, "training.")
    return form


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One split of a training set; the images stay on disk, memory-mapped, until they are asked for.

    Attributes
    ----------
    form: of the set. sample_ids: (n,), in the order of the table. left: (n,), True for left hands.
    keypoints: (n, K, 2) float32, pixels, NaN where unlabelled. visibility: (n, K) uint8, 0, 1 or 2.
    xyz: (n, K, 3) float32, metres in the camera's frame, and intrinsics: (n, 3, 3) float64, pixels; NaN where
        unknown.
    weights: (n,) float32, 1 where the set gives none.
    empty: (n,), True where there is no hand in the image: it has no labelled point, and its mask, if the set
        holds masks, is of nothing.
    """

    form: Form
    sample_ids: list[str]
    left: NDArray[np.bool_]
    keypoints: NDArray[np.float32]
    visibility: NDArray[np.uint8]
    xyz: NDArray[np.float32]
    intrinsics: NDArray[np.float64]
    weights: NDArray[np.float32]
    empty: NDArray[np.bool_]
    _pixels: NDArray[np.uint8]
    _masks: NDArray[np.uint8] | None
    _rows: NDArray[np.intp]

    def pixels(self, rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.uint8]:
        """(B, S, S) or (B, S, S, 3) of the given rows of the split."""
        return np.asarray(self._pixels[self._rows[rows]])

    def masks(self, rows: Sequence[int] | NDArray[np.intp]) -> NDArray[np.uint8] | None:
        """(B, S, S) of the given rows of the split, HAND where all of a pixel is the hand's; None if the set
        holds no masks."""
        return None if self._masks is None else np.asarray(self._masks[self._rows[rows]])


def read_split(dataset: Dataset, split: str, keypoints: int | None = None) -> Split:
    """Open one split of a training set.

    Parameters
    ----------
    keypoints: 20 (without the wrist) or 21; None: as the training set says.

    Raises
    ------
    InputError: no training set, no such split, or content that contradicts dataset.json.
    """
    form = form_of(dataset)
    pixels = _open_pixels(dataset, form)
    count = len(pixels)
    open_heatmaps(dataset, form, count)  # refuses maps that contradict dataset.json
    side = (count, form.size, form.size)
    masks = _open(dataset.root / MASKS, side, (np.uint8,)) if form.masks else None
    names = ["sample_id", "image", "split", "side", "keypoints", "visibility", "xyz", "K"]
    table = dataset.table(names)
    given = table.column("split").to_pylist()
    chosen = np.array([name == split for name in given], bool)
    if not chosen.any():
        allowed = ", ".join(sorted({str(name) for name in given}))
        raise InputError(dataset.root, f"no sample of split {split!r}", allowed=allowed)
    table = table.filter(chosen)
    rows = _rows_of(dataset, table.column("image").to_pylist(), count)
    subset = kp.subset(keypoints or form.keypoints)
    points, visibility = labelled_points(table)
    empty = (visibility == 0).all(axis=1)
    if masks is not None:
        empty[empty] = [not (masks[row] > HAND // 2).any() for row in rows[empty]]
    return Split(
        form=form,
        sample_ids=table.column("sample_id").to_pylist(),
        left=np.array([side == "left" for side in table.column("side").to_pylist()], bool),
        keypoints=points[:, subset],
        visibility=visibility[:, subset],
        xyz=to_numpy(table, "xyz")[:, subset],
        intrinsics=to_numpy(table, "K"),
        weights=_weights(dataset, count)[rows],
        empty=empty,
        _pixels=pixels,
        _masks=masks,
        _rows=rows,
    )


def open_heatmaps(dataset: Dataset, form: Form, count: int) -> NDArray[Any] | None:
    """The stored maps of a set of `count` images, memory-mapped, (N, K, S, S); None if there are none.

    Raises
    ------
    InputError: they are missing though dataset.json names them, or of another shape.
    """
    path = dataset.root / HEATMAPS
    if form.heatmaps is None and not path.exists():
        return None
    return _open(path, (count, form.keypoints, form.size, form.size))


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes a training set from within a stage whose tasks each make some of its samples.

    Attributes
    ----------
    form: of the set. folder: where the stage keeps its finished parts. out: the dataset's folder.
    weights: how much a sample of each source counts, 1 for sources not named; if empty, no file is written.
    """

    form: Form
    folder: Path
    out: Path
    weights: Mapping[str, float] = field(default_factory=dict)

    def write(
        self,
        index: int,
        batch: pa.RecordBatch,
        pixels: Sequence[images.Pixels],
        masks: Sequence[images.Pixels] = (),
    ) -> None:
        """Store the arrays of task `index`: for each row of `batch` an image, and a mask if there are any."""
        self._store(PIXELS, index, pixels)
        if self.form.masks:
            self._store(MASKS, index, masks)
        if self.form.heatmaps is not None:
            dtype, peak1 = self.form.heatmaps
            points, seen = labelled_points(batch)
            chosen = kp.subset(self.form.keypoints)
            maps = heatmaps.draw(
                points[:, chosen], seen[:, chosen], self.form.size, self.form.sigma, peak1=peak1
            )
            self._store(HEATMAPS, index, [heatmaps.as_dtype(maps, dtype)])

    def finish(self, parts: list[Path]) -> dict[str, Any]:
        """Join the arrays of all tasks and number the samples; returns the set's entry for dataset.json."""
        count = 0
        splits: Counter[str] = Counter()
        weights: list[float] = []

        def numbered(batch: pa.RecordBatch) -> pa.RecordBatch:
            nonlocal count
            refs = [images.stack_ref(count + i) for i in range(batch.num_rows)]
            count += batch.num_rows
            splits.update(batch.column("split").to_pylist())
            weights.extend(self.weights.get(source, 1.0) for source in batch.column("source").to_pylist())
            return replace_columns(batch, image=refs)

        for path in parts:
            revise_part(path, numbered)
        form, tasks = self.form, len(parts)
        self._join(PIXELS, tasks, (count, *form.shape), "uint8")
        if form.masks:
            self._join(MASKS, tasks, (count, form.size, form.size), "uint8")
        if form.heatmaps is not None:
            shape = (count, form.keypoints, form.size, form.size)
            self._join(HEATMAPS, tasks, shape, form.heatmaps.dtype)
        if self.weights:
            with files.writing(self.out / WEIGHTS) as file:
                np.save(file, np.array(weights, np.float32))
        return {"training": form.record(dict(sorted(splits.items())))}

    def _store(self, name: str, index: int, rows: Sequence[NDArray[Any]]) -> None:
        files.write(self._rows_file(name, index), b"".join(row.tobytes() for row in rows))

    def _join(self, name: str, tasks: int, shape: tuple[int, ...], dtype: str) -> None:
        """Write the rows that each task stored, one after the other, as one .npy file."""
        descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
        head = {"descr": descr, "fortran_order": False, "shape": shape}
        with files.writing(self.out / name) as joined:
            np.lib.format.write_array_header_1_0(joined, head)
            for index in range(tasks):
                with open(self._rows_file(name, index), "rb") as rows:
                    shutil.copyfileobj(rows, joined, 1 << 20)

    def _rows_file(self, name: str, index: int) -> Path:
        return self.folder / f"{Path(name).stem}-{index:06d}.raw"


def _open_pixels(dataset: Dataset, form: Form) -> NDArray[np.uint8]:
    stack = images.open_stack(dataset.root)
    if stack.shape[1:] != form.shape:
        found, allowed = f"images of shape {stack.shape[1:]}", f"{form.shape}, as {INFO} says"
        raise InputError(dataset.root / PIXELS, found, allowed=allowed, remedy=_AGAIN)
    return stack


def _open(path: Path, shape: tuple[int, ...], dtypes: Sequence[Any] = ()) -> NDArray[Any]:
    """A memory-mapped array, never unpickled."""
    try:
        array = open_mapped(path)
    except (OSError, ValueError) as error:
        raise InputError(path, f"not readable ({error})", remedy=_AGAIN) from None
    if array.shape != shape:
        allowed = f"{shape}, as {INFO} says"
        raise InputError(path, f"an array of shape {array.shape}", allowed=allowed, remedy=_AGAIN)
    if dtypes and array.dtype not in dtypes:
        allowed = " or ".join(np.dtype(kind).name for kind in dtypes)
        raise InputError(path, f"an array of {array.dtype}", allowed=allowed, remedy=_AGAIN)
    return array


def _weights(dataset: Dataset, count: int) -> NDArray[np.float32]:
    path = dataset.root / WEIGHTS
    if not path.exists():
        return np.ones(count, np.float32)
    weights = np.asarray(_open(path, (count,), (np.float32, np.float64)), np.float32)
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(path, f"{weights[row]:g}", field=f"row {row}", allowed="0 or more")
    return weights


def _rows_of(dataset: Dataset, refs: list[str], count: int) -> NDArray[np.intp]:
    """The row of the arrays that each `image` names."""
    rows = np.array([_row_of(dataset, ref) for ref in refs], np.intp)
    if rows.max(initial=-1) >= count:
        found = f"{counted(count, 'image')}, but a sample refers to row {rows.max()}"
        raise InputError(dataset.root / PIXELS, found, remedy=_AGAIN)
    return rows


def _row_of(dataset: Dataset, ref: str) -> int:
    row = images.stack_row(ref)
    if row is None:
        _refuse(dataset.root, "image", ref, f"{PIXELS}#ROW in a training set")
    return row


def _is_one_of(value: Any, allowed: Container[int]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in allowed


def _refuse(where: str | os.PathLike[str], field: str, found: Any, allowed: str) -> NoReturn:
    raise InputError(where, repr(found), field=field, allowed=allowed)
