"""Rendered Hand Pose Dataset, RHD v1.1 (Zimmermann & Brox 2017), in its own layout.

    RHD_published_v2/{training,evaluation}/anno_{training,evaluation}.pickle
                                          /color/00000.png   mask/00000.png   depth/00000.png

The pickle is {id: {"xyz": (42, 3) metres, "uv_vis": (42, 3) pixels and visibility 0 or 1, "K": (3, 3)}}, in
the camera's frame; rows 0..20 are the left hand, 21..41 the right one, both always there, in view or not.
Each finger runs from its tip to the palm: the reverse of our order. Pixels are counted from the image's
corner (the principal point is 160 of 320), as ours. Visibility 0 means hidden or outside the frame; the
coordinates are true. Masks hold part ids (1 person, 2..17 left hand, 18..33 right hand), depth maps metres in
two 8-bit channels (`curate.data.depth`).
"""

from __future__ import annotations

import os
import pickle
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from converters.parts import safe_pickle
from converters.parts.exported_images import in_tasks, place, size_of
from converters.parts.hand_checks import NO_CAMERA, NO_HAND_SIZE, no_camera, no_hand_size
from converters.parts.known_formats import refusal
from converters.parts.lost_fields import count_lost
from converters.parts.paused_collector import collector_paused
from converters.parts.pictures import NO_ANNOTATION, NO_IMAGE
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError, UnreadableImage
from curate.basics.paths import is_text
from curate.data import depth
from curate.data.dataset import ROWS, Dataset
from curate.data.part import LEFT_OUT, Part
from curate.data.references import file_of
from curate.data.sample import Sample, impossible, make_batch
from curate.data.source import Source

NAME = "rhd"
LICENCE = "RHD: research only, no commercial use, cite Zimmermann & Brox 2017"
SIDES = ("left", "right")  # rows 0..20 and 21..41
# ORDER[i] is the row, among a hand's 21, of our keypoint i. The permutation is its own inverse.
ORDER = np.array(kp.TIP_TO_PALM)
_SPLITS = {"training": "train", "evaluation": "test"}
_FRAME = (320, 320)
_PROBED = 32  # images of a set whose headers tell how large its images are
_ANNOTATION = re.compile(r"anno_(training|evaluation)\.(?:pickle|pkl)", re.IGNORECASE)
_FIELDS: dict[str, tuple[tuple[int, int], type[np.floating[Any]]]] = {
    "xyz": ((2 * kp.COUNT, 3), np.float32),
    "uv_vis": ((2 * kp.COUNT, 3), np.float32),
    "K": ((3, 3), np.float64),
}
_PIECE = ROWS // 2  # samples; two hands each
_Piece = tuple[list[int], dict[str, NDArray[Any]]]  # ids of samples, and their arrays, stacked
_LARGEST_PART_ID = 33
_HELD = frozenset(
    {
        "sample_id",
        "source",
        "side",
        "keypoints",
        "xyz",
        "K",
        "mask",
        "depth",
        "label_source",
        "split",
        "attrs",
    }
)


class _Beside(NamedTuple):
    """A folder of masks or depth maps, named as the images are, and their names."""

    folder: Path
    names: pa.Array

    @classmethod
    def of(cls, folder: Path, kind: str) -> _Beside:
        """The folder of this kind in a set, which may have none."""
        place = next(iter(_below(folder, kind)), folder / kind)
        return cls(place, pa.array(sorted(_png_names(place)), pa.string()))

    def of_images(self, file: pa.Array) -> pa.Array | None:
        """For each image the file of the same name, or null; None if there are no files at all."""
        if not len(self.names):
            return None
        told = pc.binary_join_element_wise(f"{self.folder}/", file, "")
        return pc.if_else(pc.is_in(file, self.names), told, pa.scalar(None, pa.string()))


@dataclass(frozen=True, slots=True)
class _Set:
    """The training or the evaluation set."""

    name: str
    annotations: Path
    color: Path
    images: frozenset[str]
    suffix: str  # how they end: .png, or as Windows may have it, .PNG
    masks: _Beside
    depths: _Beside

    @property
    def folder(self) -> Path:
        return self.annotations.parent

    def sample(self, key: int) -> str:
        """The name of a sample in reports."""
        return f"{self.folder.name}/{self.annotations.name} sample {key}"


