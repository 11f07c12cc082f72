"""What the checks look at: the samples of one dataset, or of several at once, as arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.engine import Engine
from curate.data import split
from curate.data.dataset import Dataset
from curate.data.sample import SHAPES, labelled_points, to_numpy
from curate.data.training_set import form_of
from qa.measures import residuals
from qa.measures.arrays import Flags, Floats, Names, Rows
from qa.measures.image_pass import PixelFacts, pixel_facts, unopened
from qa.measures.residuals import Residuals

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
# What the sources tell of people beside their age, in a sample's attrs.
PEOPLE = ("gender", "skinColor", "accessories", "nailPolish", "irregularities")


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
    pixels: what decoding the images gave. residuals: the labels against a network's predictions.
    """

    datasets: tuple[Dataset, ...]
    dataset_of: Rows
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
    size: Floats
    tilt: Floats
    rotation: Floats
    points: Floats
    visibility: NDArray[np.uint8]
    xyz: Floats
    K: Floats
    transform: Floats
    cut: Flags
    expected: Flags
    pixels: PixelFacts
    residuals: Residuals

    def __len__(self) -> int:
        return len(self.sample_id)

    @property
    def labelled(self) -> Flags:
        """(n, 21) visibility 1 or 2."""
        return self.visibility > 0

    @property
    def frame(self) -> Floats:
        """(n, 2) width and height: the table's, else the image's; NaN where neither is known."""
        return np.where(self.size > 0, self.size, self.pixels.size)

    def boxes(self) -> tuple[Floats, Floats]:
        """Lower and upper corners (n, 2) of the labelled points; NaN for samples without any."""
        low = np.where(np.isnan(self.points), np.inf, self.points).min(axis=1)
        high = np.where(np.isnan(self.points), -np.inf, self.points).max(axis=1)
        none = ~self.labelled.any(axis=1)
        low[none] = high[none] = np.nan
        return low, high

    def splits(self) -> dict[str | None, Rows]:
        """Rows of each split, in the order train, val, test, others by name, none."""
        order = {"train": "0", "val": "1", "test": "2"}
        names = sorted(set(self.split), key=lambda s: (s is None, order.get(s or "", "3" + (s or ""))))
        return {name: np.flatnonzero(self.split == name) for name in names}

    def against_train(self) -> Iterator[tuple[str, Rows, Rows]]:
        """Each split but train with its rows, and train's; nothing where there is no train split."""
        groups = {name: rows for name, rows in self.splits().items() if name}
        train = groups.pop("train", None)
        if train is not None:
            for name, rows in groups.items():
                yield name, rows, train

    def independent(self, rows: Rows) -> int:
        """How many of the rows count as independent: subjects where they are known, else samples."""
        subjects = self.subject_id[rows]
        return len(set(subjects.tolist()) - {None}) + int((subjects == np.array(None)).sum())

    @property
    def kinds(self) -> Names:
        """(n,) what is compared with its like: source and aspect, since palms are not shaped like backs."""
        return as_names([f"{a}, {b}" for a, b in zip(self.source, self.aspect, strict=True)])

    def folds(self, rows: Rows, count: int = 5) -> Rows:
        """For each of the rows one of `count` folds: of people, so that nobody is judged by a fit that they
        took part in. Where people are unknown, or so few that most hands would be in one fold, of
        photographs; failing that, of hands."""
        parent, image = self.parent_id[rows], self.image[rows]
        photos = [a or f"{d} {b}" for a, b, d in zip(parent, image, self.dataset_of[rows], strict=True)]
        nobody = [None] * len(rows)
        for people in (self.subject_id[rows].tolist(), nobody):
            fold = np.array(split.folds(people, photos, nobody, count), np.intp)
            if 2 * np.bincount(fold, minlength=1).max() <= len(rows):
                return fold
        return np.arange(len(rows)) % count

    def properties(self) -> dict[str, Names]:
        """Side, aspect, and what the sources tell of the people: gender, age by decades, skin tone and more.

        Each is (n,) text with None where unknown; those that no sample has are left out.
        """
        found: dict[str, Names] = {"side": self.side, "aspect": self.aspect}
        for name in PEOPLE:
            found[name] = as_names([about.get(name) for about in self.attrs])
        found["age"] = as_names([_decade(about.get("age")) for about in self.attrs])
        return {name: values for name, values in found.items() if any(v is not None for v in values)}

    def folder(self, row: int) -> str:
        """Name of the folder that a row comes from."""
        name: str = self.datasets[self.dataset_of[row]].name
        return name


