"""A dataset: a folder of samples in our schema.

    samples.parquet    one row a sample (curate.data.sample.SCHEMA)
    dataset.json       schema version, skeleton, sources, licences, history of stages, counts of the dropped
    quarantine.jsonl   inputs that could not be used, each with its reason
    images/ masks/     where a stage wrote pixels; a converter may refer to the source's files instead

`dataset.json` is written last: a folder without it is unfinished. A folder of an earlier version of the
schema is read as it is, its rows as today's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.basics import files, images, json_text
from curate.basics import keypoints as kp
from curate.basics.errors import InputError, SchemaError
from curate.basics.paths import open_file, path_of, read_file, real, require_place, require_utf8
from curate.basics.settings import known, require_count
from curate.basics.wording import counted, one_line
from curate.data import references, soundness
from curate.data.earlier import KEPT, SCHEMA_1, upgraded
from curate.data.sample import SCHEMA, SCHEMA_VERSION, SHAPES, Sample, from_batch, make_batch, to_numpy

if TYPE_CHECKING:
    import pandas as pd

    from curate.data.samples import Examples, Samples

TABLE = "samples.parquet"
INFO = references.INFO
QUARANTINE = "quarantine.jsonl"
_AGAIN = "make the dataset again"
ROWS = 8192  # a row group; also the largest batch read at a time
# Coordinates hardly compress: it takes half the time of writing a table, and saves a fifth of its space.
_COORDINATES = ("keypoints", "xyz")
_ENCODING: dict[str, Any] = {
    "compression": {
        f"{field.name}.list.element" if field.name in SHAPES else field.name: (
            "none" if field.name in _COORDINATES else "lz4"
        )
        for field in SCHEMA
    },
    "use_dictionary": [
        *("source", "side", "aspect", "subject_id", "label_source", "clip", "track"),
        *("split", "licence", "attrs"),
        "K.list.element",
    ],
    "write_statistics": ["sample_id"],
}


class _Counts(msgspec.Struct):
    """The part of a stage's counts that is relied on."""

    out: int | None = None
    quarantined: int | None = None
    dropped: dict[str, int] | None = None


class _Step(msgspec.Struct):
    """The part of an entry of dataset.json's history that is relied on."""

    stage: str
    options: dict[str, Any] = {}
    counts: _Counts | None = None


class _Info(msgspec.Struct):
    """The part of dataset.json that is relied on."""

    history: list[_Step] = []
    sources: list[str] = []
    licences: list[str] = []
    refers_to: list[str] = []


class Rows(NamedTuple):
    """Rows of a dataset, with the photo of each, and whether another hand is in the same image."""

    batch: pa.RecordBatch
    photos: list[str]
    shared: list[bool]

    def samples(self) -> Iterator[tuple[Sample, str, bool]]:
        """Each row as a sample, with its photo and whether it shares its image."""
        return zip(from_batch(self.batch), self.photos, self.shared, strict=True)


