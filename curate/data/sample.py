"""The sample: one hand in one image, one Arrow row. The schema lives here and nowhere else.

In memory a point that carries no label is NaN with visibility 0; on disk it is null. It is never (0, 0).
A point outside the image keeps its true coordinates. Coordinates are as in `curate.basics.geometry`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curate.basics import files, geometry
from curate.basics import keypoints as kp

SCHEMA_VERSION = 2


def _floats(count: int, width: int = 32) -> pa.DataType:
    return pa.list_(pa.float32() if width == 32 else pa.float64(), count)


SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("side", pa.string()),
        pa.field("aspect", pa.string()),
        pa.field("subject_id", pa.string()),
        pa.field("keypoints", _floats(2 * kp.COUNT), nullable=False),
        pa.field("visibility", pa.list_(pa.uint8(), kp.COUNT), nullable=False),
        pa.field("keypoint_scores", _floats(kp.COUNT)),
        pa.field("xyz", _floats(3 * kp.COUNT)),
        pa.field("K", _floats(9, 64)),
        pa.field("mask", pa.string()),
        pa.field("depth", pa.string()),
        pa.field("bbox", _floats(4)),
        pa.field("label_source", pa.string()),
        pa.field("score", pa.float32()),
        pa.field("parent_id", pa.string()),
        pa.field("transform", _floats(6, 64)),
        pa.field("clip", pa.string()),
        pa.field("frame", pa.int32()),
        pa.field("track", pa.string()),
        pa.field("split", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("tilt", pa.float32()),
        pa.field("rotation", pa.float32()),
        pa.field("sha256", pa.string()),
        pa.field("attrs", pa.string()),
    ]
)

# Shape of one row of each fixed-size column.
SHAPES: dict[str, tuple[int, ...]] = {
    "keypoints": (kp.COUNT, 2),
    "visibility": (kp.COUNT,),
    "keypoint_scores": (kp.COUNT,),
    "xyz": (kp.COUNT, 3),
    "K": (3, 3),
    "bbox": (4,),
    "transform": (2, 3),
}
_ATTRS = json.JSONDecoder(parse_constant=lambda _: None)  # made once: `json.loads` would for each text
_SHOWN = 80  # characters of a value in an error
SIDES, ASPECTS = ("left", "right"), ("dorsal", "palmar")  # or null
WHOLE = ("bbox", "K", "transform")  # known as a whole or not at all


def _unlabelled() -> NDArray[np.float32]:
    return np.full((kp.COUNT, 2), np.nan, np.float32)


def _none_visible() -> NDArray[np.uint8]:
    return np.zeros(kp.COUNT, np.uint8)


# In attrs: lines of text on what QA found, for tools that show a remark beside a hand.
FINDINGS = "findings"
# In attrs: where tilt and rotation come from, if they are not exact.
ANGLES_FROM = "angles_from"


@dataclass(slots=True, eq=False)
class Sample:
    """One hand in one image.

    Attributes
    ----------
    sample_id: stable name, "source/key".
    source: the dataset it comes from.
    image: path relative to the dataset folder (posix), or "pixels.npy#row" in a training set.
    width, height: of the image as displayed (EXIF applied), pixels.
    side: "left" or "right" hand, anatomically. aspect: "dorsal" or "palmar", what the camera sees.
    keypoints: (21, 2) float32, pixels; NaN where unlabelled. visibility: (21,) uint8, COCO's 0, 1, 2.
    keypoint_scores: (21,) float32, the tagger's, NaN where a point has none.
    xyz: (21, 3) float32, metres, camera frame. K: (3, 3) float64 intrinsics, pixels.
    mask, depth: paths relative to the dataset (`curate.data.depth`). bbox: (4,) float32 x, y, w, h, pixels.
    label_source: "manual", "auto:NAME" or "render". score: the tagger's, 0..1.
    parent_id, transform: the sample it was cut from, and the (2, 3) map from its image to that sample's.
    clip, frame: the recording, and the number of the picture in it, from 0. track: which hand of it.
    split: "train", "val" or "test". tilt, rotation: degrees; exact for renders, or from the keypoints.
    sha256: of the decoded pixels. attrs: the source's own metadata.
    """

    sample_id: str
    source: str
    image: str
    width: int | None = None
    height: int | None = None
    side: str | None = None
    aspect: str | None = None
    subject_id: str | None = None
    keypoints: NDArray[np.float32] = field(default_factory=_unlabelled)
    visibility: NDArray[np.uint8] = field(default_factory=_none_visible)
    keypoint_scores: NDArray[np.float32] | None = None
    xyz: NDArray[np.float32] | None = None
    K: NDArray[np.float64] | None = None
    mask: str | None = None
    depth: str | None = None
    bbox: NDArray[np.float32] | None = None
    label_source: str | None = None
    score: float | None = None
    parent_id: str | None = None
    transform: NDArray[np.float64] | None = None
    clip: str | None = None
    frame: int | None = None
    track: str | None = None
    split: str | None = None
    licence: str | None = None
    tilt: float | None = None
    rotation: float | None = None
    sha256: str | None = None
    attrs: dict[str, Any] = field(default_factory=dict)


class Misfit(ValueError):
    """A value that no dataset can hold, in one of the rows that are made into a batch.

    Attributes
    ----------
    field, found, allowed: as in an InputError. sample: the sample's id, if known.
    """

    def __init__(self, field: str, found: str, allowed: str, sample: str | None = None) -> None:
        super().__init__(field, found, allowed, sample)
        self.field, self.found, self.allowed, self.sample = field, found[:_SHOWN], allowed, sample

    def __str__(self) -> str:
        return f"{self.field}: {self.found}; allowed: {self.allowed}"


def moved(sample: Sample, affine: geometry.Affine, photo: str) -> Sample:
    """The sample in an image that was made from its own by scaling and shifting.

    Keypoints, bbox and K move along; `transform` leads back to the photo that the first image was cut from.
    A depth map is left behind, since it does not fit the new image.

    Parameters
    ----------
    affine: (2, 3) from its image to the new one.
    photo: the `parent_id` where the sample has none yet: the first sample of its image.
    """
    back = geometry.invert(affine)
    box = sample.bbox
    if box is not None:
        corners = geometry.apply(affine, np.stack([box[:2], box[:2] + box[2:]]))
        box = np.concatenate([corners[0], corners[1] - corners[0]]).astype(np.float32)
    return replace(
        sample,
        keypoints=geometry.apply(affine, sample.keypoints).astype(np.float32),
        depth=None,
        bbox=box,
        K=None if sample.K is None else np.vstack([affine, [0.0, 0.0, 1.0]]) @ sample.K,
        parent_id=sample.parent_id or photo,
        transform=back if sample.transform is None else geometry.compose(sample.transform, back),
    )


def without_points(sample: Sample) -> Sample:
    """The same sample, none of its points labelled."""
    return replace(sample, keypoints=_unlabelled(), visibility=_none_visible())


def make_batch(count: int, **columns: Any) -> pa.RecordBatch:
    """A batch of `count` rows from columns; those not named are null.

    Parameters
    ----------
    columns: per field of SCHEMA a scalar (the same in every row), a list, a pyarrow array, or for
        fixed-size fields a numpy array of shape (count, *SHAPES[field]), or a list of such rows and None. NaN
        becomes null; a row of a nullable fixed-size field that is NaN throughout becomes a null row. `attrs`
        takes JSON text or dicts.

    Raises
    ------
    ValueError: an unknown column. Misfit: a wrong shape or type, a visibility beyond 0, 1, 2, a labelled
        point that is not finite, or numbers that are `impossible`.
    """
    unknown = set(columns) - set(SCHEMA.names)
    if unknown:
        raise ValueError(f"unknown columns {sorted(unknown)}; allowed: {SCHEMA.names}")
    points, visibility = _checked_points(
        count, columns.pop("keypoints", None), columns.pop("visibility", None)
    )
    arrays = []
    for entry in SCHEMA:
        if entry.name == "keypoints":
            arrays.append(_fixed(entry, points, count))
        elif entry.name == "visibility":
            arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(visibility.reshape(-1)), kp.COUNT))
        else:
            with _fitting(entry):
                arrays.append(_column(entry, columns.get(entry.name), count))
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def to_batch(samples: Sequence[Sample]) -> pa.RecordBatch:
    """The samples as one Arrow batch. Raises Misfit, which names the first sample at fault."""
    try:
        return make_batch(len(samples), **_columns(samples))
    except Misfit as error:
        raise _first_misfit(samples) or error from None


def from_batch(batch: pa.RecordBatch) -> Iterator[Sample]:
    """The rows of a batch as samples."""
    fixed = {name: to_numpy(batch, name) for name in SHAPES}
    plain = {name: batch.column(name).to_pylist() for name in SCHEMA.names if name not in SHAPES}
    nulls = {name: batch.column(name).is_null().to_pylist() for name in SHAPES}
    for row in range(batch.num_rows):
        values = {name: column[row] for name, column in plain.items()}
        values["attrs"] = attrs_of(values["attrs"])
        for name, array in fixed.items():
            values[name] = None if nulls[name][row] else array[row].copy()
        yield Sample(**values)


def to_numpy(batch: pa.RecordBatch | pa.Table, name: str) -> NDArray[Any]:
    """A fixed-size column as (rows, *SHAPES[name]); null becomes NaN."""
    column = batch.column(name)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # no chunk at all
            column = pa.array([], type=SCHEMA.field(name).type)
    size = column.type.list_size
    values = column.values.slice(column.offset * size, len(column) * size)
    rows: NDArray[Any] = values.to_numpy(zero_copy_only=False).reshape(len(column), *SHAPES[name])
    if column.null_count:  # values behind null rows are undefined
        absent = column.is_null().to_numpy(zero_copy_only=False)
        rows = np.where(absent.reshape(-1, *[1] * len(SHAPES[name])), np.nan, rows)
    return rows


def replace_columns(batch: pa.RecordBatch, **columns: Any) -> pa.RecordBatch:
    """A copy of the batch with some columns replaced, given as `make_batch` takes them."""
    merged: dict[str, Any] = {name: batch.column(name) for name in SCHEMA.names if name not in SHAPES}
    merged.update({name: to_numpy(batch, name) for name in SHAPES})
    merged.update(columns)
    return make_batch(batch.num_rows, **merged)


def labelled_points(batch: pa.RecordBatch | pa.Table) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Keypoints (n, 21, 2), NaN where unlabelled, and visibility (n, 21)."""
    return to_numpy(batch, "keypoints"), to_numpy(batch, "visibility").astype(np.uint8)


