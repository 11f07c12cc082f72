"""A part: what one batch of a stage's work gave, and what it left out, with its reason."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from curate.basics import files
from curate.basics.errors import InputError, SchemaError
from curate.basics.paths import open_file
from curate.data.sample import SCHEMA, make_batch

_SHA256 = 32  # bytes
LEFT_OUT = "left out: "  # begins the reasons by which an export counts whole samples, not fields


@dataclass(slots=True)
class Part:
    """The result of one batch of work.

    Attributes
    ----------
    batch: the samples that came out; none by default.
    dropped: how many samples or shapes were present but left out, by reason.
    absent: how many are known not to be in the source: photographs of a published table that were not
        downloaded, a hand that is not in view.
    spoilt: other files, such as backdrops, that could not be used, with the reason. A file that several parts
        needed is reported once.
    quarantine: (input, reason) of what could not be used.
    notes: other things worth counting (points outside a crop, files skipped), per name.
    of_each: the name in `notes` that counts each sample of the batch; it is not stored.
    """

    batch: pa.RecordBatch = field(default_factory=partial(make_batch, 0))
    dropped: Counter[str] = field(default_factory=Counter)
    quarantine: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    absent: Counter[str] = field(default_factory=Counter)
    spoilt: dict[str, str] = field(default_factory=dict)
    of_each: str | None = None

    def count(self, other: Part) -> None:
        """Add the counts and the quarantine of another part, not its samples."""
        self.dropped.update(other.dropped)
        self.notes.update(other.notes)
        self.absent.update(other.absent)
        self.quarantine.extend(other.quarantine)
        self.spoilt.update(other.spoilt)

    @contextmanager
    def quarantining(self, name: str) -> Iterator[None]:
        """An InputError raised in the block puts `name` into quarantine; work continues after the block."""
        try:
            yield
        except InputError as error:
            self.quarantine.append((name, error.reason))

    def store(self, path: Path) -> None:
        """Write it as an Arrow file, followed by its SHA-256, whole or not at all."""
        notes = {"dropped": self.dropped, "quarantine": self.quarantine}
        notes |= {"notes": self.notes, "absent": self.absent, "spoilt": self.spoilt}
        schema = SCHEMA.with_metadata({"part": json.dumps(notes)})
        held = pa.BufferOutputStream()
        with pa.ipc.new_file(held, schema) as writer:
            writer.write_batch(self.batch.replace_schema_metadata(schema.metadata))
        written = held.getvalue()
        with files.writing(path) as file:
            file.write(written)
            file.write(hashlib.sha256(written).digest())

    @classmethod
    def load(cls, path: Path) -> Part:
        """Read what `store` wrote; the batch stays on disk, memory-mapped. Raises SchemaError: damaged."""
        try:
            open_file(path).close()
            with pa.memory_map(str(path)) as source:
                stored = source.read_buffer()
        except (OSError, pa.ArrowException):
            stored = pa.py_buffer(b"")
        written = stored.slice(0, max(0, stored.size - _SHA256))
        if hashlib.sha256(written).digest() != stored.slice(written.size).to_pybytes():
            raise SchemaError(path, "damaged", remedy="give the command that began it with --overwrite")
        with pa.ipc.open_file(written) as reader:
            notes = json.loads(reader.schema.metadata[b"part"])
            batch = reader.get_batch(0).replace_schema_metadata(None)
        quarantine = [(name, reason) for name, reason in notes["quarantine"]]
        dropped, said, absent = (Counter(notes[name]) for name in ("dropped", "notes", "absent"))
        return cls(batch, dropped, quarantine, said, absent, notes["spoilt"])


def revise_part(path: Path, revise: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
    """Replace the samples of a finished part, by what is known only once all parts are finished.

    `revise` must give the same if it is applied again, as after a kill.
    """
    part = Part.load(path)
    part.batch = revise(part.batch)
    part.store(path)
