"""Ctrl-C and requests to end (SIGTERM, or a terminal that is closed): reported once, never lost.

A signal raises KeyboardInterrupt in the main thread. Some code lets no exception through (imports of packages
in C, callbacks, `__del__`): so it is also remembered, and whatever works through many things calls `check`.

Signals that were ignored when we were started (by nohup, or `&` in a script) stay ignored.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
CODE = 130  # of a process that was stopped
NO_MEMORY = 2  # of one that could not load what it needs: the environment is at fault
# Messages of the loader of libraries, of Python when a thread does not start, and of OpenCV.
_NO_MEMORY_TOLD = (
    "failed to map segment",
    "cannot allocate memory",
    "can't start new thread",
    "std::bad_alloc",
    "insufficient memory",
)
_stopped = _listening = False


def stopped() -> bool:
    """Whether a signal came within the current block of `listening`."""
    return _stopped


def check() -> None:
    """Raise KeyboardInterrupt if a signal came, even if the code that ran then suppressed the exception."""
    if _stopped:
        raise KeyboardInterrupt


@contextmanager
def listening(also: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Within the block, signals call `also` and raise KeyboardInterrupt in the main thread."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        global _stopped
        _stopped = True
        also()
        raise KeyboardInterrupt

    global _stopped, _listening
    within, _listening = _listening, True
    try:
        with _handled(stop), _untold():
            yield
    finally:
        _listening = within
        _stopped = _stopped and within  # a signal in this block also counts in the one around it


@contextmanager
def _untold() -> Iterator[None]:
    """Within the block, Python does not report interrupts that it could not raise: they are remembered."""
    before = sys.unraisablehook

    def tell(lost: sys.UnraisableHookArgs) -> None:
        if not (_stopped and issubclass(lost.exc_type, KeyboardInterrupt)):
            before(lost)

    sys.unraisablehook = tell
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def at_once() -> Iterator[None]:
    """Within the block, in which no work may begin, a signal ends the process with one line, and so does a
    library for which there is no memory."""
    with _handled(lambda *_: _end("stopped before any work began", CODE)):
        try:
            yield
        except (ImportError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            _end("out of memory before any work began", NO_MEMORY)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the system gives no more memory, or no further thread."""
    told = str(error).lower()
    tells = isinstance(error, ImportError | RuntimeError) or type(error).__module__ == "cv2"
    return isinstance(error, MemoryError) or (tells and any(words in told for words in _NO_MEMORY_TOLD))


def _end(why: str, code: int) -> None:
    with suppress(OSError):
        os.write(2, f"curate: {why}\n".encode())
    os._exit(code)


@contextmanager
def held_back() -> Iterator[None]:
    """Processes that are started within the block receive no signal until they unblock signals."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with(code: int) -> None:
    """Call this when all is done: from here on, a signal that is not ignored ends the process at once and
    silently, with the exit code `code`."""
    for number in _heeded():
        signal.signal(number, lambda *_: os._exit(code))


def hear_nothing() -> None:
    """Call this at the very end of the process, where Python no longer calls handlers: from here on, signals
    are ignored, which would end it with another exit code."""
    for number in _heeded():
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _heeded()}
    try:
        for number in before:
            signal.signal(number, handler)
        yield
    finally:
        for number, was in before.items():
            if signal.getsignal(number) is handler:  # what `end_with` set stays
                signal.signal(number, was)


def _heeded() -> list[int]:
    """The signals that are not ignored; none in other threads than the main one, which cannot handle them."""
    if threading.current_thread() is not threading.main_thread():
        return []
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    return [number for number, was in handlers.items() if was is not None and was != signal.SIG_IGN]
