"""Arrays in files (.npy): the one place where they are opened, memory-mapped and never unpickled."""

from __future__ import annotations

import os
import re
import tokenize
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics.paths import open_file
from curate.basics.wording import one_line

# What numpy raises on a header that is no header: it parses what stands there as Python.
_NO_HEADER = (
    SyntaxError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
)


def open_mapped(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array in a regular file; it stays on disk until it is read.

    Raises
    ------
    OSError: no such file. ValueError: not an array in a file, which it says in a line.
    """
    open_file(path).close()
    try:
        with np.errstate(over="ignore"):  # a shape beyond all memory
            array: NDArray[Any] = np.lib.format.open_memmap(os.fspath(path), mode="r")
    except _NO_HEADER as error:
        raise ValueError(f"its header is damaged ({type(error).__name__})") from None
    except ValueError as error:
        told = re.sub(r" at 0x[0-9a-f]+", "", str(error))  # an object's address is another one each time
        raise ValueError(one_line(told)) from None
    return array
