"""What the checks look at: the samples of one dataset, or of several at once, as arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.data.dataset import Dataset
from curate.data.sample import labelled_points, to_numpy
from curate.data.training_set import form_of
from qa.pixels import Names, PixelFacts, pixel_facts

_TEXT = (
    "sample_id",
    "source",
    "image",
    "side",
    "aspect",
    "subject_id",
    "parent_id",
    "split",
    "label_source",
    "mask",
    "licence",
    "sha256",
)


@dataclass(frozen=True, slots=True)
class View:
    """Samples as columns; row i of each belongs to the same sample.

    Attributes
    ----------
    datasets: the opened folders. dataset_of: (n,) which of them a row comes from.
    sample_id ... sha256: (n,) text, None where unknown. attrs: (n,) dicts, the sources' own metadata.
    size: (n, 2) width and height as the table says, pixels; NaN where unknown.
    tilt, rotation: (n,) degrees, of renders; NaN where unknown.
    points: (n, 21, 2) pixels, NaN where unlabelled. visibility: (n, 21).
    xyz: (n, 21, 3) metres, camera frame. K: (n, 3, 3). transform: (n, 2, 3). All NaN where unknown.
    cut: (n,) the sample is a crop (it has a parent, or stands in a training set).
    expected: (n, 21) the keypoints that belong to the set (a 20-point training set has no wrist).
    pixels: what decoding the images gave. predicted: (n, 21, 2) pixels, by a network; NaN where unknown.
    """

    datasets: tuple[Dataset, ...]
    dataset_of: NDArray[np.intp]
    sample_id: Names
    source: Names
    image: Names
    side: Names
    aspect: Names
    subject_id: Names
    parent_id: Names
    split: Names
    label_source: Names
    mask: Names
    licence: Names
    sha256: Names
    attrs: Names
    size: NDArray[np.float64]
    tilt: NDArray[np.float64]
    rotation: NDArray[np.float64]
    points: NDArray[np.float64]
    visibility: NDArray[np.uint8]
    xyz: NDArray[np.float64]
    K: NDArray[np.float64]
    transform: NDArray[np.float64]
    cut: NDArray[np.bool_]
    expected: NDArray[np.bool_]
    pixels: PixelFacts
    predicted: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.sample_id)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(n, 21) visibility 1 or 2."""
        return self.visibility > 0

    @property
    def frame(self) -> NDArray[np.float64]:
        """(n, 2) width and height: the table's, else the image's; NaN where neither is known."""
        return np.where(self.size > 0, self.size, self.pixels.size)

    def boxes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper corners (n, 2) of the labelled points; NaN for samples without any."""
        low = np.where(np.isnan(self.points), np.inf, self.points).min(axis=1)
        high = np.where(np.isnan(self.points), -np.inf, self.points).max(axis=1)
        none = ~self.labelled.any(axis=1)
        low[none] = high[none] = np.nan
        return low, high

    def splits(self) -> dict[str | None, NDArray[np.intp]]:
        """Rows of each split, in the order train, val, test, others by name, none."""
        order = {"train": "0", "val": "1", "test": "2"}
        names = sorted(set(self.split), key=lambda s: (s is None, order.get(s or "", "3" + (s or ""))))
        return {name: np.flatnonzero(self.split == name) for name in names}

    def folder(self, row: int) -> str:
        """Name of the folder that a row comes from."""
        name: str = self.datasets[self.dataset_of[row]].root.resolve().name
        return name


def open_view(datasets: Sequence[Dataset | str | os.PathLike[str]], *, workers: int, quiet: bool) -> View:
    """Read the tables and decode every image once.

    Raises
    ------
    SchemaError: a folder is no finished dataset.
    """
    opened = tuple(d if isinstance(d, Dataset) else Dataset(d) for d in datasets)
    tables = [dataset.table() for dataset in opened]
    table = pa.concat_tables(tables)
    dataset_of = np.repeat(np.arange(len(opened)), [len(t) for t in tables])
    places, visibility = labelled_points(table)
    points = places.astype(np.float64)
    text: dict[str, Any] = {name: _text(table, name) for name in _TEXT}
    training = np.array([d.training is not None for d in opened], bool)[dataset_of]
    wanted = np.zeros((len(opened), kp.COUNT), bool)
    for i, dataset in enumerate(opened):
        wanted[i, kp.subset(kp.COUNT if dataset.training is None else form_of(dataset).keypoints)] = True
    return View(
        datasets=opened,
        dataset_of=dataset_of,
        **text,
        attrs=_attrs(table),
        size=np.stack([_number(table, "width"), _number(table, "height")], axis=1),
        tilt=_number(table, "tilt"),
        rotation=_number(table, "rotation"),
        points=points,
        visibility=visibility,
        xyz=to_numpy(table, "xyz").astype(np.float64),
        K=to_numpy(table, "K"),
        transform=to_numpy(table, "transform"),
        predicted=np.full(points.shape, np.nan),
        cut=training | (text["parent_id"] != np.array(None)),
        expected=wanted[dataset_of],
        pixels=pixel_facts(
            opened,
            dataset_of,
            text["image"],
            text["sha256"],
            points,
            text["mask"],
            text["side"],
            workers=workers,
            quiet=quiet,
        ),
    )


def _text(table: pa.Table, name: str) -> Names:
    column = np.empty(len(table), object)
    column[:] = table.column(name).to_pylist()
    return column


def _attrs(table: pa.Table) -> Names:
    column = np.empty(len(table), object)
    column[:] = [json.loads(text) if text else {} for text in table.column("attrs").to_pylist()]
    return column


def _number(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table.column(name).cast(pa.float64()).to_numpy()
    return values
