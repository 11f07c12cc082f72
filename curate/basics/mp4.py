"""What the header of an MP4 or MOV file tells of its film, and OpenCV does not: whether it is shown mirrored,
and for how long (ISO/IEC 14496-12)."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MOST = 1000  # boxes looked at in one; a film has a dozen
_LARGEST = 200  # bytes of the boxes that are read


@dataclass(frozen=True, slots=True)
class Film:
    """How the first film of a file is shown: mirrored or not, and for how many seconds; 0: not told."""

    mirrored: bool = False
    seconds: float = 0.0


def film(file: BinaryIO) -> Film:
    """What the file tells of its first film; nothing where it is no MP4, or damaged."""
    end = file.seek(0, 2)
    try:
        for kind, begin, stop in _boxes(file, 0, end):
            if kind == b"moov":
                return _film(file, begin, stop)
    except struct.error:  # cut off
        pass
    return Film()


def _film(file: BinaryIO, begin: int, stop: int) -> Film:
    ticks = 0
    for kind, at, end in _boxes(file, begin, stop):
        if kind == b"mvhd":
            data = _read(file, at, end)
            ticks = struct.unpack_from(">I", data, 20 if data[:1] == b"\1" else 12)[0]
        if kind == b"trak":
            track = {name: place for name, *place in _boxes(file, at, end)}
            if b"tkhd" in track and _is_film(file, track.get(b"mdia")):
                return _told(_read(file, *track[b"tkhd"]), ticks)
    return Film()


def _is_film(file: BinaryIO, media: list[int] | None) -> bool:
    handlers = (place for name, *place in _boxes(file, *media) if name == b"hdlr") if media else ()
    return any(_read(file, *place)[8:12] == b"vide" for place in handlers)


def _told(data: bytes, ticks: int) -> Film:
    """Of a track's header: the matrix by which its pictures are shown, and the sum of what is shown."""
    long = data[:1] == b"\1"
    duration = struct.unpack_from(">Q" if long else ">I", data, 28 if long else 20)[0]
    a, b, _, c, d = struct.unpack_from(">5i", data, 52 if long else 40)
    known = ticks > 0 and duration != (1 << (64 if long else 32)) - 1
    return Film(a * d - b * c < 0, duration / ticks if known else 0.0)


def _read(file: BinaryIO, begin: int, stop: int) -> bytes:
    file.seek(begin)
    return file.read(min(stop - begin, _LARGEST))


def _boxes(file: BinaryIO, begin: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each box between two places, and where its content begins and ends."""
    for _ in itertools.repeat(None, _MOST):
        if begin + 8 > stop:
            return
        file.seek(begin)
        head = file.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        length = 8
        if size == 1:
            size, length = struct.unpack_from(">Q", head, 8)[0], 16
        end = begin + size if size else stop
        if end < begin + length:
            return
        yield kind, begin + length, min(end, stop)
        begin = end
