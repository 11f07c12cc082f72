"""The three streams that every process has, where one of them is closed, full, or a pipe that nobody reads.

What is told to people on stderr may be lost, and changes no result. Data on stdout may not.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from curate.basics.errors import printable


def open_missing() -> None:
    """Lead those that are closed to nowhere: else the next file that is opened would get their number, and
    with it whatever some library prints."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


def tell(text: str) -> None:
    """A line for people, on stderr, without control characters."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # full, closed
        _silence(sys.stderr)


def give(text: str) -> None:
    """A line of data, on stdout. Raises OSError: it cannot be written; a reader that left is no error."""
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
    """Within the block, what libraries in C print on stderr goes nowhere: they tell of what we tell, too."""
    nowhere, ours = os.open(os.devnull, os.O_WRONLY), os.dup(2)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)
        os.close(nowhere)


def _silence(stream: TextIO) -> None:
    """Lead a stream that cannot be written to nowhere, so that what is left in it is no error at the end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
