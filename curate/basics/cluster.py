"""The engine of many machines: the same batches, handed to the workers of a Dask cluster.

Items go out in groups, a bounded number of them at a time, and results come back in order. A worker that
dies is replaced by Dask, and its groups are done again: what is written is written whole and is the same each
time. Where the scheduler is lost, what is finished stays, and the same command goes on. Workers must run the
same version, and see the same files, which is made sure of before there is work.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import platform
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from curate.basics import locks, stopping
from curate.basics.engine import ALL, Share
from curate.basics.errors import CurateError, InputError, MissingExtra
from curate.basics.memory import keep_freed_memory
from curate.basics.numerals import is_digits
from curate.basics.version import VERSION
from curate.basics.wording import counted, one_line

Item = TypeVar("Item")
Result = TypeVar("Result")

LOCAL = "local:"
_SCRATCH = "curate-cluster-"  # how the folder begins that the workers started here have for their files
ALLOWED = "the address of a Dask scheduler, such as tcp://10.0.0.1:8786, or local:N for N workers here"

_DECIDING = (
    "numpy",
    "opencv-python",
    "pillow",
    "pyarrow",
)  # what the pixels and tables that are written depend on
_GROUP = 16  # items a task, at most: 250 to 1,000 samples
_TASKS = 16  # tasks a thread, at least, where there are items for them: the last ones are waited for
_IN_FLIGHT = 2  # tasks a thread
_FAILURES = 10  # deaths of workers at one task before it is given up
# Seconds: for the first worker, between looks at how many there are, and for the end of those started here.
_WAIT, _LOOK, _CLOSE = 30, 5, 20


class ClusterError(CurateError):
    """The cluster cannot be reached, is lost, or gives up."""


@dataclass(slots=True)
class Cluster:
    """A Dask cluster as an engine; connected when there is first something to do.

    Attributes
    ----------
    address: as ALLOWED says. share: as of Engine. tell: is told of the workers and of the dashboard.
    """

    address: str
    share: Share = ALL
    tell: Callable[[str], None] = lambda _line: None
    _client: Any = None
    _scratch: Any = None
    _hold: int | None = None  # of that folder
    _told: int = 0
    _looked: float = 0.0

    def __post_init__(self) -> None:
        number = self.address.removeprefix(LOCAL)
        if number != self.address and not (is_digits(number) and int(number)):
            raise InputError("--cluster", repr(self.address), allowed=ALLOWED)

    @property
    def workers(self) -> int:
        """Threads of all workers. Raises as `map` does."""
        threads: dict[str, int] = self._connected().nthreads()
        return max(1, sum(threads.values()))

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, total: int | None = None
    ) -> Iterator[Result]:
        """As Engine says.

        Raises
        ------
        MissingExtra: Dask is not installed. ClusterError: no scheduler there, or it is lost; no worker; one
            that has another version; workers died at the same task again and again.
        """
        client, workers = self._connected(), self.workers
        size = 1 if total is None else min(_GROUP, 1 + total // (_TASKS * workers))
        left, waiting = iter(items), deque[Any]()
        try:
            while group := list(islice(left, size)):
                stopping.check()
                waiting.append(client.submit(_each, _version(), function, group, pure=False))
                if len(waiting) >= _IN_FLIGHT * workers:
                    yield from self._result(waiting.popleft())
            while waiting:
                yield from self._result(waiting.popleft())
        finally:
            if waiting and client.status == "running":
                client.cancel(list(waiting), force=True)

    def require_shared(self, paths: Sequence[Path]) -> None:
        """Raise ClusterError where a worker does not see these files as they are here, or these folders."""
        told = {os.fspath(path.absolute()): _seen(path) for path in paths}
        answers = self._asked(_unlike, told)
        for worker, missing in answers.items():
            if missing:
                raise ClusterError(
                    f"{missing[0]}: the worker {worker} does not see the same content there; put it on a "
                    "file system that all machines share, under the same path"
                )

    def _result(self, future: Any) -> list[Any]:
        from distributed import KilledWorker

        stopping.check()
        self._look()
        try:
            results, error = future.result()
        except KilledWorker:
            told = "worker after worker died on the same piece of work"
        except Exception as lost:  # an error of ours comes as a result
            told = "the scheduler was lost" if self._client.status != "running" else _line(lost)
        else:
            if error is not None:
                raise error
            return list(results)
        raise ClusterError(f"{self.address}: {told}; the same command resumes from here")

    def _look(self) -> None:
        """Tell how many workers there are, where that has changed."""
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        try:
            there = len(self._client.nthreads())
        except OSError:
            return  # lost: whoever waits for a result is told
        if there != self._told:
            self._told = there
            self.tell(f"cluster: {counted(there, 'worker')}; dashboard: {self._client.dashboard_link}")

    def _connected(self) -> Any:
        if self._client is None:
            if self.address.startswith(LOCAL):  # Dask's own would be left behind
                _sweep_scratch()
                self._scratch = tempfile.TemporaryDirectory(prefix=_SCRATCH, ignore_cleanup_errors=True)
                self._hold = locks.hold_folder(Path(self._scratch.name))
            try:
                self._client = _connect(self.address, self._scratch and self._scratch.name)
            except BaseException:
                self._tidy()
                raise
            atexit.register(self.close)
            for worker, version in self._asked(_version).items():
                if version != _version():
                    raise ClusterError(f"the worker {worker} has {version}; this machine has {_version()}")
            self._look()
        return self._client

    def _asked(self, question: Callable[..., Any], *given: Any) -> dict[str, Any]:
        """What each worker answers."""
        answers: dict[str, Any] = self._connected().run(question, *given, on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, BaseException):
                raise ClusterError(f"the worker {worker} cannot do this work ({answer!r})"[:300])
        return answers

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._client is None:
            return
        with suppress(Exception):  # all is done; what the end of a cluster says of itself helps nobody
            cluster = self._client.cluster
            self._client.close(timeout=_CLOSE)
            if cluster is not None:
                cluster.close(timeout=_CLOSE)
        self._client = None
        self._tidy()

    def _tidy(self) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None


def _sweep_scratch() -> None:
    """Remove what the workers of commands that were killed left among the system's temporary files."""
    for left in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            own = left.is_dir() and not left.is_symlink() and left.stat().st_uid == os.getuid()
            if own and (hold := locks.hold_folder(left)) is not None:  # whoever is alive holds its own
                shutil.rmtree(left, ignore_errors=True)
                os.close(hold)