def open_view(
    datasets: Sequence[Dataset | str | os.PathLike[str]],
    *,
    engine: Engine,
    quiet: bool,
    images: bool = True,
) -> View:
    """Read the tables and, with `images`, decode every image once.

    Raises
    ------
    SchemaError: a folder is no finished dataset.
    """
    opened = tuple(d if isinstance(d, Dataset) else Dataset(d) for d in datasets)
    dataset_of = np.repeat(np.arange(len(opened)), [len(dataset) for dataset in opened])
    places, visibility = labelled_points(_columns(opened, "keypoints", "visibility"))
    points = places.astype(np.float64)
    del places
    text: dict[str, Any] = {name: _text(opened, name) for name in _TEXT}
    training = np.array([d.training is not None for d in opened], bool)[dataset_of]
    wanted = np.zeros((len(opened), kp.COUNT), bool)
    for i, dataset in enumerate(opened):
        wanted[i, kp.subset(kp.COUNT if dataset.training is None else form_of(dataset).keypoints)] = True
    return View(
        datasets=opened,
        dataset_of=dataset_of,
        **text,
        attrs=_attrs(opened),
        size=np.stack([_number(opened, "width"), _number(opened, "height")], axis=1),
        tilt=_number(opened, "tilt"),
        rotation=_number(opened, "rotation"),
        points=points,
        visibility=visibility,
        xyz=_block(opened, "xyz"),
        K=_block(opened, "K"),
        transform=_block(opened, "transform"),
        residuals=residuals.none(len(points)),
        cut=training | (text["parent_id"] != np.array(None)),
        expected=wanted[dataset_of],
        pixels=pixel_facts(
            opened,
            dataset_of,
            text["image"],
            text["sha256"],
            points,
            visibility == kp.HIDDEN,
            text["mask"],
            text["side"],
            engine=engine,
            quiet=quiet,
        )
        if images
        else unopened(text["sha256"]),
    )


def as_names(values: Sequence[object]) -> Names:
    """Values as a column of text; None stays None."""
    column = np.empty(len(values), object)
    column[:] = [None if value is None else str(value) for value in values]
    return column


def _decade(age: object) -> str | None:
    """The decade of an age in years, such as "20 to 29"; None where it is no age."""
    if not isinstance(age, int | float) or not 0 < age < 130:
        return None
    decade = int(age) // 10 * 10
    return f"{decade} to {decade + 9}"


def _columns(datasets: Sequence[Dataset], *names: str) -> pa.Table:
    """Some columns, which is what may be held at a time: all of them take four times the memory of a view."""
    return pa.concat_tables([dataset.table(names) for dataset in datasets])


def _text(datasets: Sequence[Dataset], name: str) -> Names:
    """A column as text; what many rows have in common is held once."""
    values, rows = _held_once(datasets, name)
    return values[rows]


def _attrs(datasets: Sequence[Dataset]) -> Names:
    texts, rows = _held_once(datasets, "attrs")
    values = np.empty(len(texts), object)
    values[:] = [json.loads(text) if text else {} for text in texts]
    return values[rows]


def _held_once(datasets: Sequence[Dataset], name: str) -> tuple[Names, Rows]:
    """The distinct values of a column, and which of them each row has."""
    chunks = _columns(datasets, name).column(0).chunks or [pa.array([], pa.string())]
    column = pa.concat_arrays(chunks).dictionary_encode("encode")
    return as_names(column.dictionary.to_pylist()), column.indices.to_numpy(zero_copy_only=False)


def _block(datasets: Sequence[Dataset], name: str) -> Floats:
    """A column of (rows, *SHAPES[name]); one that no sample has takes no memory."""
    if all(dataset.is_empty(name) for dataset in datasets):
        return np.broadcast_to(np.nan, (sum(map(len, datasets)), *SHAPES[name]))
    return to_numpy(_columns(datasets, name), name).astype(np.float64, copy=False)


def _number(datasets: Sequence[Dataset], name: str) -> Floats:
    values: Floats = _columns(datasets, name).column(0).cast(pa.float64()).to_numpy()
    return values
