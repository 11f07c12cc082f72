"""InterHand2.6M (Moon et al. 2020): photographs of one or two hands from many cameras, with 3D joints.

    annotations/{train,val,test}/InterHand2.6M_{train,val,test}_{data,camera,joint_3d}.json
    images/{train,val,test}/Capture0/0390_dh_touchROM/cam400262/image69148.jpg

data.json lists images (capture, sequence, camera, frame) and annotations, as COCO does; camera.json holds,
by capture and camera, the place (mm) and turn of each camera, its focal lengths and its principal point;
joint_3d.json, by capture and frame, 42 joints in world coordinates (mm). In the camera's frame, a joint X is
at turn (X - place). Rows 0..20 are the right hand, 21..41 the left one: each finger from its tip to the palm,
and the wrist last. The place of a joint that is not valid is meaningless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from converters.parts import json_files
from converters.parts.cameras import intrinsics, project
from converters.parts.gathered import IMPOSSIBLE_BOX, NOT_TOLD, from_tables, gathered, narrow, seen, shaped
from converters.parts.known_formats import refusal
from converters.parts.pictures import NO_ANNOTATION, look_up
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import TWO_SIDES, ImageFinder, Source, texts_below

T = TypeVar("T")

NAME = "interhand"
LICENCE = "CC BY-NC 4.0 (InterHand2.6M)"
SIDES = ("right", "left")  # rows 0..20 and 21..41
# ORDER[i] is the row, among a hand's 21, of our keypoint i.
ORDER = np.array([20, *(4 * finger + 3 - joint for finger in range(5) for joint in range(4))])
_MILLIMETRES = 1000.0
_UNTURNED = 1e-3  # by how much a rotation times its transpose may differ from 1: it is told in few digits
_DATA = re.compile(r"InterHand2\.6M_(train|val|test)_data\.json", re.IGNORECASE)
_LABELLED_BY = {"human_annot": "manual", "machine_annot": "auto:interhand"}

Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]


class Image(msgspec.Struct, gc=False):
    """An entry of `images`."""

    id: int
    file_name: str
    width: Number
    height: Number
    capture: Number
    seq_name: str
    camera: str
    frame_idx: Number
    subject: int | str | None = None


class Annotation(msgspec.Struct, gc=False):
    """An entry of `annotations`."""

    id: int
    image_id: int
    joint_valid: list[list[float] | float]
    bbox: list[float] | None = None
    hand_type: str | None = None


class Data(msgspec.Struct):
    """What is read of data.json."""

    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw]


class Cameras(msgspec.Struct):
    """The cameras of a capture, each by its name."""

    campos: dict[str, msgspec.Raw]
    camrot: dict[str, msgspec.Raw]
    focal: dict[str, msgspec.Raw]
    princpt: dict[str, msgspec.Raw]


class Joints(msgspec.Struct, gc=False):
    """The joints of a frame."""

    world_coord: list[list[float]]


class _Camera(NamedTuple):
    place: NDArray[np.float64]
    turn: NDArray[np.float64]
    K: NDArray[np.float64]


class _OfMany(Exception):
    """A flaw that spoils many images: in a camera, or in an entry for a capture.

    entry: the flawed entry. why: it cannot be used.
    """

    def __init__(self, entry: str, why: str) -> None:
        super().__init__(entry, why)
        self.entry, self.why = entry, why


class _Split(NamedTuple):
    name: str
    data: Path

    def beside(self, kind: str) -> Path:
        """The file of another kind beside data.json."""
        return self.data.with_name(self.data.name.replace("_data.", f"_{kind}."))


_IMAGE = msgspec.json.Decoder(Image)
_ANNOTATION = msgspec.json.Decoder(Annotation)
_JOINTS = msgspec.json.Decoder(Joints)
_WHOLE = msgspec.json.Decoder(Data)
_CAPTURES = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CAMERAS = msgspec.json.Decoder(Cameras)
_FRAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NUMBERS = msgspec.json.Decoder(list[float])
_MATRIX = msgspec.json.Decoder(list[list[float]])


def read(source: Source) -> Iterator[Part]:
    """Yield up to two samples for each image: the hands that have a valid joint.

    Raises
    ------
    InputError: no such folder, no data.json, several of one split, or none that can be used.
    """
    tally = Part()
    splits = _splits(source, tally)
    finder = _finder(source, splits)
    hands = from_tables(splits, lambda s: _hands(s, source, finder, tally), source, tally)
    yield from gathered(hands, tally, note=NOT_TOLD)


def _splits(source: Source, tally: Part) -> list[_Split]:
    found: dict[str, list[Path]] = {}
    for path in texts_below(source.folder, tally):
        if match := _DATA.fullmatch(path.name):
            found.setdefault(match[1].lower(), []).append(path)
    if not found:
        allowed = "annotations/ with files such as InterHand2.6M_train_data.json, and images/"
        raise refusal(source.root, "no InterHand2.6M_*_data.json", allowed=allowed, own=NAME)
    chosen = []
    for split, paths in sorted(found.items()):
        whole = [path for path in paths if path.parent.name == "all"] or paths
        if len(whole) > 1:
            names = ", ".join(path.parent.name for path in whole)
            remedy = "give one of these folders, and the images with --images"
            raise InputError(source.root, f"{split} is annotated in {names}", allowed="once", remedy=remedy)
        chosen.append(_Split(split, whole[0]))
    return chosen


def _finder(source: Source, splits: list[_Split]) -> ImageFinder:
    pictures = source.folder / "images"
    inner = tuple(filter(Path.is_dir, (pictures / split.name for split in splits)))
    return ImageFinder((source.folder, *filter(Path.is_dir, [pictures])), inner, source.images)


def _hands(split: _Split, source: Source, finder: ImageFinder, tally: Part) -> Iterator[Sample]:
    data = json_files.load(_WHOLE, split.data, source.places)
    scene = _Scene.of(split, source)
    known = _images(split, data, tally)
    done = set[int]()
    for number, raw in enumerate(data.annotations):
        with tally.quarantining(f"{split.data.name} annotations[{number}]"):
            annotation = json_files.entry(_ANNOTATION, raw, split.data, "")
            entry = known.get(annotation.image_id)
            if entry is None or entry.id in done:
                found = "no such image" if entry is None else "an earlier annotation is of this image"
                raise InputError(split.data, found, field="image_id")
            done.add(entry.id)
            key = f"image {entry.id}"
            if image := look_up(finder, tally, entry.file_name, where=split.data, key=key, split=split.name):
                try:
                    yield from _of_image(scene, entry, annotation, image, tally)
                except _OfMany as flaw:
                    tally.spoilt[flaw.entry] = flaw.why
                    tally.dropped["image whose camera or capture cannot be used"] += 1
    tally.absent[NO_ANNOTATION] += len(known.keys() - done)


def _images(split: _Split, data: Data, tally: Part) -> dict[int, Image]:
    """The images by their ids."""
    known: dict[int, Image] = {}
    for number, raw in enumerate(data.images):
        with tally.quarantining(split.data.name):
            entry = json_files.entry(_IMAGE, raw, split.data, f"images[{number}]")
            if known.setdefault(entry.id, entry) is not entry:
                raise InputError(split.data, "an earlier image has this id", field=f"images[{number}]")
    return known


@dataclass(slots=True)
class _Captures(Generic[T]):
    """The entries of a file for each capture, decoded on first use: a flaw in one spoils only that one."""

    path: Path
    decoder: msgspec.json.Decoder[T]
    raw: dict[str, msgspec.Raw]
    _known: dict[str, T | _OfMany | None] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, decoder: msgspec.json.Decoder[T], source: Source) -> _Captures[T]:
        """Read a file. Raises InputError if it is not a table of captures."""
        return cls(path, decoder, json_files.load(_CAPTURES, path, source.places))

    def of_image(self, entry: Image) -> T | None:
        """The entry for an image; None if there is no such capture. Raises _OfMany if it is flawed."""
        name = str(entry.capture)
        if name not in self._known:
            self._known[name] = self._decoded(name) if name in self.raw else None
        known = self._known[name]
        if isinstance(known, _OfMany):
            raise known.with_traceback(None)
        return known

    def _decoded(self, name: str) -> T | _OfMany:
        try:
            return json_files.entry(self.decoder, self.raw[name], self.path, "")
        except InputError as error:
            return _OfMany(f"{self.path.name} {name}", error.reason)


class _Scene(NamedTuple):
    """Cameras and joints of a split. known: the cameras that were asked for, by capture and name."""

    split: _Split
    cameras: _Captures[Cameras]
    frames: _Captures[dict[str, msgspec.Raw]]
    known: dict[tuple[str, str], _Camera | _OfMany]

    @classmethod
    def of(cls, split: _Split, source: Source) -> _Scene:
        """Read the files beside data.json. Raises InputError if they do not hold cameras and joints."""
        return cls(
            split,
            _Captures.of(split.beside("camera"), _CAMERAS, source),
            _Captures.of(split.beside("joint_3d"), _FRAMES, source),
            {},
        )

    def camera(self, entry: Image) -> _Camera:
        """The camera of an image. Raises _OfMany if there is none, or if it is impossible."""
        key = str(entry.capture), entry.camera
        if key not in self.known:  # each takes pictures by the thousand
            capture = self.cameras.of_image(entry)
            try:
                self.known[key] = _camera(capture, entry.camera, self.cameras.path)
            except InputError as error:
                self.known[key] = _OfMany(f"{self.cameras.path.name} {'.'.join(key)}", error.reason)
        known = self.known[key]
        if isinstance(known, _OfMany):
            raise known.with_traceback(None)
        return known

    def joints(self, entry: Image) -> NDArray[np.float64]:
        """The joints (2, 21, 3) of an image's frame in the world, mm, in our order, the right hand first.

        Raises InputError if there are none; _OfMany if those of the whole capture are flawed.
        """
        path = self.frames.path
        field = f"{path.name} {entry.capture}.{entry.frame_idx}"
        raw = (self.frames.of_image(entry) or {}).get(str(entry.frame_idx))
        if raw is None:
            raise InputError(path, "no such frame", field=field)
        places = json_files.entry(_JOINTS, raw, path, field).world_coord
        world = shaped(places, (2 * kp.COUNT, 3), path, f"{field} world_coord")
        return world.reshape(2, kp.COUNT, 3)[:, ORDER]

    @property
    def labelled_by(self) -> str | None:
        """Who set the joints, as the folder of the annotations says."""
        folders = [folder.name for folder in list(self.split.data.parents)[:2]]
        return next((_LABELLED_BY[name] for name in folders if name in _LABELLED_BY), None)


def _camera(capture: Cameras | None, name: str, path: Path) -> _Camera:
    """A camera of a capture. Raises InputError if there is none, or if it is impossible."""
    if capture is None or any(
        name not in table for table in (capture.campos, capture.camrot, capture.focal, capture.princpt)
    ):
        raise InputError(path, "no such camera")

    def told(kind: str, raw: msgspec.Raw, *shape: int) -> NDArray[np.float64]:
        decoder: msgspec.json.Decoder[Any] = _NUMBERS if len(shape) == 1 else _MATRIX
        return shaped(json_files.entry(decoder, raw, path, kind), shape, path, kind)

    place, turn = told("campos", capture.campos[name], 3), told("camrot", capture.camrot[name], 3, 3)
    focal, centre = told("focal", capture.focal[name], 2), told("princpt", capture.princpt[name], 2)
    if not (np.allclose(turn @ turn.T, np.eye(3), atol=_UNTURNED) and np.linalg.det(turn) > 0):
        allowed = "a rotation: three rows of length 1 at right angles, no mirror"
        raise InputError(path, "no rotation", field="camrot", allowed=allowed)
    return _Camera(place, turn, intrinsics(*focal, *centre))


def _of_image(
    scene: _Scene, entry: Image, annotation: Annotation, image: str, tally: Part
) -> Iterator[Sample]:
    valid = _valid(annotation, scene.split.data)
    camera, world = scene.camera(entry), scene.joints(entry)
    there = np.flatnonzero(valid.any(axis=1)).tolist()
    tally.notes[IMPOSSIBLE_BOX] += bool(annotation.bbox and any(annotation.bbox) and _box(annotation) is None)
    tally.absent["hand without a valid joint"] += len(SIDES) - len(there)
    for row in there:
        xyz = (world[row] - camera.place) @ camera.turn.T / _MILLIMETRES
        xyz[~valid[row]] = np.nan
        points = narrow(project(xyz, camera.K))
        side, split = SIDES[row], scene.split.name
        contradicted = annotation.hand_type in SIDES and annotation.hand_type != side
        tally.notes[TWO_SIDES] += contradicted
        yield Sample(
            f"{NAME}/{split}/{entry.id}/{side}",
            NAME,
            image,
            width=entry.width,
            height=entry.height,
            side=None if contradicted else side,
            subject_id=None if entry.subject is None else f"{NAME}/{split}/{entry.subject}",
            keypoints=points,
            visibility=seen(points),
            xyz=narrow(xyz),
            K=camera.K,
            bbox=_box(annotation) if len(there) == 1 else None,
            label_source=scene.labelled_by,
            clip=f"{NAME}/{split}/Capture{entry.capture}/{entry.seq_name}",
            frame=entry.frame_idx,
            track=f"cam{entry.camera}/{side}",
            split=split,
            licence=LICENCE,
            attrs={"hand_type": annotation.hand_type} if annotation.hand_type else {},
        )


def _valid(annotation: Annotation, where: Path) -> NDArray[np.bool_]:
    """Which joints (2, 21) of an image are valid, in our order, the right hand first."""
    listed = annotation.joint_valid
    flags = [flag[0] if isinstance(flag, list) and len(flag) == 1 else flag for flag in listed]
    told = shaped(flags, (2 * kp.COUNT,), where, "joint_valid")
    odd = told[~np.isin(told, (0, 1))]
    if len(odd):
        raise InputError(where, f"{odd[0]:g}", field="joint_valid", allowed="0 or 1")
    return np.asarray(told.reshape(2, kp.COUNT)[:, ORDER] == 1)


def _box(annotation: Annotation) -> NDArray[np.float32] | None:
    """The box (x, y, w, h) around all hands of the image; None if there is none, or one without an area."""
    box = annotation.bbox
    return narrow(np.array(box)) if box is not None and len(box) == 4 and min(box[2:]) > 0 else None
