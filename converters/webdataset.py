"""WebDataset: tar files read from end to end, each sample as files of one name (github.com/webdataset).

train-000000.tar
    KEY.json   KEY.jpg   KEY.mask.png   KEY.depth.png      the last two if the sample has them
"""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa

from converters.parts import sample_json
from converters.parts.lost_fields import count_lost
from converters.parts.shards import SHARD_MB, files_of, write_shards
from curate.basics.engine import ONE, Engine
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, file_stem, from_batch

NAME = "webdataset"
_HELD = frozenset(SCHEMA.names)
_TOLD = [name for name in SCHEMA.names if name not in ("image", "mask", "depth", "split")]


def write(dataset: Dataset, out: Path, engine: Engine = ONE, *, shard_mb: int = SHARD_MB) -> Counter[str]:
    """Write SPLIT-NUMBER.tar: a sample's fields as JSON, its image, mask and depth map, side by side.

    No sample is split over two shards. Owners and times of the members are zero, so that the same dataset
    gives the same bytes. Samples without a split go to train.

    Returns
    -------
    What was changed or left out, with counts.
    """
    counts = count_lost(dataset, _HELD)
    _, changed = write_shards(dataset, out, engine, _pack, _name, shard_mb)
    return +(counts + changed)


def _name(split: str, number: int, _of: int) -> str:
    return f"{split}-{number:06d}.tar"


def _pack(root: Path, batch: pa.RecordBatch, file: IO[bytes]) -> tuple[int, Counter[str]]:
    counts = Counter[str]()
    samples = list(from_batch(batch))
    packed = 0
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for one in files_of(root, batch, counts):
            sample = samples[one.row]
            key = file_stem(sample.sample_id)
            _add(tar, f"{key}.json", msgspec.json.encode(sample_json.fields(sample, _TOLD)))
            _add(tar, key + one.image.suffix, one.image.data)
            for kind, data in (("mask", one.mask), ("depth", one.depth)):
                if data is not None:
                    _add(tar, f"{key}.{kind}.png", data)
            packed += 1
    return packed, counts


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
