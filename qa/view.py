"""The input of the checks: the samples of one dataset, or of several at once, as arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.engine import Engine
from curate.data import split
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, SHAPES, attrs_of, labelled_points, to_numpy
from curate.data.training_set import form_of
from qa.measures import residuals
from qa.measures.arrays import ENOUGH, Flags, Floats, Names, Rows, blocks, grouped, is_known, numbered
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
    "clip",
    "split",
    "label_source",
    "mask",
    "licence",
    "sha256",
)
# What sources record about people in a sample's attrs, besides age.
PEOPLE = ("gender", "skinColor", "accessories", "nailPolish", "irregularities")


@dataclass(frozen=True, slots=True)
class View:
    """Samples as columns; row i of each belongs to the same sample.

    A million samples take half a gigabyte. Compute no more than a few numbers per sample for all samples at
    once, and read points for some samples at a time (`part`, `hands`).

    Attributes
    ----------
    datasets: the opened folders. dataset_of: (n,) index of the dataset that a row comes from.
    sample_id ... sha256: (n,) text, None where unknown. attrs: (n,) dicts, the source's own metadata.
    size: (n, 2) width and height in the table, pixels; NaN where unknown.
    tilt, rotation: (n,) degrees, of renders; NaN where unknown.
    keypoints: (n, 21, 2) pixels from the top left corner, NaN where unlabelled. visibility: (n, 21).
    bbox: (n, 4) x, y, width, height, pixels.
    xyz: (n, 21, 3) metres, camera frame. K: (n, 3, 3). transform: (n, 2, 3). All NaN where unknown, as bbox.
    cut: (n,) whether the sample is a crop (it has a parent, or is in a training set).
    expected: (n, 21) which keypoints the set should have (a 20-point training set has no wrist).
    pixels: what decoding the images gave. residuals: labels compared with a network's predictions.
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
    clip: Names
    split: Names
    label_source: Names
    mask: Names
    licence: Names
    sha256: Names
    attrs: Names
    size: Floats
    tilt: Floats
    rotation: Floats
    keypoints: NDArray[np.float32]
    visibility: NDArray[np.uint8]
    bbox: NDArray[np.float32]
    xyz: NDArray[np.float32]
    K: Floats
    transform: Floats
    cut: Flags
    expected: Flags
    pixels: PixelFacts
    residuals: Residuals

    def __len__(self) -> int:
        return len(self.sample_id)

    @property
    def points(self) -> Floats:
        """(n, 21, 2) the keypoints of all samples as float64, computed on each access."""
        return self.keypoints.astype(np.float64)

    def hands(self, rows: Rows | slice) -> Floats:
        """(k, 21, 2) the keypoints of some samples as float64."""
        return self.keypoints[rows].astype(np.float64)

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
        low, high = np.empty((2, len(self), 2))
        for rows in blocks(len(self)):
            low[rows], high[rows] = boxes_of(self.hands(rows))
        none = ~self.labelled.any(axis=1)
        low[none] = high[none] = np.nan
        return low, high

    def part(self, rows: Rows | slice) -> View:
        """Some of the samples."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "datasets"}
        return replace(self, **{name: _rows_of(value, rows) for name, value in own.items()})

    def splits(self) -> dict[str | None, Rows]:
        """Rows of each split, in the order train, val, test, others by name, none."""
        order = {"train": "0", "val": "1", "test": "2"}
        names = sorted(set(self.split), key=lambda s: (s is None, order.get(s or "", "3" + (s or ""))))
        return {name: np.flatnonzero(self.split == name) for name in names}

    def against_train(self) -> Iterator[tuple[str, Rows, Rows]]:
        """Each split except train, with its rows and train's; nothing if there is no train split."""
        groups = {name: rows for name, rows in self.splits().items() if name}
        train = groups.pop("train", None)
        if train is not None:
            for name, rows in groups.items():
                yield name, rows, train

    def independent(self, rows: Rows) -> int:
        """How many independent observations the rows hold: subjects where known, else samples."""
        subjects = self.subject_id[rows]
        return len(set(subjects.tolist()) - {None}) + int((~is_known(subjects)).sum())

    def peers(self, least: float) -> Iterator[Rows]:
        """Groups of at least `least` rows to compare with each other: those of one source and aspect, as
        palms are not shaped like backs. A group of more than ENOUGH is cut into parts: a person's rows stay
        together, except where a part ends; rows of unknown people are dealt out in turn.
        """
        sources, source = numbered(self.source)
        _, aspect = numbered(self.aspect)
        for rows in grouped(aspect * len(sources) + source):
            if len(rows) < least:
                continue
            count = -(-len(rows) // ENOUGH)
            subject = self.subject_id[rows]
            named, unnamed = np.flatnonzero(is_known(subject)), np.flatnonzero(~is_known(subject))
            named = named[np.argsort(numbered(subject[named])[1], kind="stable")]
            part = np.empty(len(rows), np.intp)
            part[named] = np.arange(len(named)) * count // max(1, len(named))
            part[unnamed] = np.arange(len(unnamed)) % count
            yield from (rows[part == number] for number in range(count))

    def folds(self, rows: Rows, count: int = 5) -> Rows:
        """(k,) which of `count` folds each row is in: a person is in one fold, so that nobody is judged by a
        fit that they took part in. Where people are unknown, or so few that most hands would be in one fold,
        a photograph is in one fold; failing that, hands are dealt out in turn."""
        parent, image = self.parent_id[rows], self.image[rows]
        photos = [a or f"{d} {b}" for a, b, d in zip(parent, image, self.dataset_of[rows], strict=True)]
        nobody = [None] * len(rows)
        for people in (self.subject_id[rows].tolist(), nobody):
            fold = np.array(split.folds(people, photos, nobody, count), np.intp)
            if 2 * np.bincount(fold, minlength=1).max() <= len(rows):
                return fold
        return np.arange(len(rows)) % count

    def properties(self) -> dict[str, Names]:
        """Side, aspect, and what sources record about people (PEOPLE, and age by decade), by name.

        Each is (n,) text, None where unknown; a property that no sample has is left out.
        """
        found: dict[str, Names] = {"side": self.side, "aspect": self.aspect}
        for name in PEOPLE:
            found[name] = as_names([attrs.get(name) for attrs in self.attrs])
        found["age"] = as_names([_decade(attrs.get("age")) for attrs in self.attrs])
        return {name: values for name, values in found.items() if any(v is not None for v in values)}

    def folder(self, row: int) -> str:
        """Name of the dataset folder that a row comes from."""
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
    SchemaError: a folder is not a finished dataset.
    """
    opened = tuple(d if isinstance(d, Dataset) else Dataset(d) for d in datasets)
    dataset_of = np.repeat(np.arange(len(opened)), [len(dataset) for dataset in opened])
    keypoints, visibility = _labels(opened)
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
        keypoints=keypoints,
        visibility=visibility,
        bbox=_block(opened, "bbox"),
        xyz=_block(opened, "xyz"),
        K=_block(opened, "K"),
        transform=_block(opened, "transform"),
        residuals=residuals.none(len(keypoints)),
        cut=training | is_known(text["parent_id"]),
        expected=_spread(wanted, dataset_of),
        pixels=pixel_facts(
            opened,
            dataset_of,
            text["image"],
            text["sha256"],
            keypoints,
            visibility == kp.HIDDEN,
            text["mask"],
            text["side"],
            engine=engine,
            quiet=quiet,
        )
        if images
        else unopened(text["sha256"]),
    )


def boxes_of(points: Floats) -> tuple[Floats, Floats]:
    """Lower and upper corners (n, 2) of points (n, 21, 2); NaN where all of them are unknown."""
    seen = ~np.isnan(points)
    low: Floats = np.min(points, axis=1, where=seen, initial=np.inf)
    high: Floats = np.max(points, axis=1, where=seen, initial=-np.inf)
    none = ~seen.any(axis=1)
    low[none] = high[none] = np.nan
    return low, high


def _rows_of(value: Any, rows: Rows | slice) -> Any:
    return value[rows] if isinstance(value, np.ndarray) else value.part(rows)


def as_names(values: Sequence[object]) -> Names:
    """Values as a column of text; None stays None."""
    column = np.empty(len(values), object)
    column[:] = [None if value is None else str(value) for value in values]
    return column


def _decade(age: object) -> str | None:
    """The decade of an age in years, such as "20 to 29"; None if it is not an age."""
    if not isinstance(age, int | float) or not 0 < age < 130:
        return None
    decade = int(age) // 10 * 10
    return f"{decade} to {decade + 9}"


def _column(datasets: Sequence[Dataset], name: str) -> pa.ChunkedArray:
    """One column of all datasets. Columns are read one at a time: all at once would take four times the
    memory of a view."""
    batches = (batch for dataset in datasets for batch in dataset.columns(name))
    return pa.chunked_array([batch.column(0) for batch in batches], SCHEMA.field(name).type)


def _text(datasets: Sequence[Dataset], name: str) -> Names:
    """A column as text; rows with the same text share one string."""
    return _spread(*_held_once(datasets, name))


def _attrs(datasets: Sequence[Dataset]) -> Names:
    texts, rows = _held_once(datasets, "attrs")
    values = np.empty(len(texts), object)
    values[:] = [attrs_of(text) for text in texts]
    return _spread(values, rows)


def _spread(values: NDArray[Any], rows: Rows) -> NDArray[Any]:
    """Each row's value; a single value is broadcast, which takes no memory."""
    return np.broadcast_to(values, (len(rows), *values.shape[1:])) if len(values) == 1 else values[rows]


def _held_once(datasets: Sequence[Dataset], name: str) -> tuple[Names, Rows]:
    """The distinct values of a column, and each row's index among them."""
    column = _column(datasets, name).dictionary_encode("encode").combine_chunks()
    return as_names(column.dictionary.to_pylist()), column.indices.to_numpy(zero_copy_only=False)


def _labels(datasets: Sequence[Dataset]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Keypoints (n, 21, 2) and visibility (n, 21)."""
    count, start = sum(map(len, datasets)), 0
    points, visibility = np.empty((count, kp.COUNT, 2), np.float32), np.empty((count, kp.COUNT), np.uint8)
    for batch in (b for dataset in datasets for b in dataset.columns("keypoints", "visibility")):
        stop = start + batch.num_rows
        points[start:stop], visibility[start:stop] = labelled_points(batch)
        start = stop
    return points, visibility


def _block(datasets: Sequence[Dataset], name: str) -> NDArray[Any]:
    """A column as (rows, *SHAPES[name]); one that no sample has takes no memory."""
    shape = sum(map(len, datasets)), *SHAPES[name]
    if all(dataset.is_empty(name) for dataset in datasets):
        return np.broadcast_to(np.float64(np.nan), shape)
    return np.concatenate([to_numpy(batch, name) for dataset in datasets for batch in dataset.columns(name)])


def _number(datasets: Sequence[Dataset], name: str) -> Floats:
    values: Floats = _column(datasets, name).cast(pa.float64()).to_numpy()
    return values
