"""The JSON files of a source that has many: those of the format, and the others told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    """What files a format has.

    Attributes
    ----------
    own: the format's name. called: whether a file of this name, lower case, is one; names: how people call
    them. allowed: what belongs there.
    """

    own: str
    called: Callable[[str], bool]
    names: str
    allowed: str


def documents(
    source: Source, wanted: Wanted, decoder: msgspec.json.Decoder[T], told: Part
) -> Iterator[tuple[Path, str, T]]:
    """Each file, how people are told of it, and its content; in order. What is no file of the format goes to
    the quarantine of `told`.

    Raises
    ------
    InputError: none is.
    """
    root, files = source.folder, [source.root]
    if not source.root.is_file():
        files = [path for path in texts_below(root, told) if wanted.called(path.name.lower())]
    understood = False
    for path in files:
        name = source.name(path)
        with told.quarantining(name):
            document = json_files.load(decoder, path, source.places, _MAX_BYTES)
            understood = True
            yield path, name, document
    if understood:
        return
    found = f"no {wanted.names}"
    if files:
        name, reason = told.quarantine[0]
        found = f"none of its {wanted.names} is {wanted.own}'s: {name}: {reason}"
    raise refusal(source.root, found, allowed=wanted.allowed, own=wanted.own)


def any_json(name: str) -> bool:
    """Whether a file is called as JSON is."""
    return name.endswith(".json")
