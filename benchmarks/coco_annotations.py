"""80,000 COCO hand annotations: ours against pycocotools (reading) and a loop over dictionaries (writing).

    python benchmarks/coco_annotations.py [--annotations 80000] [--rounds 5]

Reading, ours: file -> sample batches, with every image looked up on disk. Theirs: COCO(file), which builds
the index, and a loop over the annotations into arrays; it looks no image up.
Writing, ours: dataset -> annotation file. Theirs: a loop over samples that fills dictionaries, and json.dump.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pycocotools.coco import COCO

from converters import coco
from converters.parts import coco_written
from converters.parts.exported_images import Placed
from curate.basics import keypoints as kp
from curate.data.dataset import ROWS
from curate.data.sample import from_batch, make_batch
from curate.data.source import Source

HANDS_AN_IMAGE = 4


def main() -> None:
    """Run each pair in turn and print the medians and their ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--annotations", type=int, default=80_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _make(root, given.annotations)
        file = root / "annotations" / "train.json"

        def ours() -> int:
            return sum(part.batch.num_rows for part in coco.read(Source(root)))

        _compare("read", given, {"pycocotools": lambda: _theirs(file), "hand-curate": ours})
        batch = _batch(given.annotations)
        target = root / "written.json"
        ways = {"loop": lambda: _loop(batch, target), "hand-curate": lambda: _vectorised(batch, target)}
        _compare("write", given, ways)


def _compare(name: str, given: argparse.Namespace, ways: dict[str, Callable[[], int]]) -> None:
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(given.rounds):
        for way, run in ways.items():
            start = time.process_time()
            assert run() == given.annotations
            times[way].append(time.process_time() - start)
    (peer, theirs), (_, ours) = ((way, statistics.median(values)) for way, values in times.items())
    print(f"{name}: {peer} {theirs:.2f} s, hand-curate {ours:.2f} s, ratio of medians {theirs / ours:.1f}")


def _theirs(file: Path) -> int:
    with contextlib.redirect_stdout(io.StringIO()):
        index = COCO(file)
    annotations = index.loadAnns(index.getAnnIds())
    points = np.zeros((len(annotations), kp.COUNT, 3), np.float32)
    boxes = np.zeros((len(annotations), 4), np.float32)
    names = []
    for i, annotation in enumerate(annotations):
        points[i] = np.asarray(annotation["keypoints"], np.float32).reshape(kp.COUNT, 3)
        boxes[i] = annotation["bbox"]
        names.append(index.imgs[annotation["image_id"]]["file_name"])
    return len(names)


def _points(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    seen = random.integers(0, 3, (count, kp.COUNT)).astype(np.uint8)
    seen[:, 0] = kp.VISIBLE
    xy = random.uniform(0, 640, (count, kp.COUNT, 2)).round(2).astype(np.float32)
    return np.where(seen[..., None] > 0, xy, np.nan), seen


def _batch(count: int):  # type: ignore[no-untyped-def]
    xy, seen = _points(count)
    return make_batch(
        count,
        sample_id=[f"bench/{i}" for i in range(count)],
        source="bench",
        image=[f"{i // HANDS_AN_IMAGE:08d}.jpg" for i in range(count)],
        width=640,
        height=480,
        keypoints=xy,
        visibility=seen,
    )


def _vectorised(batch, target: Path) -> int:  # type: ignore[no-untyped-def]
    refs = dict.fromkeys(batch.column("image").to_pylist())
    placed = Placed(Path())
    for ref in refs:
        placed.add(ref, ref)
    # As a dataset gives them.
    batches = [batch.slice(start, ROWS) for start in range(0, batch.num_rows, ROWS)]
    target.write_bytes(b"".join(coco_written.encode(lambda: batches, placed, Counter())))
    return int(batch.num_rows)


def _loop(batch, target: Path) -> int:  # type: ignore[no-untyped-def]
    entries: dict[str, dict[str, object]] = {}
    annotations = []
    for number, sample in enumerate(from_batch(batch), start=1):
        entry = {"file_name": sample.image, "width": sample.width, "height": sample.height}
        image = entries.setdefault(sample.image, {"id": len(entries) + 1, **entry})
        flat: list[float] = []
        for (x, y), v in zip(sample.keypoints, sample.visibility, strict=True):
            flat += [float(x), float(y), int(v)] if v else [0, 0, 0]
        labelled = sample.keypoints[sample.visibility > 0]
        (left, top), (right, bottom) = labelled.min(0).tolist(), labelled.max(0).tolist()
        annotations.append(
            {
                "id": number,
                "image_id": image["id"],
                "category_id": 1,
                "iscrowd": 0,
                "keypoints": flat,
                "num_keypoints": len(labelled),
                "bbox": [left, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
                "segmentation": [],
            }
        )
    with open(target, "w") as file:
        json.dump({"images": list(entries.values()), "annotations": annotations}, file)
    return len(annotations)


def _make(root: Path, count: int) -> None:
    xy, seen = _points(count)
    flat = np.concatenate([np.nan_to_num(xy).astype(float).round(2), seen[..., None]], axis=2)
    annotations = [
        {
            "id": i,
            "image_id": i // HANDS_AN_IMAGE,
            "category_id": 1,
            "iscrowd": 0,
            "keypoints": points,
            "num_keypoints": kp.COUNT,
            "bbox": [1.5, 2.5, 100.25, 80.5],
            "area": 8070.125,
            "segmentation": [],
        }
        for i, points in enumerate(flat.reshape(count, -1).tolist())
    ]
    images = [
        {"id": i, "file_name": f"{i:08d}.jpg", "width": 640, "height": 480}
        for i in range(-(-count // HANDS_AN_IMAGE))
    ]
    (root / "annotations").mkdir()
    (root / "images").mkdir()
    for image in images:
        (root / "images" / str(image["file_name"])).touch()
    category = {"id": 1, "name": "hand", "keypoints": list(kp.NAMES)}
    document = {"images": images, "annotations": annotations, "categories": [category]}
    (root / "annotations" / "train.json").write_text(json.dumps(document))


if __name__ == "__main__":
    main()
