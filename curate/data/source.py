"""A source: a dataset in its publisher's own layout, and how a converter looks for its images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from curate.basics.errors import InputError, UnsafeInput
from curate.basics.paths import LONGEST, NO_TEXT, Places, as_text, is_text
from curate.data.part import Part


@dataclass(frozen=True, slots=True)
class Source:
    """What `curate convert` was given.

    Attributes
    ----------
    root: the folder (or, for single-file formats, the annotation file).
    images: a further folder to look for images in.
    masks: a folder of masks, each named as its image, whatever the suffix, for sources that bring none.
    extract: where a converter writes images that the source holds only inside its annotations (Labelme's
        imageData); `curate.convert` sets it to the dataset's images/. Without it they are quarantined.
    """

    root: Path
    images: Path | None = None
    masks: Path | None = None
    extract: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder that the source lies in: `root`, or that of the annotation file; where this is called
        annotations, as COCO's is, the one around it."""
        if not self.root.is_file():
            return self.root
        beside = self.root.parent
        return beside.parent if beside.name == "annotations" else beside

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that were given."""
        return (self.folder, *filter(None, (self.images, self.masks)))

    @property
    def places(self) -> Places:
        """Where its files may lie. What lies elsewhere is refused, whoever leads there."""
        return Places((*self.folders, self.root, *filter(None, (self.extract,))))


def files_below(root: Path) -> Iterator[Path]:
    """The files below a folder, sorted; hidden files and folders are passed over, linked folders not entered.

    Raises
    ------
    OSError: a folder that cannot be listed.
    """
    for folder, below, names in os.walk(root, onerror=_raise):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def texts_below(root: Path, part: Part) -> Iterator[Path]:
    """As `files_below`, without those whose name is no text, which go to the quarantine of `part`."""
    for path in files_below(root):
        name = path.relative_to(root).as_posix()
        if is_text(name):
            yield path
        else:
            part.quarantine.append((as_text(name), NO_TEXT))


def _raise(error: OSError) -> None:
    raise error


class _Listing(NamedTuple):
    """A folder, with a slash behind, and its entries; whether each is a plain file, no link."""

    folder: str
    files: dict[str, bool]


@dataclass(slots=True)
class ImageFinder:
    """Finds the file that an annotation names, without ever leaving the folders it was given.

    Attributes
    ----------
    roots: the folders that images may lie in, searched in this order.
    """

    roots: tuple[Path, ...]
    _places: Places = field(init=False, repr=False)
    _by_name: dict[str, list[Path]] | None = field(default=None, repr=False)
    _listings: dict[tuple[Path | None, str], list[tuple[Path, _Listing | None]]] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        self._places = Places(self.roots)

    def find(self, name: str, *, beside: Path | None = None, where: Path, key: str) -> Path:
        """The file for `name`: relative to `beside` or to a root, else the one file of that base name.

        Windows paths are understood; letter case is forgiven.

        Parameters
        ----------
        beside: the folder of the annotation file, for formats whose paths are relative to it.
        where, key: the annotation file and its field, for errors.

        Raises
        ------
        UnsafeInput: the path leads out of the roots.
        InputError: no such image, or several of that name.
        """
        return Path(self.locate(name, beside=beside, where=where, key=key))

    def locate(self, name: str, *, beside: Path | None = None, where: Path, key: str) -> str:
        """As `find`, as text: for tables of very many images."""
        if len(name) > LONGEST or not is_text(name):
            raise UnsafeInput(where, f"no path: {name[:40]!r}", field=key)
        relative = str(posix_path(name)) if "\\" in name else name
        folder, _, file = relative.rpartition("/")
        leaves = None
        for base, listing in self._listed(beside, folder):
            if listing is not None and file not in listing.files:
                continue
            if listing is not None and listing.files[file]:
                return f"{listing.folder}{file}"
            candidate = Path(os.path.normpath(base / relative))
            if not self._places.hold(candidate):
                leaves = candidate
            elif os.path.isfile(candidate):  # noqa: PTH113 (Path.is_file raises for a name too long)
                return str(candidate)
        twins = self._named(file)
        if len(twins) == 1:
            return str(twins[0])
        if len(twins) > 1:
            raise InputError(where, f"{len(twins)} images are called {file!r}", field=key)
        if leaves is not None:
            raise UnsafeInput(
                where,
                f"{name!r} leads out of the source folder",
                field=key,
                remedy="give the folder of the images with --images if that is meant",
            )
        raise InputError(where, f"no image {name!r}", field=key, remedy="if it lies elsewhere: --images DIR")

    def _listed(self, beside: Path | None, folder: str) -> list[tuple[Path, _Listing | None]]:
        """Where a folder may lie, with what it holds there; None where it needs a closer look.

        A folder is listed once: to look for each of its 100,000 images singly takes ten times as long.
        """
        place = (beside, folder)
        if place not in self._listings:
            bases = filter(None, (beside, *self.roots))
            self._listings[place] = [(base, self._list(base / folder)) for base in bases]
        return self._listings[place]

    def _list(self, folder: Path) -> _Listing | None:
        if ".." in folder.parts or not self._places.hold(folder) or not os.path.isdir(folder):  # noqa: PTH112
            return None
        with os.scandir(folder) as entries:
            return _Listing(
                f"{folder}/", {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
            )

    def _named(self, name: str) -> list[Path]:
        if self._by_name is None:
            self._by_name = {}
            for root in dict.fromkeys(self.roots):
                for folder, _, files in os.walk(root):
                    for file in sorted(files):
                        self._by_name.setdefault(file.lower(), []).append(Path(folder, file))
        found = self._by_name.get(name.lower(), [])
        return list(dict.fromkeys(path for path in found if self._places.hold(path) and is_text(str(path))))


def posix_path(name: str) -> PurePosixPath:
    """A path as written by any system: backslashes are separators when they are the only ones, or with
    a drive letter; drives and roots are kept, so that an absolute path stays recognisable."""
    if "\\" in name and ("/" not in name or PureWindowsPath(name).drive):
        return PurePosixPath(PureWindowsPath(name).as_posix())
    return PurePosixPath(name)
