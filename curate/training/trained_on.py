"""What a run was trained on: enough to tell whether an image or a person is new to it, and no names.

trained_on.json     short hashes of the samples, photographs and subjects of the train split
run.json            under "data", what a model card tells: its samples by source and by licence
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curate.basics import files
from curate.basics.errors import SchemaError
from curate.basics.paths import read_file
from curate.data.dataset import Dataset

FILE = "trained_on.json"
DATA = "data"  # in run.json
KINDS = ("samples", "photographs", "subjects")
_MOST = 10_000_000_000  # bytes
_DIGITS = 16  # of a hash: among a million names, two alike are less likely than 1 in 10 million


def write_trained_on(folder: Path, training_set: Dataset) -> None:
    """Keep in a run's folder what its train split holds."""
    files.write_json(
        folder / FILE, {kind: sorted(names) for kind, names in _held(training_set, "train").items()}
    )


def data_of(training_set: Dataset) -> dict[str, Any]:
    """The train split in figures: "samples", "subjects", and samples by "sources" and "licences", where ""
    stands for none that is known."""
    names = ("split", "source", "licence", "subject_id")
    rows = zip(*(column.to_pylist() for column in training_set.table(names).columns), strict=True)
    train = [row for row in rows if row[0] == "train"]
    _, sources, licences, subjects = zip(*train, strict=True) if train else ((),) * 4
    return {
        "samples": len(train),
        "subjects": len({subject for subject in subjects if subject is not None}),
        "sources": dict(sorted(Counter(sources).items())),
        "licences": dict(sorted(Counter(licence or "" for licence in licences).items())),
    }


def seen_in_training(run: str | os.PathLike[str], training_set: Dataset, split: str) -> dict[str, int] | None:
    """How many samples, photographs and subjects of a split a run was trained on.

    Returns
    -------
    A count a kind, 0 where all are new to it; None where the run does not tell, being of an earlier version.

    Raises
    ------
    SchemaError: the file is broken.
    """
    before = _read(Path(run) / FILE)
    if before is None:
        return None
    held = _held(training_set, split)
    return {kind: len(before[kind] & held[kind]) for kind in KINDS}


def seen_rows(run: str | os.PathLike[str], dataset: Dataset) -> list[bool] | None:
    """For each sample of a dataset, in the order of its table: whether a run was trained on it, on its
    photograph or on its subject. None and errors as in `seen_in_training`.
    """
    before = _read(Path(run) / FILE)
    if before is None:
        return None
    columns = _names(dataset).items()
    seen = [[name is not None and _short(name) in before[kind] for name in names] for kind, names in columns]
    return [any(row) for row in zip(*seen, strict=True)]


def _read(path: Path) -> dict[str, set[str]] | None:
    if not path.exists():
        return None
    try:
        told: dict[str, Any] = json.loads(read_file(path, _MOST))
        return {kind: set(told[kind]) for kind in KINDS}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SchemaError(path, f"does not parse ({error!r})", remedy="train again") from None


def _names(dataset: Dataset) -> dict[str, Sequence[str | None]]:
    """Of each sample the names by which it can be told, by kind."""
    ids, subjects = (column.to_pylist() for column in dataset.table(["sample_id", "subject_id"]).columns)
    return dict(zip(KINDS, (ids, dataset.photos(), subjects), strict=True))


def _held(training_set: Dataset, split: str) -> dict[str, set[str]]:
    splits = training_set.table(["split"]).column(0).to_pylist()
    return {
        kind: {
            _short(name) for name, its in zip(names, splits, strict=True) if its == split and name is not None
        }
        for kind, names in _names(training_set).items()
    }


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
