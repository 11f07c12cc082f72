"""What the samples of a dataset are made of, as a hash: two commands that share it read the same bytes."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from curate.basics import files, images
from curate.basics.engine import Engine
from curate.basics.errors import UnreadableImage
from curate.data.dataset import Dataset
from curate.data.references import file_of
from curate.data.training_set import HEATMAPS, PIXELS

_CHUNK = 256


def content_hash(dataset: Dataset, engine: Engine) -> str:
    """Hash of a dataset's table and of every file that it refers to.

    The fingerprint of a dataset is that of its table. The images beside it may have been mended, exchanged or
    broken since it was made.
    """
    if dataset.training is not None:
        arrays = [dataset.root / name for name in (PIXELS, HEATMAPS)]
        hashes = [files.sha256(path) for path in arrays if path.exists()]
    else:
        table = dataset.table(["image", "mask"])
        refs = sorted({ref for column in table.columns for ref in column.to_pylist() if ref is not None})
        chunks = [refs[start : start + _CHUNK] for start in range(0, len(refs), _CHUNK)]
        read = partial(_hashes, dataset.root)
        hashes = [digest for part in engine.map(read, chunks, total=len(chunks)) for digest in part]
    return hashlib.sha256("\n".join([dataset.fingerprint, *hashes]).encode()).hexdigest()


def _hashes(root: Path, refs: list[str]) -> list[str]:
    return [_hash(root, ref) for ref in refs]


def _hash(root: Path, ref: str) -> str:
    try:
        return hashlib.sha256(images.load(file_of(root, ref))).hexdigest()
    except UnreadableImage as error:
        return error.reason
