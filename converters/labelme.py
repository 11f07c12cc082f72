"""Labelme JSON: a file per image, a point shape per keypoint (github.com/wkentaro/labelme, _label_file.py).

Coordinates are those of the image as Labelme shows it (EXIF applied), with the origin at its corner, as ours.
The points of one hand share a `group_id`; without one, a file holds one hand, or a left and a right one told
apart by their labels. Labelme has no visibility: a word in the label, in the shape's flags or in its
description tells it (`converters.parts.labels`); any other point is visible.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import numpy as np

from converters.parts import json_files, labels
from converters.parts.exported_images import put_hands
from converters.parts.known_formats import and_others, refusal
from converters.parts.label_mapping import IGNORED_LABEL, UNKNOWN_LABEL, Mapping
from converters.parts.lost_fields import count_lost
from converters.parts.named_counts import brief, leave_out, quoted
from converters.parts.numbers import FARTHEST, pixels
from converters.parts.pictures import locate
from converters.parts.sample_keys import escaped
from converters.parts.short_numbers import short
from converters.parts.source_files import files_of, root_of
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.numerals import is_digits
from curate.basics.paths import Places, open_file
from curate.basics.wording import counted
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import FINDINGS, Sample, file_stem, to_batch
from curate.data.source import TWO_SIDES, ImageFinder, Source

NAME = "labelme"
_VERSION = "5.5.0"  # of the file format written: the one with `description` and `mask` in each shape
_FILES = 256  # a batch
_KEY = b'"imageData"'
_OPENING = re.compile(rb'\s*:\s*"')
_BACKSLASH = ord("\\")
_CHUNK = 1 << 17
_LONGEST = 200  # characters of a label
_MAX_BYTES = 1_000_000_000  # of a file; its embedded image has half a gigabyte at most
_BOX = "rectangle"
_FOUND = "QA: "  # begins a line of a description that holds a finding, and says nothing of the point
_CUT = 0  # stands in the text for the embedded image that was cut out of it


_Pixels = Annotated[int, msgspec.Meta(lt=1 << 31)] | float | str | None
_HANDS = frozenset({"hand", "hands", "lefthand", "righthand", "palm"})  # what the box of one is called


class Shape(msgspec.Struct):
    """One shape, its numbers in quotes or not; a file of an old Labelme lacks all but `label` and `points`.
    `difficult` is X-AnyLabeling's, and of a point says that it is hidden."""

    points: list[list[float | None]]
    label: str | int | None = None
    group_id: int | float | str | bool | None = None
    shape_type: str | None = None
    description: Any = None
    flags: Any = None
    difficult: Any = None

    @property
    def name(self) -> str:
        """Its label, a number too, as text."""
        return "" if self.label is None else str(self.label)

    @property
    def group(self) -> int | str | None:
        """The hand it is of: 1.0 is 1."""
        group = self.group_id
        if isinstance(group, float):
            return int(group) if group.is_integer() else str(group)
        if isinstance(group, str) and is_digits(group):
            return int(group)
        return int(group) if isinstance(group, bool) else group


class LabelFile(msgspec.Struct):
    """What is read of a Labelme file; each shape is decoded, and judged, alone. `imageData` is _CUT where
    `parse` left it out."""

    shapes: list[msgspec.Raw] | None
    imagePath: str | None = None
    imageData: str | int | None = None
    imageHeight: _Pixels = None
    imageWidth: _Pixels = None
    flags: Any = None


_DECODER = msgspec.json.Decoder(LabelFile)
_SHAPE = msgspec.json.Decoder(Shape, strict=False)


class NotLabelme(InputError):
    """A JSON file that is not Labelme's."""


