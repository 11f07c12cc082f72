"""The annotation files of a COCO source, decoded: each whole, or a large one piece by piece."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from io import BufferedReader
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from converters.parts import json_files, json_pieces
from converters.parts.coco_document import A, Category, Document, Id, Image, text_id
from converters.parts.known_formats import recognised, refusal
from converters.parts.packed_numbers import pack
from converters.parts.paused_collector import collector_paused
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.paths import NO_TEXT, Places, as_text, is_text
from curate.data.source import ImageFinder, Source
from curate.data.split import split_of

_POINTS = frozenset({"keypoints", "lefthand_kpts", "righthand_kpts"})
_ID, _IMAGE = attrgetter("id"), attrgetter("image_id")
_NAMED = 5  # folders
_SMALL = ("categories", "licenses", "info")
H = TypeVar("H")


class AnnotationFile(NamedTuple):
    """A file of annotations.

    Attributes
    ----------
    name: how people are told of it. key: what the ids of its samples begin with.
    split: as its name says, or that of its folder. first: of a piece of a large file, the place of its first
        annotation among all; 0 of the others.
    """

    path: Path
    name: str
    key: str
    split: str | None
    first: int = 0

    @classmethod
    def at(cls, path: Path, *, within: str) -> AnnotationFile:
        """The file; `within`: the folder of a split that it lies in, or nothing."""
        if path.name.lower() == "_annotations.coco.json":  # Roboflow's: all have this name
            within = within or (path.parent.name if split_of(path.parent.name) else "")
            key = within or path.stem
        else:
            key = f"{within}/{path.stem}" if within else path.stem
        name = f"{within}/{path.name}" if within else path.name
        return cls(path, name, key, split_of(path.stem) or split_of(within))


def annotation_files(source: Source) -> tuple[list[AnnotationFile], ImageFinder]:
    """The annotation files, and what looks for their images.

    The files are those of root/annotations, else of the root, else of folders of splits; or the one given.

    Raises
    ------
    InputError: there is none.
    """
    root = source.folder
    given = source.root.is_file()
    files = [AnnotationFile.at(source.root, within="")] if given else _annotations_in(root)
    if not files:
        raise _none_in(root)
    pictures = [folder for folder in _folders(root) if folder.name.lower() == "images"]
    splits = [folder for parent in (root, *pictures) for folder in _folders(parent) if split_of(folder.name)]
    return files, ImageFinder((root, *pictures), tuple(splits), source.images)


def _none_in(root: Path) -> InputError:
    """That there is no annotation file; exports that lie in folders below are named."""
    found, allowed = "no .json file", "a COCO file, or a folder with annotations/*.json"
    below = [as_text(folder.name) for folder in _folders(root) if _annotations_in(folder)]
    if not below or recognised(root) not in ("coco", "coco-wholebody"):
        return refusal(root, found, allowed=allowed, own="")
    more = f" and {len(below) - _NAMED:,} more" if len(below) > _NAMED else ""
    remedy = f"convert each of its folders that have one: {', '.join(below[:_NAMED])}{more}"
    return InputError(root, found, allowed=allowed, remedy=remedy)


def _annotations_in(root: Path) -> list[AnnotationFile]:
    below = _folders(root)
    for folders, named in (
        ([folder for folder in below if folder.name.lower() == "annotations"], False),
        ([root], False),
        ([folder for folder in below if split_of(folder.name)], True),
    ):
        found = [
            AnnotationFile.at(path, within=folder.name if named else "")
            for folder in folders
            for path in sorted(folder.iterdir(), key=lambda path: path.stem)
            if path.suffix.lower() == ".json" and not path.name.startswith(".")
        ]
        if found:
            return found
    return []


def _folders(root: Path) -> list[Path]:
    with os.scandir(root) as entries:
        return sorted(Path(e.path) for e in entries if e.is_dir() and not e.name.startswith("."))


def hands_in(
    file: AnnotationFile,
    places: Places,
    kind: type[A],
    unread: type[A] | None,
    hands_of: Callable[[AnnotationFile, Document[A], list[tuple[str, str]]], H],
) -> tuple[list[H], int, int]:
    """What `hands_of` makes of a file: of a large one several, so that it is never held whole.

    Returns
    -------
    Besides it the number of annotations, and of images without any.

    Raises
    ------
    InputError: no COCO file, as here or in `hands_of`.
    """
    if not is_text(file.name):
        raise InputError(file.path, NO_TEXT)
    with collector_paused(), json_files.open_checked(file.path, places) as opened:
        if os.fstat(opened.fileno()).st_size > json_pieces.PIECE:
            try:
                return _gathered(_by_pieces(file, opened, kind, unread), hands_of)
            except (InputError, ValueError):  # what is wrong is told by those who read it whole
                opened.seek(0)
        problems: list[tuple[str, str]] = []
        document = _decoded(file, opened.read(), kind, unread, problems)
        _settle_ids(document, kind)
        return _gathered(iter([(file, document, problems)]), hands_of)


def _gathered(
    pieces: Iterator[tuple[AnnotationFile, Document[A], list[tuple[str, str]]]],
    hands_of: Callable[[AnnotationFile, Document[A], list[tuple[str, str]]], H],
) -> tuple[list[H], int, int]:
    found: list[H] = []
    annotated, count = set[Id](), 0
    for file, document, problems in pieces:
        found.append(hands_of(file, document, problems))
        annotated.update(map(_IMAGE, document.annotations))
        count += len(document.annotations)
        document.annotations.clear()  # what was made of them takes a tenth of the memory
    return found, count, sum(entry.id not in annotated for entry in document.images)


def _by_pieces(
    file: AnnotationFile, opened: BufferedReader, kind: type[A], unread: type[A] | None
) -> Iterator[tuple[AnnotationFile, Document[A], list[tuple[str, str]]]]:
    """Documents of some annotations each, with all images and categories, and of each the flawed entries.

    Raises
    ------
    InputError: a list that is no JSON. ValueError: no object of lists, or images that annotations refer to
    by other ids than they have.
    """
    members = {member.name: member for member in json_pieces.members(opened)}
    annotations, images = members.pop("annotations", None), members.pop("images", None)
    if annotations is None:
        raise ValueError("no annotations")
    told = {name: members[name].value(opened) for name in _SMALL if name in members}
    head = b"".join(b',"%s":%s' % (name.encode(), text) for name, text in told.items())
    # A flaw in these is told once, by those who read the file whole.
    json_files.decode(msgspec.json.Decoder(Document[kind]), b'{"annotations":[]%s}' % head, file.path)  # type: ignore[valid-type]
    entries: list[Image] = []
    decoder = msgspec.json.Decoder(list[Image])
    for piece in images.pieces(opened) if images else ():
        found: list[Image] = json_files.decode(decoder, piece, file.path)
        entries += found
    named = {type(entry.id) for entry in entries}
    for text in annotations.pieces(opened, b'{"annotations":[', b"]%s}" % head):
        problems: list[tuple[str, str]] = []
        document = _decoded(file, text, kind, unread, problems)
        del text
        document.images = entries
        if str in set(map(type, map(_IMAGE, document.annotations))) - named:
            raise ValueError("ids of images as text and as numbers")
        _settle_ids(document, kind)
        read = len(document.annotations) + len(problems)
        yield file, document, problems
        file = file._replace(first=file.first + read)


def _decoded(
    file: AnnotationFile,
    data: bytes | bytearray,
    kind: type[A],
    unread: type[A] | None,
    problems: list[tuple[str, str]],
) -> Document[A]:
    """The content of an annotation file, or a piece of it; an entry that does not fit is left out, named in
    `problems`.

    Raises
    ------
    InputError: no JSON, or no COCO file.
    """
    if unread is not None and (document := _packed(data, unread)):
        return document
    try:
        return json_files.decode(msgspec.json.Decoder(Document[kind]), data, file.path)  # type: ignore[valid-type]
    except InputError as error:
        return _entry_by_entry(file, data, kind, error, problems)


def _packed(data: bytes | bytearray, unread: type[A]) -> Document[A] | None:
    """The content with keypoints packed, for which each number need not last as an object of its own; None
    where anything is wrong with it, for those to tell who read it number by number."""
    try:
        document = msgspec.json.Decoder(Document[unread]).decode(data)  # type: ignore[valid-type]
        told: list[Any] = document.annotations
        points = pack([annotation.keypoints for annotation in told], 3 * kp.COUNT)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for annotation, packed in zip(told, points, strict=True):
        annotation.keypoints = packed
    return document


def _entry_by_entry(
    file: AnnotationFile,
    data: bytes | bytearray,
    kind: type[A],
    error: InputError,
    problems: list[tuple[str, str]],
) -> Document[A]:
    """The slow way, for a file with a flaw somewhere: numbers and flags in quotes are understood, and each
    entry is judged alone. Python's own parser also takes NaN."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise error from None
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        raise error

    def fitting(key: str, wanted: type[Any], first: int = 0) -> list[Any]:
        entries = content.get(key) or []
        found = []
        for i, entry in enumerate(entries if isinstance(entries, list) else [], start=first):
            if not _is_text(entry):
                problems.append(
                    (f"{file.name}: {key}[{i}]", "text that is not valid Unicode (a lone surrogate)")
                )
                continue
            try:
                found.append(msgspec.convert(_plain(entry), wanted, strict=False))
            except msgspec.ValidationError as flaw:
                reason = json_files.invalid(file.path, flaw).reason
                problems.append((f"{file.name}: {key}[{i}]", reason))
        return found

    return Document(
        annotations=fitting("annotations", kind, file.first),
        images=fitting("images", Image),
        categories=fitting("categories", Category),
        licenses=content.get("licenses") if _is_text(content.get("licenses")) else None,
        info=content.get("info") if _is_text(content.get("info")) else None,
    )