def file_stem(sample_id: str) -> str:
    """A file name for a sample: readable, safe on every file system, different for different ids."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", sample_id)[:80].strip("_")
    return f"{safe}-{hashlib.sha256(sample_id.encode()).hexdigest()[:8]}"


def file_place(sample_id: str, of: int) -> str:
    """The path of a sample's file, without suffix, in a folder for the files of `of` samples.

    It is the stem; among more than `files.A_FOLDER`, the stem in a subfolder named by the first digits of its
    hash, such as 3f.
    """
    stem = file_stem(sample_id)
    digits = 0
    while of > files.A_FOLDER * 16**digits:
        digits += 1
    # One digit more than if hashes were spread evenly, which they are not.
    return f"{stem[-8:][: digits + 1]}/{stem}" if digits else stem


def generator(seed: int, sample_id: str) -> np.random.Generator:
    """A generator for what is drawn for a sample; it depends on the seed and the sample's id alone."""
    digest = hashlib.sha256(f"{seed} {sample_id}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, "<u4"))


def _columns(samples: Sequence[Sample]) -> dict[str, list[Any]]:
    return {name: [getattr(sample, name) for sample in samples] for name in SCHEMA.names}


def _first_misfit(samples: Sequence[Sample]) -> Misfit | None:
    """The fault of the first sample that cannot be made into a row by itself."""
    for sample in samples:
        try:
            make_batch(1, **_columns([sample]))
        except Misfit as error:
            is_large = error.field in (*SHAPES, "attrs")  # attrs can be long, and nested too deeply to print
            found = error.found if is_large else repr(getattr(sample, error.field))
            return Misfit(error.field, found, error.allowed, str(sample.sample_id))
    return None


@contextmanager
def _fitting(entry: pa.Field) -> Iterator[None]:
    """What Arrow or numpy refuses in the block is a Misfit of this field."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, RecursionError, pa.ArrowException) as error:
        raise Misfit(entry.name, str(error), _allowed(entry)) from None


def _allowed(entry: pa.Field) -> str:
    if entry.name in SHAPES:
        return f"{'0, 1 or 2' if entry.name == 'visibility' else 'numbers'}, of shape {SHAPES[entry.name]}"
    if entry.name == "attrs":
        return "what JSON can hold, by name"
    if pa.types.is_string(entry.type):
        return "text"
    return f"a {'whole ' if pa.types.is_integer(entry.type) else ''}number of {entry.type.bit_width} bits"


def _checked_points(count: int, points: Any, visibility: Any) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    points = np.full((count, kp.COUNT, 2), np.nan, np.float32) if points is None else points
    visibility = np.zeros((count, kp.COUNT), np.uint8) if visibility is None else visibility
    with _fitting(SCHEMA.field("keypoints")):
        points = _rows("keypoints", points, count).astype(np.float32, order="C", copy=True)
    with _fitting(SCHEMA.field("visibility")):
        visibility = _rows("visibility", visibility, count)
        whole, allowed = visibility.dtype == np.uint8, (kp.UNLABELLED, kp.HIDDEN, kp.VISIBLE)
        known = visibility <= kp.VISIBLE if whole else np.isin(visibility, allowed)
        if not known.all():
            raise ValueError(str(visibility[~known][0]))
    visibility = visibility.astype(np.uint8, copy=False)
    unlabelled = visibility == kp.UNLABELLED
    finite = np.isfinite(points)
    with _fitting(SCHEMA.field("keypoints")):
        if not (finite[..., 0] & finite[..., 1] | unlabelled).all():
            raise ValueError("a labelled point (visibility 1 or 2) is not finite")
    if unlabelled.any():
        points.reshape(-1, 2)[np.flatnonzero(unlabelled)] = np.nan  # three times as fast as by a mask
    return points, visibility


def _rows(name: str, values: Any, count: int) -> NDArray[Any]:
    """Values given for a fixed-size field as one array. Raises ValueError: a row of another shape."""
    shape = SHAPES[name]
    if isinstance(values, list):
        blank = np.full(shape, np.nan)
        values = np.stack([blank if row is None else row for row in values]) if values else blank[None][:0]
    rows = np.asarray(values)
    if rows.shape != (count, *shape) and rows.size:
        raise ValueError(f"shape {rows.shape[1:]}")
    return rows.reshape(count, *shape)


def impossible(name: str, values: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) which rows of a fixed-size field no dataset can hold: a number is infinite, or, in a field that is
    known as a whole or not at all (WHOLE), some numbers are missing (NaN) and some are not."""
    axes = tuple(range(1, values.ndim))
    if name in WHOLE:
        return np.asarray(~np.isfinite(values).all(axis=axes) & ~np.isnan(values).all(axis=axes))
    return np.asarray(np.isinf(values).any(axis=axes))


def stored(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Values of a fixed-size field in the schema's precision; numbers beyond its range become infinite."""
    kind = SCHEMA.field(name).type.value_type.to_pandas_dtype()
    with np.errstate(over="ignore"):
        return np.asarray(values.astype(kind, copy=False))


def _fixed(entry: pa.Field, values: NDArray[Any], count: int) -> pa.Array:
    size = entry.type.list_size
    flat = stored(entry.name, values).reshape(count, size)
    if np.isfinite(flat).all():
        return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), size)
    if impossible(entry.name, flat).any():
        raise ValueError("a number that is infinite, or missing beside others")
    missing = np.isnan(flat)
    items = pa.array(flat.reshape(-1), mask=missing.reshape(-1))
    absent = missing.all(axis=1)
    mask = pa.array(absent) if entry.nullable and absent.any() else None
    return pa.FixedSizeListArray.from_arrays(items, size, mask=mask)


