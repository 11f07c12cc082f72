"""FiftyOne: its own dataset layout, which fiftyone.types.FiftyOneDataset reads (docs.voxel51.com).

    metadata.json   the dataset's document: its fields, and the skeleton of the points
    samples.json    a document per image: hands as Keypoints, boxes as Detections, masks and depth as files
    data/           the images       fields/mask/ fields/depth/

Points and boxes are shares of the image's width and height, from its corner; NaN where not labelled. The
documents are MongoDB's extended JSON, and of the layout of FiftyOne 1.0, which later versions migrate.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from converters.parts import sample_json
from converters.parts.by_image import by_image
from converters.parts.exported_images import Placed, put, put_all
from converters.parts.lost_fields import count_lost
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, Sample

NAME = "fiftyone"
_VERSION = "1.0.0"
_EPOCH = {"$date": "1970-01-01T00:00:00Z"}
_HELD = frozenset(SCHEMA.names)
_NOWHERE_ELSE = (
    "sample_id",
    "source",
    "aspect",
    "subject_id",
    "xyz",
    "K",
    "label_source",
    "score",
    "parent_id",
    "transform",
    "clip",
    "frame",
    "track",
    "split",
    "licence",
    "tilt",
    "rotation",
    "attrs",
)
_FILES = {"mask": ("Segmentation", "mask_path"), "depth": ("Heatmap", "map_path")}
_DEEPEST = 65535  # of a depth map's values


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write metadata.json, samples.json, data/ and fields/.

    Each image is a FiftyOne sample. `hands` holds its hands, with all fields that FiftyOne does not know as
    attributes; `boxes` those that have a box; `mask` and `depth` the files that they name. If an image has
    several masks, the first is kept.

    Returns
    -------
    How many values of each field the layout could not hold, and what was left out.
    """
    counts = count_lost(dataset, _HELD)
    placed, changed = put_all(dataset, out / "data", engine)
    counts.update(changed)
    beside: dict[str, Placed] = {}
    for kind in _FILES:
        named = dataset.table([kind]).column(0).drop_null().to_pylist()
        beside[kind], changed = put(dataset, named, out / "fields" / kind, engine)
        counts.update({f"{kind}: {reason}": count for reason, count in changed.items()})
    with files.writing(out / "samples.json") as file:
        file.write(b'{"samples": [')
        for number, hands in enumerate(by_image(dataset, placed)):
            document = _sample(hands, placed[hands[0].image], out, beside, counts)
            file.write((b"," if number else b"") + b"\n" + msgspec.json.encode(document))
        file.write(b"\n]}\n")
    files.write_json(out / "metadata.json", _metadata(dataset))
    return +counts


# Samples ----------------------------------------------------------------------------------------------


def _sample(
    hands: Sequence[Sample],
    path: Path,
    out: Path,
    beside: dict[str, Placed],
    counts: Counter[str],
) -> dict[str, Any]:
    info = images.probe(path)
    size = np.array([info.width, info.height], np.float64)
    document = {
        "_id": _id("sample", path.name),
        "filepath": path.relative_to(out).as_posix(),
        "tags": sorted({hand.split for hand in hands if hand.split}),
        "metadata": {
            "_cls": "ImageMetadata",
            "mime_type": f"image/{info.format.lower()}",
            "width": info.width,
            "height": info.height,
        },
        "_media_type": "image",
        "_rand": int(_digest("order", path.name)[:8], 16) / 2**32,
        "hands": {"_cls": "Keypoints", "keypoints": [_keypoint(hand, size) for hand in hands]},
        "boxes": {
            "_cls": "Detections",
            "detections": [_box(hand, hand.bbox, size) for hand in hands if hand.bbox is not None],
        },
        "created_at": _EPOCH,
        "last_modified_at": _EPOCH,
    }
    for kind, (name, key) in _FILES.items():
        refs = dict.fromkeys(getattr(hand, kind) for hand in hands)
        there = [beside[kind][ref] for ref in refs if ref in beside[kind]]
        counts[f"{kind} beside another of its image"] += max(0, len(there) - 1)
        if there:
            document[kind] = {
                "_id": _id(kind, path.name),
                "_cls": name,
                "tags": [],
                key: there[0].relative_to(out).as_posix(),
                **({"range": [0.0, float(_DEEPEST)]} if kind == "depth" else {}),
            }
    return document


def _keypoint(hand: Sample, size: Any) -> dict[str, Any]:
    shares = hand.keypoints.astype(np.float64) / size
    told = {
        "_id": _id("hand", hand.sample_id),
        "_cls": "Keypoint",
        "attributes": {},
        "tags": [],
        "label": hand.side or "hand",
        "points": [[_number(x), _number(y)] for x, y in shares.tolist()],
        "visibility": hand.visibility.tolist(),
    }
    if hand.keypoint_scores is not None:
        told["confidence"] = [_number(score) for score in hand.keypoint_scores.astype(float).tolist()]
    return told | sample_json.fields(hand, _NOWHERE_ELSE)


