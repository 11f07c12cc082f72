"""Sources with many JSON files: each is read, and those that are not of the format are quarantined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from converters.parts import json_files
from converters.parts.known_formats import refusal
from curate.data.part import Part
from curate.data.source import Source, texts_below

T = TypeVar("T")
_MAX_BYTES = 500_000_000


class Wanted(NamedTuple):
    """The files of a format.

    Attributes
    ----------
    own: the format's name. allowed: what a source of it holds, for errors.
    ending: how the names of its files end, lower case. names: what errors call these files.
    """

    own: str
    allowed: str
    ending: str = ".json"
    names: str = ".json files"


def documents(
    source: Source, wanted: Wanted, decoder: msgspec.json.Decoder[T], tally: Part
) -> Iterator[tuple[Path, str, T]]:
    """Yield each file, its name for reports, and its content, in order. A file that is not of the format goes
    to the quarantine of `tally`.

    Raises
    ------
    InputError: no file is of the format.
    """
    files = [source.root]
    if not source.root.is_file():
        below = texts_below(source.folder, tally)
        files = [path for path in below if path.name.lower().endswith(wanted.ending)]
    understood = False
    for path in files:
        name = source.name(path)
        with tally.quarantining(name):
            document = json_files.load(decoder, path, source.places, _MAX_BYTES)
            understood = True
            yield path, name, document
    if understood:
        return
    found = f"no {wanted.names}"
    if files:
        name, reason = tally.quarantine[0]
        found = f"none of its {wanted.names} is {wanted.own}'s: {name}: {reason}"
    raise refusal(source.root, found, allowed=wanted.allowed, own=wanted.own)
