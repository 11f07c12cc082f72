"""YOLO's label files and their images, and what is read of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters import yolo_pose
from curate.basics import images
from curate.convert import convert
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.source import Source
from curate.data.stage import Summary
from curate.options.convert import ConvertOptions

WIDTH, HEIGHT = 200, 100
ONES = np.ones(21, int)


def line(points: NDArray[Any], seen: NDArray[Any] | None = ONES, number: str = "0") -> str:
    """A line as Ultralytics writes it, from (21, 2) shares; without v where `seen` is None."""
    columns = [points] if seen is None else [points, seen[:, None]]
    numbers = np.concatenate(columns, axis=1).reshape(-1)
    return " ".join([number, "0.5", "0.5", "0.25", "0.5", *(repr(float(n)) for n in numbers)])


def add(root: Path, image: str, label: str | bytes | None) -> None:
    """An image and its label file, at the places that Ultralytics' rule pairs."""
    images.write(root / image, np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    if label is not None:
        head, _, tail = image.rpartition("images/")
        path = (root / f"{head}labels/{tail}").with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(label.encode() if isinstance(label, str) else label)


def run(root: Path, out: Path, **options: Any) -> tuple[Summary, list[Sample]]:
    source = options.pop("source", Source(root))
    summary = convert(yolo_pose.read, "yolo-pose", source, out, ConvertOptions(**options), quiet=True)
    return summary, list(Dataset(out))