def _box(hand: Sample, bbox: Any, size: Any) -> dict[str, Any]:
    return {
        "_id": _id("box", hand.sample_id),
        "_cls": "Detection",
        "attributes": {},
        "tags": [],
        "label": hand.side or "hand",
        "bounding_box": (bbox.astype(np.float64) / np.tile(size, 2)).tolist(),
        "sample_id": hand.sample_id,
    }


def _number(value: float) -> float | dict[str, str]:
    return {"$numberDouble": "NaN"} if math.isnan(value) else value


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _id(*words: str) -> dict[str, str]:
    """An ObjectId, the same for the same thing."""
    return {"$oid": _digest(*words)[:24]}


# The dataset's document -------------------------------------------------------------------------------

_FIELDS = "fiftyone.core.fields."
_LABELS = "fiftyone.core.labels."
_DOCUMENT = f"{_FIELDS}EmbeddedDocumentField"


def _metadata(dataset: Dataset) -> dict[str, Any]:
    skeleton = {"labels": list(kp.NAMES), "edges": [list(bone) for bone in kp.BONES]}
    return {
        "_id": _id("dataset"),
        "name": "hands",
        "slug": "hands",
        "version": _VERSION,
        "created_at": _EPOCH,
        "last_modified_at": _EPOCH,
        "persistent": False,
        "media_type": "image",
        "group_media_types": {},
        "tags": [],
        "info": {key: dataset.info[key] for key in ("sources", "licences")},
        "app_config": {"media_fields": ["filepath"], "plugins": {}},
        "classes": {"hands": ["hand", "left", "right"]},
        "default_classes": [],
        "mask_targets": {},
        "default_mask_targets": {},
        "skeletons": {"hands": skeleton},
        "default_skeleton": skeleton,
        "sample_fields": list(_sample_fields(dataset)),
    }


def _sample_fields(dataset: Dataset) -> Iterator[dict[str, Any]]:
    string = f"{_FIELDS}StringField"
    yield _field("id", "ObjectIdField", stored="_id")
    yield _field("filepath", "StringField")
    yield _field("tags", "ListField", within=string)
    size = [_field("width", "IntField"), _field("height", "IntField")]
    known = [_field("mime_type", "StringField"), *size]
    yield _document("metadata", "fiftyone.core.metadata.ImageMetadata", known)
    yield _field("_media_type", "StringField")
    yield _field("_rand", "FloatField")
    yield _field("_dataset_id", "ObjectIdField")
    yield _field("created_at", "DateTimeField", fixed=True)
    yield _field("last_modified_at", "DateTimeField", fixed=True)
    label = [
        _field("id", "ObjectIdField", stored="_id"),
        _field("tags", "ListField", within=string),
        _field("label", "StringField"),
    ]
    hand = [
        *label,
        _field("points", "KeypointsField"),
        _field("confidence", "ListField", within=f"{_FIELDS}FloatField"),
        _field("visibility", "ListField", within=f"{_FIELDS}IntField"),
        *(_attribute(name) for name in _NOWHERE_ELSE if not dataset.is_empty(name)),
    ]
    box = [*label, _field("bounding_box", "ListField", within=f"{_FIELDS}FloatField")]
    for name, kind, items, item, own in (
        ("hands", "Keypoints", "keypoints", "Keypoint", hand),
        ("boxes", "Detections", "detections", "Detection", [*box, _attribute("sample_id")]),
    ):
        many = _field(items, "ListField", within=_DOCUMENT, document=_LABELS + item, fields=own)
        yield _document(name, _LABELS + kind, [many])
    for name, (kind, path) in _FILES.items():
        if not dataset.is_empty(name):
            yield _document(name, _LABELS + kind, [*label[:2], _field(path, "StringField")])


def _attribute(name: str) -> dict[str, Any]:
    """The field of an attribute that is called as ours."""
    if name == "attrs":
        return _field(name, "DictField")
    kinds = {pa.string(): "StringField", pa.int32(): "IntField", pa.float32(): "FloatField"}
    return _field(name, kinds.get(SCHEMA.field(name).type, "ListField"))


def _document(name: str, kind: str, fields: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return _field(name, "EmbeddedDocumentField", document=kind, fields=fields)


def _field(
    name: str,
    kind: str,
    *,
    stored: str | None = None,
    within: str | None = None,
    document: str | None = None,
    fields: Sequence[dict[str, Any]] = (),
    fixed: bool = False,
) -> dict[str, Any]:
    return {
        "name": name,
        "ftype": _FIELDS + kind,
        "embedded_doc_type": document,
        "subfield": within,
        "fields": list(fields),
        "db_field": stored or name,
        "description": None,
        "info": None,
        "read_only": fixed,
        "created_at": _EPOCH,
    }
