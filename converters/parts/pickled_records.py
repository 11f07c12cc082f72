"""The records of a pickled table that are all alike, found at once instead of one by one.

A table {number: {name: array}} is pickled record after record by the same instructions: only its number, the
bytes of its arrays and the places where values are remembered differ. So a few records are left to a reader
that trusts nothing, and a regular expression made of the instructions of the last of them looks for the
others. What it matches would do what that record did, and nothing else; where anything else is left over,
nothing is found (docs.python.org/3/library/pickletools.html lists the instructions).
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_MOST = 2000  # instructions that are looked through for a record like those behind it
_LONGEST = 100  # bytes of an instruction that all records share
# How many bytes of an instruction come before those of an array.
_OF_ARRAYS = {"SHORT_BINBYTES": 2, "BINBYTES": 5, "BYTEARRAY8": 9}
_NUMBERS = frozenset({"BININT1", "BININT2", "BININT"})
_REMEMBERS = frozenset({"LONG_BINPUT", "MEMOIZE"})
_REPEATED = frozenset(
    {
        *(*_NUMBERS, *_OF_ARRAYS, *_REMEMBERS),
        *("NONE", "NEWTRUE", "NEWFALSE", "SHORT_BINUNICODE", "BINUNICODE", "BINGET", "EMPTY_DICT"),
        *("MARK", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "REDUCE", "BUILD", "SETITEMS"),
    }
)
# The first records also name what the others then get from where it is remembered.
_KNOWN = _REPEATED | {"GLOBAL", "STACK_GLOBAL", "BINPUT"}
_OPENING = (_NUMBERS, {"EMPTY_DICT"}, {*_REMEMBERS, "BINPUT"}, {"MARK"})

_FRAME = rb"(?:\x95.{8})?"  # protocol 4 begins one after any instruction
_HEAD = re.compile(rb"\x80." + _FRAME + rb"\}(?:q\0|\x94)\(", re.DOTALL)
_KEY = rb"(?:u\()?(K.|M..|J....)"  # the table is filled by a thousand records at once
_FAR = rb"r(?!.\0\0\0)...."  # a place that no BINGET reaches
_TAIL = re.compile(_FRAME + rb"u(?:\(u)?\.", re.DOTALL)


class Alike(NamedTuple):
    """Records of the same form in a pickle.

    Attributes
    ----------
    first: a pickle of all records up to the first of these.
    keys: the number of each record.
    places: for each array of a record, its size in bytes, and where it begins in the pickle, (records,).
    """

    first: bytes
    keys: list[int]
    places: list[tuple[int, NDArray[np.intp]]]


class _Instruction(NamedTuple):
    name: str
    start: int
    end: int


def find(data: bytes) -> Alike | None:
    """The records of a pickled table that are alike; None if anything else follows the first of them."""
    head = _HEAD.match(data)
    if not head:
        return None
    known = list(_instructions(data))
    record = next(filter(_is_form, _records(known, head.end())), None)
    if record is None:
        return None
    frame = _FRAME if data[1] > 3 else b""
    form = re.compile(b"".join(frame + one for one in _expressions(data, record)), re.DOTALL)
    matches = []
    at = record[0].start
    while match := form.match(data, at):
        matches.append(match)
        at = match.end()
    if not matches or not _TAIL.match(data, at):
        return None
    before = [data[one.start : one.end] for one in known if one.end <= record[-1].end and one.name != "FRAME"]
    return Alike(
        first=b"".join(before) + b"u.",
        keys=_numbers(data, np.array([match.start(1) for match in matches])).tolist(),
        places=[
            (len(matches[0][group]), np.array([match.start(group) for match in matches]))
            for group in range(2, form.groups + 1)
        ],
    )


def _instructions(data: bytes) -> Iterator[_Instruction]:
    found = ((code.name, at or 0) for code, _, at in islice(pickletools.genops(data), _MOST))
    try:
        for (name, start), (_, end) in pairwise(found):
            yield _Instruction(name, start, end)
    except ValueError:  # broken from there on
        return


def _records(instructions: Sequence[_Instruction], start: int) -> Iterator[list[_Instruction]]:
    """The first records, each a number and a dict; stops at anything between two records."""
    record: list[_Instruction] = []
    marks = 0
    for one in instructions:
        if one.start < start or one.name == "FRAME":
            continue
        if one.name not in (_OPENING[len(record)] if len(record) < len(_OPENING) else _KNOWN):
            return
        record.append(one)
        marks += (one.name == "MARK") - (one.name in ("TUPLE", "SETITEMS"))
        if marks or len(record) < len(_OPENING):
            continue
        if one.name != "SETITEMS":
            return
        yield record
        record = []


def _is_form(record: Sequence[_Instruction]) -> bool:
    """Whether other records can equal this one, byte for byte, except for what `_expressions` leaves open.

    It must consist mostly of arrays, so that what is kept of each record is small beside them.
    """
    arrays = sum(one.end - one.start for one in record if one.name in _OF_ARRAYS)
    return 2 * arrays > record[-1].end - record[0].start and all(
        one.name in _OF_ARRAYS or (one.name in _REPEATED and one.end - one.start <= _LONGEST)
        for one in record
    )


def _expressions(data: bytes, record: Sequence[_Instruction]) -> Iterator[bytes]:
    """A regular expression for each instruction of a record; the groups are its number and its arrays."""
    yield _KEY
    for name, start, end in record[1:]:
        if name == "LONG_BINPUT":
            yield _FAR
        elif name in _OF_ARRAYS:
            begin = start + _OF_ARRAYS[name]
            yield re.escape(data[start:begin]) + b"(.{%d})" % (end - begin)
        else:
            yield re.escape(data[start:end])


def _numbers(data: bytes, start: NDArray[np.intp]) -> NDArray[np.int32]:
    """The arguments of the instructions BININT1, BININT2 or BININT that begin there."""
    found = sliding_window_view(np.frombuffer(data, np.uint8), 5)[start]
    code, wide = found[:, 0], np.ascontiguousarray(found[:, 1:]).view("<i4")[:, 0]
    return np.select([code == ord("K"), code == ord("M")], [wide & 0xFF, wide & 0xFFFF], wide)
