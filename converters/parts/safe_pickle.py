"""Reads arrays from a pickle without running anything that the pickle names.

A pickle is a program: unpickling one may import and call whatever it likes. Here the few names that a pickled
NumPy array needs stand for inert look-alikes, which only keep what they are given, and every other name is
refused (docs.python.org/3/library/pickle.html#restricting-globals). The look-alikes are filled in C, so this
is faster than letting NumPy build each array, and hostile states never reach NumPy: `stack` checks first.
"""

from __future__ import annotations

import io
import os
import pickle
import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from converters.parts import pickled_records
from curate.basics import pickle_scan
from curate.basics.errors import InputError, UnsafeInput
from curate.basics.paths import read_file

T = TypeVar("T")

MAX_BYTES = 500_000_000
_BUFFER = 1 << 16
_SPARE = 1_500_000_000
_LFS_HEAD = b"version https://git-lfs"
_CODES = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
_ORDERS = frozenset({"<", ">", "|", "="})
_NUMPY = ("numpy.core", "numpy._core")


class RawArray(list[Any]):
    """What a pickle says of an array: version, shape, dtype, whether in Fortran's order, data."""

    __slots__ = ()
    __setstate__ = list.extend  # a method in C: no Python runs for an array


class RawDtype:
    """What a pickle says of a dtype."""

    __slots__ = ("code", "state")

    def __init__(self, code: Any, *_: Any) -> None:
        self.code, self.state = code, (3, "=")

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def dtype(self) -> np.dtype[Any]:
        """The dtype, which must be one of plain numbers. Raises ValueError for others."""
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else None
        if self.code not in _CODES or order not in _ORDERS:
            raise ValueError(f"an array of type {str(self.code)[:20]!r}; allowed: plain numbers")
        return np.dtype(f"{order}{self.code}")


def load(path: Path) -> Any:
    """The content of a pickle of dicts, lists, numbers, text and NumPy arrays; arrays are RawArray.

    Pickles of Python 2 (their text is read as latin1) and 3, of NumPy 1 and 2, are understood.

    Raises
    ------
    UnsafeInput: it asks for something other than arrays, for more memory than such data needs, or for what
        would crash or stop the process (`curate.basics.pickle_scan`).
    InputError: the file does not open, is larger than MAX_BYTES, or is not a pickle.
    """
    return _guarded(path, partial(_unpickled, path=path))


class _Column(NamedTuple):
    """Arrays of one kind in a pickle: how many bytes each, where they begin, and what the bytes mean."""

    size: int
    start: NDArray[np.intp]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool


class Records(NamedTuple):
    """Records of a pickled table that have the same arrays, which are still in the pickle.

    Attributes
    ----------
    row_of: the row of each record, by its number.
    data: the whole pickle. columns: where the arrays of each name lie in it.
    """

    row_of: dict[int, int]
    data: bytes
    columns: dict[str, _Column]

    def stack(self, name: str, rows: Sequence[int]) -> NDArray[Any]:
        """The arrays of this name of some records, (len(rows), *shape)."""
        size, start, dtype, shape, fortran = self.columns[name]
        chosen = sliding_window_view(np.frombuffer(self.data, np.uint8), size)[start[rows]]
        return _shaped(chosen.reshape(-1).view(dtype), shape, fortran=fortran)


def load_records(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Any, Records]:
    """As `load`, for a table with many records of the same form, which have arrays of these names and shapes.

    Returns
    -------
    The content without these records, and the records: reading them so takes a tenth of the time.
    """

    def read(data: bytes) -> tuple[Any, Records]:
        if alike := pickled_records.find(data):
            content = _unpickled(alike.first, path)
            if records := _records(data, alike, content, shapes):
                return content, records
        return _unpickled(data, path), Records({}, b"", {})

    return _guarded(path, read)


def _records(
    data: bytes, alike: pickled_records.Alike, entries: Any, shapes: Mapping[str, tuple[int, ...]]
) -> Records | None:
    """The records, by the form of the first, which is taken out of `entries`; None if they differ."""
    first = entries.pop(alike.keys[0], None) if isinstance(entries, dict) else None
    row_of = dict(zip(alike.keys, range(len(alike.keys)), strict=True))
    if not isinstance(first, dict) or len(row_of) < len(alike.keys) or row_of.keys() & entries.keys():
        return None
    told = [array[4:] if type(array) is RawArray else None for array in first.values()]
    if told != [[data[start[0] : start[0] + size]] for size, start in alike.places]:
        return None
    columns = {}
    for (name, array), (size, start) in zip(first.items(), alike.places, strict=True):
        try:
            stack([array], shapes.get(name, array[1]))
        except (TypeError, ValueError):
            return None
        columns[name] = _Column(size, start, array[2].dtype(), array[1], bool(array[3]))
    return Records(row_of, data, columns) if columns.keys() >= shapes.keys() else None