class Dataset:
    """An opened dataset folder. Its table is read in batches; at most one is held in memory.

    Attributes
    ----------
    root: the folder. info: the content of dataset.json.
    fingerprint: hash of dataset.json, which holds the table's hash; `curate.data.contents` hashes further
        files.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Open a folder. Raises SchemaError if it is not a finished dataset, or has a later version,
        InputError if its name is not UTF-8, and PermissionError if it may not be read."""
        self._given = path_of(root)
        require_utf8(self._given)
        require_place(self._given)
        self._place = self._given.absolute()
        self.info, self.fingerprint = _read_info(self.root)
        self._is_earlier = self.info["schema_version"] < SCHEMA_VERSION
        self._held: tuple[int, pa.RecordBatch] | None = None
        schema = SCHEMA_1 if self._is_earlier else SCHEMA
        try:
            open_file(self.root / TABLE).close()  # no pipe
            self._file = pq.ParquetFile(self.root / TABLE)
        except PermissionError:  # nothing is wrong with it
            raise
        except (OSError, pa.ArrowException) as error:
            raise SchemaError(
                self.root / TABLE, f"not readable ({one_line(error)})", remedy="make it again"
            ) from None
        if self._file.schema_arrow.remove_metadata() != schema:
            names = sorted({entry.name for entry in set(self._file.schema_arrow) ^ set(schema)})
            raise SchemaError(self.root / TABLE, f"columns that do not fit the schema {names}")

    @property
    def root(self) -> Path:
        """The folder as it was given; absolute once the process has changed its working folder."""
        return self._given if self._given.absolute() == self._place else self._place

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __repr__(self) -> str:
        return f"Dataset({str(self.root)!r}, {counted(len(self), 'sample')})"

    def __iter__(self) -> Iterator[Sample]:
        for batch in self.batches():
            yield from from_batch(batch)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        return self.samples()[index]

    def samples(self) -> Samples:
        """All of the samples, as a sequence."""
        from curate.data.samples import Samples  # imports pictures, which a table does not need

        return Samples(self, np.arange(len(self)))

    def filter(self, condition: str | Callable[[Sample], bool]) -> Samples:
        """The samples that a condition holds for, see `Samples.filter`."""
        return self.samples().filter(condition)

    def to_torch(self, transform: Callable[[dict[str, Any]], Any] | None = None) -> Examples:
        """The samples as `torch.utils.data.DataLoader` takes them, see `Samples.to_torch`."""
        return self.samples().to_torch(transform)

    def _repr_html_(self) -> str:
        return self.samples()._repr_html_()

    def take(self, rows: Iterable[int]) -> Iterator[Sample]:
        """The samples in some rows, in the order given; a row group is read once for successive rows in it.

        Raises IndexError: no such row.
        """
        sizes = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
        starts = np.cumsum([0, *sizes])
        for group, own in groupby(rows, lambda row: int(np.searchsorted(starts, row, "right")) - 1):
            wanted = list(own)
            if not 0 <= group < len(sizes):
                raise IndexError(f"no row {wanted[0]}; there are {len(self)}, from 0 on")
            yield from from_batch(self._group(group).take(pa.array([row - starts[group] for row in wanted])))

    def _group(self, number: int) -> pa.RecordBatch:
        """A row group; the one read last is kept."""
        if self._held is None or self._held[0] != number:
            with self._damage_as_schema_error():
                (batch,) = self._file.read_row_group(number).combine_chunks().to_batches()
            soundness.check(batch, self.root / TABLE)
            self._held = (number, upgraded(batch) if self._is_earlier else batch)
        return self._held[1]

    def batches(self, size: int = ROWS) -> Iterator[pa.RecordBatch]:
        """The table in batches of `size` rows (the last may be shorter). Raises InputError: below 1."""
        size = require_count("size", size, least=1)
        yield from rebatch(self._stored(size), size)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole table, or some of its columns. Raises InputError: no such column."""
        names = SCHEMA.names if columns is None else [columns] if isinstance(columns, str) else list(columns)
        if self._are_changed(names):
            return pa.Table.from_batches(self._stored(ROWS), SCHEMA).select(names)
        with self._damage_as_schema_error():
            table = self._file.read(names)
        soundness.check(table, self.root / TABLE)
        return table

    def is_empty(self, column: str) -> bool:
        """Whether no sample has a value in a column."""
        return all(batch.column(0).null_count == len(batch) for batch in self.columns(column))

    def columns(self, *names: str) -> Iterator[pa.RecordBatch]:
        """Some columns of the table, in batches of ROWS. Raises InputError: no such column."""
        if self._are_changed(names):
            return (batch.select(names) for batch in self._stored(ROWS))
        return self._stored(ROWS, list(names))

    def _are_changed(self, names: Iterable[str]) -> bool:
        """Whether the table is of an earlier version, in which some of these columns are missing or
        different. Raises InputError: no such column in any version."""
        for name in names:
            known(self.root / TABLE, "column", name, SCHEMA.names)
        return self._is_earlier and not KEPT.issuperset(names)

    def _stored(self, size: int, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        batches = self._file.iter_batches(size, columns=columns)
        while True:
            with self._damage_as_schema_error():
                batch = next(batches, None)
            if batch is None:
                return
            soundness.check(batch, self.root / TABLE)
            yield upgraded(batch) if self._is_earlier and columns is None else batch

    @contextmanager
    def _damage_as_schema_error(self) -> Iterator[None]:
        """What fails on reading the table in the block is a SchemaError."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise SchemaError(self.root / TABLE, f"damaged ({one_line(error)})", remedy=_AGAIN) from None

    def photos(self) -> list[str]:
        """For each row the photo it shows: `parent_id`, else the first sample that has the same image."""
        table = self.table(["sample_id", "image", "parent_id"])
        ids, parents = table.column("sample_id"), table.column("parent_id")
        twin = _first_twin(ids)
        if twin is not None:
            raise SchemaError(self.root / TABLE, twin, field="sample_id", remedy=_AGAIN)
        uncut = pc.equal(parents.fill_null(""), "")
        rows = np.flatnonzero(uncut)[::-1]
        image = _numbered(table.column("image"))
        first = np.zeros(image.max(initial=-1) + 1, np.intp)
        first[image[rows]] = rows  # of several rows of an image, the last one assigned stays: the first row
        photos: list[str] = pc.if_else(uncut, ids.take(first[image]), parents).to_pylist()
        return photos

    def shared(self) -> NDArray[np.bool_]:
        """For each row whether its image shows other hands of the dataset, too."""
        image = _numbered(self.table(["image"]).column(0))
        shared: NDArray[np.bool_] = np.bincount(image)[image] > 1
        return shared

    def rows(self, size: int) -> Iterator[Rows]:
        """The table in batches of `size` rows, with each row's photo and whether it shares its image."""
        photos, shared = self.photos(), self.shared()
        start = 0
        for batch in self.batches(size):
            stop = start + batch.num_rows
            yield Rows(batch, photos[start:stop], shared[start:stop].tolist())
            start = stop

    def read_image(self, sample: Sample, *, grey: bool = False) -> images.Pixels:
        """A sample's image as displayed: uint8, (H, W, 3) RGB, or (H, W) if it is or shall be grey.

        Raises UnreadableImage, and UnsafeReference if it lies where the dataset's files may not.
        """
        return references.read_image(self.root, sample.image, grey=grey)

    @property
    def name(self) -> str:
        """The name of its folder."""
        return real(self.root).name

    @property
    def training(self) -> dict[str, Any] | None:
        """What a training set holds: size, channels, keypoints, sigma; None for other datasets."""
        return self.info.get("training")

    def refuse_training_set(self, remedy: str, *, allowed: str = "a dataset") -> None:
        """Raise InputError if this is a training set, which holds crops and no photographs."""
        if self.training is not None:
            raise InputError(self.root, "a training set", allowed=allowed, remedy=remedy)

    def quarantine(self) -> list[dict[str, str]]:
        """Inputs that could not be used: {"input": ..., "reason": ...} each."""
        path = self.root / QUARANTINE
        if not path.exists():
            return []
        try:
            entries = [json_text.parse(line) for line in read_file(path, references.MAX_INFO).splitlines()]
            return [{"input": str(entry["input"]), "reason": str(entry["reason"])} for entry in entries]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SchemaError(path, f"does not parse ({error!r})"[:200], remedy=_AGAIN) from None

    def to_pandas(self) -> pd.DataFrame:
        """The table in wide form: columns `NAME_x`, `NAME_y` (pixels; NaN where unlabelled) and `NAME_v` for
        each keypoint; the other fields unchanged."""
        import pandas as pd

        table = self.table()
        points, seen = to_numpy(table, "keypoints"), to_numpy(table, "visibility").astype(np.uint8)
        rest = table.drop_columns(["keypoints", "visibility"]).to_pandas()
        flat = {}
        for i, name in enumerate(kp.NAMES):
            flat[f"{name}_x"], flat[f"{name}_y"] = points[:, i, 0], points[:, i, 1]
            flat[f"{name}_v"] = seen[:, i]
        frame: pd.DataFrame = pd.concat([rest, pd.DataFrame(flat, index=rest.index)], axis=1)
        return frame


