"""Labelme JSON: one file an image, one point shape a keypoint (github.com/wkentaro/labelme, _label_file.py).

Coordinates are those of the image as Labelme shows it (EXIF applied), with the origin at its corner, as ours.
The points of one hand share a `group_id`; without one, a file holds one hand, or a left and a right one told
apart by their labels. Labelme has no visibility: a word in the label, in the shape's flags or in its
description tells it (`converters.parts.labels`), and a point of which nothing is said is visible.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import numpy as np

from converters.parts import json_files, labels
from converters.parts.exported_images import put
from converters.parts.label_mapping import Mapping
from converters.parts.lost_fields import count_lost
from converters.parts.short_numbers import short
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.paths import Places, open_file
from curate.data.dataset import Dataset
from curate.data.part import LEFT_OUT, Part
from curate.data.sample import Sample, file_stem, to_batch
from curate.data.source import BY_NAME, ImageFinder, Source, texts_below

NAME = "labelme"
_VERSION = "5.5.0"  # of the file format written: the one with `description` and `mask` in each shape
_FILES = 256  # a batch
_KEY = b'"imageData"'
_OPENING = re.compile(rb'\s*:\s*"')
_BACKSLASH = ord("\\")
_CHUNK = 1 << 17
_NAMED = 100  # labels of a file that are counted by name
_LONGEST = 200  # characters of a label
_MAX_BYTES = 1_000_000_000  # of a file; its embedded image has half a gigabyte at most
_CUT = 0  # stands in the text for the embedded image that was cut out of it


_Pixels = Annotated[int, msgspec.Meta(lt=1 << 31)]


class Shape(msgspec.Struct):
    """One shape; a file of an old Labelme lacks all but `label` and `points`."""

    points: list[list[float]]
    label: str = ""
    group_id: int | str | None = None
    shape_type: str | None = None
    description: str | None = None
    flags: dict[str, Any] | None = None


class LabelFile(msgspec.Struct):
    """What is read of a Labelme file. `imageData` is _CUT where `parse` left it out."""

    shapes: list[Shape]
    imagePath: str | None = None
    imageData: str | int | None = None
    imageHeight: _Pixels | None = None
    imageWidth: _Pixels | None = None
    flags: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(LabelFile)


def parse(path: Path, places: Places | None = None) -> tuple[LabelFile, slice | None]:
    """The content of a Labelme file, and where in the file the base64 text of its embedded image lies.

    That text is mostly 99 % of the file, so it is not decoded with the rest: its closing quote is searched
    for. Where that may go wrong, the text is left in `imageData`, and the place is None.

    Parameters
    ----------
    places: where it may lie; default: anywhere.

    Raises
    ------
    UnsafeInput: it lies elsewhere. InputError: no JSON, or not Labelme's.
    """
    with json_files.open_checked(path, places or Places([path]), _MAX_BYTES) as opened:
        file = cast(FileIO, opened.raw)  # to read what is passed over in large pieces
        text, place = _without_image(file)
        document = _decode(text, path) if place is not None else None
        if document is None or document.imageData != _CUT:  # the key of some flag, or a flaw to be told
            file.seek(0)
            document, place = json_files.decode(_DECODER, file.readall(), path), None
    if place is None and isinstance(document.imageData, int):
        raise InputError(path, "a number", field="imageData", allowed="base64 text or null")
    return document, place


def _decode(text: bytes, path: Path) -> LabelFile | None:
    try:
        return json_files.decode(_DECODER, text, path)
    except InputError:
        return None  # told better from the whole text


def _without_image(file: FileIO) -> tuple[bytes, slice | None]:
    """The text with _CUT in place of the value of the first "imageData", and where that value lies; None
    where there is no such value, or it is written with escapes.

    The first "imageData" may be the name of a flag, or part of a string. Then _CUT does not end up in the
    document's `imageData`, as the caller sees.
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

    Dropped are labels that are none of ours and not in the mapping, counted with the name most like them; and
    shapes that are no points, counted by their type. Where the image of a file is missing, the one embedded
    in it is written to `source.extract`.

    Parameters
    ----------
    mapping: a YAML file that maps the source's labels to ours (`converters.parts.label_mapping`).

    Raises
    ------
    InputError: the mapping file is wrong, or there is no JSON file.
    """
    theirs = Mapping.load(mapping) if mapping else Mapping()
    single = source.root.is_file()
    root = source.root.parent if single else source.root
    finder = ImageFinder((root,), further=source.images)
    reader = _Reader(root, source.places, finder, theirs, source.extract)
    counted = Part(to_batch([]))
    found = [source.root] if single else list(texts_below(root, counted))
    found = [path for path in found if single or path.suffix.lower() == ".json"]
    if not found:
        raise InputError(root, "no .json file", allowed="Labelme files, in it or in folders below")
    yield counted  # the mapping is right; from here on images may be written
    for start in range(0, len(found), _FILES):
        yield reader.part(found[start : start + _FILES])


@dataclass(slots=True)
class _Reader:
    root: Path
    places: Places
    finder: ImageFinder
    mapping: Mapping
    extract: Path | None

    def part(self, paths: list[Path]) -> Part:
        samples: list[Sample] = []
        dropped, notes = Counter[str](), Counter[str]()
        quarantine: list[tuple[str, str]] = []
        for path in paths:
            key = path.relative_to(self.root).as_posix()
            try:
                document, place = parse(path, self.places)
                hands = _Hands(path, self.mapping, document)
                found = list(hands.samples(_escaped(key.removesuffix(".json"))))
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
                raise InputError(path, "no image is named", field="imagePath")
            image, by_name = self.finder.locate(
                document.imagePath, beside=path.parent, where=path, key="imagePath"
            )
        except InputError:
            embedded = _embedded(path, document, place)
            if not embedded or self.extract is None:
                raise
        else:
            if by_name:
                notes[BY_NAME] += 1
            return image
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
    """The hands of one file, and counts of what is no part of them."""

    path: Path
    mapping: Mapping
    document: LabelFile
    dropped: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)

    def samples(self, key: str) -> Iterator[Sample]:
        points = [p for i, s in enumerate(self.document.shapes) if (p := self._point(i, s)) is not None]
        flags = {name: value for name, value in (self.document.flags or {}).items() if value}
        width, height = self.document.imageWidth, self.document.imageHeight
        for group, members in sorted(self._groups(points).items(), key=lambda entry: str(entry[0])):
            xy, seen = self._slots(members)
            yield Sample(
                f"{NAME}/{key}" + ("" if group is None else f"#{group}"),
                NAME,
                "",
                width=width if width and width > 0 else None,
                height=height if height and height > 0 else None,
                side=self._side(members) or _flagged_side(flags) or self.mapping.side,
                keypoints=xy,
                visibility=seen,
                label_source="manual",
                attrs={"flags": flags} if flags else {},
            )

    def _leave_out(self, counts: Counter[str], what: str, name: str, *, hint: bool = False) -> None:
        """Count a shape by its name; of a file with very many names, what comes later is counted together."""
        if len(counts) >= _NAMED:
            counts[f"{what}, of a file with very many"] += 1
            return
        like = labels.nearest(name) if hint else None
        counts[f"{what} {name}" + (f" (did you mean {like}?)" if like else "")] += 1

    def _point(self, index: int, shape: Shape) -> _Point | None:
        if not (shape.shape_type == "point" or (shape.shape_type is None and len(shape.points) == 1)):
            self._leave_out(self.dropped, "shape_type", _short(shape.shape_type or "missing"))
            return None
        if self.mapping.ignores(shape.label):
            self._leave_out(self.ignored, "ignored label", repr(_short(shape.label)))
            return None
        label = self.mapping.parse(shape.label) if len(shape.label) <= _LONGEST else labels.Label(None)
        if label.keypoint is None:
            self._leave_out(self.dropped, "unknown label", repr(_short(shape.label)), hint=True)
            return None
        at = f"shapes[{index}].points"
        if len(shape.points) != 1 or len(shape.points[0]) != 2:
            found = (
                f"{len(shape.points)} points" if len(shape.points) != 1 else f"{len(shape.points[0])} numbers"
            )
            raise InputError(self.path, found, field=at, allowed="one [x, y] in a point shape")
        x, y = shape.points[0]
        if not (math.isfinite(x) and math.isfinite(y) and max(abs(x), abs(y)) < 1e7):
            raise InputError(self.path, f"[{x}, {y}]", field=at, allowed="pixels")
        told = labels.said(shape.description or "", self.mapping.hidden)
        flags = {" ".join(labels.words(name)): value for name, value in (shape.flags or {}).items()}
        seen = self._visibility(label.visibility, told.visibility, flags)
        if seen == kp.UNLABELLED:
            self.dropped["point marked v=0"] += 1
            return None
        side = label.side or told.side or _flagged_side(flags)
        return _Point(label.keypoint, x, y, seen, side, label.side is not None, shape.group_id)

    def _visibility(self, label: int | None, told: int | None, flags: dict[str, Any]) -> int:
        marked = any(value and name in self.mapping.hidden for name, value in flags.items())
        if told == kp.UNLABELLED:
            return kp.UNLABELLED
        if marked or flags.get("visible") is False or kp.HIDDEN in (label, told):
            return kp.HIDDEN
        return kp.VISIBLE

    def _groups(self, points: list[_Point]) -> dict[int | str | None, list[_Point]]:
        """Points by hand: by group_id, else by the side in the label where both sides occur."""
        loose = [p for p in points if p.group is None]
        both = len({p.side for p in loose if p.prefixed}) == 2
        groups: dict[int | str | None, list[_Point]] = defaultdict(list)
        for point in points:
            if both and point.group is None and point.side is None:
                found = f"{kp.NAMES[point.keypoint]} without a side beside points of both hands"
                raise InputError(self.path, found, field="shapes", remedy="give each hand a group_id")
            groups[point.side if both and point.group is None else point.group].append(point)
        return groups

    def _slots(self, members: list[_Point]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        xy, seen = np.full((kp.COUNT, 2), np.nan, np.float32), np.zeros(kp.COUNT, np.uint8)
        for p in members:
            if seen[p.keypoint]:
                found = f"{kp.NAMES[p.keypoint]} stands twice in one hand"
                raise InputError(
                    self.path, found, field="shapes", remedy="give each hand a group_id of its own"
                )
            xy[p.keypoint], seen[p.keypoint] = (p.x, p.y), p.visibility
        return xy, seen

    def _side(self, members: list[_Point]) -> str | None:
        sides = {p.side for p in members if p.side}
        if len(sides) > 1:
            remedy = "give each hand a group_id of its own"
            raise InputError(self.path, "one hand is called left and right", field="shapes", remedy=remedy)
        return sides.pop() if sides else None


def _escaped(key: str) -> str:
    """The key of a file, in which no # is left: behind one stands which hand of the file it is."""
    return key.replace("%", "%25").replace("#", "%23")


