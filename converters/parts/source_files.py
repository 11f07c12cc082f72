"""The annotation files of a source that has one or several; each is read whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from converters.parts.known_formats import refusal
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.source import ImageFinder, Source, texts_below

T = TypeVar("T")


def read_each(
    source: Source,
    suffix: str,
    read: Callable[[Path, str, int], T],
    tally: Part,
    *,
    own: str,
    title: str,
    allowed: str,
) -> list[T]:
    """What `read` makes of each file below a source, or of the one given. Files that it refuses go to the
    quarantine of `tally`.

    Parameters
    ----------
    read: takes a file, its name below the source, and the number of files; raises InputError.
    own, title: the format's name in commands, and its usual name. allowed: what its files are.

    Raises
    ------
    InputError: there is no file, or `read` refuses all.
    """
    root, found = root_of(source), files_of(source, suffix, tally)
    made: list[T] = []
    first: InputError | None = None
    for path in found:
        name = path.relative_to(root).as_posix()
        try:
            made.append(read(path, name, len(found)))
        except InputError as error:
            first = first or error
            tally.quarantine.append((name, error.reason))
    if not made:
        why = f"not a {title} file: {first.reason}" if first else f"no {suffix} file"
        raise refusal(root, why, allowed=allowed, own=own, where=Path(first.where) if first else None)
    return made


def finder_of(source: Source) -> ImageFinder:
    """A finder of the source's pictures: beside its files, in images/, elsewhere below, or in --images."""
    root = root_of(source)
    pictures = root / "images"
    return ImageFinder((root, *([pictures] if pictures.is_dir() else [])), further=source.images)


def files_of(source: Source, suffix: str, tally: Part) -> list[Path]:
    """The file that was given, whatever its name, or the files below the folder with that suffix; `tally`
    counts what is passed over, as `texts_below` does."""
    if source.root.is_file():
        return [source.root]
    return [path for path in texts_below(source.root, tally) if path.suffix.lower() == suffix]


def root_of(source: Source) -> Path:
    """The folder that the names of a source's files are relative to."""
    return source.root.parent if source.root.is_file() else source.root
