"""`curate export`: a dataset -> another tool's format. Says what that format cannot hold.

The folder appears whole or not at all: it is made under another name beside its place, and renamed. A killed
export keeps what it had copied when the same command is run again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import curate
from curate.basics import files, progress
from curate.basics.errors import InputError
from curate.data.dataset import Dataset

Writer = Callable[[Dataset, Path], Counter[str]]

# What an export says of itself. Hidden, so that no tool takes it for an annotation file.
RECORD = ".curate-export.json"
_RESTRICTED = re.compile(
    r"non-?commercial|research|academic|fair use|\bNC\b|noderiv|\bND\b|redistribut", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Export:
    """What an export did.

    Attributes
    ----------
    out: the folder. format: name of the format. samples: how many the dataset holds.
    lost: what the format could not hold or was changed, per field or reason, with counts.
    licences: the dataset's licences that seem to restrict passing it on.
    """

    out: Path
    format: str
    samples: int
    lost: dict[str, int]
    licences: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {"out": os.fspath(self.out), **self._record()}

    def _record(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "samples": self.samples,
            "lost": self.lost,
            "restricted_licences": list(self.licences),
        }

    def __str__(self) -> str:
        lines = [f"{self.out}: {self.samples} samples as {self.format}"]
        lines += [f"  not held by {self.format}: {name} ({count})" for name, count in self.lost.items()]
        lines += [f"  licence, read it before you pass this on: {licence}" for licence in self.licences]
        return "\n".join(lines)


def export(
    dataset: Dataset, write: Writer, name: str, out: Path, *, overwrite: bool = False, quiet: bool = False
) -> Export:
    """Write a dataset in another tool's format.

    Parameters
    ----------
    write, name: the converter's writer and the format's name.
    out: the folder to make. overwrite: replace an earlier export there.

    Raises
    ------
    InputError: `out` exists, or is no export and would be replaced, or another command writes there.
    """
    out = out.absolute()
    _check_place(dataset, out, overwrite)
    with _unfinished(out, f"{dataset.fingerprint[:12]}-{name}-{curate.__version__}") as folder:
        with progress.bar(f"export {name}", None, quiet=quiet):
            counts = write(dataset, folder)
        lost = {reason: count for reason, count in sorted(counts.items()) if count}
        restricted = tuple(text for text in dataset.info.get("licences", []) if _RESTRICTED.search(text))
        summary = Export(out, name, len(dataset), lost, restricted)
        record = {"curate": curate.__version__, "dataset": dataset.fingerprint, **summary._record()}
        files.write(folder / RECORD, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
        _put_in_place(folder, out)
    return summary


def _check_place(dataset: Dataset, out: Path, overwrite: bool) -> None:
    root, there = dataset.root.resolve(), out.resolve()
    if there.is_relative_to(root) or root.is_relative_to(there):
        raise InputError(
            out, f"--out and the dataset {dataset.root} lie in each other", allowed="another folder"
        )
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / RECORD).is_file():
        raise InputError(out, "something that is no export", allowed="a new folder, or an earlier export")
    if not overwrite:
        raise InputError(out, "an export stands here", remedy="choose another --out, or add --overwrite")


@contextmanager
def _unfinished(out: Path, identity: str) -> Iterator[Path]:
    """The folder beside `out` where the export grows; what another dataset left there is removed."""
    import fcntl

    out.parent.mkdir(parents=True, exist_ok=True)
    path = out.with_name(f".{out.name}.export-lock")
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(out, "another curate command is writing here") from None
        try:
            folder = out.with_name(f".{out.name}.{identity}.part")
            for other in out.parent.glob(f".{_escaped(out.name)}.*.part"):
                if other != folder:
                    shutil.rmtree(other)
            folder.mkdir(exist_ok=True)
            yield folder
        finally:
            path.unlink()


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _put_in_place(folder: Path, out: Path) -> None:
    if out.exists():
        before = out.with_name(f".{out.name}.before.part")  # swept by the next export if this one is killed
        out.rename(before)
        folder.rename(out)
        shutil.rmtree(before)
    else:
        folder.rename(out)