def _guarded(path: Path, read: Callable[[bytes], T]) -> T:
    """What `read` makes of the bytes of a pickle, with bounded memory. Raises as `load` does."""
    try:
        data = read_file(path, MAX_BYTES)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from None
    if data.startswith(_LFS_HEAD):
        raise InputError(path, "a Git-LFS pointer, not the pickle", remedy="run: git lfs pull")
    try:
        with _bounded_memory(8 * len(data) + _SPARE):
            return read(data)
    except pickle_scan.Suspicious as error:
        raise UnsafeInput(path, f"a pickle with {error}", allowed="NumPy arrays alone") from None
    except InputError:
        raise
    except MemoryError:
        raise UnsafeInput(path, "a pickle that demands more memory than its content needs") from None
    except Exception as error:  # a broken pickle raises anything
        raise InputError(
            path, f"not a pickle of arrays ({type(error).__name__}: {str(error)[:80]})"
        ) from None


def _unpickled(data: bytes, path: Path) -> Any:
    pickle_scan.check(data)
    # A buffer that can be looked into halves the time: the Unpickler asks for every field anew.
    file = io.BufferedReader(cast(io.RawIOBase, io.BytesIO(data)), _BUFFER)
    return _ArrayUnpickler(file, path).load()


def stack(arrays: Sequence[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Arrays of one shape and type as one array (len(arrays), *shape).

    Raises
    ------
    ValueError: one of them is no array, or of another shape, type, order or size than the rest.
    """
    if {*map(type, arrays)} != {RawArray} or {*map(len, arrays)} != {5}:
        raise ValueError(f"not an array; allowed: an array of {shape}")
    _, shapes, dtypes, orders, data = zip(*arrays, strict=True)
    if {*shapes} != {shape}:
        raise ValueError(f"an array of {str(({*shapes} - {shape}).pop())[:60]}; allowed: {shape}")
    types = {raw.dtype() for raw in {*dtypes} if isinstance(raw, RawDtype)}
    if len(types) != 1 or len({*map(bool, orders)}) != 1:
        raise ValueError("arrays of several types or orders")
    dtype = types.pop()
    if {*map(type, data)} == {str}:  # Python 2 did not tell text from bytes
        data = tuple(text.encode("latin1") for text in data)
    if {*map(len, data)} != {dtype.itemsize * int(np.prod(shape))}:
        raise ValueError(f"data whose size is not that of an array of {shape}")
    return _shaped(np.frombuffer(b"".join(data), dtype), shape, fortran=bool(orders[0]))


def _shaped(values: NDArray[Any], shape: tuple[int, ...], *, fortran: bool) -> NDArray[Any]:
    """Arrays one behind the other as (n, *shape)."""
    if fortran:
        return np.moveaxis(values.reshape(-1, *reversed(shape)).T, -1, 0)
    return values.reshape(-1, *shape)


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, file: Any, path: Path) -> None:
        super().__init__(file, encoding="latin1")
        self._path = path
        self._allowed = _allowed()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._allowed[module, name]
        except KeyError:
            raise UnsafeInput(
                self._path,
                f"a pickle that tries to import {module}.{name}"[:200],
                allowed="NumPy arrays alone",
                remedy="get the file from its publisher again",
            ) from None


class _Latin1:
    """Encodes text as Latin-1, which pickles of Python 2 need; nothing else, as some codecs take for ever."""

    __slots__ = ()

    def __call__(self, text: str, encoding: str = "latin1") -> bytes:
        if encoding not in ("latin1", "latin-1"):
            raise ValueError(f"text to be encoded as {str(encoding)[:20]!r}")
        return str.encode(text, "latin1")


def _allowed() -> dict[tuple[str, str], Any]:
    """The look-alike for each name in the pickle of an array. They are made anew for each pickle, as a pickle
    can change the attributes of a function that it gets."""

    def scalar(dtype: RawDtype, data: Any) -> Any:
        raw = data.encode("latin1") if isinstance(data, str) else data
        return np.frombuffer(raw, dtype.dtype(), count=1)[0].item()

    def from_buffer(data: Any, dtype: RawDtype, shape: Any, order: Any) -> RawArray:
        return RawArray([1, shape, dtype, order == "F", bytes(data)])

    names: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): RawArray,
        ("numpy", "dtype"): RawDtype,
        ("_codecs", "encode"): _Latin1(),
    }
    for package in _NUMPY:
        names[f"{package}.multiarray", "_reconstruct"] = list.__new__  # (RawArray, shape, code) -> empty
        names[f"{package}.multiarray", "scalar"] = scalar
        names[f"{package}.numeric", "_frombuffer"] = from_buffer
    return names


@contextmanager
def _bounded_memory(extra: int) -> Iterator[None]:
    """No more than `extra` bytes of further memory, where the system can hold a process to that (Linux):
    ten bytes of pickle are enough to ask for gigabytes."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * os.sysconf("SC_PAGE_SIZE") + extra
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
