"""COCO keypoints as they are written: for the formats coco and mmpose."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from converters.parts.exported_images import put
from converters.parts.lost_fields import count_lost
from converters.parts.paused_collector import collector_paused
from converters.parts.short_numbers import short
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import Engine
from curate.data.dataset import ROWS, Dataset
from curate.data.part import LEFT_OUT
from curate.data.sample import make_batch, to_numpy

MILLIMETRES = 1000.0
UNNAMED = "coco"  # the description of a set of several sources


class Ours(msgspec.Struct, gc=False, omit_defaults=True):
    """What `write` adds to an annotation, so that a dataset comes back as it was."""

    sample_id: str
    source: str
    aspect: str | None = None
    subject_id: str | None = None
    label_source: str | None = None
    score: float | None = None
    parent_id: str | None = None
    transform: list[list[float]] | None = None
    keypoint_scores: list[float | None] | None = None
    clip: str | None = None
    frame: int | None = None
    track: str | None = None
    tilt: float | None = None
    rotation: float | None = None
    attrs: dict[str, Any] | None = None
    has_bbox: bool = True


_SPLITS = ("train", "val", "test")
_PLAIN = (
    "sample_id",
    "source",
    "aspect",
    "subject_id",
    "label_source",
    "score",
    "parent_id",
    "clip",
    "frame",
    "track",
    "tilt",
    "rotation",
)


_HELD = frozenset(
    {
        *_PLAIN,
        "side",
        "keypoints",
        "xyz",
        "K",
        "bbox",
        "transform",
        "split",
        "licence",
        "keypoint_scores",
        "attrs",
    }
)


def write_coco(dataset: Dataset, out: Path, engine: Engine) -> Counter[str]:
    """Write annotations/person_keypoints_SPLIT.json (of SPLIT "default" for samples of no split) and images/.

    These are COCO's own names, by which other tools tell what a file holds (Datumaro).

    Keypoints are flat, with v of 0, 1, 2 as we have it; `hand_type`, `joint_cam` (millimetres) and
    `cam_param` are mmpose's. A sample without a box gets that of its labelled points. What COCO has no key
    for goes into `hand_curate`, where `converters.coco.read` finds it again.

    Returns
    -------
    How many values of each field the format could not hold, and images that were left out.
    """
    batches = dataset.table().combine_chunks().to_batches()
    whole = batches[0] if batches else make_batch(0)
    refs = whole.column("image").to_pylist()
    lost = count_lost(dataset, _HELD)
    placed, counts = put(dataset, refs, out / "images", engine)
    lost.update(counts)
    usable = np.array([ref in placed for ref in refs], bool)
    lost[LEFT_OUT + "sample without an image"] += int((~usable).sum())
    splits = np.array([s if s in _SPLITS else "" for s in whole.column("split").to_pylist()], object)
    lost["split"] += int((splits == "").sum()) - whole.column("split").null_count
    sources = dataset.info["sources"]
    for split in sorted(set(splits)):
        part = whole.take(pa.array(np.flatnonzero(usable & (splits == split))))
        description = sources[0] if len(sources) == 1 else UNNAMED
        blocks, unheld = encode(part, placed, out / "images", description=description)
        lost.update(unheld)
        with files.writing(out / "annotations" / f"person_keypoints_{split or 'default'}.json") as file:
            file.writelines(blocks)
    return +lost


def encode(
    part: pa.RecordBatch, placed: dict[str, Path], folder: Path, *, description: str = UNNAMED
) -> tuple[Iterator[bytes], Counter[str]]:
    """An annotation file for a batch of samples, block by block, and counts of what it does not hold, per
    field.

    Parameters
    ----------
    placed: the file of each image that a sample refers to; its name within `folder` goes into the
        annotations.
    """
    lost = Counter[str]()
    ids = {ref: number for number, ref in enumerate(sorted(set(part.column("image").to_pylist())), start=1)}
    entries, licences = _image_entries(part, placed, folder, ids, lost)
    head = {
        "info": {"description": description},
        "licenses": [{"id": number, "name": name, "url": ""} for name, number in licences.items()],
        "categories": [_category()],
        "images": entries,
    }
    return _blocks(head, part, ids), lost


def _blocks(head: dict[str, Any], part: pa.RecordBatch, ids: dict[str, int]) -> Iterator[bytes]:
    """The text: as objects, all annotations would take six times its memory."""
    yield msgspec.json.encode(head).removesuffix(b"}") + b',"annotations":['
    for start in range(0, part.num_rows, ROWS):
        with collector_paused():
            text = msgspec.json.encode(_annotations(part.slice(start, ROWS), ids, start + 1))
        yield (b"," if start else b"") + text.removeprefix(b"[").removesuffix(b"]")
    yield b"]}"


def _category() -> dict[str, Any]:
    bones = [[a + 1, b + 1] for a, b in kp.BONES]  # COCO counts keypoints from 1 here
    return {"id": 1, "name": "hand", "supercategory": "hand", "keypoints": list(kp.NAMES), "skeleton": bones}


def _image_entries(
    part: pa.RecordBatch, placed: dict[str, Path], folder: Path, ids: dict[str, int], lost: Counter[str]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Entries of `images`, and the number of each licence."""
    names = sorted(set(part.column("licence").drop_null().to_pylist()))
    licences = {name: number for number, name in enumerate(names, start=1)}
    entries: dict[str, dict[str, Any]] = {}
    columns = (part.column(name).to_pylist() for name in ("image", "width", "height", "licence"))
    for ref, width, height, licence, matrix in zip(*columns, _rows(part, "K"), strict=True):
        entry = entries.get(ref)
        if entry is None:
            if width is None or height is None:
                info = images.probe(placed[ref])
                width, height = info.width, info.height
            name = placed[ref].relative_to(folder).as_posix()
            entry = {"id": ids[ref], "file_name": name, "width": width, "height": height}
            entries[ref] = entry | ({"license": licences[licence]} if licence else {})
        if matrix is not None:
            camera = _camera(matrix)
            if camera is None or entries[ref].setdefault("cam_param", camera) != camera:
                lost["K"] += 1
    return sorted(entries.values(), key=lambda entry: entry["id"]), licences


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
    plain = [part.column(name).to_pylist() for name in _PLAIN]
    attrs = [json.loads(text) if text else None for text in part.column("attrs").to_pylist()]
    scores = [
        row and [None if math.isnan(score) else score for score in row]
        for row in _rows(part, "keypoint_scores")
    ]
    rows = zip(*plain, _rows(part, "transform"), scores, attrs, boxed.tolist(), strict=True)
    names = (*_PLAIN, "transform", "keypoint_scores", "attrs", "has_bbox")
    return [Ours(**dict(zip(names, values, strict=True))) for values in rows]


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
    finite = np.isfinite(xy)
    low = np.where(finite, xy, np.inf).min(1)
    high = np.where(finite, xy, -np.inf).max(1)
    boxes = np.concatenate([low, high - low], axis=1)
    return np.where(np.isfinite(boxes), boxes, 0.0)
