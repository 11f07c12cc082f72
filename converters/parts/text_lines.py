"""Annotation files of plain lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from converters.parts.json_files import AS_UTF8, open_checked
from curate.basics.errors import InputError
from curate.basics.paths import Places

_MAX_BYTES = 200_000_000
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decoded(data: bytes) -> str:
    """Text in UTF-8, or in UTF-16 with a byte order mark, as Windows writes it. Raises UnicodeDecodeError."""
    return data.decode("utf-16" if data.startswith(UTF16) else "utf-8-sig")


def lines(path: Path, places: Places) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1.

    Raises
    ------
    UnsafeInput: a link that leads out of the source.
    InputError: no such file, or one that `decoded` cannot read.
    """
    with open_checked(path, places, _MAX_BYTES) as opened:
        data = opened.read()
    try:
        text = decoded(data)
    except UnicodeDecodeError:
        raise InputError(path, "not text in UTF-8", remedy=AS_UTF8) from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.strip()