def parse(path: Path, places: Places | None = None) -> tuple[LabelFile, slice | None]:
    """The content of a Labelme file, and where in the file the base64 text of its embedded image lies.

    That text is usually 99 % of the file, so it is skipped by searching its closing quote. If that may go
    wrong, the text is left in `imageData`, and the place is None.

    Parameters
    ----------
    places: where it may lie; default: anywhere.

    Raises
    ------
    UnsafeInput: it lies elsewhere. InputError: no JSON, or not Labelme's.
    """
    places = places or Places([path])
    with json_files.open_checked(path, places, _MAX_BYTES, own="Labelme's JSON") as opened:
        file = cast(FileIO, opened.raw)  # to read what is passed over in large pieces
        text, place = _without_image(file)
        document = _decode(text, path) if place is not None else None
        if document is None or document.imageData != _CUT:  # the key of some flag, or a flaw to be told
            file.seek(0)
            document, place = _decode_whole(file.readall(), path), None
    if place is None and isinstance(document.imageData, int):
        raise InputError(path, "a number", field="imageData", allowed="base64 text or null")
    return document, place


def _decode_whole(text: bytes, path: Path) -> LabelFile:
    try:
        return json_files.decode(_DECODER, text, path)
    except InputError as error:
        if error.field or not error.found.startswith(("Expected object", "Object missing required field")):
            raise
        raise NotLabelme(path, error.found) from None


def _decode(text: bytes, path: Path) -> LabelFile | None:
    try:
        return json_files.decode(_DECODER, text, path)
    except InputError:
        return None  # told better from the whole text


def _without_image(file: FileIO) -> tuple[bytes, slice | None]:
    """The text with _CUT in place of the value of the first "imageData", and where that value lies; None if
    there is no such value, or it contains escapes.

    The first "imageData" may be the name of a flag, or part of a string. The caller notices, as the decoded
    document's `imageData` is then not _CUT.
    """
    head = file.read(_CHUNK)
    at = head.find(_KEY)
    opening = _OPENING.match(head, at + len(_KEY)) if at > 0 else None
    if opening:
        start = offset = opening.end()
        chunk = head[start:]
        while chunk:
            quote = chunk.find(b'"')
            if chunk.find(_BACKSLASH, 0, quote if quote >= 0 else None) >= 0:
                break
            if quote >= 0:
                tail = chunk[quote + 1 :] + file.readall()
                return b"%b%d%b" % (head[: start - 1], _CUT, tail), slice(start, offset + quote)
            offset += len(chunk)
            chunk = file.read(_CHUNK)
    return b"", None


def _embedded(path: Path, document: LabelFile, place: slice | None) -> bytes | None:
    """The base64 text of the embedded image."""
    if place is None:
        return document.imageData.encode() if isinstance(document.imageData, str) else None
    with open_file(path) as file:
        file.seek(place.start)
        return file.read(place.stop - place.start)


def read(source: Source, *, mapping: Path | None = None) -> Iterator[Part]:
    """The hands of all Labelme files below `source.root`.

    Labels that are neither ours nor in the mapping are dropped, and counted with the most similar name; so
    are shapes that are not points, counted by their type. If the image of a file is missing, the one embedded
    in it is written to `source.extract`.

    Parameters
    ----------
    mapping: a YAML file that maps the source's labels to ours (`converters.parts.label_mapping`).

    Raises
    ------
    InputError: the mapping file is wrong, or none of the files is Labelme's.
    """
    theirs = Mapping.load(mapping) if mapping else Mapping()
    root = root_of(source)
    finder = ImageFinder((root,), further=source.images)
    reader = _Reader(root, source.places, finder, theirs, source.extract)
    tally = Part()
    found = files_of(source, ".json", tally)
    reader.require_one(found)
    yield tally  # the mapping is right; from here on images may be written
    for start in range(0, len(found), _FILES):
        yield reader.part(found[start : start + _FILES])