def _column(entry: pa.Field, values: Any, count: int) -> pa.Array:
    if values is None:
        return pa.nulls(count, entry.type)
    if isinstance(values, pa.Array):
        return values.cast(entry.type)
    if entry.name in SHAPES:
        return _fixed(entry, _rows(entry.name, values, count), count)
    once = isinstance(values, str | int | float | Mapping)
    given = [values] if once else values
    if entry.name == "attrs":
        given = [json_text(value) if isinstance(value, Mapping) else value for value in given]
    column = pa.array(given, entry.type, from_pandas=True)
    if pa.types.is_integer(entry.type):  # Arrow silently cuts fractions off here, but refuses to cast them
        pa.array(given, pa.float64(), from_pandas=True).cast(entry.type)
    return pa.repeat(column[0], count) if once else column


def attrs_of(text: str | None) -> dict[str, Any]:
    """A sample's attrs from their JSON. NaN and infinities, which earlier versions wrote, are null."""
    found: dict[str, Any] = _ATTRS.decode(text) if text else {}
    return found


def json_text(value: Mapping[str, Any]) -> str | None:
    """Canonical JSON of a sample's attrs: the same bytes for the same content; None for none.

    Raises ValueError, TypeError or RecursionError: it holds what JSON cannot, such as NaN.
    """
    if not value:
        return None
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
