"""COCO files of a few hands, and what is read of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from converters import coco
from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.part import Part
from curate.data.sample import Sample, from_batch
from curate.data.source import Source


def read(root: Path, **more: Any) -> tuple[list[Sample], Part]:
    """All samples of a source, and a part with all that was counted."""
    samples: list[Sample] = []
    total = None
    for part in coco.read(Source(root, **more)):
        samples += from_batch(part.batch)
        total = total or Part(part.batch)
        total.dropped += part.dropped
        total.notes += part.notes
        total.quarantine += part.quarantine
    assert total is not None
    return samples, total


def flat(v: float = 2, shift: float = 0) -> list[float]:
    return [number for i in range(kp.COUNT) for number in (i + 0.5 + shift, 100.25 - i, v)]


def save(
    root: Path,
    annotations: list[dict[str, Any]],
    name: str = "train.json",
    names: Any = kp.NAMES,
    **more: Any,
) -> Path:
    """An annotation file in root/annotations and its image, 7.png."""
    folder = root / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    images.write(root / "images" / "7.png", np.zeros((128, 96, 3), np.uint8))
    document = {
        "info": "",
        "images": [{"id": 7, "file_name": "7.png", "width": 96, "height": 128}],
        "categories": [{"id": 1, "name": "hand", "keypoints": list(names)}],
        "annotations": [{"image_id": 7, "category_id": 1, "id": i, **a} for i, a in enumerate(annotations)],
    }
    path = folder / name
    path.write_text(json.dumps({**document, **more}))
    return path