@dataclass(slots=True)
class _Reader:
    root: Path
    places: Places
    finder: ImageFinder
    mapping: Mapping
    extract: Path | None

    def require_one(self, paths: list[Path]) -> None:
        """Raise InputError where all of the files are JSON, and none is Labelme's."""
        first: NotLabelme | None = None
        for path in paths:
            try:
                parse(path, self.places)
                return
            except NotLabelme as error:
                first = first or error
            except InputError:
                return
        found = f"not a Labelme file: {first.reason}" if first else "no .json file"
        found += and_others(len(paths) - 1)
        where = Path(first.where) if first else None
        raise refusal(self.root, found, allowed="Labelme's JSON files", own=NAME, where=where)

    def part(self, paths: list[Path]) -> Part:
        samples: list[Sample] = []
        dropped, notes = Counter[str](), Counter[str]()
        quarantine: list[tuple[str, str]] = []
        for path in paths:
            key = path.relative_to(self.root).as_posix()
            try:
                document, place = parse(path, self.places)
                hands = _Hands(path, self.mapping, document)
                found = list(hands.samples(escaped(key.removesuffix(".json"))))
                if found:
                    image = self._image(path, document, place, notes)
                    for sample in found:
                        sample.image = image
            except InputError as error:
                quarantine.append((key, error.reason))
                continue
            samples += found
            dropped.update(hands.dropped)
            notes.update(hands.ignored)
            if not document.shapes:
                notes["files without shapes"] += 1
            elif not found:
                notes["files without a keypoint"] += 1
        return Part(to_batch(samples), dropped, quarantine, notes)

    def _image(self, path: Path, document: LabelFile, place: slice | None, notes: Counter[str]) -> str:
        try:
            if not document.imagePath:
                raise InputError(path, "names no image", field="imagePath")
            name, beside = document.imagePath, path.parent
            return locate(self.finder, notes, name, beside=beside, where=path, key="imagePath")
        except InputError:
            embedded = _embedded(path, document, place)
            if not embedded or self.extract is None:
                raise
        notes["images taken from imageData"] += 1
        key = path.relative_to(self.root).as_posix()
        return str(_extract(embedded, path, self.extract / file_stem(key)))


def _extract(embedded: bytes, path: Path, target: Path) -> Path:
    """Write an embedded image, once it is known to be one. Raises InputError."""
    try:
        data = base64.b64decode(embedded, validate=True)
    except binascii.Error as error:
        raise InputError(path, f"not base64 ({error})", field="imageData") from None
    suffix = ".jpg" if data.startswith(b"\xff\xd8") else ".png" if data.startswith(b"\x89PNG") else None
    if suffix is None:
        raise InputError(path, "neither JPEG nor PNG", field="imageData")
    target = target.with_name(target.name + suffix)
    if not (target.exists() and target.stat().st_size == len(data)):
        files.write(target, data)
    return target


@dataclass(slots=True)
class _Point:
    keypoint: int
    x: float
    y: float
    visibility: int
    side: str | None
    prefixed: bool  # the side stands in the label, so that it tells hands apart
    group: int | str | None