def from_pandas(frame: pd.DataFrame) -> pa.RecordBatch:
    """The inverse of `Dataset.to_pandas`. Raises InputError if a keypoint column is missing."""
    wanted = [f"{name}_{axis}" for name in kp.NAMES for axis in "xyv"]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise InputError("DataFrame", f"no column {missing[0]!r}", allowed="NAME_x, NAME_y, NAME_v")
    block = frame[wanted].to_numpy(np.float64).reshape(len(frame), kp.COUNT, 3)
    columns: dict[str, Any] = {"keypoints": block[..., :2], "visibility": np.nan_to_num(block[..., 2])}
    for name in SCHEMA.names:
        if name in frame.columns:
            values = list(frame[name])
            columns[name] = _stacked(name, values) if name in SHAPES else values
    return make_batch(len(frame), **columns)


def rebatch(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of `size`, however they were divided before."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        while batch.num_rows:
            piece = batch.slice(0, size - count)
            batch = batch.slice(piece.num_rows)
            held.append(piece)
            count += piece.num_rows
            if count == size:
                yield _joined(held)
                held, count = [], 0
    if held:
        yield _joined(held)


def write_table(root: Path, batches: Iterable[pa.RecordBatch]) -> int:
    """Write samples.parquet atomically in row groups of ROWS; returns the number of rows.

    Raises InputError where two rows share a sample_id.
    """
    count, ids = 0, []
    with files.writing(root / TABLE) as file, pq.ParquetWriter(file, SCHEMA, **_ENCODING) as writer:
        for batch in rebatch(batches, ROWS):
            # A copy: a column would hold its whole batch.
            ids.append(pa.array(batch.column("sample_id").to_pylist(), pa.string()))
            writer.write_batch(batch, row_group_size=ROWS)
            count += batch.num_rows
        twin = _first_twin(pa.chunked_array(ids, pa.string()))
        if twin is not None:
            raise InputError(root, twin, field="sample_id", allowed="each id once")
    return count


def write_info(root: Path, info: dict[str, Any], *, trusted: bool = True) -> None:
    """Complete a dataset folder by its dataset.json, the mark that it is finished.

    trusted: all that it refers to outside was given by this user, or by datasets whose word is taken.
    """
    head = {
        "format": "hand-curate dataset",
        "schema_version": SCHEMA_VERSION,
        "skeleton": {"keypoints": list(kp.NAMES), "bones": [list(bone) for bone in kp.BONES]},
        "samples_sha256": files.sha256(root / TABLE),
    }
    files.write_json(root / INFO, {**head, **info})
    if trusted and info.get(references.REFERS_TO) != []:
        with suppress(OSError):  # if it cannot be kept, whoever reads the dataset is asked to trust it
            references.take_word(root)


def _read_info(root: Path) -> tuple[dict[str, Any], str]:
    """The content of dataset.json, and its hash."""
    path = root / INFO
    if not root.is_dir():
        raise SchemaError(root, "no such folder", allowed="a dataset folder made by a curate command")
    if not path.exists():
        if (root / files.RUN_INFO).exists():
            remedy = "curate evaluate and curate predict take a run, before what it is to look at"
            raise SchemaError(root, f"a run (it holds {files.RUN_INFO}), not a dataset", remedy=remedy)
        unfinished = (root / files.WORK).exists()
        found = "an unfinished dataset" if unfinished else "not a dataset (it has no dataset.json)"
        remedy = "run its command again to finish it" if unfinished else "make one with: curate convert"
        raise SchemaError(root, found, remedy=remedy)
    try:
        data = read_file(path, references.MAX_INFO)
        info = json_text.parse(data)
        version = info["schema_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(path, f"does not parse ({error!r})"[:200], remedy=_AGAIN) from None
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        remedy = "upgrade hand-curate" if newer else "make the dataset again with this version"
        allowed = f"1 to {SCHEMA_VERSION}"
        raise SchemaError(path, repr(version), field="schema_version", allowed=allowed, remedy=remedy)
    try:
        msgspec.convert(info, _Info)
    except msgspec.ValidationError as error:
        raise SchemaError.of_field(path, str(error), remedy=_AGAIN) from None
    known = {"history": [], "sources": [], "licences": [], **info}
    return known, hashlib.sha256(data).hexdigest()


def _stacked(name: str, values: list[Any]) -> np.ndarray[Any, Any]:
    blank = np.full(SHAPES[name], np.nan)
    return np.stack([blank if v is None else np.asarray(v).reshape(SHAPES[name]) for v in values])


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _first_twin(ids: pa.ChunkedArray) -> str | None:
    """A message on the first id that occurs more than once; None if all differ."""
    counts = ids.value_counts()
    twins = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return f"{twins[0].as_py()!r} occurs more than once" if len(twins) else None


def _numbered(column: pa.ChunkedArray) -> NDArray[np.intp]:
    """(n,) a number for the text of each row, from 0; equal texts have equal numbers."""
    parts = column.dictionary_encode().chunks
    return np.concatenate([np.empty(0, np.intp), *(part.indices for part in parts)])
