"""What the COCO formats share: looking up images, the meaning of v, and hands as batches.

Pixel convention: COCO measures from the corner of the image, as ours does; nothing is shifted.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from converters.parts.coco_document import A, Document, Id, Image
from converters.parts.coco_files import AnnotationFile, Piece, annotation_files, hands_in
from converters.parts.hand_checks import no_camera, no_hand_size
from converters.parts.known_formats import and_others, refusal
from converters.parts.numbers import FARTHEST, pixels
from converters.parts.packed_numbers import stack
from converters.parts.pictures import NO_ANNOTATION, locate
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.paths import as_text
from curate.data.dataset import ROWS
from curate.data.part import Part
from curate.data.sample import SCHEMA, SHAPES, impossible, make_batch, stored
from curate.data.source import ImageFinder, Source

_ODD = {"xyz": no_hand_size, "K": no_camera}  # further checks, for files that others wrote


@dataclass(slots=True)
class Hands:
    """The hands of one annotation file, before their images are looked up.

    Attributes
    ----------
    images: image id of each hand. points: (n, 21, 3) float32, pixels and v as the file has it.
    columns: further columns of the samples, `sample_id` and `source` among them.
    projected: (n,) bool, hands whose points are projections of known 3D points, so that v = 0 means hidden.
    ours: written by this package, so that v means what we mean.
    """

    file: AnnotationFile
    document: Document[Any]
    images: list[Id]
    points: NDArray[np.float32]
    columns: dict[str, Any]
    projected: NDArray[np.bool_] | None = None
    ours: bool = False
    dropped: Counter[str] = field(default_factory=Counter)
    quarantine: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    absent: Counter[str] = field(default_factory=Counter)

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Leave out the other hands."""
        if rows.all():
            return
        self.points, self.images = self.points[rows], _chosen(self.images, rows)
        self.columns = {name: _chosen(values, rows) for name, values in self.columns.items()}
        if self.projected is not None:
            self.projected = self.projected[rows]

    def refuse(self, bad: NDArray[np.bool_], reason: Callable[[int], str]) -> None:
        """Quarantine the hands in `bad`."""
        for row in np.flatnonzero(bad).tolist():
            self.quarantine.append((f"{self.file.name}: {self.columns['sample_id'][row]}", reason(row)))
        self.keep(~bad)

    def refuse_twins(self) -> None:
        """Quarantine hands whose sample_id another one had before."""
        if len({*self.columns["sample_id"]}) == len(self.images):
            return
        seen = set[str]()
        twins = np.zeros(len(self.images), bool)
        for row, key in enumerate(self.columns["sample_id"]):
            twins[row] = key in seen
            seen.add(key)
        self.refuse(twins, lambda _: "an earlier annotation has this id")


def _chosen(values: Any, rows: NDArray[np.bool_]) -> Any:
    if isinstance(values, list):
        return [value for value, wanted in zip(values, rows.tolist(), strict=True) if wanted]
    return values[rows] if isinstance(values, np.ndarray) else values


def read_hands(
    source: Source,
    kind: type[A],
    hands_of: Callable[[Piece[A]], Hands],
    own: str,
    unread: type[A] | None = None,
) -> Iterator[Part]:
    """The samples of a source of the format `own`.

    Parameters
    ----------
    hands_of: makes hands of a piece of a file, or raises InputError if the file is not of that format.
    kind, unread: the type of an annotation, as `hands_in` takes it.

    Raises
    ------
    InputError: no annotation file, or none of the format.
    """
    files, finder = annotation_files(source)
    tally = Part()
    found: list[Hands] = []
    for file in files:
        with tally.quarantining(as_text(file.name)):
            hands, annotations, bare = hands_in(file, source.places, kind, unread, hands_of)
            found += hands
            if not annotations:
                tally.notes[f"no annotations in {file.name}"] += 1
            if bare:
                tally.notes[NO_ANNOTATION] += bare
    if not found:
        name, reason = tally.quarantine[0]
        why = f"not a COCO file: {reason}{and_others(len(files) - 1)}"
        raise refusal(source.root, why, allowed="images and annotations", own=own, where=source.folder / name)
    yield tally
    yield from _parts(found, finder)


def boxes(rows: Sequence[Any]) -> NDArray[np.float64]:
    """Boxes (n, 4), x, y, w, h, pixels; NaN for one that is missing or all zero, which means the same."""
    found = stack_told(rows, (4,))
    found[~found.any(axis=1)] = np.nan
    return found


