"""What a run was trained on: enough to tell whether an image or a person is new to it, and no names.

trained_on.json     short hashes of the samples, photographs, subjects and clips of the train split
run.json            under "data", what a model card tells: its samples by source and by licence

A run that begins with the weights of another knows what that one learnt: both files tell of both.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec

from curate.basics import files, json_text
from curate.basics.errors import SchemaError
from curate.basics.paths import read_file, real
from curate.data.dataset import Dataset
from curate.training.record import INFO, Start, read_info, starts_of

FILE = "trained_on.json"
DATA = "data"  # in run.json
KINDS = ("samples", "photographs", "subjects", "clips")
_LATER: dict[str, Any] = {"clips": []}  # what runs of earlier versions do not tell
_MOST = 10_000_000_000  # bytes
_DIGITS = 16  # of a hash: among a million names, two alike are less likely than 1 in 10 million
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Data(msgspec.Struct, frozen=True):
    """A train split in figures: samples and subjects, and samples by source and by licence, where "" stands
    for none that is known."""

    samples: _Count
    subjects: _Count
    sources: dict[str, _Count]
    licences: dict[str, _Count]


class _Info(msgspec.Struct):
    """What is relied on of run.json here."""

    data: Data | None = None
    weights_sha256: str | None = None


@dataclass(frozen=True)
class Before:
    """What first weights were trained on.

    Attributes
    ----------
    starts: the weights, behind those that they began with themselves.
    folder: of the trained_on.json that tells of them; None: there is none.
    data: as their run has it; None: it is not told.
    """

    starts: tuple[Start, ...] = ()
    folder: Path | None = None
    data: Data | None = None

    @property
    def identity(self) -> str | None:
        """A hash of what is taken over of what lies beside the weights, wherever that is; None: nothing."""
        if self.folder is None:
            return None
        told = [*self.starts[:-1], self.starts[-1].trained_on, self.data, files.sha256(self.folder / FILE)]
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()

    @cached_property
    def names(self) -> dict[str, set[str]]:
        """The short hashes by kind. Raises SchemaError: the file is broken."""
        return {kind: set() for kind in KINDS} if self.folder is None else _parsed(self.folder / FILE)


NEW = Before()  # weights


def of_weights(file: Path, sha256: str, box: Container[str] = ()) -> Before:
    """What the weights in a file were trained on, as it is told beside them.

    Parameters
    ----------
    sha256: of the file. box: those of the box's files.

    Raises
    ------
    SchemaError: what lies beside is broken.
    """
    if sha256 in box:
        return Before((Start("box", sha256, "renders"),))
    folder = real(file).parent
    if _read(folder / FILE) is None:
        return Before((Start(file.name, sha256, "not known"),))
    info = read_info(folder) if (folder / INFO).exists() else {}
    try:
        told = msgspec.convert(info, _Info)
    except msgspec.ValidationError as error:
        raise SchemaError.of_field(folder / INFO, str(error), remedy="train again") from None
    # Another file may lie there, too: it is not taken for what the folder tells of, nor is that left out.
    known = told.data is not None and told.weights_sha256 in (sha256, None)
    start = Start(f"{folder.name}/{real(file).name}", sha256, "counted" if known else "not known")
    return Before((*starts_of(info), start), folder, told.data)


def write_trained_on(folder: Path, training_set: Dataset, before: Before = NEW) -> None:
    """Keep in a run's folder what its train split holds, and what its first weights were trained on."""
    held, earlier = _held(training_set, "train"), before.names
    files.write_json(folder / FILE, {kind: sorted(names | earlier[kind]) for kind, names in held.items()})


def data_of(training_set: Dataset, before: Before = NEW) -> dict[str, Any]:
    """The train split in figures, as Data has it, with those of what the first weights were trained on. A
    sample that both hold counts once."""
    names = ("split", "sample_id", "source", "licence", "subject_id")
    rows = zip(*(column.to_pylist() for column in training_set.table(names).columns), strict=True)
    train = [row[1:] for row in rows if row[0] == "train"]
    whole = _figures(train)
    if before.data is not None:
        earlier = before.names
        new = _figures([row for row in train if _short(row[0]) not in earlier["samples"]])
        subjects = {_short(row[-1]) for row in train if row[-1] is not None}
        whole = Data(
            before.data.samples + new.samples,
            len(subjects | earlier["subjects"]),
            _united(before.data.sources, new.sources, whole.sources),
            _united(before.data.licences, new.licences, whole.licences),
        )
    return msgspec.to_builtins(whole)  # type: ignore[no-any-return]


def _figures(rows: Iterable[tuple[str, str, str | None, str | None]]) -> Data:
    """Of sample_id, source, licence and subject_id of each sample."""
    ids, sources, licences, subjects = [list(column) for column in zip(*rows, strict=True)] or [[]] * 4
    return Data(
        len(ids),
        len(set(subjects) - {None}),
        dict(sorted(Counter(map(str, sources)).items())),
        dict(sorted(Counter(licence or "" for licence in licences).items())),
    )


def _united(before: dict[str, int], new: dict[str, int], whole: dict[str, int]) -> dict[str, int]:
    """Samples by name, of those before and those that are new. None of all in the new set is left out, where
    a sample that both hold has another name now."""
    names = sorted({*before, *whole})
    return {name: max(before.get(name, 0) + new.get(name, 0), whole.get(name, 0)) for name in names}


def seen_in_training(run: str | os.PathLike[str], training_set: Dataset, split: str) -> dict[str, int] | None:
    """How many samples, photographs, subjects and clips of a split a run was trained on.

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
    photograph, its subject or its clip. None and errors as in `seen_in_training`.
    """
    before = _read(Path(run) / FILE)
    if before is None:
        return None
    columns = _names(dataset).items()
    seen = [[name is not None and _short(name) in before[kind] for name in names] for kind, names in columns]
    return [any(row) for row in zip(*seen, strict=True)]


def _read(path: Path) -> dict[str, set[str]] | None:
    return _parsed(path) if path.exists() else None


def _parsed(path: Path) -> dict[str, set[str]]:
    try:
        told: dict[str, Any] = _LATER | json_text.parse(read_file(path, _MOST))
        return {kind: msgspec.convert(told[kind], set[str]) for kind in KINDS}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SchemaError(path, f"does not parse ({error!r})", remedy="train again") from None


def _names(dataset: Dataset) -> dict[str, Sequence[str | None]]:
    """Of each sample the names by which it can be told, by kind."""
    columns = dataset.table(["sample_id", "subject_id", "clip"]).columns
    ids, subjects, clips = (column.to_pylist() for column in columns)
    return dict(zip(KINDS, (ids, dataset.photos(), subjects, clips), strict=True))


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