def _connect(address: str, scratch: str | None) -> Any:
    """A client of the cluster there. scratch: where one that is started here has its workers' files."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise MissingExtra("--cluster", "cluster") from None
    dask.config.set({"distributed.scheduler.allowed-failures": _FAILURES})
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a lost cluster is told in a line of ours
    number = address.removeprefix(LOCAL)
    try:
        if number != address:
            with _environment_kept(), dask.config.set({"temporary-directory": scratch}):
                started = LocalCluster(
                    n_workers=int(number),
                    threads_per_worker=1,
                    dashboard_address=":0",
                    silence_logs=logging.CRITICAL,
                )
            return Client(started)
        client = Client(address, timeout=_WAIT)
        client.wait_for_workers(1, timeout=_WAIT)
    except (OSError, ValueError, RuntimeError) as error:
        if stopping.is_out_of_memory(error):
            raise
        why = _line(_first(error) if isinstance(error, RuntimeError) else error)
        raise ClusterError(f"{address}: no cluster to work on ({why}); allowed: {ALLOWED}") from None
    return client


def _first(error: BaseException) -> BaseException:
    """What went wrong first: Dask tells that a worker did not start as what came of it."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Dask sets OMP_NUM_THREADS and more for the workers that it starts, in the process that starts them."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _version() -> str:
    """What a worker must have as we do, to give the same bytes."""
    return f"hand-curate {VERSION}, Python {platform.python_version()}, {_packages()}"


@cache
def _packages() -> str:
    return ", ".join(f"{name} {metadata.version(name)}" for name in _DECIDING)


def _each(
    version: str, function: Callable[[Item], Result], group: list[Item]
) -> tuple[list[Result], BaseException | None]:
    """What becomes of a group. An error is a result: Dask would tell of it in its own words."""
    keep_freed_memory()  # Dask has its workers hand it back at once, and images would pay at every step
    try:
        if version != _version():  # one that came later
            raise ClusterError(f"a worker on {platform.node()} has {_version()}; required: {version}")
        return [function(item) for item in group], None
    except (Exception, KeyboardInterrupt) as error:
        return [], error


def _seen(path: str | os.PathLike[str]) -> str:
    """What a file holds, or that a folder is there."""
    try:
        return "folder" if Path(path).is_dir() else hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        return str(error.strerror)


def _unlike(told: dict[str, str]) -> list[str]:
    return [path for path, seen in told.items() if _seen(path) != seen]


def _line(error: BaseException) -> str:
    return one_line(f"{type(error).__name__}: {error}")