@dataclass(slots=True)
class _Hands:
    """The hands of one file, and counts of everything else in it."""

    path: Path
    mapping: Mapping
    document: LabelFile
    dropped: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    both_sides: set[int | str | None] = field(
        default_factory=set
    )  # groups with a point flagged left and right

    def samples(self, key: str) -> Iterator[Sample]:
        shapes = list(self._shapes())
        points = [p for s in shapes if s.shape_type != _BOX and (p := self._point(s)) is not None]
        groups = self._groups(points)
        if self.both_sides:
            self.ignored[TWO_SIDES] += len(self.both_sides)
        boxes = self._boxes([s for s in shapes if s.shape_type == _BOX], groups.keys())
        flags = {name: value for name, value in _flags(self.document.flags).items() if value}
        for group, members in sorted(groups.items(), key=lambda entry: str(entry[0])):
            xy, seen = self._slots(members)
            yield Sample(
                f"{NAME}/{key}" + ("" if group is None else f"#{group}"),
                NAME,
                "",
                width=pixels(self.document.imageWidth, self.path, "imageWidth"),
                height=pixels(self.document.imageHeight, self.path, "imageHeight"),
                side=self._side(members)
                or (group in boxes and labels.said(boxes[group].name).side)
                or labels.agreed(_flagged_sides(flags))
                or self.mapping.side,
                bbox=_extent(boxes[group]) if group in boxes else None,
                keypoints=xy,
                visibility=seen,
                label_source="manual",
                attrs={"flags": flags} if flags else {},
            )

    def _shapes(self) -> Iterator[Shape]:
        """The shapes that can be decoded; others are counted."""
        for raw in self.document.shapes or []:
            try:
                yield _SHAPE.decode(raw)
            except msgspec.ValidationError as error:
                reason = json_files.invalid(self.path, error).reason
                leave_out(self.dropped, "shape of another form:", reason)
            except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
                json_files.decode(_SHAPE, bytes(raw), self.path)  # tells what is wrong with the file's text

    def _point(self, shape: Shape) -> _Point | None:
        if not (shape.shape_type == "point" or (shape.shape_type is None and len(shape.points) == 1)):
            leave_out(self.dropped, "shape_type", brief(shape.shape_type or "missing"))
            return None
        name = shape.name
        if self.mapping.ignores(name):
            leave_out(self.ignored, IGNORED_LABEL, quoted(name))
            return None
        label = self.mapping.parse(name) if len(name) <= _LONGEST else labels.Label(None)
        if label.keypoint is None:
            leave_out(self.dropped, UNKNOWN_LABEL, quoted(name), hint=True)
            return None
        flaw = _place_flaw(shape.points)
        if flaw:
            self.dropped[flaw] += 1
            return None
        (x, y) = cast(list[float], shape.points[0])
        told = labels.said(_remark(shape.description), self.mapping.hidden)
        flags = {" ".join(labels.words(name)): value for name, value in _flags(shape.flags).items()}
        flags |= {"occluded": True} if shape.difficult else {}
        seen = self._visibility(label.visibility, told.visibility, flags)
        if seen == kp.UNLABELLED:
            self.dropped["point marked v=0"] += 1
            return None
        flagged = _flagged_sides(flags)
        if len(flagged) > 1:
            self.both_sides.add(shape.group)
        side = label.side or told.side or labels.agreed(flagged)
        return _Point(label.keypoint, x, y, seen, side, label.side is not None, shape.group)

    def _visibility(self, label: int | None, told: int | None, flags: dict[str, Any]) -> int:
        marked = any(value and name in self.mapping.hidden for name, value in flags.items())
        if told == kp.UNLABELLED:
            return kp.UNLABELLED
        if marked or flags.get("visible", True) in (False, 0) or kp.HIDDEN in (label, told):
            return kp.HIDDEN
        return kp.VISIBLE

    def _groups(self, points: list[_Point]) -> dict[int | str | None, list[_Point]]:
        """Points by hand: by group_id, else by the side in the label where both sides occur."""
        loose = [p for p in points if p.group is None]
        both = len({p.side for p in loose if p.prefixed}) == 2
        groups: dict[int | str | None, list[_Point]] = defaultdict(list)
        for point in points:
            if both and point.group is None and point.side is None:
                found = f"{kp.NAMES[point.keypoint]} without a side, among points of both hands"
                raise InputError(self.path, found, field="shapes", remedy="give each hand a group_id")
            groups[point.side if both and point.group is None else point.group].append(point)
        return groups

    def _boxes(self, shapes: list[Shape], hands: Set[int | str | None]) -> dict[int | str | None, Shape]:
        """The rectangle of each hand: one of its group; in a file with one hand, one with a hand's label."""
        boxes: dict[int | str | None, Shape] = {}
        for shape in shapes:
            group = shape.group
            called = group is not None or not _HANDS.isdisjoint(labels.words(shape.name))
            if group in hands and group not in boxes and called and _is_box(shape):
                boxes[group] = shape
            else:
                leave_out(self.dropped, "shape_type", _BOX)
        return boxes

    def _slots(self, members: list[_Point]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        xy, seen = np.full((kp.COUNT, 2), np.nan, np.float32), np.zeros(kp.COUNT, np.uint8)
        for p in members:
            if seen[p.keypoint]:
                found = f"{kp.NAMES[p.keypoint]} occurs twice in one hand"
                raise InputError(
                    self.path, found, field="shapes", remedy="give each hand a group_id of its own"
                )
            xy[p.keypoint], seen[p.keypoint] = (p.x, p.y), p.visibility
        return xy, seen

    def _side(self, members: list[_Point]) -> str | None:
        sides = {p.side for p in members if p.side}
        if len(sides) > 1:
            remedy = "give each hand a group_id of its own"
            raise InputError(
                self.path, "one hand is called both left and right", field="shapes", remedy=remedy
            )
        return sides.pop() if sides else None


def _remark(description: Any) -> str:
    lines = description.splitlines() if isinstance(description, str) else []
    return "\n".join(line for line in lines if not line.startswith(_FOUND))


def _place_flaw(points: list[list[float | None]]) -> str:
    """Why the points of a point shape are not one place in the image; empty if they are."""
    if len(points) != 1 or len(points[0]) != 2:
        found = counted(len(points), "point") if len(points) != 1 else counted(len(points[0]), "number")
        return f"point shape with {found}; allowed: one [x, y]"
    x, y = points[0]
    if x is None or y is None or math.isnan(x) or math.isnan(y):
        return "point without a place (NaN or null)"
    return "" if max(abs(x), abs(y)) < FARTHEST else "point far beyond its image; allowed: pixels"


def _flags(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def _extent(box: Shape) -> np.ndarray[Any, Any]:
    """(4,) x, y, width, height of a rectangle, whichever corners are given."""
    corners = np.array(box.points, np.float32)
    return np.concatenate([corners.min(0), np.ptp(corners, axis=0)])


def _is_box(shape: Shape) -> bool:
    places = [value for point in shape.points for value in point]
    return (
        len(shape.points) in (2, 4)
        and all(len(point) == 2 for point in shape.points)
        and all(value is not None and abs(value) < FARTHEST for value in places)
        and bool((_extent(shape)[2:] > 0).all())
    )


def _flagged_sides(flags: dict[str, Any]) -> set[kp.Side]:
    said = (labels.said(name).side for name, value in flags.items() if value in (True, 1))
    return {side for side in said if side}


_HELD = frozenset({"side", "keypoints", "label_source"})


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write one Labelme file for each image, beside a copy of the image.

    Hands that share an image get a group_id each (1, 2, ...). A hidden point has the flag `occluded`; a point
    of a hand of known side has the flag `left` or `right`; unlabelled points have no shape. QA's findings, in
    `attrs["findings"]` when `curate review open-labelme` writes, describe a hand's first point.

    Returns
    -------
    How many values of each field the format could not hold, and what was left out.
    """
    lost = count_lost(dataset, _HELD)
    for sample in dataset:
        lost["label_source"] += sample.label_source != "manual"
    hands, counts = put_hands(dataset, out, engine)
    encoder = msgspec.json.Encoder()
    for image, samples in hands.items():
        data = encoder.encode(_document(image, samples))
        files.write(image.with_suffix(".json"), msgspec.json.format(data, indent=2))
    return lost + counts


def _document(image: Path, samples: list[Sample]) -> dict[str, Any]:
    info = images.probe(image)
    shapes = []
    for number, sample in enumerate(samples, start=1):
        side = {sample.side: True} if sample.side else {}
        points = short(sample.keypoints).tolist()
        found = "\n".join(_FOUND + " ".join(str(line).split()) for line in sample.attrs.get(FINDINGS, []))
        for i in np.flatnonzero(sample.visibility):
            hidden = {"occluded": True} if sample.visibility[i] == kp.HIDDEN else {}
            shapes.append(
                {
                    "label": kp.NAMES[i],
                    "points": [points[i]],
                    "group_id": number if len(samples) > 1 else None,
                    "description": found,
                    "shape_type": "point",
                    "flags": {**side, **hidden},
                    "mask": None,
                }
            )
            found = ""
    return {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image.name,
        "imageData": None,
        "imageHeight": info.height,
        "imageWidth": info.width,
    }
