"""JPEG as it is stored (ITU-T T.81), decoded so that damage is told.

libjpeg gets over anything: it paints grey what is missing, and goes on at the wrong place where bytes were
lost or changed. What it warns of is an error here. Bytes exchanged for others that happen to decode to as
many blocks it does not notice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from curate.basics.errors import UnreadableImage

END = b"\xff\xd9"
_START = b"\xff\xd8"
_SCAN, _JFIF, _ADOBE, _COMMENT = 0xDA, 0xE0, 0xEE, 0xFE
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_RARE = re.compile("subsampling|precision|color conversion|SOF type", re.IGNORECASE)


def decode(
    data: bytes, where: str | os.PathLike[str], *, grey: bool = False, shrink: int = 1
) -> NDArray[np.uint8]:
    """The pixels as stored, (H, W, 3) RGB, or (H, W) with `grey`; H and W divided by `shrink`, rounded up.

    Raises
    ------
    UnreadableImage: data that are damaged or cut off, or of a kind that libjpeg does not know.
    """
    try:
        try:
            return _decoded(data, grey, shrink)
        except ValueError:
            return _decoded(_plain(data), grey, shrink)
    except ValueError as error:
        if _RARE.search(str(error)):
            found, remedy = f"a rare kind of JPEG ({error})", "save it again as an ordinary one"
        else:
            found, remedy = f"its JPEG data is damaged ({error})", "if it looks whole, save it again"
        raise UnreadableImage(where, found, remedy=remedy) from None


def scan_start(stream: BinaryIO) -> int:
    """Where the first scan's header begins: all before it, a thumbnail too, is no part of the picture."""
    at = 2
    while True:
        stream.seek(at)
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == _SCAN:
            return at
        if head[1] == 0xFF:
            at += 1
        elif head[1] in _ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(head[2:])


def _decoded(data: bytes, grey: bool, shrink: int) -> NDArray[np.uint8]:
    colours = "GRAY" if grey else "RGB"
    if shrink == 1:
        image = simplejpeg.decode_jpeg(data, colours, strict=True)
    else:
        height, width = simplejpeg.decode_jpeg_header(data)[:2]
        size = {"min_height": -(-height // shrink), "min_width": -(-width // shrink), "min_factor": 1}
        image = simplejpeg.decode_jpeg(data, colours, strict=True, **size)
    return image[..., 0] if grey and image.ndim == 3 else image  # type: ignore[no-any-return]


def _plain(data: bytes) -> bytes:
    """The same picture without what is irregular and harmless: metadata, bytes between two segments of the
    header, an unknown version of JFIF, and equal bytes that fill up the end of the data."""
    pieces = [_START, *_segments(data)]
    scans, end, behind = pieces.pop().rpartition(END)
    filled = scans.rstrip(scans[-1:])
    return b"".join((*pieces, scans[: len(filled) + 1], end, behind))


def _segments(data: bytes) -> Iterator[bytes]:
    """The header's segments that decoding takes, and at last all from the first scan on.

    Raises ValueError: there is no scan.
    """
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        kind = data[at + 1]
        if kind in (0x00, 0xFF):
            at += 1
        elif kind == _SCAN:
            yield data[at:]
            return
        elif kind in _ALONE:
            at += 2
        else:
            segment = data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4])]
            if kind == _JFIF:
                yield segment[:9] + b"\x01\x01" + segment[11:]
            elif kind == _ADOBE or not (_JFIF < kind < 0xF0 or kind == _COMMENT):
                yield segment
            at += len(segment)
    raise ValueError("no scan in it")
