"""Samples with their images as Parquet, in the form that Hugging Face's `datasets` reads.

An image is a struct of bytes and path; the file's metadata says what each column is
(huggingface.co/docs/hub/datasets-image).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from converters.parts.shards import Files, Shard, files_of, write_shards
from curate.basics.engine import Engine
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, file_stem

IMAGES = ("image", "mask", "depth")
SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}  # ours -> theirs
MEANINGS = {  # of the columns, one line each
    "sample_id": "a stable name, source/key",
    "source": "the dataset that it comes from",
    "image": "the photograph, upright; a photograph of two hands stands with each of them",
    "width": "of the image, pixels",
    "height": "of the image, pixels",
    "side": "left or right hand, anatomically",
    "aspect": "dorsal or palmar: what the camera sees",
    "subject_id": "the person",
    "keypoints": "21 x (x, y) in pixels, one after the other; null where not labelled",
    "visibility": "21 numbers: 0 not labelled, 1 labelled but hidden, 2 visible",
    "keypoint_scores": "21 scores of the tagger",
    "xyz": "21 x (x, y, z) in metres, in the camera's frame",
    "K": "the camera's matrix, row by row, pixels",
    "mask": "the hand's mask, as large as the image",
    "depth": "16-bit PNG in tenths of a millimetre, or RHD's two channels of 8 bits; 0: nothing seen",
    "bbox": "x, y, width, height in pixels",
    "label_source": "who labelled: manual, auto:NAME or render",
    "score": "the tagger's, 0 to 1",
    "parent_id": "the sample that this one was cut from",
    "transform": "2 x 3, row by row: from here to the image of `parent_id`",
    "clip": "the recording",
    "frame": "which picture of the recording, from 0",
    "track": "which hand of the recording",
    "licence": "of this picture",
    "tilt": "degrees, of renders",
    "rotation": "degrees, of renders",
    "sha256": "of the decoded pixels",
    "attrs": "what else the source tells, as JSON",
}
# A row group is read as a whole: small ones let a viewer, or a reader in random order, read little.
_GROUP_ROWS, _GROUP_BYTES = 100, 32_000_000
_PICTURE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


def write_parquet(
    dataset: Dataset, out: Path, engine: Engine, shard_mb: int
) -> tuple[pa.Schema, list[Shard], Counter[str]]:
    """Write data/SPLIT-NUMBER-of-COUNT.parquet: one row per sample, with the bytes of image, mask and depth.

    Columns are those of our schema, without `split` and without those that are empty in all samples.

    Returns
    -------
    The schema of the files, the shards, and counts of what was changed or left out.
    """
    schema = _schema(dataset)
    shards, counts = write_shards(dataset, out, engine, partial(_pack, schema), _name, shard_mb)
    return schema, shards, counts


def _name(split: str, number: int, of: int) -> str:
    return f"data/{SPLIT_NAMES[split]}-{number:05d}-of-{of:05d}.parquet"


def _schema(dataset: Dataset) -> pa.Schema:
    fields = []
    for field in SCHEMA:
        if field.name in IMAGES:
            kind = _PICTURE
        elif pa.types.is_fixed_size_list(field.type):
            # Of a fixed size, pyarrow 26's dataset reader, which `datasets` uses, cannot read nulls.
            kind = pa.list_(field.type.value_type)
        else:
            kind = field.type
        if field.name != "split" and (not field.nullable or not dataset.is_empty(field.name)):
            fields.append(pa.field(field.name, kind))
    features = {field.name: _feature(field.type) for field in fields}
    return pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}})})


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """A column as `datasets` describes it. Versions before 4 call a list "Sequence"; later ones know it."""
    if kind == _PICTURE:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "Sequence"}
    names = {"float": "float32", "double": "float64"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def _pack(schema: pa.Schema, root: Path, batch: pa.RecordBatch, file: IO[bytes]) -> tuple[int, Counter[str]]:
    counts = Counter[str]()
    samples = 0
    plain = [name for name in schema.names if name not in IMAGES]  # of pictures no statistics, nor an index
    settings = {"compression": "snappy", "write_statistics": plain, "write_page_index": True}
    with pq.ParquetWriter(file, schema, **settings) as writer:
        for group in _groups(files_of(root, batch, counts)):
            table = _table(batch, group, schema)
            writer.write_table(table, row_group_size=len(group))
            samples += len(group)
    return samples, counts


def _groups(found: Iterator[Files]) -> Iterator[list[Files]]:
    """The samples of each row group."""
    group: list[Files] = []
    size = 0
    for one in found:
        group.append(one)
        size += sum(len(data) for data in (one.image.data, one.mask or b"", one.depth or b""))
        if len(group) == _GROUP_ROWS or size >= _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _table(batch: pa.RecordBatch, group: list[Files], schema: pa.Schema) -> pa.Table:
    rows = batch.take(pa.array([one.row for one in group]))
    stems = [file_stem(sample_id) for sample_id in rows.column("sample_id").to_pylist()]
    pictures: dict[str, list[tuple[bytes | None, str]]] = {
        "image": [(one.image.data, stem + one.image.suffix) for one, stem in zip(group, stems, strict=True)],
        "mask": [(one.mask, f"{stem}-mask.png") for one, stem in zip(group, stems, strict=True)],
        "depth": [(one.depth, f"{stem}-depth.png") for one, stem in zip(group, stems, strict=True)],
    }
    arrays = []
    for field in schema:
        if field.name in IMAGES:
            structs = [data and {"bytes": data, "path": path} for data, path in pictures[field.name]]
            arrays.append(pa.array(structs, _PICTURE))
        else:
            arrays.append(rows.column(field.name).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)
