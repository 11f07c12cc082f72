"""Writing COCO keypoints, for the formats coco and mmpose."""

from __future__ import annotations

import json
import math
from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from converters.parts.exported_images import Placed, put_all
from converters.parts.lost_fields import count_lost
from converters.parts.paused_collector import collector_paused
from converters.parts.short_numbers import short
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import Engine
from curate.data.dataset import ROWS, Dataset
from curate.data.sample import to_numpy
from curate.data.split import SPLITS

MILLIMETRES = 1000.0
UNNAMED = "coco"  # the description of a set of several sources


# The range of a 32-bit column: a number beyond it spoils its annotation, not the whole source.
_MOST = float(np.finfo(np.float32).max)
_Single = Annotated[float, msgspec.Meta(ge=-_MOST, le=_MOST)]
_Whole = Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 31)]


class Ours(msgspec.Struct, gc=False, omit_defaults=True):
    """What `write` adds to an annotation, so that a dataset comes back as it was."""

    sample_id: str
    source: str
    aspect: str | None = None
    subject_id: str | None = None
    label_source: str | None = None
    score: _Single | None = None
    parent_id: str | None = None
    transform: list[list[float]] | None = None
    keypoint_scores: list[_Single | None] | None = None
    clip: str | None = None
    frame: _Whole | None = None
    track: str | None = None
    tilt: _Single | None = None
    rotation: _Single | None = None
    attrs: dict[str, Any] | None = None
    has_bbox: bool = True


_NESTED = frozenset({"transform", "keypoint_scores", "attrs", "has_bbox"})
_PLAIN = tuple(name for name in Ours.__struct_fields__ if name not in _NESTED)
_HELD = frozenset({*Ours.__struct_fields__, "side", "keypoints", "xyz", "K", "bbox", "split", "licence"})


def write_coco(dataset: Dataset, out: Path, engine: Engine) -> Counter[str]:
    """Write annotations/person_keypoints_SPLIT.json (SPLIT is "default" for samples of no split) and images/.

    These are COCO's own names, by which other tools, such as Datumaro, recognise what a file holds.

    Keypoints are flat, with v of 0, 1, 2 as we have it; `hand_type`, `joint_cam` (millimetres) and
    `cam_param` are mmpose's. A sample without a box gets that of its labelled points. What COCO has no key
    for goes into `hand_curate`, where `converters.coco.read` finds it again.

    Returns
    -------
    How many values of each field the format could not hold, and how many images were left out.
    """
    lost = count_lost(dataset, _HELD)
    placed, counts = put_all(dataset, out / "images", engine)
    lost.update(counts)
    splits = Counter(dataset.table(["split"]).column(0).to_pylist())
    lost["split"] += sum(count for split, count in splits.items() if split not in (*SPLITS, None))
    sources = dataset.info["sources"]
    description = sources[0] if len(sources) == 1 else UNNAMED
    for split in sorted({_known(split) for split in splits}):
        blocks = encode(partial(_of_split, dataset, split, placed), placed, lost, description=description)
        with files.writing(out / "annotations" / f"person_keypoints_{split or 'default'}.json") as file:
            file.writelines(blocks)
    return +lost


def _known(split: str | None) -> str:
    return split if split in SPLITS else ""


def _of_split(dataset: Dataset, split: str, placed: Container[str]) -> Iterator[pa.RecordBatch]:
    """The samples of a split whose image is there."""
    for batch in dataset.batches():
        told = zip(batch.column("image").to_pylist(), batch.column("split").to_pylist(), strict=True)
        yield batch.filter(pa.array([_known(own) == split and ref in placed for ref, own in told]))


