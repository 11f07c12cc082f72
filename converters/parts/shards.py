"""Exports as shards: files of a stated size, each with whole samples and their images in it.

Which sample goes into which shard depends only on the order of the samples and the sizes of their files. When
a killed export is resumed, finished shards are kept: their counts are stored in the work folder.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from converters.parts.exported_images import ANEW, Packed, pack
from curate.basics import files, images
from curate.basics.engine import Engine
from curate.basics.errors import UnreadableImage, UnsafeReference
from curate.data import references
from curate.data.dataset import Dataset
from curate.data.part import LEFT_OUT
from curate.data.split import SPLITS

SHARD_MB = 256  # a shard's images, unless told otherwise
UNTOLD = "train"  # the split for samples without one
_MB = 1_000_000
_WORK = "shards"

# Writes the samples of a batch into a file; returns their number, and counts of what was left out or changed.
Pack = Callable[[Path, pa.RecordBatch, IO[bytes]], tuple[int, Counter[str]]]


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that was written: its path within the export (posix), split, samples, size in bytes, hash."""

    path: str
    split: str
    samples: int
    bytes: int
    sha256: str


def write_shards(
    dataset: Dataset,
    out: Path,
    engine: Engine,
    pack_into: Pack,
    name: Callable[[str, int, int], str],
    shard_mb: int,
) -> tuple[list[Shard], Counter[str]]:
    """Write the samples of a dataset in shards of `shard_mb` megabytes of images, split by split.

    A shard takes samples in the dataset's order until its images reach that size; it may be larger by one
    sample. Samples without a split go to train.

    Parameters
    ----------
    pack_into: writes one shard; picklable.
    name: the path of a shard in `out`, by its split, its number and the number of shards of the split.

    Returns
    -------
    The shards, and counts of what was changed or left out.
    """
    plan, places = _plan(dataset, shard_mb * _MB)
    of = Counter(split for split, _ in places)
    jobs = _jobs(dataset, plan, [(split, name(split, number, of[split])) for split, number in places])
    shards: list[Shard] = []
    splits = dataset.table(["split"]).column(0).to_pylist()
    counts = Counter({"sample without a split, put into train": sum(s not in SPLITS for s in splits)})
    work = partial(_write, dataset.root, out, pack_into)
    for shard, changed in engine.map(work, jobs, total=len(places)):
        shards.append(shard)
        counts.update(changed)
    return sorted(shards, key=lambda shard: (SPLITS.index(shard.split), shard.path)), +counts


class Files(NamedTuple):
    """The files of a sample for a shard: its image, mask and depth map; `row`: its place in the batch."""

    row: int
    image: Packed
    mask: bytes | None
    depth: bytes | None


def files_of(root: Path, batch: pa.RecordBatch, counts: Counter[str]) -> Iterator[Files]:
    """The files of each sample whose image opens; what does not open is counted."""
    names = (batch.column(name).to_pylist() for name in ("image", "mask", "depth"))
    last: tuple[str, Packed] | None = None  # the hands of an image mostly stand beside each other
    for row, (ref, mask, depth) in enumerate(zip(*names, strict=True)):
        try:
            if last is None or last[0] != ref:
                last = ref, pack(root, ref)
        except (UnreadableImage, UnsafeReference):
            counts[LEFT_OUT + "sample whose image is missing or unreadable"] += 1
            continue
        image = last[1]
        counts[ANEW] += image.anew and not images.in_stack(ref)
        yield Files(row, image, _beside(root, mask, "mask", counts), _beside(root, depth, "depth", counts))


def _beside(root: Path, ref: str | None, what: str, counts: Counter[str]) -> bytes | None:
    """A mask or depth map as PNG; None if there is none, or if it cannot be used, which is counted."""
    if ref is None:
        return None
    try:
        path = references.file_of(root, ref)
        data = images.load(path)
        if images.examine(data, path).format == "PNG":
            return data
        if what == "mask":
            return images.encode(images.read_mask(path))
    except (UnreadableImage, UnsafeReference):
        pass
    counts[f"{what} missing or unreadable"] += 1
    return None


def _plan(dataset: Dataset, limit: int) -> tuple[NDArray[np.int32], list[tuple[str, int]]]:
    """The shard of each sample, and the split and number of each shard."""
    table = dataset.table(["image", "mask", "depth", "split"])
    columns = [column.to_pylist() for column in table.columns]
    sizes: dict[str | None, int] = {None: 0}
    places: list[tuple[str, int]] = []
    open_shards: dict[str, list[int]] = {}  # split -> the shard that is filled, its bytes
    plan = np.zeros(len(table), np.int32)
    count = Counter[str]()  # of shards of a split
    for row, (*refs, told) in enumerate(zip(*columns, strict=True)):
        split = told if told in SPLITS else UNTOLD
        current = open_shards.get(split)
        if current is None or current[1] >= limit:
            places.append((split, count[split]))
            count[split] += 1
            current = open_shards[split] = [len(places) - 1, 0]
        plan[row] = current[0]
        for ref in refs:
            if ref not in sizes:
                sizes[ref] = _size(dataset.root, ref)
            current[1] += sizes[ref]
    return plan, places


def _size(root: Path, ref: str) -> int:
    """The size of a file that a sample refers to, bytes; 0 if it is not there."""
    with suppress(OSError, UnreadableImage, UnsafeReference):
        if images.in_stack(ref):
            return int(images.open_stack(root)[0].nbytes)
        return references.file_of(root, ref).stat().st_size
    return 0


def _jobs(
    dataset: Dataset, plan: NDArray[np.int32], names: list[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], pa.RecordBatch]]:
    """The split, path and samples of each shard, as soon as its last sample is read."""
    left = np.bincount(plan, minlength=len(names))
    held: dict[int, list[pa.RecordBatch]] = {}
    start = 0
    for batch in dataset.batches():
        shards = plan[start : start + batch.num_rows]
        start += batch.num_rows
        for shard in np.unique(shards).tolist():
            rows = np.flatnonzero(shards == shard)
            held.setdefault(shard, []).append(batch.take(pa.array(rows)))
            left[shard] -= len(rows)
            if not left[shard]:
                yield names[shard], pa.concat_batches(held.pop(shard))


def _write(
    root: Path, out: Path, pack_into: Pack, job: tuple[tuple[str, str], pa.RecordBatch]
) -> tuple[Shard, dict[str, int]]:
    (split, name), batch = job
    told = out / files.WORK / _WORK / f"{Path(name).name}.json"
    if not (out / name).exists():
        with files.writing(out / name) as file:
            samples, counts = pack_into(root, batch, file)
            file.flush()
            shard = Shard(name, split, samples, file.tell(), files.sha256(file.name))
            # Before the shard stands at its place: what stands there has been told of.
            files.write_json(told, {"shard": asdict(shard), "counts": +counts})
    found: dict[str, Any] = json.loads(told.read_bytes())
    return Shard(**found["shard"]), found["counts"]
