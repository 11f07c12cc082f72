"""Croissant: metadata for machines, as JSON-LD, over Parquet shards (docs.mlcommons.org/croissant).

The shards are those of the format hf. croissant.json beside them lists the files with their hashes, describes
each column, and says which file belongs to which split.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from converters.parts import licences
from converters.parts.lost_fields import count_lost
from converters.parts.parquet_shards import IMAGES, MEANINGS, SPLIT_NAMES, write_parquet
from converters.parts.shards import SHARD_MB, Shard
from curate.basics import files
from curate.basics.engine import ONE, Engine
from curate.basics.wording import counted
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, SHAPES

NAME = "croissant"
FILE = "croissant.json"
_HELD = frozenset(SCHEMA.names)
_PARQUET = "application/x-parquet"
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "arrayShape": "cr:arrayShape",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_FILE_SET = {
    "@type": "cr:FileSet",
    "@id": "parquet-files",
    "name": "parquet-files",
    "description": "A row is one hand in one image.",
    "encodingFormat": _PARQUET,
    "includes": "data/*.parquet",
}
_TYPES = {
    "string": "sc:Text",
    "int32": "cr:Int32",
    "uint8": "cr:UInt8",
    "float": "cr:Float32",
    "double": "cr:Float64",
}


def write(dataset: Dataset, out: Path, engine: Engine = ONE, *, shard_mb: int = SHARD_MB) -> Counter[str]:
    """Write data/*.parquet, as the format hf does, and croissant.json.

    Returns
    -------
    What was changed or left out, with counts.
    """
    counts = count_lost(dataset, _HELD)
    schema, shards, changed = write_parquet(dataset, out, engine, shard_mb)
    files.write_json(out / FILE, _metadata(dataset, schema, shards))
    return +(counts + changed)


def _metadata(dataset: Dataset, schema: pa.Schema, shards: Sequence[Shard]) -> dict[str, Any]:
    sources = dataset.info["sources"]
    total = counted(sum(shard.samples for shard in shards), "hand")
    named = ", ".join(sources) or "no named source"
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "hand-keypoints",
        "description": f"{total} with up to 21 keypoints each, from {named}.",
        "license": [licences.page(text) for text in dataset.info["licences"]] or ["not told"],
        "keywords": ["hand", "keypoints", "hand pose estimation", *sources],
        "distribution": [*map(_file_object, shards), _FILE_SET],
        "recordSet": [_splits(shards), _hands(schema)],
    }


def _file_object(shard: Shard) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": shard.path,
        "name": Path(shard.path).name,
        "contentUrl": shard.path,
        "contentSize": f"{shard.bytes} B",
        "encodingFormat": _PARQUET,
        "sha256": shard.sha256,
    }


def _splits(shards: Sequence[Shard]) -> dict[str, Any]:
    names = [name for split, name in SPLIT_NAMES.items() if any(shard.split == split for shard in shards)]
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [{"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}],
        "data": [{"splits/name": name} for name in names],
    }


def _hands(schema: pa.Schema) -> dict[str, Any]:
    split = {
        "@type": "cr:Field",
        "@id": "hands/split",
        "name": "split",
        "description": "train, validation or test",
        "dataType": "sc:Text",
        "references": {"field": {"@id": "splits/name"}},
        "source": {
            "fileSet": {"@id": "parquet-files"},
            "extract": {"fileProperty": "filename"},
            "transform": {"regex": "^([a-z]+).*$"},
        },
    }
    return {
        "@type": "cr:RecordSet",
        "@id": "hands",
        "name": "hands",
        "description": "A hand in an image.",
        "key": {"@id": "hands/sample_id"},
        "field": [split, *(_field(field) for field in schema)],
    }


def _field(field: pa.Field) -> dict[str, Any]:
    name, kind = field.name, field.type
    extract = {"extract": {"column": name}}
    told: dict[str, Any]
    if name in IMAGES:
        told = {"dataType": "sc:ImageObject"}
        extract["transform"] = {"jsonPath": "bytes"}
    elif pa.types.is_list(kind):
        count = math.prod(SHAPES[name])
        told = {"dataType": _TYPES[str(kind.value_type)], "isArray": True, "arrayShape": f"{count}"}
    else:
        told = {"dataType": _TYPES[str(kind)]}
    return {
        "@type": "cr:Field",
        "@id": f"hands/{name}",
        "name": name,
        "description": MEANINGS[name],
        **told,
        "source": {"fileSet": {"@id": "parquet-files"}, **extract},
    }
