"""Blender as a process of its own: where it is found, and how one is started, fed, watched and replaced.

It is reached by files and one line of JSON each way (`render.worker.main` tells the words). What goes wrong
in it, death, a hang, an exception, costs a fresh start; a picture that goes wrong twice is given up, with its
reason.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from curate.basics.errors import CurateError, InputError
from render.worker.main import MARK

ENVIRONMENT = "CURATE_BLENDER"
ATTEMPTS = 2

_HERE = Path(__file__).resolve().parent
_WORKER = _HERE / "worker" / "main.py"
_TOOLS = _HERE.parent / ".venv-tools" / "bin" / "python"
_TICK = 0.25  # seconds between looks at the clock
_START = 120.0  # seconds for it to come up, from a cold disk
_STALL_CPU = 0.3  # CPU seconds: less is next to none
_CLAIM = "\0hand-curate-core-"  # a name of a socket, in no file system
_TAIL = 8  # lines of Blender's own output in a message

_log = logging.getLogger("curate.render")


class BlenderError(CurateError):
    """Blender cannot be found, or does not start."""


@dataclass(frozen=True, slots=True)
class Request:
    """A picture to be rendered: its name in messages, and the files that Blender reads and writes."""

    name: str
    shot: Path
    out: Path


AnyRequest = TypeVar("AnyRequest", bound=Request)


@dataclass(frozen=True, slots=True)
class Blender:
    """An interpreter with bpy, or a blender executable. version: as it says itself."""

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
    """The Blender to use: the one given, $CURATE_BLENDER, the project's .venv-tools, `blender` on PATH.

    Raises
    ------
    InputError: the one given, or named by $CURATE_BLENDER, is no program.
    BlenderError: it does not start; or none of the others is there or starts.
    """
    for where, named in (("--blender", given), (f"${ENVIRONMENT}", os.environ.get(ENVIRONMENT))):
        if named:
            path = shutil.which(os.fspath(named))
            if path is None:
                raise InputError(where, f"no program {os.fspath(named)!r}", remedy=_two_ways())
            return _asked(Path(path).absolute())
    failures = []
    for path in filter(None, (shutil.which(_TOOLS), shutil.which("blender"))):
        try:
            return _asked(Path(path))
        except BlenderError as error:
            failures.append(str(error))
    raise BlenderError("; ".join([*failures, f"no Blender here; {_two_ways()}"]))


def _asked(path: Path) -> Blender:
    with Worker(Blender(path), limit=0) as worker:
        return Blender(path, worker.start())


def _two_ways() -> str:
    return (
        "two ways to have one: python3.11 -m venv V; V/bin/pip install bpy==5.0.1 'numpy<2' (as `make demo` "
        f"does), then --blender V/bin/python or {ENVIRONMENT}=V/bin/python; or Blender 5.0 from blender.org, "
        "as `blender` on PATH or by --blender"
    )


class Failure(Exception):
    """A picture that did not come, with its reason."""


class Worker:
    """One Blender process, for one thread. A `with` block closes it.

    Parameters
    ----------
    limit: CPU seconds a picture may take. Counted so, and not by the clock, a busy machine gives up no
        picture that an idle one renders.
    stall: seconds in which a Blender that uses next to no CPU counts as hung.
    stopped: asked a few times a second while waiting; when it says so, waiting ends with KeyboardInterrupt.
    """

    def __init__(
        self,
        blender: Blender,
        *,
        limit: float,
        stall: float = 60.0,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.blender, self.limit, self.stall, self.stopped = blender, limit, stall, stopped
        self._process: subprocess.Popen[bytes] | None = None
        self._claim, self._core = _free_core()
        self._selector = selectors.DefaultSelector()
        self._rest: dict[int, bytes] = {}  # the unfinished line of each pipe
        self._inbox: deque[dict[str, Any]] = deque()
        self._cpu = 0.0
        self._tail: deque[str] = deque(maxlen=_TAIL)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> str:
        """Start afresh; returns Blender's version. Raises BlenderError: it does not come up."""
        self._end()
        self._tail.clear()
        try:
            self._process = process = subprocess.Popen(
                self.blender.command(self._core),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is its owner's business
            )
        except OSError as error:
            raise BlenderError(f"{self.blender.path}: cannot be started ({error.strerror})") from None
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            self._selector.register(pipe, selectors.EVENT_READ)
        try:
            ready = self._answer(_START)
        except Failure as failure:
            raise BlenderError(f"{self.blender.path}: does not start ({failure}){self._said()}") from None
        return str(ready.get("ready", {}).get("blender", ""))

    def pictures(self, requests: Iterable[AnyRequest]) -> Iterator[tuple[AnyRequest, str | None]]:
        """Render each; yields it with None when its file stands, or with the reason why it is given up.

        One request is taken and sent ahead, so that Blender goes on while the caller sees to a picture. So
        the files of two requests in a row must not be the same. Raises BlenderError as `start`.
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
            if waiting:  # left early: what it renders is nobody's any more
                self._end()

    def close(self) -> None:
        """End the process and give its core back."""
        self._end()
        self._selector.close()
        if self._claim:
            self._claim.close()

    def _settle(self, waiting: deque[AnyRequest]) -> tuple[AnyRequest, str | None]:
        """Wait for the first in the row; after a failure try it, and what follows, on a fresh Blender."""
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
        """None when the picture stands, or why not."""
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
            if self._process is None:
                self.start()
            assert self._process is not None
            assert self._process.stdin is not None
            line = json.dumps({"shot": os.fspath(request.shot), "out": os.fspath(request.out)})
            with contextlib.suppress(BrokenPipeError):  # it is dead: the wait for its answer will tell
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()

    def _answer(self, stall: float) -> dict[str, Any]:
        """The next answer that is no heart beat. Raises Failure: none comes."""
        started = quiet_since = self._cpu
        quiet = 0.0
        while True:
            before = time.monotonic()
            self._read()
            while self._inbox:
                message = self._inbox.popleft()
                if "beat" not in message:
                    return message
                self._cpu = float(message["beat"])
            if not self._selector.get_map():
                raise Failure(self._ending())
            if self.stopped():
                raise KeyboardInterrupt
            # A machine that slept, or a stopped owner, is no hang of Blender's.
            quiet += min(time.monotonic() - before, 2 * _TICK)
            if self._cpu - quiet_since > _STALL_CPU:
                quiet, quiet_since = 0.0, self._cpu
            if quiet > stall:
                raise Failure(f"hung: no CPU used for {stall:g} s")
            if self.limit and self._cpu - started > self.limit:
                raise Failure(f"not done after {self.limit:g} s of CPU")

    def _read(self) -> None:
        """Take what comes within a tick: answers to the inbox, what Blender prints to the tail."""
        for key, _ in self._selector.select(0 if self._inbox else _TICK):
            data = os.read(key.fd, 1 << 16)
            if not data:
                self._selector.unregister(key.fileobj)
            *lines, self._rest[key.fd] = (self._rest.get(key.fd, b"") + data).split(b"\n")
            for line in lines:
                message = _message(line)
                if message is None:
                    self._tail.append(line.decode(errors="replace"))
                else:
                    self._inbox.append(message)

    def _said(self) -> str:
        return "".join(f"\n  | {line}" for line in self._tail)

    def _ending(self) -> str:
        assert self._process is not None
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "Blender closed its output"
        return f"Blender died of {signal.Signals(-code).name}" if code < 0 else f"Blender ended with {code}"

    def _end(self) -> None:
        process, self._process = self._process, None
        self._cpu = 0.0
        self._inbox.clear()
        self._rest.clear()
        if process is None:
            return
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            with contextlib.suppress(KeyError):
                self._selector.unregister(pipe)
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        with contextlib.suppress(ProcessLookupError):  # its whole group: `blender` may be a script around it
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_core() -> tuple[socket.socket | None, int | None]:
    """A core for a Blender alone, claimed by a name that only one process can hold (Linux; else none)."""
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


def _environment() -> dict[str, str]:
    """Ours without what would lead its Python to our packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "OMP_NUM_THREADS": "1"}


def _message(line: bytes) -> dict[str, Any] | None:
    """An answer, or None where the line is something that Blender printed."""
    if line.startswith(MARK.encode()):
        with contextlib.suppress(ValueError):
            message = json.loads(line[len(MARK) :])
            return message if isinstance(message, dict) else None
    return None
