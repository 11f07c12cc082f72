"""What every stage shares: it reads, works batch by batch, and leaves a whole dataset folder or none.

Each finished batch is a file under OUT/.stage; a killed stage continues behind the last of them and gives
the same bytes as one that was never killed. Whatever is dropped is counted, with its reason.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

import curate
from curate.basics import images, progress
from curate.basics.engine import map_ordered
from curate.basics.errors import ConfigChanged, InputError
from curate.data.dataset import INFO, QUARANTINE, Dataset, write_info, write_table
from curate.data.sample import SCHEMA

Item = TypeVar("Item")
_WORK = ".stage"


@dataclass(slots=True)
class Part:
    """What one batch of work gave.

    Attributes
    ----------
    batch: the samples that came out.
    dropped: how many samples or shapes were left out, per reason.
    quarantine: (input, reason) of what could not be used.
    notes: other things worth counting (points outside a crop, files skipped), per name.
    """

    batch: pa.RecordBatch
    dropped: Counter[str] = field(default_factory=Counter)
    quarantine: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a stage did. `reused`: the folder was finished before, with the same configuration."""

    out: Path
    samples: int
    dropped: dict[str, int]
    quarantined: int
    notes: dict[str, int]
    reused: bool = False

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "out": os.fspath(self.out),
            "samples": self.samples,
            "dropped": self.dropped,
            "quarantined": self.quarantined,
            "notes": self.notes,
            "reused": self.reused,
        }


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of one verb.

    Attributes
    ----------
    name: the verb. out: the folder to make.
    options: all that decides the result, as JSON values; recorded in dataset.json.
    parents: the datasets it reads; their history is carried on and their content is part of the identity.
    resume_key: anything else that must be the same for a killed run to be continued; not recorded.
    """

    name: str
    out: Path
    options: dict[str, Any]
    parents: tuple[Dataset, ...] = ()
    resume_key: str = ""
    workers: int = 1
    overwrite: bool = False
    quiet: bool = False

    @property
    def folder(self) -> Path:
        """Where the finished batches lie until the stage is complete; `work` may put more beside them."""
        return self.out / _WORK

    @property
    def identity(self) -> dict[str, Any]:
        """What two runs must share to give the same bytes."""
        inputs = [parent.fingerprint for parent in self.parents]
        return {
            "stage": self.name,
            "version": curate.__version__,
            "options": json.loads(json.dumps(self.options)),
            "inputs": inputs,
        }

    def run(
        self,
        items: Iterable[Item],
        work: Callable[[Item], Part],
        *,
        total: int | None = None,
        sizes: Sequence[int] | None = None,
        finish: Callable[[list[Path]], dict[str, Any]] | None = None,
    ) -> Summary:
        """Work through the items and complete the folder.

        Parameters
        ----------
        items: the input, divided the same way at each run.
        work: a module-level function (or a partial of one) from an item to its Part.
        total: number of items, for progress and the choice of workers.
        sizes: how many samples each item stands for, where the progress is to count those.
        finish: called with the part files before the folder is completed; what it returns is added to
            dataset.json.

        Raises
        ------
        ConfigChanged: the folder holds other work, and `overwrite` is not set.
        InputError: the folder is, or holds, one of the parents; it is a file, or cannot be written.
        """
        for parent in self.parents:
            if parent.root.resolve().is_relative_to(self.out.resolve()):
                raise InputError(self.out, "the folder that is read", remedy="choose another --out")
        finished = self._finished()
        if finished is not None:
            return finished
        with self._lock() as folder:
            self._claim(folder)
            parts = self._work_through(folder, items, work, total, sizes)
            extra = finish(parts) if finish else {}
            summary = self._complete(parts, extra)
        shutil.rmtree(folder)
        return summary

    def _finished(self) -> Summary | None:
        if self.out.exists() and not self.out.is_dir():
            raise InputError(self.out, "a file", allowed="a new folder, or one of curate's")
        if not (self.out / INFO).exists():
            if self.out.exists() and not self.folder.exists() and any(self.out.iterdir()):
                raise InputError(
                    self.out, "a folder with other files in it", allowed="a new folder, or one of curate's"
                )
            return None
        if self.overwrite:
            return None
        entry = Dataset(self.out).info["history"][-1]
        _require_same(self.out, {k: entry.get(k) for k in self.identity}, self.identity)
        counts = entry["counts"]
        shutil.rmtree(self.folder, ignore_errors=True)  # killed after the last step but one
        return Summary(
            self.out, counts["out"], counts["dropped"], counts["quarantined"], counts["notes"], reused=True
        )

    @contextmanager
    def _lock(self) -> Iterator[Path]:
        import fcntl

        folder = self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "lock").touch()
        except OSError as error:
            raise InputError(self.out, f"cannot be written ({error.strerror})") from None
        with open(folder / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(self.out, "another curate command is writing here") from None
            yield folder

    def _claim(self, folder: Path) -> None:
        """Continue the work begun here, or begin."""
        mine = {**self.identity, "resume_key": self.resume_key}
        claim = folder / "identity.json"
        claimed = json.loads(claim.read_text()) if claim.exists() else None
        if claimed is not None and not self.overwrite:
            _require_same(self.out, claimed, mine)
        if claimed == mine:  # an overwrite that was itself killed goes on, too
            for leftover in list(self.out.rglob(".*.tmp")):
                _remove(leftover)  # a killed write's
            return
        for path in sorted(self.out.iterdir()):
            if path != folder:
                _remove(path)
        for path in folder.iterdir():
            if path.name != "lock":
                _remove(path)
        images.write_bytes(claim, json.dumps(mine).encode())

    def _work_through(
        self,
        folder: Path,
        items: Iterable[Item],
        work: Callable[[Item], Part],
        total: int | None,
        sizes: Sequence[int] | None,
    ) -> list[Path]:
        parts: list[Path] = []
        begun: deque[int] = deque()  # sizes of the items at work

        def missing() -> Iterator[tuple[Path, Item]]:
            for index, item in enumerate(items):
                path = folder / f"part-{index:06d}.arrow"
                parts.append(path)
                size = sizes[index] if sizes else 1
                if path.exists():
                    advance(size, new=False)
                else:
                    begun.append(size)
                    yield path, item

        with progress.bar(self.name, sum(sizes) if sizes else total, quiet=self.quiet) as advance:
            for _ in map_ordered(partial(_work_one, work), missing(), workers=self.workers, total=total):
                advance(begun.popleft())
        return parts

    def _complete(self, parts: list[Path], extra: dict[str, Any]) -> Summary:
        dropped, notes = Counter[str](), Counter[str]()
        quarantine: list[tuple[str, str]] = []
        sources, licences = set[str](), set[str]()

        def batches() -> Iterator[pa.RecordBatch]:
            for path in parts:
                part = _load_part(path)
                dropped.update(part.dropped)
                notes.update(part.notes)
                quarantine.extend(part.quarantine)
                sources.update(part.batch.column("source").unique().to_pylist())
                licences.update(filter(None, part.batch.column("licence").unique().to_pylist()))
                yield part.batch

        count = write_table(self.out, batches())
        lines = [json.dumps({"input": i, "reason": r}, ensure_ascii=False) + "\n" for i, r in quarantine]
        images.write_bytes(self.out / QUARANTINE, "".join(lines).encode())
        counts: dict[str, Any] = {
            "in": sum(len(p) for p in self.parents) if self.parents else None,
            "out": count,
            "dropped": dict(sorted(dropped.items())),
            "quarantined": len(quarantine),
            "notes": dict(sorted(notes.items())),
        }
        history = [entry for parent in self.parents for entry in parent.info["history"]]
        info = {
            "samples": count,
            "sources": sorted(sources),
            "licences": sorted(licences),
            "history": [*history, {**self.identity, "counts": counts}],
            **extra,
        }
        write_info(self.out, info)
        return Summary(self.out, count, counts["dropped"], len(quarantine), counts["notes"])


def relative_to_out(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> str:
    """How a dataset at `out` refers to a file: relative, posix, so that both can move together."""
    return Path(os.path.relpath(path, out)).as_posix()


def revise_part(path: Path, revise: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
    """Replace the samples of a finished batch, for `finish`: what only the whole run can know.

    It must give the same when it is done again, as a killed run does.
    """
    part = _load_part(path)
    part.batch = revise(part.batch)
    _store_part(path, part)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _work_one(work: Callable[[Item], Part], job: tuple[Path, Item]) -> None:
    path, item = job
    _store_part(path, work(item))


def _store_part(path: Path, part: Part) -> None:
    notes = {"dropped": part.dropped, "quarantine": part.quarantine, "notes": part.notes}
    schema = SCHEMA.with_metadata({"part": json.dumps(notes)})
    temporary = path.with_suffix(".tmp")
    with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(part.batch.replace_schema_metadata(schema.metadata))
    os.replace(temporary, path)


def _load_part(path: Path) -> Part:
    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_file(source)
        notes = json.loads(reader.schema.metadata[b"part"])
        batch = reader.get_batch(0).replace_schema_metadata(None)
    quarantine = [(name, reason) for name, reason in notes["quarantine"]]
    return Part(batch, Counter(notes["dropped"]), quarantine, Counter(notes["notes"]))


def _require_same(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    if before == now:
        return
    changed = []
    for key in sorted(set(before) | set(now)):
        old, new = before.get(key), now.get(key)
        if key == "options" and isinstance(old, dict) and isinstance(new, dict):
            names = sorted(k for k in set(old) | set(new) if old.get(k) != new.get(k))
            changed += [f"{name} was {old.get(name)!r}, now {new.get(name)!r}" for name in names]
        elif old != new:
            plain = key in ("stage", "version")
            changed.append(f"{key} was {old!r}, now {new!r}" if plain else f"{key} changed")
    raise ConfigChanged(
        out,
        "made with another configuration (" + "; ".join(changed) + ")",
        remedy="choose another --out, or add --overwrite",
    )