def stack_told(rows: Sequence[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """As `stack`, but a row of another shape is infinite, so that it is counted as impossible."""
    found = np.array(stack(rows, shape))
    lacking = np.isnan(found).all(axis=tuple(range(1, found.ndim)))
    for number in np.flatnonzero(lacking).tolist():
        told = rows[number]
        if told and (len(told) != shape[0] or any(len(part) != shape[1] for part in told if shape[1:])):
            found[number] = np.inf
    return found


def _parts(files: list[Hands], finder: ImageFinder) -> Iterator[Part]:
    """Batches of samples. What v means is decided over all files, as a small one may lack a value."""
    for hands in files:
        _refuse_impossible(hands)
        _leave_out_impossible(hands)
    scored = any(_is_score(hands.points[..., 2]) for hands in files if not hands.ours)
    full = any((hands.points[..., 2] == kp.VISIBLE).any() for hands in files)
    seen: dict[bytes, bytes] = {}
    lookup: _Lookup | None = None
    twins = _with_twins(files)
    while files:  # popped, so that the memory of each is freed once its samples are out
        hands = files.pop(0)
        if lookup is None or lookup.file.path != hands.file.path:
            lookup = _Lookup(hands, finder)
        columns = _visible_columns(hands, scored=scored, full=full)
        yield from _batches(hands, columns, lookup, twins.pop(0), seen)


def _refuse_impossible(hands: Hands) -> None:
    def reason(row: int) -> str:
        where = np.flatnonzero(wrong[row])
        x, y, v = hands.points[row, where[0]]
        allowed = "finite pixels and v in 0..2"
        return f"keypoints[{where[0]}]: x, y, v of {x:g}, {y:g}, {v:g}; allowed: {allowed}"

    xy, v = hands.points[..., :2], hands.points[..., 2]
    labelled = v > kp.UNLABELLED
    wrong: NDArray[np.bool_] = ~((v >= 0) & (v <= kp.VISIBLE)) | (labelled & ~_near(xy))
    hands.refuse(np.any(wrong, axis=1), reason)
    if hands.ours:
        return
    bare = ~np.any(hands.points[..., 2] > 0, axis=1)
    hands.dropped["hand without a labelled keypoint"] += int(bare.sum())
    hands.keep(~bare)


def _leave_out_impossible(hands: Hands) -> None:
    """Set impossible values, such as a box without an area, to NaN: the hand is kept without them."""
    for name in SHAPES.keys() & hands.columns.keys():
        values = stored(name, hands.columns[name])
        wrong = impossible(name, values)
        if name == "bbox":
            wrong |= (values[:, 2:] <= 0).any(axis=1)
        elif name in _ODD and not hands.ours:
            wrong |= _ODD[name](values)
        if wrong.any():
            hands.columns[name] = values.copy()
            hands.columns[name][wrong] = np.nan
            hands.notes[f"impossible {name}, left out"] += int(wrong.sum())


def _near(points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether x and y are finite and within FARTHEST."""
    near: NDArray[np.bool_] = (np.abs(points[..., 0]) < FARTHEST) & (np.abs(points[..., 1]) < FARTHEST)
    return near


def _is_score(v: NDArray[np.float32]) -> bool:
    return bool((v != np.round(v)).any())


def _visible_columns(hands: Hands, *, scored: bool, full: bool) -> dict[str, Any]:
    """The keypoints and their visibility, 0, 1 or 2."""
    xy, v = hands.points[..., :2], hands.points[..., 2]
    labelled = v > 0
    columns = dict(hands.columns)
    if hands.ours or (full and not scored):
        seen = v.astype(np.uint8)
    else:
        seen = np.where(labelled, kp.VISIBLE, kp.UNLABELLED).astype(np.uint8)
        name = "visibility_score_read_as_visible" if scored else "visibility_01_read_as_visible"
        hands.notes[name] += int(labelled.sum())
        if scored and "score" not in columns:
            columns["score"] = np.where(labelled, v, 0).sum(1) / labelled.sum(1)
    stray = ~labelled & ((xy[..., 0] != 0) | (xy[..., 1] != 0)) & _near(xy) & (not hands.ours)
    if hands.projected is not None:
        hidden = stray & hands.projected[:, None]
        seen[hidden] = kp.HIDDEN
        hands.notes["visibility_0_of_projected_point_read_as_hidden"] += int(hidden.sum())
        stray &= ~hidden
    hands.notes["point_with_v_0_and_coordinates_left_unlabelled"] += int(stray.sum())
    columns["keypoints"], columns["visibility"] = xy, seen
    return columns


def _batches(
    hands: Hands,
    columns: dict[str, Any],
    lookup: _Lookup,
    twins: NDArray[np.bool_],
    seen: dict[bytes, bytes],
) -> Iterator[Part]:
    carried = Part(
        dropped=+hands.dropped,
        quarantine=hands.quarantine,
        notes=+hands.notes,
        absent=+hands.absent,
    )
    place, found = lookup.places(hands.images, carried)
    missing = int((place < 0).sum())
    if missing:
        carried.dropped["image missing"] += missing
    if not hands.ours:
        carried.notes += _leave_out_copies(hands, columns, place, found["image"].to_pylist(), twins, seen)
    for start in range(0, max(1, len(place)), ROWS):
        part, carried = carried, Part()
        rows = slice(start, start + ROWS)
        chosen = place[rows] >= 0
        mine = {name: _sliced(values, rows) for name, values in columns.items()}
        if not chosen.all():
            mine = {name: _chosen(values, chosen) for name, values in mine.items()}
        taken = pa.array(place[rows][chosen])
        of_image = {name: values.take(taken) for name, values in found.items()}
        part.batch = make_batch(len(taken), **of_image, split=hands.file.split, **mine)
        yield part


def _leave_out_copies(
    hands: Hands,
    columns: dict[str, Any],
    place: NDArray[np.intp],
    paths: list[str],
    twins: NDArray[np.bool_],
    seen: dict[bytes, bytes],
) -> Counter[str]:
    """Set the place of a hand to -1 if an earlier annotation, of this file or another, says exactly the same.

    twins: the hands to look at. seen: a hash of what was said of each hand, by a hash of its image and
    points; added to.
    """
    notes = Counter[str]()
    sides = columns.get("side") or [None] * len(place)
    for row in np.flatnonzero(twins & (place >= 0)).tolist():
        points = (hands.points[row].tobytes(), columns["visibility"][row].tobytes())
        hand = _hash(os.fsencode(paths[place[row]]), *points)
        told = _hash(columns["bbox"][row].tobytes(), repr((sides[row], hands.file.split)).encode())
        before = seen.setdefault(hand, told)
        if before is told:
            continue
        if before == told:
            place[row] = -1
            notes["hand that another annotation repeats exactly, left out"] += 1
        else:
            notes["hand with the same points as another of its image"] += 1
    return notes


def _with_twins(files: list[Hands]) -> list[NDArray[np.bool_]]:
    """(n,) bool for each file: the hands whose points another hand may have, too.

    It includes all that do, and by chance others: hands are compared by one hash each, to leave few for a
    closer look."""
    factors = np.random.default_rng(0).integers(1, 1 << 63, 3 * kp.COUNT, np.uint64) | np.uint64(1)
    numbers = []
    for hands in files:
        words = hands.points.reshape(-1, 3 * kp.COUNT).view(np.uint32)
        numbers.append(np.einsum("ij,j->i", words, factors))
    _, which, often = np.unique(np.concatenate(numbers), return_inverse=True, return_counts=True)
    return np.split(often[which] > 1, np.cumsum([len(of_file) for of_file in numbers])[:-1])


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()


def _sliced(values: Any, rows: slice) -> Any:
    return values[rows] if isinstance(values, list | np.ndarray) else values


class _Lookup:
    """Finds the images of a file's annotations; a problem with an image is reported once."""

    def __init__(self, hands: Hands, finder: ImageFinder) -> None:
        self.file, self._finder = hands.file, finder
        self._told = set[Id]()
        self._licences = hands.document.licence_names()
        self._known: dict[Id, Image] = {}
        self._ambiguous = set[Id]()
        for entry in hands.document.images:
            if self._known.setdefault(entry.id, entry).file_name != entry.file_name:
                self._ambiguous.add(entry.id)

    def places(self, keys: Sequence[Id], part: Part) -> tuple[NDArray[np.intp], dict[str, pa.Array]]:
        """For each image id its row among the images found, and the columns of these images. The row is -1
        for an image that cannot be used; the quarantine of `part` says why."""
        entries: list[Image] = []
        paths: list[str] = []
        sizes: list[tuple[int | None, int | None]] = []
        row_of: dict[Id, int] = {}
        where = self.file.path
        for key in dict.fromkeys(keys):
            try:
                entry = self._entry(key)
                size = pixels(entry.width, where, "width"), pixels(entry.height, where, "height")
                path = locate(
                    self._finder,
                    part.notes,
                    entry.file_name,
                    beside=where.parent,
                    split=self.file.split,
                    where=where,
                    key="file_name",
                )
            except InputError as error:
                row_of[key] = -1
                if key not in self._told:
                    part.quarantine.append((f"{self.file.name}: image {key}", error.reason))
                self._told.add(key)
            else:
                row_of[key] = len(entries)
                entries.append(entry)
                sizes.append(size)
                paths.append(path)
        place = np.fromiter(map(row_of.__getitem__, keys), np.intp, len(keys))
        named = [entry.license if isinstance(entry.license, int | str) else None for entry in entries]
        columns = {
            "image": paths,
            "width": [width for width, _ in sizes],
            "height": [height for _, height in sizes],
            "licence": [self._licences.get(name) for name in named],
        }
        return place, {name: pa.array(told, SCHEMA.field(name).type) for name, told in columns.items()}

    def _entry(self, key: Id) -> Image:
        entry = self._known.get(key)
        if entry is None:
            raise InputError(self.file.path, f"no image has the id {key!r} of an annotation", field="images")
        if key in self._ambiguous:
            raise InputError(self.file.path, f"several files have the image id {key!r}", field="images")
        return entry