def encode(
    batches: Callable[[], Iterable[pa.RecordBatch]],
    placed: Placed,
    lost: Counter[str],
    *,
    description: str = UNNAMED,
) -> Iterator[bytes]:
    """The annotation file of some samples, block by block: as objects it would take six times the memory.

    Parameters
    ----------
    batches: yields the samples each time it is called, which is twice. placed: their images.
    lost: counts per field of what the file does not hold; added to.
    """
    told = _Images.of(batches(), placed, lost)
    head = {
        "info": {"description": description},
        "licenses": [{"id": number, "name": name, "url": ""} for name, number in told.licences.items()],
        "categories": [_category()],
    }
    yield msgspec.json.encode(head).removesuffix(b"}")
    for member, lists in (("images", told.entries(placed)), ("annotations", _all(batches(), told.ids))):
        yield b',"%s":[' % member.encode()
        for number, text in enumerate(_texts(lists)):
            yield b"," if number else b""
            yield text
        yield b"]"
    yield b"}"


def _texts(lists: Iterator[list[dict[str, Any]]]) -> Iterator[bytes]:
    """Each list as JSON, without its brackets."""
    while True:
        with collector_paused():
            text = msgspec.json.encode(next(lists, []))[1:-1]
        if not text:
            return
        yield text


def _all(batches: Iterable[pa.RecordBatch], ids: dict[str, int]) -> Iterator[list[dict[str, Any]]]:
    """The annotations of some samples at a time."""
    count = 1
    for batch in batches:
        if batch.num_rows:
            yield _annotations(batch, ids, count)
            count += batch.num_rows


@dataclass(slots=True)
class _Images:
    """The images of some samples, numbered from 1 in the order of their refs.

    Attributes
    ----------
    ids: the number of each ref. licences: the number of each licence.
    told: (n, 3) width, height and number of the licence (0: none) of each image, in the order of the ids.
    cameras: of the refs that have one.
    """

    ids: dict[str, int]
    licences: dict[str, int]
    told: NDArray[np.int64]
    cameras: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, batches: Iterable[pa.RecordBatch], placed: Placed, lost: Counter[str]) -> _Images:
        """The size is that of an image's first sample; licence and camera are those of the first that has
        one. Other values are counted as lost."""
        place, names, told = dict[str, int](), dict[str | None, int]({None: 0}), array("q")
        cameras = dict[str, dict[str, Any]]()
        for batch in batches:
            columns = (batch.column(name).to_pylist() for name in ("image", "width", "height", "licence"))
            for ref, width, height, licence, matrix in zip(*columns, _rows(batch, "K"), strict=True):
                number = names.setdefault(licence or None, len(names))
                if ref not in place:
                    place[ref] = len(place)
                    if width is None or height is None:
                        info = images.probe(placed[ref])
                        width, height = info.width, info.height
                    told.extend((width, height, number))
                elif number:
                    own = 3 * place[ref] + 2
                    told[own] = told[own] or number
                    lost["licence"] += told[own] != number
                if matrix is not None:
                    camera = _camera(matrix)
                    if camera is None or cameras.setdefault(ref, camera) != camera:
                        lost["K"] += 1
        ids = {ref: number for number, ref in enumerate(sorted(place), start=1)}
        known = sorted(name for name in names if name is not None)
        licences = {name: number for number, name in enumerate(known, start=1)}
        rows = np.array(told, np.int64).reshape(-1, 3)[np.array([place[ref] for ref in ids], np.intp)]
        rows[:, 2] = np.array([0 if name is None else licences[name] for name in names])[rows[:, 2]]
        return cls(ids, licences, rows, cameras)

    def entries(self, placed: Placed) -> Iterator[list[dict[str, Any]]]:
        """The entries of `images`, some at a time."""
        left = zip(self.ids.items(), self.told, strict=True)
        while some := list(islice(left, ROWS)):
            entries = []
            for (ref, number), row in some:
                width, height, licence = row.tolist()
                entry = {"id": number, "file_name": placed.name(ref), "width": width, "height": height}
                entry |= {"license": licence} if licence else {}
                camera = self.cameras.get(ref)
                entries.append(entry | ({"cam_param": camera} if camera else {}))
            yield entries


