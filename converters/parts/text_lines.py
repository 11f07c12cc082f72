"""Annotation files of plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from converters.parts.json_files import open_checked
from curate.basics.errors import InputError
from curate.basics.paths import Places

_MAX_BYTES = 200_000_000


def lines(path: Path, places: Places) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1.

    Raises
    ------
    UnsafeInput: a link that leads out of the source. InputError: no such file, or no text in UTF-8.
    """
    with open_checked(path, places, _MAX_BYTES) as opened:
        try:
            text = opened.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(path, "not text in UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.strip()
