"""Progress on stderr, so that stdout stays data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from curate.basics import stopping, streams

_LINE_EVERY = 30.0  # seconds, where stderr is a file: a short run leaves no line there


class Advance(Protocol):
    """Counts on; what was done before this run is not `new` and says nothing about its rate."""

    def __call__(self, count: int, /, *, new: bool = True) -> None: ...


@contextmanager
def bar(label: str, total: int | None, *, quiet: bool = False) -> Iterator[Advance]:
    """A progress bar with rate and time left, or now and then a line where stderr is no terminal."""
    global _within
    before = _within
    with _shown(label, total, quiet=quiet) as advance:
        inner = _Within(advance)
        _within = inner.count
        try:
            yield inner
        finally:
            _within = before


def within(count: int) -> None:
    """Count on within a long item, where its bar stands in this process; what it counts at its end is less by
    that."""
    _within(count)


class _Within:
    """Counts whole items, less what was counted within them."""

    def __init__(self, advance: Advance) -> None:
        self._advance, self._ahead = advance, 0

    def __call__(self, count: int, /, *, new: bool = True) -> None:
        told = min(count, self._ahead) if new else 0
        self._ahead -= told
        self._advance(count - told, new=new)

    def count(self, count: int) -> None:
        self._ahead += count
        self._advance(count)


def _nowhere(_count: int) -> None:
    stopping.check()


_within: Callable[[int], None] = _nowhere


@contextmanager
def _shown(label: str, total: int | None, *, quiet: bool) -> Iterator[Advance]:
    tally = _Tally(label, total)
    if quiet:
        yield lambda count, /, *, new=True: stopping.check()
        return
    if not streams.is_watched():
        yield _in_lines(tally)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total, pace="")

        def advance(count: int, /, *, new: bool = True) -> None:
            stopping.check()
            tally.add(count, new)
            progress.update(task, advance=count, pace=tally.pace)

        yield advance


class _Tally:
    def __init__(self, label: str, total: int | None) -> None:
        self.label, self.total = label, total
        self.started = time.monotonic()
        self.done = self.new = 0

    def add(self, count: int, new: bool) -> None:
        self.done += count
        self.new += count if new else 0

    @property
    def pace(self) -> str:
        """Rate and time left, "2.1/s, 4 min left"; nothing as long as neither can be known."""
        seconds = time.monotonic() - self.started
        if not self.new or seconds <= 0:
            return ""
        rate = self.new / seconds
        left = f", {duration((self.total - self.done) / rate)} left" if self.total else ""
        return (f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each") + left


def duration(seconds: float) -> str:
    """As people say it: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _in_lines(tally: _Tally) -> Advance:
    told = time.monotonic()

    def advance(count: int, /, *, new: bool = True) -> None:
        nonlocal told
        stopping.check()
        tally.add(count, new)
        if time.monotonic() - told > _LINE_EVERY:
            told = time.monotonic()
            of = f" of {tally.total}" if tally.total else ""
            streams.tell(f"{tally.label}: {tally.done}{of}, {tally.pace}")

    return advance