def _category() -> dict[str, Any]:
    bones = [[a + 1, b + 1] for a, b in kp.BONES]  # COCO counts keypoints from 1 here
    return {"id": 1, "name": "hand", "supercategory": "hand", "keypoints": list(kp.NAMES), "skeleton": bones}


def _camera(matrix: list[list[float]]) -> dict[str, Any] | None:
    """mmpose's form of K; None for one with skew."""
    (fx, skew, cx), (zero, fy, cy), last = matrix
    if skew or zero or last != [0, 0, 1]:
        return None
    return {"focal": [fx, fy], "princpt": [cx, cy]}


def _annotations(part: pa.RecordBatch, ids: dict[str, int], first: int) -> list[dict[str, Any]]:
    """The annotations of some samples, numbered from `first`."""
    xy, seen = short(to_numpy(part, "keypoints")), to_numpy(part, "visibility")
    flat = np.zeros((part.num_rows, kp.COUNT, 3), object)
    flat[..., :2] = np.nan_to_num(xy)
    flat[..., 2] = seen.astype(int)
    frames = to_numpy(part, "bbox")
    boxed = np.isfinite(frames).all(1)
    frames = short(np.where(boxed[:, None], frames, _extents(xy)))
    columns: tuple[Any, ...] = (
        range(first, first + part.num_rows),
        part.column("image").to_pylist(),
        flat.reshape(part.num_rows, -1).tolist(),
        (seen > 0).sum(1).tolist(),
        frames.tolist(),
        (frames[:, 2] * frames[:, 3]).tolist(),
        part.column("side").to_pylist(),
        _rows(part, "xyz", MILLIMETRES),
        _ours(part, boxed),
    )
    found: list[dict[str, Any]] = []
    for number, ref, points, count, box, area, side, joints, ours in zip(*columns, strict=True):
        entry = {
            "id": number,
            "image_id": ids[ref],
            "category_id": 1,
            "iscrowd": 0,
            "keypoints": points,
            "num_keypoints": count,
            "bbox": box,
            "area": area,
            "segmentation": [],
        }
        if side:
            entry["hand_type"] = side
        if joints:
            entry["joint_cam"] = joints
        entry["hand_curate"] = ours
        found.append(entry)
    return found


def _ours(part: pa.RecordBatch, boxed: NDArray[np.bool_]) -> list[Ours]:
    columns: dict[str, list[Any]] = {name: part.column(name).to_pylist() for name in _PLAIN}
    columns["attrs"] = [json.loads(text) if text else None for text in part.column("attrs").to_pylist()]
    columns["keypoint_scores"] = [
        row and [None if math.isnan(score) else score for score in row]
        for row in _rows(part, "keypoint_scores")
    ]
    columns |= {"transform": _rows(part, "transform"), "has_bbox": boxed.tolist()}
    return list(map(Ours, *(columns[name] for name in Ours.__struct_fields__)))


def _rows(part: pa.RecordBatch, name: str, scale: float | None = None) -> list[list[Any] | None]:
    """A fixed-size column as lists of numbers, None where it is null; scaled float32 in few digits."""
    column = part.column(name)
    if column.null_count == part.num_rows:
        return [None] * part.num_rows
    values = to_numpy(part, name)
    if scale is not None:
        values = short(values, scale)
    there = column.is_valid().to_pylist()
    return [row if valid else None for row, valid in zip(values.tolist(), there, strict=True)]


def _extents(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (n, 4) around the finite points of (n, 21, 2); zeros where there is none."""
    points = np.ascontiguousarray(xy.swapaxes(0, 1))  # five times as fast as hand by hand
    low, high = np.fmin.reduce(points), np.fmax.reduce(points)
    boxes: NDArray[np.float64] = np.nan_to_num(np.concatenate([low, high - low], axis=1))
    return boxes
