"""Finding the pictures that annotations name, with their path or without a suffix."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from curate.basics import images
from curate.basics.errors import InputError, UnreadableImage, UnsafeInput
from curate.basics.paths import is_text
from curate.data.part import Part
from curate.data.source import BY_NAME, ImageFinder, Source, files_below, folded

# What is counted of annotations and images that do not match.
NO_IMAGE = "annotation without its image"
NO_ANNOTATION = "image without an annotation"


def locate(
    finder: ImageFinder,
    notes: Counter[str],
    name: str,
    *,
    where: Path,
    key: str,
    split: str | None = None,
    beside: Path | None = None,
) -> str:
    """The path of the image that an annotation names; one found by its file name alone is counted in `notes`.

    Parameters and errors are those of `ImageFinder.locate`.
    """
    found = finder.locate(name, beside=beside, split=split, where=where, key=key)
    if found.by_name:
        notes[BY_NAME] += 1
    return found.path


def look_up(
    finder: ImageFinder,
    tally: Part,
    name: str,
    *,
    where: Path,
    key: str,
    split: str | None = None,
    beside: Path | None = None,
) -> str:
    """As `locate`, for a published table of which not every image was downloaded: empty for an image that is
    not there, which `tally` counts as absent, and for a path out of the source, which it quarantines."""
    try:
        return locate(finder, tally.notes, name, where=where, key=key, split=split, beside=beside)
    except UnsafeInput as error:
        tally.quarantine.append((where.name, error.reason))
    except InputError:
        tally.absent[NO_IMAGE] += 1
    return ""


def probed(image: str, name: str, tally: Part) -> images.ImageInfo | None:
    """The header of a picture; None if it cannot be read, which `tally` counts and quarantines."""
    try:
        return images.probe(image)
    except UnreadableImage as error:
        tally.dropped["image unreadable"] += 1
        tally.quarantine.append((name, error.reason))
        return None


class Pictures:
    """The pictures below the folders of a source, by their names without suffix, in any letter case.

    Links to files are listed; `curate convert` refuses those that lead out of the source.
    """

    def __init__(self, source: Source) -> None:
        self._named: dict[str, list[str]] = {}
        for folder in filter(None, (source.folder, source.images)):
            for path in files_below(folder):
                if path.suffix.lower() in images.SUFFIXES and is_text(str(path)):
                    found = self._named.setdefault(folded(path.stem), [])
                    if str(path) not in found:
                        found.append(str(path))

    def called(self, stem: str, where: Path, folder: Path | None = None) -> str:
        """The picture of this name: the one in `folder`, else the only one.

        Raises
        ------
        InputError: there is none, or there are several; it names `where`, the annotation file.
        """
        found = self.find(stem, where, folder)
        if found is None:
            remedy = "if it lies elsewhere: --images DIR"
            raise InputError(where, f"no picture called {stem!r}", remedy=remedy)
        return found

    def find(self, stem: str, where: Path, folder: Path | None = None) -> str | None:
        """As `called`, but None if there is no such picture. Raises InputError if there are several."""
        found = self._named.get(folded(stem), [])
        beside = [path for path in found if folder is not None and os.path.dirname(path) == str(folder)]  # noqa: PTH120
        exact = [path for path in beside or found if Path(path).stem == stem]
        chosen = exact or beside or found
        if len(chosen) > 1:
            raise InputError(where, f"{len(chosen)} pictures are called {stem!r}", allowed="one")
        return chosen[0] if chosen else None
