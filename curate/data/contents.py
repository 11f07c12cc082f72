"""Claiming a folder that is made of datasets, by the content of their files.

The fingerprint of a dataset covers dataset.json and the table. Images may have been mended, exchanged or
broken since: only commands that share the hash of the contents read the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from curate.basics import files, images
from curate.basics.engine import ONE, Engine, require_engine
from curate.basics.errors import UnsafeReference
from curate.data.dataset import INFO, TABLE, Dataset
from curate.data.references import file_of
from curate.data.training_set import HEATMAPS, MASKS, PIXELS, WEIGHTS

_CHUNK = 256
_BESIDE = (PIXELS, MASKS, HEATMAPS, WEIGHTS)  # of a training set


@contextmanager
def claimed(
    out: str | os.PathLike[str],
    identity: Mapping[str, Any],
    datasets: Sequence[Dataset],
    *,
    reads: Iterable[str | os.PathLike[str]] = (),
    others: Sequence[Path] = (),
    resume_key: str = "",
    engine: Engine = ONE,
    overwrite: bool = False,
    shares: bool = False,
    pictures: bool = True,
) -> Iterator[files.Claim]:
    """`files.claimed` for a command that reads datasets: the content of their files must be the same, too.

    Parameters
    ----------
    reads: what else the command reads; `out` must not hold it. others: files whose content counts as well.
    engine: reads the files, once all other checks have passed. shares: as for `files.claimed`.
    pictures: whether the command reads the pictures that the datasets refer to.

    Raises
    ------
    As `files.claimed`, SchemaError for a damaged table, and CurateError where the engine's workers do not see
    the datasets or `out`.
    """
    require_engine(engine)
    engine.require_shared([dataset.root / INFO for dataset in datasets])
    with files.claimed(
        out,
        identity,
        contents=partial(content_hash, datasets, others, engine=engine, pictures=pictures),
        reads=[*(dataset.root for dataset in datasets), *reads],
        resume_key=resume_key,
        overwrite=overwrite,
        shares=shares,
    ) as claim:
        if claim.result is None:
            engine.require_shared([claim.out / files.MARK])
        yield claim


def content_hash(
    datasets: Sequence[Dataset], others: Sequence[Path] = (), *, engine: Engine = ONE, pictures: bool = True
) -> str:
    """Hash of the content of datasets and of other files, whatever their names; with `pictures`, also of all
    files that the datasets refer to."""
    digest = hashlib.sha256()
    own = [(dataset.root, _files_of(dataset, pictures)) for dataset in datasets]
    for root, names in [(None, list(map(os.fspath, others))), *own]:
        chunks = [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
        for part in engine.map(partial(_hashes, root), chunks, total=len(chunks)):
            digest.update("".join(part).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _files_of(dataset: Dataset, pictures: bool) -> list[str]:
    """The files of a dataset, relative to it."""
    if not pictures:
        return [INFO, TABLE, *_BESIDE]
    columns = dataset.table(["image", "mask", "depth"]).columns
    refs = pa.chunked_array([column.unique() for column in columns], pa.string()).unique().drop_null().sort()
    named = [ref for ref in refs.to_pylist() if ref not in _BESIDE and not images.in_stack(ref)]
    return [INFO, TABLE, *_BESIDE, *named]


def _hashes(root: Path | None, names: list[str]) -> list[str]:
    return [_hash(root, name) for name in names]


def _hash(root: Path | None, name: str) -> str:
    """The hash of a file, or what is wrong with it: mending the file changes what a command makes."""
    try:
        return files.sha256(name if root is None else file_of(root, name))
    except UnsafeReference as error:
        return error.reason
    except OSError as error:
        return str(error.strerror)