def read(source: Source) -> Iterator[Part]:
    """Yield up to two samples for each image: the hands with at least one point in view.

    Visibility 1 becomes 2 (visible), 0 becomes 1 (labelled but hidden), also outside the image.

    Parameters
    ----------
    source: the folder RHD_published_v2, the one around it, or a set's own. Images lie in its color/, else in
        `source.images`.

    Raises
    ------
    UnsafeInput: a pickle that holds more than arrays; see `converters.parts.safe_pickle`.
    InputError: no annotations, a pickle of another content, or no images.
    """
    for one in _sets(source):
        frame = _frame(one)
        tally = Part()
        pieces = _load(one, tally)
        tally.dropped = +tally.dropped
        yield tally
        for keys, arrays in pieces:
            yield _read_part(one, keys, arrays, frame)


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write RHD_published_v2 as published: samples renumbered, val and test as evaluation, else training.

    All images of a set have one size, that of most of them. A hand that the image does not show has rows out
    of view; an unknown value of a hand that it shows (a point, xyz, K) is NaN, which `read` understands.
    Masks are kept if they hold RHD's part ids; depth maps are coded as in RHD.

    Returns
    -------
    How many values of each field the layout could not hold, and what was changed or left out.
    """
    counts = count_lost(dataset, _HELD)
    sets: dict[str, dict[str, _Picture]] = {name: {} for name in _SPLITS}
    for sample in dataset:
        counts["split val, put into evaluation"] += sample.split == "val"
        counts["no split, put into training"] += sample.split is None
        counts["source"] += sample.source != NAME
        counts["attrs"] += bool(sample.attrs)
        counts["label_source"] += sample.label_source != "render"
        if sample.side is None:
            counts[LEFT_OUT + "sample of an unknown side"] += 1
            continue
        counts["hand without a labelled keypoint"] += not sample.visibility.any()
        pictures = sets["evaluation" if sample.split in ("val", "test") else "training"]
        if sample.image not in pictures:
            pictures[sample.image] = _Picture(sample.image, sample.mask, sample.depth)
        pictures[sample.image].add(sample, sample.side)
    for name, pictures in sets.items():
        folder = out / "RHD_published_v2" / name
        counts.update(_write_set(folder, list(pictures.values()), dataset.root, engine))
    return +counts


# Reading ---------------------------------------------------------------------------------------------


def _sets(source: Source) -> list[_Set]:
    root = source.root
    if not root.is_dir():
        raise InputError(root, "no such folder", allowed="the folder RHD_published_v2")
    bases = [root, *_below(root, "rhd_published_v2")]
    places = [root, *(place for base in bases for name in _SPLITS for place in _below(base, name))]
    sets = []
    for folder in places:
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if match := _ANNOTATION.fullmatch(path.name):
                source.places.require(path)
                colors = [*_below(folder, "color"), *filter(None, (source.images,))]
                listed = ((color, _png_names(color)) for color in colors)
                color, names = next(filter(itemgetter(1), listed), (None, frozenset()))
                if color is None:
                    raise _without_images(folder, colors)
                beside = [_Beside.of(folder, kind) for kind in ("mask", "depth")]
                suffix = max({name[-4:] for name in names})
                sets.append(_Set(match[1].lower(), path, color.absolute(), names, suffix, *beside))
    if not sets:
        found = "no anno_training.pickle or anno_evaluation.pickle in it or its sets"
        raise refusal(root, found, allowed="the folder RHD_published_v2", own=NAME)
    return sets


def _without_images(folder: Path, colors: Sequence[Path]) -> InputError:
    """The error for a set without usable images in `colors`: there are none, or none that end in .png."""
    for color in filter(Path.is_dir, colors):
        others = Counter(path.suffix.lower() for path in color.iterdir())
        for suffix in filter(others.get, images.SUFFIXES):
            found = f"no images in {color.name}/ that end in .png; {others[suffix]:,} in {suffix}"
            return InputError(folder, found, allowed=".png, as published", remedy="convert them to PNG")
    return InputError(folder, "no images in color/", remedy="give their folder with --images")


def _below(folder: Path, name: str) -> list[Path]:
    """The folders in a folder that have this name, in any letter case."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in found if path.name.lower() == name and path.is_dir()]


