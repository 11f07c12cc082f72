"""`curate export`: a dataset -> another tool's format. Reports what that format cannot hold."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from curate.basics import files, progress
from curate.basics.engine import ONE, Engine, Share
from curate.basics.paths import require_apart
from curate.basics.settings import NoOptions, Options
from curate.basics.version import VERSION
from curate.basics.wording import already, counted
from curate.data import contents
from curate.data.dataset import Dataset
from curate.data.part import LEFT_OUT
from curate.data.references import outside

Item = TypeVar("Item")
Result = TypeVar("Result")
Writer = Callable[..., Counter[str]]  # of a Dataset, a folder and an Engine

_RESTRICTED = re.compile(
    r"non-?commercial|research|academic|fair use|\bNC\b|noderiv|\bND\b|redistribut", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Export:
    """The result of an export.

    Attributes
    ----------
    out: the folder. format: name of the format. samples: how many the dataset holds.
    lost: counts, by field or reason, of what was changed or could not be held by the format; a reason that
        begins with LEFT_OUT counts samples that are not in the export.
    outside: how many samples have their image in each folder outside the dataset, relative to it.
    licences: the dataset's licences that seem to restrict passing it on.
    reused: the folder was finished before, with the same configuration.
    """

    out: Path
    format: str
    samples: int
    lost: dict[str, int]
    licences: tuple[str, ...]
    outside: dict[str, int]
    reused: bool = False

    @property
    def complete(self) -> bool:
        """Whether there are samples, and all of them are in the export."""
        return self.samples > 0 and not any(reason.startswith(LEFT_OUT) for reason in self.lost)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {"out": os.fspath(self.out), "reused": self.reused, **self.record()}

    def record(self) -> dict[str, Any]:
        """What the mark of the folder says of it."""
        return {
            "format": self.format,
            "samples": self.samples,
            "lost": self.lost,
            "restricted_licences": list(self.licences),
            "outside": self.outside,
        }

    @classmethod
    def of(cls, out: Path, record: Mapping[str, Any]) -> Export:
        """From what `record` gave: an export that was finished before."""
        licences = tuple(record["restricted_licences"])
        lost, outside = record["lost"], record["outside"]
        return cls(out, record["format"], record["samples"], lost, licences, outside, reused=True)

    def __str__(self) -> str:
        gone = sum(count for reason, count in self.lost.items() if reason.startswith(LEFT_OUT))
        held = f"{self.samples - gone:,} of " if gone else ""
        samples = f"{held}{counted(self.samples, 'sample')}"
        lines = [f"{self.out}: {samples} as {self.format}{already(self.reused)}"]
        for name, count in self.lost.items():
            says = name if name.startswith(LEFT_OUT) else f"not stored in {self.format}: {name}"
            lines.append(f"  {says} ({count})")
        lines += [
            f"  taken from {place}, outside the dataset: {counted(n, 'image')}"
            for place, n in self.outside.items()
        ]
        lines += [f"  licence, read it before you pass this on: {licence}" for licence in self.licences]
        return "\n".join(lines)


def export(
    dataset: Dataset | str | os.PathLike[str],
    write: Writer,
    name: str,
    out: str | os.PathLike[str],
    *,
    own: Options = NoOptions(),
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Export:
    """Write a dataset in another tool's format.

    Parameters
    ----------
    write, name: the converter's writer and the format's name.
    out: the folder to make, neither within the dataset nor around it.
    own: the format's own options. engine: runs the work on the images.
    overwrite: replace what curate made at `out` before.

    Raises
    ------
    InputError: `out` is in a wrong place, was not made by curate, or another command is writing there.
    ConfigChanged: `out` was made from another dataset, from other images, or in another format, and
        `overwrite` is not set.
    """
    out, dataset = Path(out), dataset if isinstance(dataset, Dataset) else Dataset(dataset)
    require_apart(out, dataset.root, "dataset")
    identity = {
        "stage": "export",
        "version": VERSION,
        "format": name,
        "options": own.record(),
        "dataset": dataset.fingerprint,
    }
    with contents.claimed(out, identity, [dataset], engine=engine, overwrite=overwrite) as claim:
        if claim.result is not None:
            return Export.of(out, claim.result)
        counts = write(dataset, out, _Shown(engine, f"export {name}", quiet), **own.values())
        files.sweep(out)  # of a worker that died, and whose work another one did again
        lost = {reason: count for reason, count in sorted(counts.items()) if count}
        restricted = tuple(text for text in dataset.info.get("licences", []) if _RESTRICTED.search(text))
        done = Export(out, name, len(dataset), lost, restricted, dict(sorted(outside(dataset).items())))
        claim.finish(done.record())
    return done


@dataclass(frozen=True, slots=True)
class _Shown:
    """An engine whose work is shown as it goes on."""

    engine: Engine
    label: str
    quiet: bool

    @property
    def workers(self) -> int:
        return self.engine.workers

    @property
    def share(self) -> Share:
        return self.engine.share

    def require_shared(self, paths: Sequence[Path]) -> None:
        self.engine.require_shared(paths)

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, total: int | None = None
    ) -> Iterator[Result]:
        with progress.bar(self.label, total, quiet=self.quiet) as advance:
            for result in self.engine.map(function, items, total=total):
                advance(1)
                yield result
