"""A folder of pictures as a camera or a phone leaves it: no labels, no table.

Every image file below the folder is one photograph of one hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from curate.basics import images
from curate.basics.errors import InputError
from curate.basics.paths import Places, is_text, real
from curate.data.dataset import ROWS
from curate.data.part import Part
from curate.data.sample import make_batch
from curate.data.source import Source, ending_with, none_of

NAME = "images"
_SUFFIXES = ", ".join(sorted(images.SUFFIXES))


def read(source: Source, *, folders: str | None = None) -> Iterator[Part]:
    """Yield a sample for each picture, without labels; a folder's own pictures come before its subfolders'.

    Parameters
    ----------
    source: the folder; hidden files are passed over; linked folders and files that are not pictures are
        counted.
    folders: what the topmost folder of a picture names: "subject", "source" or "clip" (its pictures are then
        numbered as frames); a picture directly in the source has none.

    Raises
    ------
    InputError: no such folder, or no picture in it.
    """
    root = source.root
    if not root.is_dir():
        raise InputError(root, "no such folder", allowed="a folder of pictures")
    tally = Part()
    pictures = iter(ending_with(root, images.SUFFIXES, tally, "file that is no picture"))
    first = list(islice(pictures, ROWS))
    if not first:
        raise InputError(root, none_of("picture", tally), allowed=_SUFFIXES)
    number, places = dict[str, int](), source.places
    while first:
        yield _part(root, first, folders, number, places)
        first = list(islice(pictures, ROWS))
    yield tally


def _part(
    root: Path, pictures: list[Path], folders: str | None, seen: dict[str, int], places: Places
) -> Part:
    names = [path.relative_to(root) for path in pictures]
    held = [name.parts[0] if len(name.parts) > 1 else None for name in names]
    columns: dict[str, list[str | None] | list[int | None]] = {}
    if folders == "subject":
        columns["subject_id"] = held
    elif folders == "clip":
        columns["clip"] = held
        columns["frame"] = [None if folder is None else _next(seen, folder) for folder in held]
    return Part(
        make_batch(
            len(pictures),
            sample_id=[f"{NAME}/{name.as_posix()}" for name in names],
            source=[folder or NAME for folder in held] if folders == "source" else NAME,
            image=[str(_meant(path, places)) for path in pictures],
            **columns,
        )
    )


def _meant(path: Path, places: Places) -> Path:
    """The picture that a link within the source, or to the folder of --images, leads to. Any other link stays
    as it is, so that it is reported by its own name."""
    if path.is_symlink() and places.hold(path) and path.is_file() and is_text(str(real(path))):
        return real(path)
    return path.absolute()


def _next(seen: dict[str, int], folder: str) -> int:
    seen[folder] = seen.get(folder, -1) + 1
    return seen[folder]