def _png_names(folder: Path) -> frozenset[str]:
    if not folder.is_dir():
        return frozenset()
    names = os.listdir(folder)  # noqa: PTH208 (a tenth of the time of Path.iterdir)
    return frozenset(name for name in names if name.lower().endswith(".png") and is_text(name))


def _frame(one: _Set) -> tuple[int, int]:
    """Width and height of the set's images: the most frequent among some from all over it, as any single one
    may be odd. `convert` checks all images against it."""
    names = sorted(one.images)
    sizes = Counter[tuple[int, int]]()
    for name in names[:: -(-len(names) // _PROBED)]:
        try:
            info = images.probe(one.color / name)
        except UnreadableImage:
            continue
        sizes[info.width, info.height] += 1
    return sizes.most_common(1)[0][0] if sizes else _FRAME


@collector_paused()
def _load(one: _Set, tally: Part) -> list[_Piece]:
    """The ids of the samples that have an image, sorted, and their arrays, stacked piece by piece."""
    shapes = {name: shape for name, (shape, _) in _FIELDS.items()}
    entries, records = safe_pickle.load_records(one.annotations, shapes)
    numbers: list[Any] = [*entries, *records.row_of] if isinstance(entries, dict) else [None]
    if {*map(type, numbers)} - {int} or min(numbers, default=0) < 0:
        raise InputError(one.annotations, "not a table of samples", allowed="{id: {xyz, uv_vis, K}}")
    keys = sorted(key for key in numbers if f"{key:05d}{one.suffix}" in one.images)
    tally.dropped[NO_IMAGE] += len(numbers) - len(keys)
    tally.dropped[NO_ANNOTATION] += len(one.images) - len(keys)
    pieces = []
    for start in range(0, len(keys), _PIECE):
        chosen = keys[start : start + _PIECE]
        alike = [key for key in chosen if key in records.row_of]
        others = [key for key in chosen if key in entries]
        content = [entries.pop(key) for key in others]  # its memory serves the next piece
        pieces.append(_joined(_of_alike(alike, records), _of_others(one, others, content, tally)))
    return pieces


def _of_alike(keys: list[int], records: safe_pickle.Records) -> _Piece:
    rows = [records.row_of[key] for key in keys]
    return keys, {
        name: _narrow(records.stack(name, rows), kind) for name, (_, kind) in _FIELDS.items() if keys
    }


def _of_others(one: _Set, keys: list[int], content: Sequence[Any], tally: Part) -> _Piece:
    try:
        return keys, _arrays(content) if keys else {}
    except ValueError:
        return _sound_ones(one, keys, content, tally)


def _joined(one: _Piece, other: _Piece) -> _Piece:
    """Both pieces as one, sorted by key."""
    if not (one[0] and other[0]):
        return one if one[0] else other
    keys = [*one[0], *other[0]]
    order = np.argsort(keys)
    arrays = {name: np.concatenate([one[1][name], other[1][name]])[order] for name in _FIELDS}
    return sorted(keys), arrays


def _read_part(
    one: _Set, keys: Sequence[int], arrays: dict[str, NDArray[Any]], frame: tuple[int, int]
) -> Part:
    part = Part()
    uv = arrays["uv_vis"].reshape(-1, 2, kp.COUNT, 3)
    bad = _faults(arrays)
    for row, reason in bad.items():
        part.quarantine.append((one.sample(keys[row]), reason))
    u, v, seen = (uv[..., i] for i in range(3))
    in_frame = (u > 0) & (u < frame[0]) & (v > 0) & (v < frame[1])
    in_view = (in_frame | (seen == 1)).any(axis=2)
    in_view[list(bad)] = False
    away = 2 * (len(keys) - len(bad)) - int(in_view.sum())
    if away:
        part.absent["hand not in view"] += away
    part.batch = _batch(one, keys, np.flatnonzero(in_view), arrays, frame)
    return part


def _arrays(entries: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """The three arrays of many samples, stacked. Raises ValueError where one is not like the others."""
    try:
        return {
            name: _narrow(safe_pickle.stack([entry[name] for entry in entries], shape), kind)
            for name, (shape, kind) in _FIELDS.items()
        }
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"no {error}; allowed: xyz, uv_vis and K") from None


def _narrow(values: NDArray[Any], kind: type[np.floating[Any]]) -> NDArray[Any]:
    with np.errstate(over="ignore"):  # to infinity, which is reported
        return values.astype(kind)


def _sound_ones(one: _Set, keys: Sequence[int], content: Sequence[Any], tally: Part) -> _Piece:
    """The samples that can be read, one by one, as at least one cannot; it goes to the quarantine."""
    sound, found = [], []
    for key, entry in zip(keys, content, strict=True):
        try:
            found.append(_arrays([entry]))
            sound.append(key)
        except ValueError as error:
            tally.quarantine.append((one.sample(key), str(error)))
    return sound, {
        name: np.concatenate([np.empty((0, *shape)), *(arrays[name] for arrays in found)])
        for name, (shape, _) in _FIELDS.items()
    }


def _faults(arrays: dict[str, NDArray[Any]]) -> dict[int, str]:
    """Row -> why that sample cannot be used. NaN stands for what is not known."""
    uv_vis = arrays["uv_vis"]
    seen = uv_vis[..., 2]
    visible = seen == 1
    checks = [("uv_vis: visibility other than 0 and 1", ~visible & (seen != 0))]
    if not all(np.isfinite(array).all() for array in arrays.values()):
        unknown = np.isnan(uv_vis[..., :2]).any(axis=-1)
        checks.append(("uv_vis: a visible point that is not finite", unknown & visible))
        checks += [(f"{name}: infinite", np.isinf(array)) for name, array in arrays.items()]
        checks.append(("K: a number that is missing beside others", impossible("K", arrays["K"])[:, None]))
    checks.append((NO_CAMERA, no_camera(arrays["K"])[:, None]))
    sizes = no_hand_size(arrays["xyz"].reshape(-1, kp.COUNT, 3))
    checks.append((NO_HAND_SIZE, sizes.reshape(-1, 2)))
    faults: dict[int, str] = {}
    for reason, wrong in checks:
        for row in np.flatnonzero(wrong.any(axis=tuple(range(1, wrong.ndim)))).tolist():
            faults.setdefault(row, reason)
    return faults


def _batch(
    one: _Set,
    keys: Sequence[int],
    hands: NDArray[np.intp],
    arrays: dict[str, NDArray[Any]],
    frame: tuple[int, int],
) -> pa.RecordBatch:
    """A row for each of `hands`: twice the place of its image among `keys`, plus 1 for a right hand."""
    side = pa.array(SIDES).take(pa.array(hands % 2))
    stem = pc.utf8_lpad(pa.array(keys).cast(pa.string()), 5, "0").take(pa.array(hands // 2))
    file = pc.binary_join_element_wise(stem, one.suffix, "")
    rows = hands[:, None] * kp.COUNT + ORDER
    uv_vis = arrays["uv_vis"].reshape(-1, 3).take(rows, axis=0)
    visibility = (kp.HIDDEN + (uv_vis[..., 2] == 1)).astype(np.uint8)
    visibility[np.isnan(uv_vis[..., 0]) | np.isnan(uv_vis[..., 1])] = kp.UNLABELLED
    return make_batch(
        len(hands),
        sample_id=pc.binary_join_element_wise(f"{NAME}/{one.name}", stem, side, "/"),
        source=NAME,
        image=pc.binary_join_element_wise(str(one.color), file, "/"),
        width=frame[0],
        height=frame[1],
        side=side,
        keypoints=uv_vis[..., :2],
        visibility=visibility,
        xyz=arrays["xyz"].reshape(-1, 3).take(rows, axis=0),
        K=arrays["K"][hands // 2],
        mask=one.masks.of_images(file),
        depth=one.depths.of_images(file),
        label_source="render",
        split=_SPLITS[one.name],
        licence=LICENCE,
    )


# Writing ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Picture:
    """An image to be written, with the rows of both hands; `mask` and `depth_map` are those of its first."""

    ref: str
    mask: str | None
    depth_map: str | None
    uv_vis: NDArray[np.float64] = field(default_factory=lambda: np.tile([-1.0, -1.0, 0.0], (2 * kp.COUNT, 1)))
    xyz: NDArray[np.float64] = field(default_factory=lambda: np.tile([0.0, 0.0, 1.0], (2 * kp.COUNT, 1)))
    K: NDArray[np.float64] = field(default_factory=lambda: np.full((3, 3), np.nan))
    ids: dict[str, str] = field(default_factory=dict)  # of the hands that have rows, by their side
    hands: int = 0

    def add(self, sample: Sample, side: str) -> None:
        """Fill in the rows of a hand, unless there is one of its side."""
        self.hands += 1
        if side in self.ids:
            return
        self.ids[side] = sample.sample_id
        rows = SIDES.index(side) * kp.COUNT + ORDER
        self.uv_vis[rows, :2] = sample.keypoints
        self.uv_vis[rows, 2] = sample.visibility == kp.VISIBLE
        self.xyz[rows] = np.nan if sample.xyz is None else sample.xyz
        if sample.K is not None:
            self.K[:] = sample.K


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker writes: an image, its mask and its depth map, all of this name and size."""

    folder: Path
    name: str
    size: tuple[int, int]
    ref: str
    mask: str | None
    depth_map: str | None


def _write_set(folder: Path, pictures: Sequence[_Picture], root: Path, engine: Engine) -> Counter[str]:
    """Write the images that have the size of most, and their annotations; counts what was left out."""
    counts = Counter[str]()
    sizes = list(in_tasks(engine, partial(_size, root), (picture.ref for picture in pictures), len(pictures)))
    common = Counter(filter(None, sizes)).most_common(1)
    frame = common[0][0] if common else _FRAME
    chosen = [picture for picture, size in zip(pictures, sizes, strict=True) if size == frame]
    jobs = [
        _Job(folder, f"{number:05d}.png", frame, picture.ref, picture.mask, picture.depth_map)
        for number, picture in enumerate(chosen)
    ]
    entries = {}
    for number, notes in enumerate(in_tasks(engine, partial(_write_files, root), jobs, len(jobs))):
        if notes is not None:
            picture = chosen[number]
            entries[number] = {"xyz": picture.xyz, "uv_vis": picture.uv_vis, "K": picture.K}
            counts.update(notes)
            further = picture.hands - len(picture.ids)
            counts[LEFT_OUT + "further hand of the same side in an image"] += further
            anew = (f"{NAME}/{folder.name}/{number:05d}/{side}" != old for side, old in picture.ids.items())
            counts["sample_id"] += sum(anew)
    written = sum(chosen[number].hands for number in entries)
    counts[LEFT_OUT + "sample without an image of the set's size"] += sum(p.hands for p in pictures) - written
    if entries:
        files.write(folder / f"anno_{folder.name}.pickle", _pickled(entries))
    return counts


def _size(root: Path, ref: str) -> tuple[int, int] | None:
    try:
        return size_of(root, ref)
    except UnreadableImage:
        return None


def _write_files(root: Path, job: _Job) -> Counter[str] | None:
    """Write a picture's files; counts of what was changed or left out, None where the image does not open."""
    try:
        notes = Counter(
            {"image written anew as PNG": int(place(root, job.ref, job.folder / "color" / job.name))}
        )
    except UnreadableImage:
        return None
    if job.mask is not None:
        _write_mask(root, job.mask, job.folder / "mask" / job.name, notes)
    if job.depth_map is not None:
        _write_depth(root, job.depth_map, job.folder / "depth" / job.name, job.size, notes)
    return notes


def _write_mask(root: Path, ref: str, path: Path, notes: Counter[str]) -> None:
    try:
        mask = images.read(file_of(root, ref), grey=True)
    except UnreadableImage:
        notes["mask missing or unreadable"] += 1
        return
    if mask.max() > _LARGEST_PART_ID:
        notes["mask without RHD's part ids"] += 1
        return
    images.write(path, mask)


def _write_depth(root: Path, ref: str, path: Path, frame: tuple[int, int], notes: Counter[str]) -> None:
    try:
        metres = depth.read(file_of(root, ref), *frame)
    except UnreadableImage:
        notes["depth map missing or unreadable"] += 1
        return
    files.write(path, depth.encode_rhd(metres))


def _pickled(entries: dict[int, dict[str, NDArray[np.float64]]]) -> bytes:
    # NumPy 1 does not know the name under which NumPy 2 pickles; both know the older one. Protocol 3 names it
    # once, as plain text in the first array's head.
    data = pickle.dumps(entries, protocol=3)
    return data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray", 1)
