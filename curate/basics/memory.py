"""Keeping the memory of large arrays from one step of the work to the next."""

from __future__ import annotations

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of glibc's mallopt


@cache
def keep_freed_memory() -> bool:
    """Make the allocator keep what is freed, for the rest of the process.

    A training step frees and takes again several hundred megabytes. By default glibc hands every large
    block back to the system, and the next step pays for mapping and clearing it, a tenth of its time.
    Returns False, and changes nothing, where the C library is not glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 1 << 30)) and bool(mallopt(_TRIM_THRESHOLD, (1 << 31) - 1))
