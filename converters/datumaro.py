"""Datumaro: its own layout (open-edge-platform.github.io/datumaro), one JSON file per split, and the images.

    annotations/train.json   annotations/val.json ...   images/train/ ...

A hand is Points with our visibility and, if it has one, a Bbox, in one group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from converters.parts import sample_json
from converters.parts.by_image import by_image
from converters.parts.exported_images import WITHOUT_IMAGE, Placed, put
from converters.parts.lost_fields import count_lost
from converters.parts.short_numbers import short
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA, Sample
from curate.data.split import SPLITS

NAME = "datumaro"
_HELD = frozenset(SCHEMA.names) - {"mask", "depth"}
_LABELS = ("hand", "left", "right")  # of a hand whose side is not known, and of the others
_UNTOLD = "default"  # Datumaro's own name for what is in no split
_IMAGE = 2  # its number for media that are images
_OWN_WORD = {"image", "width", "height", "sha256", "side", "keypoints", "visibility", "bbox", "split"}
_ATTRIBUTES = [name for name in SCHEMA.names if name in _HELD - _OWN_WORD]


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write annotations/SPLIT.json and images/SPLIT/; samples without a split go to the subset "default".

    What Datumaro has no field for goes into the attributes of the points. An unlabelled point is at (0, 0)
    and marked as absent.

    Returns
    -------
    How many values of each field the layout could not hold, and what was left out.
    """
    counts = count_lost(dataset, _HELD)
    table = dataset.table(["image", "split"])
    split_of: dict[str, str] = {}
    for ref, split in zip(*(column.to_pylist() for column in table.columns), strict=True):
        own = split if split in SPLITS else _UNTOLD
        counts["sample in the split of another hand of its image"] += split_of.setdefault(ref, own) != own
    there: set[str] = set()
    for split in sorted(set(split_of.values())):
        refs = [ref for ref, own in split_of.items() if own == split]
        folder = out / "images" / split
        placed, changed = put(dataset, refs, folder, engine)
        counts.update(changed)
        there.update(placed)
        with files.writing(out / "annotations" / f"{split}.json") as file:
            _write_subset(file, dataset, placed, folder)
    counts[WITHOUT_IMAGE] += sum(ref not in there for ref in table.column("image").to_pylist())
    return +counts


def _write_subset(file: IO[bytes], dataset: Dataset, placed: Placed, folder: Path) -> None:
    head = msgspec.json.encode(
        {"dm_format_version": "1.0", "media_type": _IMAGE, "infos": {}, "categories": _categories()}
    )
    file.write(head[:-1] + b',"items":[')
    for number, hands in enumerate(by_image(dataset, placed)):
        item = _item(hands, placed[hands[0].image], folder)
        file.write((b",\n" if number else b"\n") + msgspec.json.encode(item))
    file.write(b"\n]}\n")


def _categories() -> dict[str, Any]:
    labels = [{"name": name, "parent": "", "attributes": []} for name in _LABELS]
    bones = [list(bone) for bone in kp.BONES]
    points = [
        {"label_id": number, "labels": list(kp.NAMES), "joints": bones} for number in range(len(_LABELS))
    ]
    return {
        "label": {"labels": labels, "label_groups": [], "attributes": []},
        "points": {"items": points},
    }


def _item(hands: Sequence[Sample], path: Path, folder: Path) -> dict[str, Any]:
    info, name = images.probe(path), path.relative_to(folder)
    return {
        "id": name.with_suffix("").as_posix(),
        "annotations": [entry for group, hand in enumerate(hands, 1) for entry in _annotations(hand, group)],
        "image": {"path": name.as_posix(), "size": [info.height, info.width]},
    }


def _annotations(hand: Sample, group: int) -> Iterator[dict[str, Any]]:
    label = _LABELS.index(hand.side or "hand")
    shared = {"id": 0, "group": group, "label_id": label, "z_order": 0}
    yield {
        **shared,
        "type": "points",
        "attributes": sample_json.fields(hand, _ATTRIBUTES),
        "points": np.nan_to_num(short(hand.keypoints)).reshape(-1).tolist(),
        "visibility": hand.visibility.tolist(),
    }
    if hand.bbox is not None:
        yield {**shared, "type": "bbox", "attributes": {}, "bbox": short(hand.bbox).tolist()}
