"""The annotation files of a COCO source, decoded: each whole, or a large one piece by piece."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from io import BufferedReader
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

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


class Piece(NamedTuple, Generic[A]):
    """The content of an annotation file, or of a piece of a large one.

    Attributes
    ----------
    problems: (entry, reason) of the entries that do not fit the format, which are not in the document.
    """

    file: AnnotationFile
    document: Document[A]
    problems: list[tuple[str, str]]


def annotation_files(source: Source) -> tuple[list[AnnotationFile], ImageFinder]:
    """The annotation files, and a finder of their images.

    The files are those in root/annotations, else in the root, else in folders of splits; or the one given.

    Raises
    ------
    InputError: there is no annotation file.
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
    """The error that there is no annotation file; it names the folders below that have some."""
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
    hands_of: Callable[[Piece[A]], H],
) -> tuple[list[H], int, int]:
    """What `hands_of` makes of each piece of a file; a small file is one piece, and a large one is never held
    whole.

    Parameters
    ----------
    places: where the file may lie. kind: the type of an annotation. unread: as `kind`, but for keypoints that
        stay JSON, to be packed; None to decode them with the rest.

    Returns
    -------
    The results, the number of annotations, and the number of images without any.

    Raises
    ------
    InputError: not a COCO file, as found here or in `hands_of`.
    """
    if not is_text(file.name):
        raise InputError(file.path, NO_TEXT)
    with collector_paused(), json_files.open_checked(file.path, places) as opened:
        if os.fstat(opened.fileno()).st_size > json_pieces.PIECE:
            try:
                return _gathered(_by_pieces(file, opened, kind, unread), hands_of)
            except (InputError, ValueError):  # reading it whole tells best what is wrong
                opened.seek(0)
        piece = _decoded(file, opened.read(), kind, unread)
        _settle_ids(piece.document, kind)
        return _gathered(iter([piece]), hands_of)


def _gathered(pieces: Iterator[Piece[A]], hands_of: Callable[[Piece[A]], H]) -> tuple[list[H], int, int]:
    found: list[H] = []
    annotated, count = set[Id](), 0
    for piece in pieces:
        found.append(hands_of(piece))
        annotated.update(map(_IMAGE, piece.document.annotations))
        count += len(piece.document.annotations)
        piece.document.annotations.clear()  # the result takes a tenth of their memory
    return found, count, sum(entry.id not in annotated for entry in piece.document.images)


def _by_pieces(
    file: AnnotationFile, opened: BufferedReader, kind: type[A], unread: type[A] | None
) -> Iterator[Piece[A]]:
    """Pieces with some annotations each, and with all images and categories.

    Raises
    ------
    InputError: a list that is not JSON. ValueError: not an object of lists, or image ids that are text in
        one place and numbers in another.
    """
    members = {member.name: member for member in json_pieces.members(opened)}
    annotations, images = members.pop("annotations", None), members.pop("images", None)
    if annotations is None:
        raise ValueError("no annotations")
    told = {name: members[name].value(opened) for name in _SMALL if name in members}
    head = b"".join(b',"%s":%s' % (name.encode(), text) for name, text in told.items())
    # A flaw in these is reported once, when the file is read whole.
    json_files.decode(msgspec.json.Decoder(Document[kind]), b'{"annotations":[]%s}' % head, file.path)  # type: ignore[valid-type]
    entries: list[Image] = []
    decoder = msgspec.json.Decoder(list[Image])
    for part in images.pieces(opened) if images else ():
        found: list[Image] = json_files.decode(decoder, part, file.path)
        entries += found
    named = {type(entry.id) for entry in entries}
    for text in annotations.pieces(opened, b'{"annotations":[', b"]%s}" % head):
        piece = _decoded(file, text, kind, unread)
        del text
        piece.document.images = entries
        if str in set(map(type, map(_IMAGE, piece.document.annotations))) - named:
            raise ValueError("ids of images as text and as numbers")
        _settle_ids(piece.document, kind)
        read = len(piece.document.annotations) + len(piece.problems)
        yield piece
        file = file._replace(first=file.first + read)


def _decoded(
    file: AnnotationFile, data: bytes | bytearray, kind: type[A], unread: type[A] | None
) -> Piece[A]:
    """Decode an annotation file, or a piece of it.

    Raises
    ------
    InputError: not JSON, or not a COCO file.
    """
    if unread is not None and (document := _packed(data, unread)):
        return Piece(file, document, [])
    try:
        decoder = msgspec.json.Decoder(Document[kind])  # type: ignore[valid-type]
        return Piece(file, json_files.decode(decoder, data, file.path), [])
    except InputError as error:
        return _entry_by_entry(file, data, kind, error)


def _packed(data: bytes | bytearray, unread: type[A]) -> Document[A] | None:
    """The content with keypoints packed, which saves an object for each number; None if anything is wrong
    with it: reading it number by number tells what."""
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
    file: AnnotationFile, data: bytes | bytearray, kind: type[A], error: InputError
) -> Piece[A]:
    """The slow way, for a file with a flaw somewhere: numbers and flags in quotes are understood, and each
    entry is judged alone. Python's own parser also accepts NaN. Raises `error` if it is no COCO file."""
    problems: list[tuple[str, str]] = []
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

    document = Document(
        annotations=fitting("annotations", kind, file.first),
        images=fitting("images", Image),
        categories=fitting("categories", Category),
        licenses=content.get("licenses") if _is_text(content.get("licenses")) else None,
        info=content.get("info") if _is_text(content.get("info")) else None,
    )
    return Piece(file, document, problems)


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
