"""A large JSON object of lists, such as a COCO file, read piece by piece."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

PIECE = 1 << 25  # bytes of a list that are decoded at once; decoded they take some five times as many
_BLOCK = 1 << 22  # bytes that are scanned at once
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_CASE = 0x20  # brackets and braces differ by it
_SPACE = b" \t\r\n"
_OPEN, _CLOSE = ord("{"), ord("}")
_QUOTE = ord('"')


@dataclass
class Member:
    """A member of the object whose value is in brackets or braces.

    Attributes
    ----------
    start, stop: where the value begins and ends in the file, bytes, including its brackets.
    cuts: ends of elements, about one every PIECE. last: where the last element ends.
    """

    name: str
    start: int
    stop: int = 0
    cuts: list[int] = field(default_factory=list)
    last: int = 0

    def end(self, stop: int) -> None:
        """Set where the value ends. A cut after its last element is removed: its piece would be empty."""
        self.stop = stop
        if self.cuts and self.cuts[-1] == self.last:
            self.cuts.pop()

    def value(self, file: BufferedReader) -> bytes:
        """All of it."""
        file.seek(self.start)
        return file.read(self.stop - self.start)

    def pieces(self, file: BufferedReader, head: bytes = b"[", tail: bytes = b"]") -> Iterator[bytearray]:
        """Yield the value, a list of objects or lists, as shorter lists, each between `head` and `tail`
        instead of brackets.

        Raises
        ------
        ValueError: elements without a comma between them.
        """
        for start, stop in pairwise((self.start + 1, *self.cuts, self.stop - 1)):
            # Read into the buffer that is decoded: copying it would take a tenth of the time of decoding.
            text = bytearray(len(head) + stop - start + len(tail))
            text[: len(head)], text[len(text) - len(tail) :] = head, tail
            file.seek(start)
            file.readinto(memoryview(text)[len(head) : len(text) - len(tail)])
            if start > self.start + 1:
                text[_comma(text, len(head))] = _SPACE[0]
            yield text


def _comma(text: bytearray, start: int) -> int:
    """The place of the comma that follows `start`, after white space. Raises ValueError if there is none."""
    while text[start] in _SPACE:
        start += 1
    if text[start] != ord(","):
        raise ValueError("no comma between elements")
    return start


def members(file: BufferedReader) -> list[Member]:
    """Those members of the object in a file whose values are lists or objects; it is read once, in blocks.

    Brackets outside strings are counted, and no value is decoded: whether a value is JSON is known only when
    its pieces are decoded.

    Raises
    ------
    ValueError: not an object in UTF-8, or one with a name that occurs twice.
    """
    found: list[Member] = []
    place, depth, scan = 0, 0, _Strings()
    while block := file.read(_BLOCK):
        codes = np.frombuffer(block, np.uint8)
        folded = codes | _CASE
        marks = np.flatnonzero((folded == _OPEN) | (folded == _CLOSE))
        marks = marks[~scan.inside(block, codes, marks)]
        opens = folded[marks] == _OPEN
        depths = depth + np.cumsum(np.where(opens, 1, -1))
        depth = int(depths[-1]) if len(depths) else depth
        starts = [(int(at), True) for at in place + marks[opens & (depths == 2)]]
        stops = [(int(at) + 1, False) for at in place + marks[~opens & (depths == 1)]]
        ends = place + marks[~opens & (depths == 2)] + 1
        for at, begins in sorted(starts + stops):
            if begins:
                found.append(Member("", at))
            elif found:
                _cut(found[-1], ends[ends < at])
                found[-1].end(at)
        if found and not found[-1].stop:
            _cut(found[-1], ends)
        place += len(block)
    if depth or not found:
        raise ValueError("no object of lists")
    _name(found, file, place)
    return found


def _cut(member: Member, ends: NDArray[np.intp]) -> None:
    """Choose cuts among `ends`, ends of elements that lie after all that were given before."""
    bound = member.cuts[-1] if member.cuts else member.start
    while (after := int(np.searchsorted(ends, bound + PIECE))) < len(ends):
        bound = int(ends[after])
        member.cuts.append(bound)
    member.last = int(ends[-1]) if len(ends) else member.last


class _Strings:
    """Tells what lies within strings, from block to block."""

    def __init__(self) -> None:
        self._inside = self._escaped = False

    def inside(self, block: bytes, codes: NDArray[np.uint8], marks: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(n,) whether each of the given bytes, none of them a quote, stands within a string."""
        quotes = codes == _QUOTE
        quotes[0] &= not self._escaped
        if b"\\" in block or self._escaped:
            begin, behind = int(self._escaped), 0
            for match in _ESCAPE.finditer(block, begin):
                behind = match.end()
                quotes[behind - 1] = False
            self._escaped = block.endswith(b"\\") and behind < len(block) and begin < len(block)
        places = np.flatnonzero(quotes)
        odd = np.searchsorted(places, marks) % 2 == 1
        within: NDArray[np.bool_] = odd != self._inside
        self._inside ^= len(places) % 2 == 1
        return within


def _name(found: list[Member], file: BufferedReader, size: int) -> None:
    """Name each member by the text before it."""
    bounds = [0, *(bound for member in found for bound in (member.start, member.stop)), size]
    for number, (start, stop) in enumerate(zip(bounds[::2], bounds[1::2], strict=True)):
        if not 0 <= stop - start <= _BLOCK:
            raise ValueError("far too much beside lists")
        file.seek(start)
        text = file.read(stop - start).strip(_SPACE)
        if number:
            text = b'{"":0' + text
        told = json.loads(text + b"0}" if number < len(found) else text, object_pairs_hook=list)
        if number < len(found):
            found[number].name = told[-1][0]
    if len({member.name for member in found}) < len(found):
        raise ValueError("a name twice")
