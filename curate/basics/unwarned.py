"""Warnings of libraries, left out while we use them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_within = 0  # how many blocks are open, in all threads
_filters = warnings.catch_warnings()


@contextmanager
def unwarned() -> Iterator[None]:
    """Within the block no warning is shown, and none is an error.

    What Python has for this restores the filters of the whole process: of two threads, the one that ends last
    would put back what the other had set, and nothing would be warned of ever again.
    """
    global _within, _filters
    with _lock:
        if not _within:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.simplefilter("ignore")
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if not _within:
                _filters.__exit__(None, None, None)
