"""Pictures."""

from __future__ import annotations

import struct
import zlib
from random import Random

import cv2
import numpy as np

from benchmarks.fuzz import hostile


def image(rng: Random, content: bytes) -> bytes:
    """An image with another header, of another kind, or with metadata that says what is not so."""
    kind = rng.random()
    if kind < 0.4:
        content = _as_other_kind(rng, content)
        kind = rng.random() * 0.8 + 0.2
    if kind < 0.6:
        return _other_header(rng, content)
    if kind < 0.75 and content[:2] == b"\xff\xd8":
        tiff = rng.choice((b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08")) + rng.randbytes(rng.choice((2, 14, 60)))
        exif = b"Exif\0\0" + tiff
        return content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]
    return hostile.data(rng, content)


def _as_other_kind(rng: Random, content: bytes) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return content
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    changed = rng.choice(
        (
            pixels,
            grey,
            grey.astype(np.uint16) * 257,
            pixels.astype(np.uint16) * 257,
            np.dstack([pixels, grey]),
            pixels[:1, :1],
            pixels[:, :1],
            pixels[::2, ::2],
            np.zeros((40_000, 1, 3), np.uint8),
        )
    )
    suffix = rng.choice((".png", ".jpg", ".webp", ".tiff", ".bmp", ".ppm", ".jp2"))
    try:
        ok, encoded = cv2.imencode(suffix, changed)
    except cv2.error:
        return content
    return encoded.tobytes() if ok else content


_SIZES = (0, 1, 2, 160, 161, 32_768, 65_535)


def _other_header(rng: Random, content: bytes) -> bytes:
    spoilt = bytearray(content)
    if spoilt[:4] == b"\x89PNG":
        sides = [rng.choice((*_SIZES, 2**31 - 1, 2**32 - 1)) for _ in range(2)]
        rest = bytes(spoilt[24:29]) if rng.random() < 0.6 else rng.randbytes(5)
        chunk = b"IHDR" + struct.pack(">II", *sides) + rest
        spoilt[12:33] = chunk + struct.pack(">I", zlib.crc32(chunk))
    elif (at := max(spoilt.find(b"\xff\xc0"), spoilt.find(b"\xff\xc2"))) > 0 and at + 9 < len(spoilt):
        spoilt[at + 5 : at + 9] = struct.pack(">HH", rng.choice(_SIZES), rng.choice(_SIZES))
        if rng.random() < 0.3:
            spoilt[at + 4] = rng.choice((0, 2, 4, 12, 255))
    else:
        for _ in range(rng.choice((1, 3))):
            start = rng.randrange(min(len(spoilt), 200)) if spoilt else 0
            spoilt[start : start + 2] = struct.pack("<H", rng.choice(_SIZES))
    return bytes(spoilt)
