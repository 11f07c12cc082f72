"""Files and folders: written whole or not at all, held by one command at a time, and never another's.

What a command makes is a folder of its own:

    OUT/.curate.json   whose folder this is: what was asked for, whether it is finished, and what it gave
    OUT/.curate/       work in progress, and the lock; gone once the folder is finished

A command that was killed goes on when it is given again; once finished, it has nothing to do. Another
configuration is refused, saying what changed. A folder without our mark is never written into, nor emptied.
Several processes, on one machine or on several, may each do a share of the same command.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from curate.basics import json_text, locks
from curate.basics.errors import ConfigChanged, InputError, SchemaError
from curate.basics.paths import open_file, read_file, real, require_place

MARK = ".curate.json"
WORK = ".curate"
A_FOLDER = 10_000  # files at most: with many more in one, file systems and tools become slow
_FORMAT = "hand-curate folder"
_LONGEST_NAME = 190  # bytes of a file's name within its temporary file's, of the 255 that systems take
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LOCKS = (locks.LOCK, locks.TURN)
_CONTENTS, _RESUME_KEY = "files", "resume_key"  # keys of the mark
_LONGEST_MARK = 1_000_000_000  # bytes of a mark, or of one of _EARLIER
_NEW_FOLDER = "a new folder, or one that curate made"
_WRITING = "another curate command is writing here"
_READ = "is the folder that is read, or contains it"
_US = os.urandom(4).hex()  # names this process, with its number, as forks share this
_NAMED, _SHOWN = 12, 50  # of a changed configuration: settings named, letters of a name shown
RUN_INFO = "run.json"  # describes a run
# Files that identified a folder of ours, by the format that they name, before there was a mark.
_EARLIER = ("dataset.json", RUN_INFO)


def sha256(path: str | os.PathLike[str]) -> str:
    """Hash of a regular file's bytes. Raises OSError."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file, with the folders around it, whole or not at all."""
    with writing(path) as file:
        file.write(data)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a value as JSON for people: one entry a line, keys in order."""
    write(path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file to write; it appears at `path` once all is written, and not at all if that fails.

    Until then it has another name (`.NAME.PROCESS.THREAD.tmp`), which `sweep` removes after a kill. Processes
    that write the same file at once, also on several machines, never share that name.

    Raises OSError, which names `path` if that cannot be written or there is no room.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{_short(target.name)}.{_US}-{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, target)
    except OSError as error:
        # The system does not name the file of a write that fails; and a user knows only of `path`.
        full = error.errno in _NO_ROOM and error.filename is None
        if full or error.filename == os.fspath(temporary):
            error.filename = os.fspath(target)
        raise
    finally:
        with suppress(OSError):  # mostly it is gone by now; and a read-only disk refuses even this
            temporary.unlink()


def _short(name: str) -> str:
    """A file's name as it stands in its temporary file's: its hash if that name would become too long."""
    letters = os.fsencode(name)
    return name if len(letters) <= _LONGEST_NAME else hashlib.sha256(letters).hexdigest()


def remove(path: Path) -> None:
    """Remove a file, a link (not what it leads to) or a folder with all in it, where there is one.

    Others may be clearing up in the same folder.
    """
    while path.is_dir() and not path.is_symlink():
        with suppress(FileNotFoundError):  # something in it went just now: see what is left
            shutil.rmtree(path)
    path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed writes left in a folder and below."""
    for leftover in list(folder.rglob(".*.tmp")):
        remove(leftover)


