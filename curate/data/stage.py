"""What every stage shares: it reads, works part by part, and leaves a whole dataset folder or none.

Each finished part is a file in the folder for work in progress (`curate.basics.files`); a killed stage
continues behind the last of them and gives the same bytes as one that was never killed. Whatever is dropped
is counted, with its reason. Several processes may each do a share of the parts (`engine.share`): the last of
them to end completes the folder.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from curate.basics import files, progress
from curate.basics.engine import ALL, ONE, Engine, require_engine
from curate.basics.errors import InputError, SchemaError, ShareDone, UnsafeReference
from curate.basics.paths import real, require_place, require_utf8
from curate.basics.version import VERSION
from curate.data import contents
from curate.data.dataset import QUARANTINE, Dataset, write_info, write_table
from curate.data.part import Part
from curate.data.references import (
    OUTSIDE,
    REFERS_TO,
    Folders,
    count_outside,
    file_of,
    is_trusted,
    places_of,
)
from curate.data.sample import Sample, make_batch, to_batch

Item = TypeVar("Item")

TWIN = "sample whose id another one has"  # in a Part's `dropped`
_PARTS = 4096  # of a stage at most: each has a file or two in the folder for work in progress


def tasks(least: int, *datasets: Sized) -> tuple[int, list[int]]:
    """How to divide datasets into tasks, none of which spans two datasets.

    Returns
    -------
    The largest number of samples of a task: `least`, or more if there would be more than 4,096 tasks; and the
    number of samples of each task.
    """
    counts = list(map(len, datasets))
    size = max(least, -(-sum(counts) // _PARTS))
    return size, [min(size, count - start) for count in counts for start in range(0, count, size)]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a stage did: counts as in Part; `quarantined` is how many inputs are in quarantine.

    `reused`: the folder was finished before, with the same configuration.
    """

    out: Path
    samples: int
    dropped: dict[str, int]
    quarantined: int
    notes: dict[str, int]
    absent: dict[str, int] = field(default_factory=dict)
    reused: bool = False

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "out": os.fspath(self.out)}

    def clean(self, *, strict: bool = False) -> bool:
        """Whether there are samples and nothing was left out; with `strict`, nothing was absent either."""
        left_out = self.dropped or self.quarantined or (strict and self.absent)
        return self.samples > 0 and not left_out

    @classmethod
    def of(cls, out: Path, counts: dict[str, Any], *, reused: bool = False) -> Summary:
        """From the counts that dataset.json holds."""
        told = (counts["dropped"], counts["quarantined"], counts["notes"], counts.get("absent", {}))
        return cls(out, counts["out"], *told, reused)


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of one verb.

    Attributes
    ----------
    name: the verb. out: the folder to make.
    options: all that decides the result, as JSON values; recorded in dataset.json.
    parents: the datasets that it reads, whose history is carried on. others: further files that it reads.
        The content of all of these must be the same when the stage is run again.
    refers_to: folders, beside the parents, whose files samples may refer to.
    resume_key: anything else that must be the same for a killed run to be continued; not recorded.
    engine: runs the work. overwrite: replace what curate made at `out` before.
    """

    name: str
    out: Path
    options: dict[str, Any]
    parents: tuple[Dataset, ...] = ()
    others: tuple[Path, ...] = ()
    refers_to: tuple[Path, ...] = ()
    resume_key: str = ""
    engine: Engine = ONE
    overwrite: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        require_engine(self.engine)

    @property
    def folder(self) -> Path:
        """The folder of the finished parts until the stage is complete; `work` may write more files there."""
        return self.out / files.WORK

    @property
    def identity(self) -> dict[str, Any]:
        """What two runs must share to give the same bytes."""
        inputs = [parent.fingerprint for parent in self.parents]
        return {
            "stage": self.name,
            "version": VERSION,
            "options": self.options,
            "inputs": inputs,
        }

    def run(
        self,
        items: Iterable[Item],
        work: Callable[[Item], Part],
        *,
        sizes: Sequence[int] | None = None,
        finish: Callable[[list[Path]], dict[str, Any]] | None = None,
        beside: Callable[[Dataset], None] | None = None,
        before: Part | None = None,
    ) -> Summary:
        """Work through the items and complete the folder.

        Parameters
        ----------
        items: the input, divided the same way at each run.
        work: a module-level function (or a partial of one) from an item to its Part.
        sizes: how many samples each item stands for, for progress and the choice of workers.
        finish: called with the files of the parts before the dataset is written; what it returns is added to
            dataset.json.
        beside: called with the written dataset to write further files beside it, before the folder counts as
            finished.
        before: what was left out before there were items; it is counted with the rest.

        Raises
        ------
        ShareDone: the engine does a share, and others are not done.
        ConfigChanged: the folder holds other work, and `overwrite` is not set.
        InputError: the folder is, holds, or lies in one of the parents; curate did not make it, or it is a
            file; it cannot be written, or its name is no text.
        """
        require_utf8(self.out, remedy="or choose another --out")
        require_place(self.out)
        for parent in self.parents:
            _require_outside(self.out, parent.root)
        claimed = contents.claimed(
            self.out,
            self.identity,
            self.parents,
            others=self.others,
            resume_key=self.resume_key,
            engine=self.engine,
            overwrite=self.overwrite,
            shares=self.engine.share != ALL,
        )
        with claimed as claim:
            if claim.result is not None:
                return Summary.of(self.out, claim.result, reused=True)
            self.engine.require_shared(self.refers_to)
            parts = self._work_through(claim.work, items, work, sizes)
            whole = claim.all_have_ended()
            missing = sum(not path.exists() for path in parts)
            if missing or not whole:
                raise ShareDone(self.out, str(self.engine.share), missing, len(parts))
            files.sweep(self.out)  # what a share that died left while others went on
            extra = finish(parts) if finish else {}
            counts = self._complete(parts, extra, before or Part(make_batch(0)))
            if beside:
                beside(Dataset(self.out))
            claim.finish(counts)
        return Summary.of(self.out, counts)

    def _work_through(
        self,
        folder: Path,
        items: Iterable[Item],
        work: Callable[[Item], Part],
        sizes: Sequence[int] | None,
    ) -> list[Path]:
        parts: list[Path] = []
        begun: deque[int] = deque()  # sizes of the items at work
        share = self.engine.share

        def missing() -> Iterator[tuple[Path, Item]]:
            for index, item in enumerate(items):
                path = folder / f"part-{index:06d}.arrow"
                parts.append(path)
                if index not in share:
                    continue
                size = sizes[index] if sizes else 1
                if _is_whole(path):
                    advance(size, new=False)
                else:
                    begun.append(size)
                    yield path, item

        own = [size for index, size in enumerate(sizes or ()) if index in share]
        samples, tasks = (None, None) if sizes is None else (sum(own), len(own))
        label = self.name if share == ALL else f"{self.name} {share}"
        with progress.bar(label, samples, quiet=self.quiet) as advance:
            for _ in self.engine.map(partial(_work_one, work), missing(), total=tasks):
                advance(begun.popleft())
        return parts

    def _complete(self, parts: list[Path], extra: dict[str, Any], counted: Part) -> dict[str, Any]:
        sources, licences, seen = set[str](), set[str](), set[str]()
        folders = Folders(self.out, [*self.refers_to, *chain(*map(places_of, self.parents))])

        def batches() -> Iterator[pa.RecordBatch]:
            for path in parts:
                part = Part.load(path)
                _set_twins_aside(part, seen)
                counted.count(part)
                sources.update(part.batch.column("source").unique().to_pylist())
                licences.update(filter(None, part.batch.column("licence").unique().to_pylist()))
                folders.add(part.batch)
                yield part.batch

        count = write_table(self.out, batches())
        if outside := sum(map(count_outside, self.parents)):
            counted.notes[OUTSIDE] += outside
        quarantine = [*counted.quarantine, *sorted(counted.spoilt.items())]
        lines = [json.dumps({"input": i, "reason": r}, ensure_ascii=False) + "\n" for i, r in quarantine]
        files.write(self.out / QUARANTINE, "".join(lines).encode())
        counts: dict[str, Any] = {
            "in": sum(len(p) for p in self.parents) if self.parents else None,
            "out": count,
            "dropped": dict(sorted(counted.dropped.items())),
            "quarantined": len(quarantine),
            "notes": dict(sorted(counted.notes.items())),
        }
        if absent := +counted.absent:  # zeros count what was looked for and not absent
            counts["absent"] = dict(sorted(absent.items()))
        history = [entry for parent in self.parents for entry in parent.info["history"]]
        info = {
            "samples": count,
            "sources": sorted(sources),
            "licences": sorted(licences),
            REFERS_TO: folders.relative(),
            "history": [*history, {**self.identity, "counts": counts}],
            **extra,
        }
        write_info(self.out, info, trusted=all(map(is_trusted, self.parents)))
        return counts


def _require_outside(folder: Path, read: Path) -> None:
    """Raise InputError for a folder within one that is read: making that one anew would delete it."""
    if real(read) in real(folder).parents:
        raise InputError(folder, f"lies in the folder that is read, {read}", remedy="choose another --out")


def _set_twins_aside(part: Part, seen: set[str]) -> None:
    """Put samples whose id an earlier one has, in the order of the parts, into quarantine."""
    ids = part.batch.column("sample_id").to_pylist()
    keep = []
    for row, sample_id in enumerate(ids):
        if sample_id in seen:
            part.quarantine.append((sample_id, "another sample has this id"))
        else:
            seen.add(sample_id)
            keep.append(row)
    if len(keep) < len(ids):
        part.dropped[TWIN] += len(ids) - len(keep)
        part.batch = part.batch.take(pa.array(keep, pa.int64()))


def relative_to_out(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> str:
    """How a dataset at `out` refers to a file: relative, posix, so that both can move together.

    Raises InputError where a name on the way is not UTF-8.
    """
    told = Path(os.path.relpath(path, out)).as_posix()
    require_utf8(told)
    return told


def keep(part: Part, samples: Iterable[Sample], root: Path, out: Path) -> None:
    """Put samples of the dataset at `root` into a part of one at `out` that refers to the same files.

    Samples whose files may not lie where they do go to quarantine.
    """
    kept = []
    for sample in samples:
        moved = replace(sample)
        try:
            for name in ("image", "mask", "depth"):
                if (ref := getattr(sample, name)) is not None:
                    setattr(moved, name, relative_to_out(file_of(root, ref), out))
            kept.append(moved)
        except UnsafeReference as error:
            part.quarantine.append((sample.sample_id, error.reason))
    part.batch = to_batch(kept)


def _is_whole(path: Path) -> bool:
    """Whether a part was finished, and has not been damaged since."""
    try:
        Part.load(path)
    except SchemaError:
        return False
    return True


def _work_one(work: Callable[[Item], Part], job: tuple[Path, Item]) -> None:
    path, item = job
    work(item).store(path)
