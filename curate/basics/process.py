"""Programs of others that run beside us, minded: given a time limit, killed with all that they started, ended
where we end, and what they said kept.

Each has a session of its own, so Ctrl-C in a terminal reaches us alone, and we decide what becomes of it. Its
environment is as `environment` gives it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

_TAIL = 8  # lines that are kept of what a child said last
_PATIENCE = 5.0  # seconds from the end of a child's output to the end of the child
# What importing OpenCV adds to our environment: with these another program would load OpenCV's Qt, and crash.
_BY_OPENCV = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "LD_LIBRARY_PATH")
_NONE: Mapping[str, str] = MappingProxyType({})
# Becomes the program given behind the number of our process, after asking the kernel (PR_SET_PDEATHSIG) to
# kill it when we die. It asks for itself because doing so between fork and exec is not safe among threads.
_BOUND = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("its owner is gone")
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"{sys.argv[2]}: cannot be started ({error.strerror})")
"""


def environment() -> dict[str, str]:
    """Our environment for a program of others: without what would lead its Python to our packages, and its
    libraries to those of our OpenCV."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for name in ours.keys() & set(_BY_OPENCV):
        places = ours.pop(name).split(os.pathsep)
        if kept := [place for place in places if place and "cv2" not in Path(place).parts]:
            ours[name] = os.pathsep.join(kept)
    return ours


def temporary_at(folder: str | os.PathLike[str]) -> dict[str, str]:
    """What tells a program where its temporary files go."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), os.fspath(folder))


def run(
    command: Sequence[str],
    *,
    seconds: float,
    folder: str | os.PathLike[str] | None = None,
    temporary: str | os.PathLike[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its exit code and what it printed.

    Parameters
    ----------
    folder: where it runs; default: where we do.
    temporary: the folder for its temporary files; default: the system's.

    Raises
    ------
    OSError: there is no such program. subprocess.TimeoutExpired: it took longer than `seconds`.
    """
    variables = _NONE if temporary is None else temporary_at(temporary)
    with _start(command, subprocess.DEVNULL, folder, variables) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException:
            _kill(process)
            raise
    told = (text.decode(errors="replace") for text in (out, err))
    return subprocess.CompletedProcess(list(command), process.returncode, *told)


class Child:
    """A program that is told lines on its stdin and answers in lines on its stdout.

    For the thread that makes it, which must live as long: Linux counts a thread's end as ours. On other
    systems than Linux the child outlives us unless it ends by itself when its stdin does.

    Parameters
    ----------
    variables: put into its environment.

    Attributes
    ----------
    tail: the last lines that it printed on stderr, or that were put back by `keep`.

    Raises
    ------
    OSError: there is no such program.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str] = _NONE) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._process = _start(command, subprocess.PIPE, None, variables)
        self._rest: dict[int, bytes] = {}  # the unfinished line of each pipe
        self._selector = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            self._selector.register(pipe, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    @property
    def talks(self) -> bool:
        """Whether it may still say something: it has not closed its output."""
        return bool(self._selector.get_map())

    def send(self, line: str) -> None:
        """Tell it a line. If it is dead, nothing happens: whoever waits for its answer finds out."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def read(self, seconds: float) -> list[bytes]:
        """The lines of its stdout that come next, after at most so long; none if nothing comes."""
        said: list[bytes] = []
        for key, _ in self._selector.select(seconds):
            data = os.read(key.fd, 1 << 16)
            if not data:
                self._selector.unregister(key.fileobj)
            *lines, self._rest[key.fd] = (self._rest.get(key.fd, b"") + data).split(b"\n")
            if key.fileobj is self._process.stdout:
                said += lines
            else:
                for line in lines:
                    self.keep(line)
        return said

    def keep(self, line: bytes) -> None:
        """Put a line into the tail."""
        self.tail.append(line.decode(errors="replace"))

    def ending(self) -> str:
        """How it ended, as in "died of SIGKILL"; for when it no longer talks."""
        try:
            code = self._process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            return "closed its output"
        return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    def end(self) -> None:
        """Kill it, with all that it started."""
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        _kill(self._process)
        self._process.wait()


def _start(
    command: Sequence[str],
    stdin: int,
    folder: str | os.PathLike[str] | None,
    variables: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    line = [os.fspath(Path(program).absolute()), *command[1:]]
    if sys.platform == "linux":
        line = [sys.executable, "-I", "-S", "-c", _BOUND, str(os.getpid()), *line]
    return subprocess.Popen(
        line,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**environment(), **variables},
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Its whole group, since the program may be a script around another."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