def write_result(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file that is a command's whole result: the same command again finds it and has nothing to do.

    Raises InputError: something else is there, and `overwrite` is not set.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    killed = f".{glob.escape(_short(path.name))}.*.tmp"
    with locks.one_at_a_time(path.parent):  # or it would sweep what the same command is writing just now
        for leftover in list(path.parent.glob(killed)):
            remove(leftover)
        if overwrite or not path.exists():
            write(path, data)
        elif not _holds(path, data):
            raise InputError(path, "already exists", remedy="give another name, or add --overwrite")


def _holds(path: Path, data: bytes) -> bool:
    try:
        return read_file(path, len(data)) == data
    except OSError:
        return False


@dataclass(slots=True)
class Claim:
    """A folder that a command holds.

    Attributes
    ----------
    out: the folder.
    asked: what the mark says of it: the identity, the resume key and the hash of the contents.
    hold: the lock of the folder. contents: hashes the files that are read.
    result: what `finish` was given, where the same command had finished before; else None.
    """

    out: Path
    asked: dict[str, Any]
    hold: locks.Hold
    contents: Callable[[], str] | None = None
    result: dict[str, Any] | None = None

    @property
    def work(self) -> Path:
        """The folder for work in progress; gone when `out` is finished."""
        return self.out / WORK

    def all_have_ended(self) -> bool:
        """Whether all who do other shares have ended; if so, nobody else can begin one from now on.

        Raises ConfigChanged: the files that are read have changed since the first of them began.
        """
        if self.hold.alone:
            return True
        if not self.hold.wait_to_be_alone():
            return False
        if self.contents is not None:
            _require_same(self.out, self.asked, {**self.asked, _CONTENTS: self.contents()})
        return True

    def finish(self, result: Mapping[str, Any]) -> None:
        """Say that the folder is whole, and what the command gave (JSON values)."""
        asked = {key: value for key, value in self.asked.items() if key != _RESUME_KEY}
        told = json.loads(json.dumps(dict(result)))
        _mark(self.out, {**asked, "result": told, "result_sha256": _fingerprint(told)})


@contextmanager
def claimed(
    out: str | os.PathLike[str],
    identity: Mapping[str, Any],
    *,
    contents: Callable[[], str] | None = None,
    reads: Iterable[str | os.PathLike[str]] = (),
    resume_key: str = "",
    overwrite: bool = False,
    shares: bool = False,
) -> Iterator[Claim]:
    """Hold the folder `out` while a command fills it. If the claim has a `result`, there is nothing to do.

    Parameters
    ----------
    identity: JSON values: what two commands must share to give the same bytes.
    contents: hashes the files that are read, which they must share too; called once nothing else refuses.
    reads: folders that the command reads: `out` must neither be nor hold one of them.
    resume_key: what else must be the same for a killed command to go on.
    overwrite: empty a folder that curate made otherwise. Work begun by the same overwrite goes on.
    shares: hold it together with others that do other shares of the same; see `Claim.all_have_ended`.

    Raises
    ------
    InputError: a folder that curate did not make, a file, one that is read, that cannot be written, or that
        another command is writing.
    SchemaError: what the mark says of the result is damaged.
    ConfigChanged: it was made or begun with another identity or other contents, and `overwrite` is not set.
    """
    folder = Path(out)
    require_place(folder)
    asked = {"identity": json.loads(json.dumps(dict(identity))), _RESUME_KEY: resume_key}
    if any(real(place).is_relative_to(real(folder)) for place in reads):
        raise InputError(folder, _READ, remedy="choose another --out")
    _read_mark(folder)  # refuses before anything is written
    with _locked(folder, shares) as hold:
        mark = _read_mark(folder)  # as it is now that nobody else writes, or others do their shares
        claim = Claim(folder, asked, hold, contents)
        if hold.alone:
            _take(claim, mark, overwrite)
        else:
            _join(claim, mark)
        with _given_up_where_bare(claim):
            yield claim


def _take(claim: Claim, mark: dict[str, Any] | None, overwrite: bool) -> None:
    """Take a folder that nobody else holds: find it finished, go on with what was begun there, or begin."""
    folder, asked = claim.out, claim.asked
    kept = None if overwrite else mark
    if kept is not None:
        _require_same(folder, kept, asked)
    if claim.contents is not None:  # after the refusals that cost nothing
        asked[_CONTENTS] = claim.contents()
        if kept is not None:
            _require_same(folder, kept, asked)
    if mark is None or "emptying" in mark:
        _begin(folder, asked)
    elif "result" in mark and not overwrite:
        claim.result = _whole_result(folder, mark)
    elif "result" not in mark and {key: mark.get(key) for key in asked} == asked:
        sweep(folder)
    else:
        _begin(folder, asked)
    if claim.result is None and not claim.hold.let_others_in():
        raise InputError(folder, _WRITING)


def _join(claim: Claim, mark: dict[str, Any] | None) -> None:
    """Join those who do their shares in a folder. They hashed what is read when they began; whoever completes
    the folder does so again."""
    if mark is None or "result" in mark or "emptying" in mark:
        raise InputError(claim.out, _WRITING)
    _require_same(claim.out, mark, claim.asked)
    if _CONTENTS in mark:
        claim.asked[_CONTENTS] = mark[_CONTENTS]
    claim.hold.let_others_in()


def finished(folder: str | os.PathLike[str]) -> bool:
    """Whether a command of curate's has finished a folder. Raises InputError: curate did not make it."""
    mark = _read_mark(Path(folder))
    return mark is not None and "result" in mark


def _own_mark(folder: Path) -> dict[str, Any] | None:
    mark = _json(folder / MARK)
    own = mark is not None and mark.get("format") == _FORMAT and isinstance(mark.get("identity"), dict)
    return mark if own else None


def _read_mark(folder: Path) -> dict[str, Any] | None:
    """The content of a folder's mark, which has a "result" once the folder is finished; None: a new folder.

    Raises
    ------
    InputError: a file, or a folder that curate did not make.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise InputError(folder, "a file", allowed=_NEW_FOLDER)
    if (mark := _own_mark(folder)) is not None:
        return mark
    earlier = [found for name in _EARLIER if (found := _json(folder / name)) is not None]
    if any(str(found.get("format", "")).startswith("hand-curate ") for found in earlier):
        return {"identity": {"version": "an earlier one"}, "result": {}}  # as no command of today makes
    if not _is_empty(folder):
        if (mark := _own_mark(folder)) is not None:  # another share began in the meantime
            return mark
        raise InputError(folder, "a folder with other files in it", allowed=_NEW_FOLDER)
    return None


def _whole_result(folder: Path, mark: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a finished command, which commands rely on. Raises SchemaError: it was changed since."""
    result = mark["result"]
    if not isinstance(result, dict) or mark.get("result_sha256") != _fingerprint(result):
        raise SchemaError(folder / MARK, "damaged", remedy="choose another --out, or add --overwrite")
    return result


def _fingerprint(result: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()


def _begin(folder: Path, begun: Mapping[str, Any]) -> None:
    """Mark the folder as ours, then empty it: in this order, so that a kill in between leaves it ours."""
    _mark(folder, {**begun, "emptying": True})
    for path in sorted(folder.iterdir()):
        if path.name not in (MARK, WORK):
            remove(path)
    for path in sorted((folder / WORK).iterdir()):
        if path.name not in _LOCKS:
            remove(path)
    _mark(folder, begun)


@contextmanager
def _given_up_where_bare(claim: Claim) -> Iterator[None]:
    """Remove the mark again if a command fails before it has made anything, so that any other command may
    begin in the folder. Of several that do shares, the last one to fail does this."""
    try:
        yield
    except Exception:
        if claim.result is None and claim.hold.wait_to_be_alone():
            with suppress(OSError):  # the user is told of the failure, not of the folder
                sweep(claim.out)
                if {path.name for path in claim.out.iterdir()} <= {MARK, WORK} and _is_bare(claim.work):
                    remove(claim.out / MARK)
        raise


def _is_bare(work: Path) -> bool:
    """Whether a folder for work in progress holds nothing but locks."""
    return all(path.name in _LOCKS for path in work.iterdir())


def _mark(folder: Path, says: Mapping[str, Any]) -> None:
    write_json(folder / MARK, {"format": _FORMAT, **says})


@contextmanager
def _locked(folder: Path, shares: bool) -> Iterator[locks.Hold]:
    """Hold the lock of a folder; remove it, with the folder for work, if no work is left to go on with."""
    work, new = folder / WORK, not folder.exists()
    with ExitStack() as held:
        try:
            hold = held.enter_context(locks.held(work, shares=shares))
        except BlockingIOError:
            raise InputError(folder, _WRITING) from None
        except OSError as error:
            raise InputError(folder, f"cannot be written ({error.strerror})") from None
        try:
            yield hold
        finally:
            mark = _json(folder / MARK)
            if hold.alone and (mark is None or "result" in mark):
                shutil.rmtree(work, ignore_errors=True)
            if hold.alone and mark is None and new:  # the command was refused, by its inputs for example
                with suppress(OSError):
                    folder.rmdir()


def _is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but what a command leaves that is killed before it makes its mark."""
    for path in folder.iterdir():
        if path.name == WORK and path.is_dir():
            if not _is_bare(path):
                return False
        elif not (path.name.startswith(f".{MARK}.") and path.suffix == ".tmp"):
            return False
    return True


def _json(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        found = json_text.parse(read_file(path, _LONGEST_MARK))
        return found if isinstance(found, dict) else None
    return None


def _require_same(folder: Path, mark: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise ConfigChanged if a folder was made, or begun, for something else; names what changed, also within
    tables."""
    keys = [key for key in asked if key != _RESUME_KEY or "result" not in mark]
    before, now = ({key: told.get(key) for key in keys} for told in (mark, asked))
    if before == now:
        return
    changed: list[str] = []

    def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for key in sorted(set(old) | set(new)):
            was, is_now = old.get(key), new.get(key)
            if isinstance(was, dict) and isinstance(is_now, dict):
                compare(was, is_now)
            elif was != is_now:
                opaque = any(_is_opaque(value) for value in (was, is_now))
                told = " changed" if opaque else f" was {was!r}, now {is_now!r}"
                changed.append(f"{key[:_SHOWN]}{told}")

    compare(before, now)
    if len(changed) > _NAMED:
        changed[_NAMED:] = [f"{len(changed) - _NAMED} more"]
    raise ConfigChanged(
        folder,
        f"made with another configuration ({'; '.join(changed)})",
        remedy="choose another --out, or add --overwrite",
    )


def _is_opaque(value: Any) -> bool:
    """Whether a value tells people nothing, such as a hash, or text and tables that are too long to read."""
    if isinstance(value, list):
        return len(value) > _SHOWN or any(_is_opaque(inner) for inner in value)
    if isinstance(value, str):
        return len(value) == 64 or len(value) > 2 * _SHOWN
    return isinstance(value, dict) and len(repr(value)) > 2 * _SHOWN
