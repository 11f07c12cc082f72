"""The engine: what runs a function over batches. A stage is given one, and nothing else knows which.

Results come back in the order of the items, so output never depends on the engine or its workers.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from curate.basics import stopping
from curate.basics.errors import InputError
from curate.basics.memory import keep_freed_memory

Item = TypeVar("Item")
Result = TypeVar("Result")

# From this many batches on, starting processes (about a second each) pays.
PROCESSES_FROM = 64
_PATIENCE = 5.0  # seconds for a worker that was told to end


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of the work is done here: every `of`-th piece from the `number`-th on; 1/1 is all of it."""

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        whole = all(isinstance(count, int) for count in (self.number, self.of))
        if not whole or not 1 <= self.number <= self.of:
            allowed = "a number from 1 to that of all shares, such as Share(2, 8)"
            raise InputError("Share", f"{self.number!r}, {self.of!r}", allowed=allowed)

    def __contains__(self, index: int) -> bool:
        return index % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


ALL = Share()


def require_engine(given: object) -> None:
    """Raise InputError for what runs nothing, such as a number of workers."""
    if not callable(getattr(given, "map", None)) or not isinstance(getattr(given, "share", None), Share):
        raise InputError("engine", repr(given), allowed="an engine, such as Local(4) of curate.basics.engine")


class Engine(Protocol):
    """Runs a function over items.

    Attributes
    ----------
    workers: how many items are worked on at a time.
    share: of the work of a stage, what is done here; other processes, with engines of their own, do the rest.
    """

    @property
    def workers(self) -> int: ...

    @property
    def share(self) -> Share: ...

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, total: int | None = None
    ) -> Iterator[Result]:
        """Yield function(item) for each item, in order, with a bounded number of them in flight.

        Parameters
        ----------
        function: must be picklable (a module-level function or a partial of one).
        total: how many items there are, where known.
        """

    def require_shared(self, paths: Sequence[Path]) -> None:
        """Raise CurateError where whoever works does not see these files, or folders, as they are here."""


@dataclass(frozen=True, slots=True)
class Local:
    """The cores of this machine.

    Threads serve small runs (they start in milliseconds, and decoding releases the interpreter), processes
    large ones; one worker needs neither.
    """

    workers: int = 1
    share: Share = ALL

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, total: int | None = None
    ) -> Iterator[Result]:
        """As Engine says; `total` decides between threads and processes."""
        if self.workers <= 1:
            for item in items:
                stopping.check()
                yield function(item)
            return
        with _executor(self.workers, total) as pool:
            waiting: deque[Future[Result]] = deque()
            try:
                for item in items:
                    stopping.check()
                    waiting.append(pool.submit(function, item))
                    if len(waiting) >= 2 * self.workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except BaseException:  # nobody waits for what they are at
                from multiprocessing import active_children

                ended = active_children()  # none where they are threads
                for worker in ended:
                    worker.terminate()
                for worker in ended:
                    worker.join(_PATIENCE)
                raise
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def require_shared(self, paths: Sequence[Path]) -> None:
        """The cores of one machine do."""


ONE = Local()


def default_workers() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _executor(workers: int, total: int | None) -> Executor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    if total is not None and total >= PROCESSES_FROM:
        # A fork would copy the locks of libraries that run threads of their own.
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin)
        with stopping.held_back():  # until they know what to do about it
            pool.submit(int)  # starts them
        return pool
    return ThreadPoolExecutor(workers)


def _begin() -> None:
    """A worker keeps the memory that images free, for the next ones. Ctrl-C is told to it by its parent; if
    that was killed, it would wait for work for ever."""
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())

    import multiprocessing

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
