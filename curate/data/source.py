"""A source: a dataset in its publisher's own layout, and how a converter looks for its images."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple
from urllib.parse import unquote

from curate.basics import images
from curate.basics.errors import InputError, UnsafeInput
from curate.basics.paths import LONGEST, NO_TEXT, Places, as_text, is_text, real
from curate.data.part import Part
from curate.data.split import split_of


@dataclass(frozen=True, slots=True)
class Source:
    """The input of `curate convert`.

    Attributes
    ----------
    root: the folder (or, for single-file formats, the annotation file).
    images: a further folder to look for images in.
    masks: a folder of masks for sources without any; each has the name of its image, with any suffix.
    extract: where a converter writes images that exist only inside the source's annotations (Labelme's
        imageData); `curate.convert` sets it to the dataset's images/. Without it, they are quarantined.
    """

    root: Path
    images: Path | None = None
    masks: Path | None = None
    extract: Path | None = None

    @property
    def folder(self) -> Path:
        """`root`, or the folder of the annotation file. If that is called annotations, as COCO's is, its
        parent folder."""
        if not self.root.is_file():
            return self.root
        beside = self.root.parent
        return beside.parent if beside.name.lower() == "annotations" else beside

    @property
    def given(self) -> tuple[Path, ...]:
        """The root, and the further folders that were given."""
        return tuple(filter(None, (self.root, self.images, self.masks)))

    def name(self, path: Path) -> str:
        """The name by which a file in `folder` is reported: its path relative to it."""
        return path.relative_to(self.folder).as_posix()

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that were given."""
        return (self.folder, *self.given[1:])

    @property
    def places(self) -> Places:
        """Where its files may lie. A file elsewhere is refused, whatever path or link leads to it."""
        return Places((*self.folders, self.root, *filter(None, (self.extract,))))


def files_below(root: Path, enter: Callable[[Path], bool] = lambda link: False) -> Iterator[Path]:
    """The files below a folder, sorted; hidden files and folders are passed over.

    Parameters
    ----------
    enter: decides for each linked folder whether to enter it; by default, none is entered.

    Raises
    ------
    OSError: a folder that cannot be listed.
    """
    for folder, below, names in os.walk(root, onerror=_raise, followlinks=True):
        shown = sorted(name for name in below if not name.startswith("."))
        links = {name for name in shown if os.path.islink(os.path.join(folder, name))}  # noqa: PTH114
        below[:] = [name for name in shown if name not in links or enter(Path(folder, name))]
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


SAME_FILE = "the same file as another"  # links, in a Part's notes


