"""Arrays from MATLAB files of level 5, the default unless they are saved with -v7.3.

A file has a header of 128 bytes, then elements of type, size and data, perhaps compressed (mathworks.com,
"MAT-File Level 5 File Format"). Only arrays of numbers and of text are read; cells, structures and objects
are skipped, so that nothing in a file is run or followed.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from converters.parts.json_files import open_checked
from curate.basics.errors import InputError
from curate.basics.paths import Places
from curate.basics.wording import counted

MAX_BYTES = 500_000_000  # of a file, and of what it unpacks to
_HEAD = 128
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {2: "latin1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}  # how characters are stored
_CHARACTERS = 4
_NUMBERS = range(6, 16)  # classes of arrays: double, single, integers
_COMPLEX = 0x800
_MOST_DIMENSIONS = 8


class _Flaw(ValueError):
    """What is wrong with the bytes."""


class _Element(NamedTuple):
    kind: int
    data: memoryview


def load(path: Path, places: Places, *wanted: str) -> list[NDArray[Any]]:
    """The arrays of these names: numbers in the shape that MATLAB shows; text as one string per row.

    Raises
    ------
    UnsafeInput: a link that leads out of the source.
    InputError: no such file, not a MATLAB file of level 5, a damaged one, or an array that is missing.
    """
    with open_checked(path, places, MAX_BYTES) as opened:
        data = opened.read()
    try:
        found = _arrays(data, frozenset(wanted))
    except _Flaw as flaw:
        raise InputError(path, str(flaw), allowed="a MATLAB file of level 5 (save with -v7)") from None
    missing = [name for name in wanted if name not in found]
    if missing:
        raise InputError(path, f"no array {missing[0]!r}", allowed=f"arrays called {', '.join(wanted)}")
    return [found[name] for name in wanted]


def _arrays(data: bytes, wanted: frozenset[str]) -> dict[str, NDArray[Any]]:
    if data[:8] == b"\x89HDF\r\n\x1a\n" or data.startswith(b"MATLAB 7.3"):
        raise _Flaw("a MATLAB file of version 7.3 (HDF5)")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:_HEAD])
    if order is None:
        raise _Flaw("not a MATLAB file")
    found: dict[str, NDArray[Any]] = {}
    left = MAX_BYTES
    for element in _elements(memoryview(data)[_HEAD:], order):
        if element.kind == _COMPRESSED:
            unpacked = _unpacked(element.data, left)
            left -= len(unpacked)
            element = next(_elements(memoryview(unpacked), order), element)
        if element.kind == _MATRIX:
            found.update(_named(element.data, order, wanted))
    return found


def _unpacked(data: memoryview, most: int) -> bytes:
    unzip = zlib.decompressobj()
    try:
        content = unzip.decompress(data, most + 1)
    except zlib.error:
        raise _Flaw("damaged compressed data") from None
    if len(content) > most:
        raise _Flaw(f"compressed data of more than {MAX_BYTES} bytes")
    return content


def _elements(data: memoryview, order: str) -> Iterator[_Element]:
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if kind >> 16:  # a small one: its size stands beside its type, its data where the size would
            kind, size, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        else:
            start = at + 8
            after = start + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if start + size > len(data) or (start == at + 4 and size > 4):
            raise _Flaw("an element that is cut off")
        yield _Element(kind, data[start : start + size])
        at = after


def _named(data: memoryview, order: str, wanted: frozenset[str]) -> dict[str, NDArray[Any]]:
    """The array under its name; nothing if it is not wanted."""
    parts = _elements(data, order)
    flags, shape, name = (next(parts, None) for _ in range(3))
    if flags is None or shape is None or name is None or len(flags.data) < 4:
        raise _Flaw("an array without its header")
    title = bytes(name.data).decode("latin1")
    if title not in wanted:
        return {}
    (flag,) = struct.unpack_from(f"{order}I", flags.data)
    sides = np.frombuffer(shape.data[: len(shape.data) // 4 * 4], f"{order}i4").tolist()
    values = next(parts, None)
    if values is None or not 2 <= len(sides) <= _MOST_DIMENSIONS or min(sides) < 0:
        raise _Flaw(f"an array {title!r} without data or sides")
    if flag & 0xFF == _CHARACTERS:
        return {title: _texts(values, sides, order)}
    if flag & 0xFF not in _NUMBERS or flag & _COMPLEX:
        raise _Flaw(f"{title!r} is not an array of real numbers or text")
    return {title: _numbers(values, sides, order)}


def _numbers(values: _Element, sides: list[int], order: str) -> NDArray[Any]:
    code = _TYPES.get(values.kind)
    if code is None:
        raise _Flaw(f"numbers of an unknown type ({values.kind})")
    flat = np.frombuffer(values.data[: len(values.data) // int(code[1]) * int(code[1])], f"{order}{code}")
    if flat.size != math.prod(sides):
        raise _Flaw(f"{counted(flat.size, 'number')} for an array of {' x '.join(map(str, sides))}")
    return flat.reshape(sides, order="F")


def _texts(values: _Element, sides: list[int], order: str) -> NDArray[Any]:
    codec = _TEXTS.get(values.kind, "")
    if codec in ("utf-16", "utf-32"):
        codec += "-le" if order == "<" else "-be"
    try:
        text = bytes(values.data).decode(codec)
    except (UnicodeDecodeError, LookupError):
        raise _Flaw("text in an unknown encoding") from None
    if len(sides) != 2 or len(text) != math.prod(sides):
        raise _Flaw("text that does not fit its array")
    rows = [text[row :: sides[0]].rstrip(" \0") for row in range(sides[0])]
    return np.array(rows, dtype=object)
