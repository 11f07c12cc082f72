"""Whether an MPEG program stream was cut off, which OpenCV does not tell (ISO/IEC 13818-1).

Such a file does not say how long it is: one that was cut looks like a shorter one, but for its last packet.
One that was cut between two packets cannot be told from a recording that was stopped.
"""

from __future__ import annotations

from typing import BinaryIO

MARK = b"\x00\x00\x01\xba"  # of a pack
_START, _PACK, _END, _FIRST = b"\x00\x00\x01", 0xBA, 0xB9, 0xBB  # packets have codes from this one on
_LAST = 1 << 18  # bytes of the end that are looked at: several packets, of 64 KiB at most


def is_cut(file: BinaryIO) -> bool:
    """Whether a program stream ends within a pack's header or a packet."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _LAST))
    data = file.read(_LAST)
    at = data.find(MARK)
    while 0 <= at < len(data):
        length = _length(data, at)
        if length == 0:  # no packet: stuffing, or a mark that stood in sound by chance
            at = data.find(MARK, at + 1)
        else:
            at += length
    return at > len(data)


def _length(data: bytes, at: int) -> int:
    """Bytes of the pack's header, packet or end code there: more than are left if it is cut off; 0: none."""
    begins, left = data[at : at + 4], len(data) - at
    if not begins.startswith(_START[: len(begins)]):
        return 0
    if len(begins) < 4:
        return left + 1
    kind, rest = begins[3], data[at + 4 : at + 14]
    if kind == _END:
        return 4
    if kind == _PACK:
        if not rest or rest[0] >> 4 == 0b0010:  # MPEG-1
            return 12
        return 14 + (rest[9] & 7 if len(rest) == 10 else 0)
    if kind < _FIRST:
        return 0
    return 6 + int.from_bytes(rest[:2]) if len(rest) > 1 else left + 1