def folded(name: str) -> str:
    """A name in a form for comparison: without letter case, and with accents as one character (NFC)."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).lower()


def ending_with(root: Path, suffixes: Container[str], part: Part, otherwise: str) -> Iterator[Path]:
    """The files below a folder (as `texts_below`) with one of these suffixes (lower case), each once, even if
    links lead to it. The notes of `part` count other files as `otherwise`, and such links as SAME_FILE."""
    within, led_to = real(root), set[Path]()
    for path in texts_below(root, part):
        if path.suffix.lower() not in suffixes:
            part.notes[otherwise] += 1
        elif path.is_symlink() and _is_again(real(path), within, suffixes, led_to):
            part.notes[SAME_FILE] += 1
        else:
            yield path


def _is_again(place: Path, root: Path, suffixes: Container[str], led_to: set[Path]) -> bool:
    """Whether the file that a link leads to is listed itself, or by an earlier link; adds it to `led_to`."""
    if place in led_to:
        return True
    led_to.add(place)
    if not place.is_relative_to(root) or not place.is_file() or place.suffix.lower() not in suffixes:
        return False
    name = place.relative_to(root)
    return is_text(str(name)) and not any(part.startswith(".") for part in name.parts)


def none_of(kind: str, part: Part) -> str:
    """A message that a folder holds nothing of a kind, with the first input that `part` has in quarantine."""
    told = f"no {kind} in it"
    if part.quarantine:
        name, reason = part.quarantine[0]
        told += f" that can be used; {name}: {reason}"
        told += f", and {len(part.quarantine) - 1} more like it" if len(part.quarantine) > 1 else ""
    return told


def texts_below(root: Path, part: Part, files: Iterable[Path] | None = None) -> Iterator[Path]:
    """The files below a folder (as `files_below`, or those given) whose name is text; others go to the
    quarantine of `part`. Its notes count linked folders, which are not entered."""
    for path in files_below(root, _passing_links(part.notes)) if files is None else files:
        name = path.relative_to(root).as_posix()
        if is_text(name):
            yield path
        else:
            part.quarantine.append((as_text(name), NO_TEXT))


def pictures_below(folder: Path, notes: Counter[str], also: Container[str] = ()) -> list[Path]:
    """The files below a folder with the suffix of a picture, or one of `also`, sorted; some may not open.

    Hidden files are passed over. `notes` counts other files by suffix, and linked folders.

    Raises
    ------
    OSError: a folder that cannot be listed.
    """
    pictures = []
    for path in files_below(folder, _passing_links(notes)):
        suffix = path.suffix.lower()
        if suffix in images.SUFFIXES or suffix in also:
            pictures.append(path)
        else:
            notes[f"file that is no picture, passed over: {as_text(suffix[:20]) or 'no suffix'}"] += 1
    return pictures


def _passing_links(notes: Counter[str]) -> Callable[[Path], bool]:
    """Enters no linked folder, and counts each in `notes`."""

    def enter(link: Path) -> bool:
        notes["linked folder, not entered"] += 1
        return False

    return enter


def _raise(error: OSError) -> None:
    raise error


# How many images were found so, and how many hands say both, in a Part's notes.
BY_NAME = "image found by its name alone, in another folder than was named"
TWO_SIDES = "side told in two ways, left empty"


class Found(NamedTuple):
    """An image; `by_name`: nothing but the name of its file says that it is the one."""

    path: str
    by_name: bool


class _Listing(NamedTuple):
    """A folder, with a slash behind, and its entries; whether each is a plain file, no link."""

    folder: str
    files: dict[str, bool]


class _Asked(NamedTuple):
    """What an annotation asks for: a path, the folder it is relative to, and its split."""

    name: str
    beside: Path | None
    split: str | None
    where: Path
    key: str


@dataclass(slots=True)
class ImageFinder:
    """Finds the file that an annotation names, without ever leaving the folders it was given.

    Attributes
    ----------
    roots: the folders that images may lie in, searched in this order.
    splits: folders named like a split, searched first, and directly only for annotations of that split.
    further: the folder that the user named (--images), searched last.
    """

    roots: tuple[Path, ...]
    splits: tuple[Path, ...] = ()
    further: Path | None = None
    _inside: Places = field(init=False, repr=False)
    _by_name: dict[str, list[Path]] | None = field(default=None, repr=False)
    _taken: dict[Path, tuple[tuple[str, ...], str]] = field(default_factory=dict, repr=False)
    _by_folded: dict[str, dict[str, list[str]]] = field(default_factory=dict, repr=False)
    _listings: dict[tuple[Path | None, str | None, str], list[tuple[Path, _Listing | None]]] = field(
        default_factory=dict, repr=False
    )

    def __post_init__(self) -> None:
        self._inside = Places(self._places)

    def locate(
        self, name: str, *, beside: Path | None = None, split: str | None = None, where: Path, key: str
    ) -> Found:
        """The file for `name`.

        Looked for in the folders of its split, `beside` and the roots; then, with the folders it names,
        anywhere below these. Only a bare name, an absolute path, and a path whose file lies in `further`
        itself may be found by the name of the file alone (`Found.by_name`): two paths never lead to one file
        so, nor a name into a folder of another split. Windows paths and `%20` are understood; letter case is
        forgiven.

        Parameters
        ----------
        beside: the folder of the annotation file. split: what its name speaks of.
        where, key: the annotation file and its field, for errors.

        Raises
        ------
        UnsafeInput: the path leads out of the roots.
        InputError: no such image, or several of that name.
        """
        if len(name) > LONGEST or not is_text(name):
            raise UnsafeInput(where, f"no path: {name[:40]!r}", field=key)
        if found := self.listed(name, beside, split):
            return Found(found, by_name=False)
        asked = _Asked(name, beside, split, where, key)
        try:
            return self._locate(asked)
        except InputError:
            plain = unquote(name)
            if plain == name or not is_text(plain):
                raise
        return self._locate(asked._replace(name=plain))

    def listed(self, name: str, beside: Path | None, split: str | None) -> str | None:
        """As `locate`, where one of the folders that were listed for a file before holds this one, too; None
        where it is for `locate` to tell."""
        if not name.isprintable() or "\\" in name:
            return None
        folder, _, file = name.rpartition("/")
        for _, listing in self._listings.get((beside, split, folder), ()):
            if listing is None:
                break
            if file in listing.files:
                return listing.folder + file if listing.files[file] else None
        return None

    def _locate(self, asked: _Asked) -> Found:
        name = asked.name
        relative = str(posix_path(name)) if "\\" in name else name
        folder, _, file = relative.rpartition("/")
        within, out, there = False, False, False
        for base, listing in self._listed(asked, folder):
            if listing is not None and file not in listing.files:
                continue
            if listing is not None and listing.files[file]:
                return Found(f"{listing.folder}{file}", by_name=False)
            candidate = Path(os.path.normpath(base / relative))
            if not self._inside.hold(candidate):
                out, there = True, there or os.path.isfile(candidate)  # noqa: PTH113
                continue
            within = True
            if os.path.isfile(candidate):  # noqa: PTH113 (Path.is_file raises for a name too long)
                return Found(str(candidate), by_name=False)
        found = self._alike(asked, folder, file) or self._elsewhere(asked, relative)
        if found is not None:
            return found
        if there or (out and not within):
            raise UnsafeInput(
                asked.where,
                f"{name!r} leads out of the source folder",
                field=asked.key,
                remedy="if this is intended, give the folder of the images with --images",
            )
        remedy = "if it lies elsewhere: --images DIR"
        raise InputError(asked.where, f"no image {name!r}", field=asked.key, remedy=remedy)

    def _alike(self, asked: _Asked, folder: str, file: str) -> Found | None:
        """The one file of a named folder whose name is the same but for letter case and accents."""
        for _, listing in self._listed(asked, folder):
            names = self._alike_in(listing).get(folded(file), []) if listing is not None else []
            if listing is not None and len(names) == 1 and listing.files[names[0]] and is_text(names[0]):
                return Found(f"{listing.folder}{names[0]}", by_name=False)
        return None

    def _elsewhere(self, asked: _Asked, relative: str) -> Found | None:
        """The one file of that name that lies where the path ends, or may be found by its name alone."""
        *folders, file = [folded(part) for part in relative.split("/") if part not in ("", ".", "..")] or [""]
        absolute = relative.startswith("/") or bool(PureWindowsPath(relative).drive)
        named = self._named(file)
        same = [path for path in named if self._lies_in(path, folders)]
        by_name = not same
        if by_name and (absolute or not folders):
            same = [path for path in named if self._may_be_of(path, asked.split)]
        elif by_name:
            same = [path for path in named if path.parent == self.further]
        if len(same) > 1:
            raise InputError(asked.where, f"{len(same)} images are called {file!r}", field=asked.key)
        if not same:
            return None
        wanted = (*folders, file)
        taken, before = self._taken.setdefault(same[0], (wanted, asked.name)) if by_name else (wanted, "")
        if taken != wanted:
            found = f"{asked.name!r} and {before!r} cannot both be {str(same[0].name)!r}"
            raise InputError(asked.where, found, field=asked.key, remedy="keep the images in their folders")
        return Found(str(same[0]), by_name)

    def _lies_in(self, path: Path, folders: list[str]) -> bool:
        """Whether a file's path ends with these folders, or these with the file's below its root."""
        there = [folded(part) for part in path.parent.parts]
        below = self._below(path)
        return bool(folders) and (
            there[-len(folders) :] == folders or (bool(below) and folders[-len(below) :] == below)
        )

    def _may_be_of(self, path: Path, split: str | None) -> bool:
        spoken = {split_of(folder) for folder in self._below(path)} - {None}
        return split is None or spoken <= {split}

    def _below(self, path: Path) -> list[str]:
        """A file's folders below the first root that it lies in, lower case."""
        root = next(root for root in self._places if path.is_relative_to(root))
        return [folded(part) for part in path.relative_to(root).parts[:-1]]

    @property
    def _places(self) -> tuple[Path, ...]:
        return (*self.roots, *self.splits, *filter(None, (self.further,)))

    def _listed(self, asked: _Asked, folder: str) -> list[tuple[Path, _Listing | None]]:
        """Where a folder may lie, with what it holds there; None where it needs a closer look.

        A folder is listed once: to look for each of its 100,000 images singly takes ten times as long.
        """
        place = (asked.beside, asked.split, folder)
        if place not in self._listings:
            own = [base for base in self.splits if asked.split and split_of(base.name) == asked.split]
            stem = asked.where.stem.lower()  # of train2014 and train2017, the one that the file is called by
            own.sort(key=lambda base: -len(base.name) * (base.name.lower() in stem))
            bases = dict.fromkeys((*own, *filter(None, (asked.beside, *self.roots, self.further))))
            self._listings[place] = [(base, self._list(base / folder)) for base in bases]
        return self._listings[place]

    def _list(self, folder: Path) -> _Listing | None:
        if ".." in folder.parts or not self._inside.hold(folder) or not os.path.isdir(folder):  # noqa: PTH112
            return None
        with os.scandir(folder) as entries:
            files = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
        return _Listing(f"{folder}/", files)

    def _alike_in(self, listing: _Listing) -> dict[str, list[str]]:
        """The names in a folder by what `folded` makes of them."""
        alike = self._by_folded.get(listing.folder)
        if alike is None:
            alike = self._by_folded[listing.folder] = {}
            for name in listing.files:
                alike.setdefault(folded(name), []).append(name)
        return alike

    def _named(self, name: str) -> list[Path]:
        if self._by_name is None:
            self._by_name = {}
            for root in dict.fromkeys(self._places):
                for folder, _, files in os.walk(root):
                    for file in sorted(files):
                        self._by_name.setdefault(folded(file), []).append(Path(folder, file))
        found = self._by_name.get(folded(name), [])
        return list(dict.fromkeys(path for path in found if self._inside.hold(path) and is_text(str(path))))


def posix_path(name: str) -> PurePosixPath:
    """A path as written by any system: backslashes are separators when they are the only ones, or with
    a drive letter; drives and roots are kept, so that an absolute path stays recognisable."""
    if "\\" in name and ("/" not in name or PureWindowsPath(name).drive):
        return PurePosixPath(PureWindowsPath(name).as_posix())
    return PurePosixPath(name)
