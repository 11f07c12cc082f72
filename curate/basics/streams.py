"""The three streams that every process has, where one of them is closed, full, or a pipe that nobody reads.

What is told to people on stderr may be lost, and changes no result. Data on stdout may not.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from curate.basics.errors import printable

_log: TextIO | None = None


def open_missing() -> None:
    """Lead closed streams to nowhere: otherwise the next file that is opened would get their number, and with
    it whatever some library prints."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


def log_to(path: Path) -> None:
    """From now on, append all messages to a file as well. Raises OSError."""
    global _log
    _log = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)


def log(text: str) -> None:
    """Write lines to the log alone, each with the time; lost if there is no log, or it cannot be written."""
    if _log is not None:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        with suppress(OSError, ValueError):
            _log.write("".join(f"{now} {line}\n" for line in printable(text).split("\n")))


def end_log() -> None:
    """Close the log."""
    global _log
    if _log is not None:
        with suppress(OSError):
            _log.close()
        _log = None


def tell(text: str) -> None:
    """Print a line for people, on stderr and in the log, without control characters."""
    log(text)
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # full, closed
        _silence(sys.stderr)


def is_watched() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()  # None: as Python has it where it was closed


def give(text: str) -> None:
    """Print a line of data on stdout. Raises OSError if it cannot be written, unless the reader has left."""
    if sys.stdout is None:  # as Python has it where it was closed
        raise OSError(errno.EBADF, "is closed", "stdout")
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError as error:
        _silence(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise OSError(error.errno, error.strerror, "stdout") from None


@contextmanager
def hushed() -> Iterator[None]:
    """Within the block, what libraries in C print on stderr is discarded: we report the same ourselves."""
    nowhere, ours = os.open(os.devnull, os.O_WRONLY), os.dup(2)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)
        os.close(nowhere)


def _silence(stream: TextIO) -> None:
    """Lead a stream that cannot be written to nowhere, so that its buffer causes no error at the end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