def _flagged_side(flags: dict[str, Any]) -> str | None:
    sides = {labels.said(name).side for name, value in flags.items() if value is True} - {None}
    return sides.pop() if len(sides) == 1 else None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


_HELD = frozenset({"side", "keypoints", "label_source"})


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write one Labelme file an image, beside a copy of the image.

    Hands that share an image get a group_id each (1, 2, ...). A hidden point has the flag `occluded`, a
    point of a known hand the flag `left` or `right`; unlabelled points have no shape.

    Returns
    -------
    How many values of each field the format could not hold, and images that were left out.
    """
    lost = count_lost(dataset, _HELD)
    hands: dict[str, list[Sample]] = defaultdict(list)
    for sample in dataset:
        hands[sample.image].append(sample)
        lost["label_source"] += sample.label_source not in (None, "manual")
        lost["hand without a labelled keypoint"] += not sample.visibility.any()
    placed, counts = put(dataset, hands, out, engine)
    encoder = msgspec.json.Encoder()
    for ref, samples in sorted(hands.items()):
        if ref in placed:
            image = placed[ref]
            data = encoder.encode(_document(image, samples))
            files.write(image.with_suffix(".json"), msgspec.json.format(data, indent=2))
        else:
            counts[LEFT_OUT + "sample without an image"] += len(samples)
    return lost + counts


def _document(image: Path, samples: list[Sample]) -> dict[str, Any]:
    info = images.probe(image)
    shapes = []
    for number, sample in enumerate(samples, start=1):
        side = {sample.side: True} if sample.side else {}
        points = short(sample.keypoints).tolist()
        for i in np.flatnonzero(sample.visibility):
            hidden = {"occluded": True} if sample.visibility[i] == kp.HIDDEN else {}
            shapes.append(
                {
                    "label": kp.NAMES[i],
                    "points": [points[i]],
                    "group_id": number if len(samples) > 1 else None,
                    "description": "",
                    "shape_type": "point",
                    "flags": {**side, **hidden},
                    "mask": None,
                }
            )
    return {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image.name,
        "imageData": None,
        "imageHeight": info.height,
        "imageWidth": info.width,
    }
