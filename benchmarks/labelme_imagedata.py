"""Labelme files with an embedded image: ours (file -> shapes) against json.loads.

python benchmarks/labelme_imagedata.py [--megabytes 2] [--rounds 60]
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from converters.labelme import parse
from curate.basics import keypoints as kp


def main() -> None:
    """Run both in turn and print the medians and their ratio."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=float, default=2.0, help="size of the base64 text")
    options.add_argument("--rounds", type=int, default=60)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "hand.json")
        path.write_text(json.dumps(_document(int(given.megabytes * 1e6))))
        ways: dict[str, Callable[[], int]] = {
            "json.loads": lambda: len(json.loads(path.read_bytes())["shapes"]),
            "hand-curate": lambda: len(parse(path)[0].shapes),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(given.rounds):
            for name, way in ways.items():
                start = time.perf_counter()
                assert way() == kp.COUNT
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:12} {1e3 * value:8.3f} ms")
    print(f"ratio of medians, json.loads / hand-curate: {medians['json.loads'] / medians['hand-curate']:.1f}")


def _document(size: int) -> dict[str, object]:
    random = Random(0)
    shapes = [
        {
            "label": name,
            "points": [[random.uniform(0, 1600), random.uniform(0, 1200)]],
            "group_id": None,
            "description": "",
            "shape_type": "point",
            "flags": {},
            "mask": None,
        }
        for name in kp.NAMES
    ]
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": "hand.jpg",
        "imageData": base64.b64encode(random.randbytes(size * 3 // 4)).decode(),
        "imageHeight": 1200,
        "imageWidth": 1600,
    }


if __name__ == "__main__":
    main()
