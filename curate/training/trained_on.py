"""What a run was trained on: enough to tell whether an image or a person is new to it, and no names.

trained_on.json     short hashes of the samples, photographs and subjects of the train split
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from curate.basics import files
from curate.basics.errors import SchemaError
from curate.basics.paths import read_file
from curate.data.dataset import Dataset

FILE = "trained_on.json"
KINDS = ("samples", "photographs", "subjects")
_MOST = 10_000_000_000  # bytes
_DIGITS = 16  # of a hash: among a million names, two alike are less likely than 1 in 10 million


def write_trained_on(folder: Path, training_set: Dataset) -> None:
    """Keep in a run's folder what its train split holds."""
    files.write_json(
        folder / FILE, {kind: sorted(names) for kind, names in _held(training_set, "train").items()}
    )


def seen_in_training(run: str | os.PathLike[str], training_set: Dataset, split: str) -> dict[str, int] | None:
    """How many samples, photographs and subjects of a split a run was trained on.

    Returns
    -------
    A count a kind, 0 where all are new to it; None where the run does not tell, being of an earlier version.

    Raises
    ------
    SchemaError: the file is broken.
    """
    path = Path(run) / FILE
    if not path.exists():
        return None
    try:
        told: dict[str, Any] = json.loads(read_file(path, _MOST))
        before = {kind: set(told[kind]) for kind in KINDS}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SchemaError(path, f"does not parse ({error!r})", remedy="train again") from None
    held = _held(training_set, split)
    return {kind: len(before[kind] & held[kind]) for kind in KINDS}


def _held(training_set: Dataset, split: str) -> dict[str, set[str]]:
    table = training_set.table(["sample_id", "subject_id", "split"])
    ids, subjects, splits = (column.to_pylist() for column in table.columns)
    here = [row for row, name in enumerate(splits) if name == split]
    photographs = training_set.photos()
    names = {
        "samples": (ids[row] for row in here),
        "photographs": (photographs[row] for row in here),
        "subjects": (subjects[row] for row in here if subjects[row] is not None),
    }
    return {kind: {_short(name) for name in some} for kind, some in names.items()}


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