def _plain(entry: Any) -> Any:
    """An entry as its publisher meant it: empty text is nothing, and a point that is null is not labelled."""
    if not isinstance(entry, dict):
        return entry
    entry = {key: None if value == "" else value for key, value in entry.items()}
    return entry | {key: _placed(entry[key]) for key in entry.keys() & _POINTS}


def _placed(points: Any) -> Any:
    """Points, flat or nested, with 0, 0, 0 for those without a place that do not claim to be labelled."""
    if not isinstance(points, list):
        return points
    if any(isinstance(point, list) for point in points):
        return [[0, 0, 0] if point is None else _triple(point) for point in points]
    if len(points) % 3:
        return points
    return [number for i in range(0, len(points), 3) for number in _triple(points[i : i + 3])]


def _triple(point: Any) -> Any:
    nowhere = isinstance(point, list) and len(point) == 3 and None in point[:2]
    return [0, 0, 0] if nowhere and point[2] in (None, 0, "0") else point


def _is_text(entry: Any) -> bool:
    """Whether all text in a JSON value can be written as UTF-8."""
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _settle_ids(document: Document[Any], kind: type[Any]) -> None:
    """Ids as text throughout, where a file has an image's or a category's in quotes here and bare there."""
    for entries, referring in ((document.images, "image_id"), (document.categories, "category_id")):
        referrers = document.annotations if hasattr(kind, referring) else []
        keys = chain(map(_ID, entries), map(attrgetter(referring), referrers))
        if str not in set(map(type, keys)):
            continue
        for owner, name in (*((e, "id") for e in entries), *((a, referring) for a in referrers)):
            key = getattr(owner, name)
            if key is not None:
                setattr(owner, name, text_id(key, 0))
