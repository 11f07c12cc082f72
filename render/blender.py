"""Blender as a process of its own: how one is found, started, given pictures to render, and replaced.

We exchange files with it, and one line of JSON each way for each picture (`render.worker.main` tells which).
Where Blender dies, hangs or cannot render a picture, the picture is tried once more in a fresh Blender; if
that fails, too, it is given up, with the reason.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import shutil
import socket
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from curate.basics import process
from curate.basics.errors import CurateError, InputError
from render.worker.main import MARK

ENVIRONMENT = "CURATE_BLENDER"
ATTEMPTS = 2

_HERE = Path(__file__).resolve().parent
_WORKER = _HERE / "worker" / "main.py"
_TOOLS = _HERE.parent / ".venv-tools" / "bin" / "python"
_TICK = 0.25  # seconds between looks at the clock
_START = 120.0  # seconds for Blender to start, from a cold disk
_STALL_CPU = 0.3  # CPU seconds; a Blender that uses less is idle
_CLAIM = "\0hand-curate-core-"  # start of a socket's name; with \0 it is no file's (Linux)
_ONE_THREAD = {"OMP_NUM_THREADS": "1"}

_log = logging.getLogger("curate.render")


class BlenderError(CurateError):
    """Blender cannot be found, or does not start."""


@dataclass(frozen=True, slots=True)
class Request:
    """A shot to be rendered: its name in messages, the file that Blender reads, and the one it writes."""

    name: str
    shot: Path
    out: Path


AnyRequest = TypeVar("AnyRequest", bound=Request)


@dataclass(frozen=True, slots=True)
class Blender:
    """A program that is Blender.

    Attributes
    ----------
    path: of an interpreter with bpy, or of a blender executable.
    version: as Blender tells it.
    """

    path: Path
    version: str = ""

    def command(self, core: int | None) -> list[str]:
        """The command line that starts our worker in it, kept to one core where one is given."""
        return self.script(_WORKER, *([] if core is None else ["--core", str(core)]))

    def script(self, path: Path, *arguments: str) -> list[str]:
        """The command line that runs a Python file in it."""
        if self.path.stem.lower().startswith("blender"):
            start = ["--background", "--factory-startup", "--threads", "1", "--python-exit-code", "1"]
            return [str(self.path), *start, "--python", str(path), "--", *arguments]
        return [str(self.path), "-I", str(path), *arguments]


def find(given: str | os.PathLike[str] | None = None) -> Blender:
    """The Blender to use: `given`, else $CURATE_BLENDER, else the project's .venv-tools or `blender` on PATH.

    Raises
    ------
    InputError: `given`, or what $CURATE_BLENDER names, is no program.
    BlenderError: it does not start; or nothing is named, and neither of the others is there and starts.
    """
    for where, named in (("--blender", given), (f"${ENVIRONMENT}", os.environ.get(ENVIRONMENT))):
        if named:
            path = shutil.which(os.fspath(named))
            if path is None:
                raise InputError(where, f"no program {os.fspath(named)!r}", remedy=_two_ways())
            return _with_version(Path(path).absolute())
    failures = []
    for path in filter(None, (shutil.which(_TOOLS), shutil.which("blender"))):
        try:
            return _with_version(Path(path))
        except BlenderError as error:
            failures.append(str(error))
    raise BlenderError("; ".join([*failures, f"no Blender here; {_two_ways()}"]))


def _with_version(path: Path) -> Blender:
    with Worker(Blender(path), limit=0) as worker:
        return Blender(path, worker.start())


def _two_ways() -> str:
    return (
        "two ways to get one: python3.11 -m venv V; V/bin/pip install bpy==5.0.1 'numpy<2' (as `make demo` "
        f"does), then --blender V/bin/python or {ENVIRONMENT}=V/bin/python; or Blender 5.0 from blender.org, "
        "as `blender` on PATH or by --blender"
    )


class Failure(Exception):
    """Why a picture was not rendered."""


class Worker:
    """One Blender process, for one thread. A `with` block closes it.

    Parameters
    ----------
    limit: CPU seconds that a shot may take, 0 for any number. In CPU seconds, so that a busy machine does not
        give up what an idle one renders.
    stall: seconds after which a Blender that uses almost no CPU is taken to hang.
    stopped: called a few times a second while we wait; once it returns True, KeyboardInterrupt is raised.
    folder: in which a folder for Blender's temporary files is made, which is removed when Blender ends;
        default: the system's.
    """

    def __init__(
        self,
        blender: Blender,
        *,
        limit: float,
        stall: float = 60.0,
        stopped: Callable[[], bool] = lambda: False,
        folder: Path | None = None,
    ) -> None:
        self.blender, self.limit, self.stall, self.stopped = blender, limit, stall, stopped
        self.folder = folder
        self.child: process.Child | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._claim, self._core = _free_core()
        self._inbox: deque[dict[str, Any]] = deque()
        self._cpu = 0.0  # seconds that this Blender has used, as its heart beat tells

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> str:
        """Start a fresh Blender; returns its version. Raises BlenderError: it does not start."""
        self._end()
        # Blender is usually killed, so it does not clean up after itself.
        self._temporary = tempfile.TemporaryDirectory(prefix="curate-blender-", dir=self.folder)
        places = process.temporary_at(self._temporary.name)
        try:
            self.child = process.Child(self.blender.command(self._core), _ONE_THREAD | places)
        except OSError as error:
            raise BlenderError(f"{self.blender.path}: cannot be started ({error.strerror})") from None
        try:
            ready = self._answer(_START)
        except Failure as failure:
            raise BlenderError(f"{self.blender.path}: does not start ({failure}){self._said()}") from None
        return str(ready.get("ready", {}).get("blender", ""))

    def pictures(self, requests: Iterable[AnyRequest]) -> Iterator[tuple[AnyRequest, str | None]]:
        """Render each; yields it with None once its file is there, or with the reason why it is given up.

        Blender is always sent one request ahead, so that it goes on while the caller handles a picture. Two
        requests in a row must therefore not share files. Raises BlenderError as `start`.
        """
        waiting: deque[AnyRequest] = deque()
        try:
            for request in requests:
                waiting.append(request)
                self._send([request])
                if len(waiting) > 1:
                    yield self._settle(waiting)
            while waiting:
                yield self._settle(waiting)
        finally:
            if waiting:  # the caller left early: nobody wants what Blender is rendering
                self._end()

    def close(self) -> None:
        """End Blender, and leave its core to others."""
        self._end()
        if self._claim:
            self._claim.close()

    def _settle(self, waiting: deque[AnyRequest]) -> tuple[AnyRequest, str | None]:
        """Wait for the first request. Where it fails, a fresh Blender gets it, and those behind it."""
        reason = self._outcome(waiting[0])
        for _ in range(1, ATTEMPTS):
            if reason is None:
                break
            self._end()
            self._send(waiting)
            reason = self._outcome(waiting[0])
        first = waiting.popleft()
        if reason is not None:
            self._end()
            self._send(waiting)
        return first, reason

    def _outcome(self, request: Request) -> str | None:
        """None once the picture is there, or why it is not."""
        try:
            reason = self._answer(self.stall).get("failed")
            if reason is None and not request.out.exists():
                reason = "Blender wrote no file"
        except Failure as failure:
            reason = str(failure)
        if reason is not None:
            _log.warning("Blender, at %s: %s%s", request.name, reason, self._said())
        return reason

    def _send(self, requests: Iterable[Request]) -> None:
        for request in requests:
            request.out.unlink(missing_ok=True)
            if self.child is None:
                self.start()
            assert self.child is not None
            self.child.send(json.dumps({"shot": os.fspath(request.shot), "out": os.fspath(request.out)}))

    def _answer(self, stall: float) -> dict[str, Any]:
        """The next answer, heart beats aside. Raises Failure: none comes."""
        assert self.child is not None
        started = quiet_since = self._cpu
        quiet = 0.0
        while not self._inbox:
            before = time.monotonic()
            self._listen(self.child)
            if self._inbox:
                break
            if not self.child.talks:
                raise Failure(f"Blender {self.child.ending()}")
            if self.stopped():
                raise KeyboardInterrupt
            # Not all the time that has passed: the machine may have slept, or we may have been suspended.
            quiet += min(time.monotonic() - before, 2 * _TICK)
            if self._cpu - quiet_since > _STALL_CPU:
                quiet, quiet_since = 0.0, self._cpu
            if quiet > stall:
                raise Failure(f"hung: no CPU used for {stall:g} s")
            if self.limit and self._cpu - started > self.limit:
                raise Failure(f"not done after {self.limit:g} s of CPU")
        return self._inbox.popleft()

    def _listen(self, child: process.Child) -> None:
        for line in child.read(_TICK):
            message = _message(line)
            if message is None:
                child.keep(line)
            elif "beat" in message:
                self._cpu = float(message["beat"])
            else:
                self._inbox.append(message)

    def _said(self) -> str:
        """What Blender printed last, as lines to follow a message."""
        return "".join(f"\n  | {line}" for line in self.child.tail) if self.child else ""

    def _end(self) -> None:
        child, self.child = self.child, None
        self._cpu = 0.0
        self._inbox.clear()
        if child is not None:
            child.end()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None


def _free_core() -> tuple[socket.socket | None, int | None]:
    """A core for one Blender, held by binding a socket to a name that only one process can have.

    If all cores are held, one that others use, too. None on systems other than Linux, which lack such names.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    for core in cores:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"{_CLAIM}{core}")
        except OSError:
            claim.close()
        else:
            return claim, core
    return None, cores[next(_turns) % len(cores)]


_turns = itertools.count()


def _message(line: bytes) -> dict[str, Any] | None:
    """The message of our worker in a line; None where Blender printed the line."""
    if line.startswith(MARK.encode()):
        with contextlib.suppress(ValueError):
            message = json.loads(line[len(MARK) :])
            return message if isinstance(message, dict) else None
    return None
