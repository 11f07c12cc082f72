"""Reads an export with the tool that it is for, and prints what it found as JSON; run by the peers' Python.

    python tools.py TOOL FOLDER

A hand is its id, where the format has ids, and 21 points in pixels, [null, null] where there is no label.
"""

from __future__ import annotations

import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

Hand = tuple[str | None, list[Any]]
COUNT = 21
NAMES = [
    "wrist",
    *(f"thumb_{joint}" for joint in ("cmc", "mcp", "ip", "tip")),
    *(
        f"{finger}_{joint}"
        for finger in ("index", "middle", "ring", "little")
        for joint in ("mcp", "pip", "dip", "tip")
    ),
]


def pandas(folder: Path) -> Iterator[Hand]:
    import pandas

    for _, row in pandas.read_csv(folder / "samples.csv").iterrows():
        assert (folder / row["image"]).exists()
        yield row["sample_id"], [[row[f"{name}_x"], row[f"{name}_y"]] for name in NAMES]


def labelme(folder: Path) -> Iterator[Hand]:
    from labelme._label_file import LabelFile

    for path in sorted(folder.rglob("*.json")):
        if path.name.startswith("."):
            continue
        hands: dict[Any, list[Any]] = {}
        for shape in LabelFile(str(path)).shapes:
            if shape["shape_type"] == "point":
                points = hands.setdefault(shape["group_id"], [[None, None] for _ in NAMES])
                points[NAMES.index(shape["label"])] = list(shape["points"][0])
        for points in hands.values():
            yield None, points


def pycocotools(folder: Path) -> Iterator[Hand]:
    from pycocotools.coco import COCO

    for path in sorted((folder / "annotations").glob("*.json")):
        coco = COCO(str(path))
        for entry in coco.loadAnns(coco.getAnnIds()):
            (image,) = coco.loadImgs([entry["image_id"]])
            assert (folder / "images" / image["file_name"]).exists()
            yield entry["hand_curate"]["sample_id"], labelled(entry["keypoints"])


def datumaro(folder: Path) -> Iterator[Hand]:
    from datumaro import Dataset
    from datumaro.components.annotation import Points

    for item in Dataset.import_from(str(folder)):
        assert item.media.data.shape[:2] == item.media.size
        if (folder / "annotations.xml").exists():  # of CVAT's skeletons, each point is one of its own
            flat = [entry.points for entry in item.annotations if isinstance(entry, Points)]
            yield from ((None, flat[start : start + COUNT]) for start in range(0, len(flat), COUNT))
            continue
        for entry in item.annotations:
            if isinstance(entry, Points):
                seen = [int(value) for value in entry.visibility]
                flat = [n for i in range(COUNT) for n in (*entry.points[2 * i : 2 * i + 2], seen[i])]
                yield entry.attributes.get("sample_id"), labelled(flat)


def mmpose(folder: Path) -> Iterator[Hand]:
    import mmpose.datasets.transforms  # noqa: F401 (registers what the pipeline names)
    from mmengine.registry import init_default_scope
    from mmpose.datasets import FreiHandDataset

    init_default_scope("mmpose")
    codec = {"type": "MSRAHeatmap", "input_size": (256, 256), "heatmap_size": (64, 64), "sigma": 2}
    pipeline = [
        {"type": "LoadImage"},
        {"type": "GetBBoxCenterScale"},
        {"type": "RandomFlip", "prob": 1.0},
        {"type": "TopdownAffine", "input_size": (256, 256)},
        {"type": "GenerateTarget", "encoder": codec},
    ]
    for path in sorted((folder / "annotations").glob("*.json")):
        data = FreiHandDataset(
            ann_file=f"annotations/{path.name}",
            metainfo={"from_file": str(folder / "hands.py")},
            data_root=str(folder),
            data_prefix={"img": "images/"},
            pipeline=pipeline,
        )
        assert list(data.metainfo["flip_indices"]) == list(range(COUNT))
        assert len(data.metainfo["skeleton_links"]) == COUNT - 1
        for number in range(len(data)):
            assert data[number]["heatmaps"].shape == (COUNT, 64, 64)
            found = data.get_data_info(number)
            seen = found["keypoints_visible"][0]
            points = found["keypoints"][0].tolist()
            yield None, [point if v > 0 else [None, None] for point, v in zip(points, seen, strict=True)]


def ultralytics(folder: Path) -> Iterator[Hand]:
    from ultralytics.data.utils import check_det_dataset, verify_image_label

    found = check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    assert found["kpt_shape"] == [COUNT, 3]
    assert found["flip_idx"] == list(range(COUNT))
    for split in ("train", "val", "test"):
        for image in sorted(Path(found[split]).iterdir()):
            label = str(image).replace("/images/", "/labels/").rsplit(".", 1)[0] + ".txt"
            told = verify_image_label((str(image), label, "", True, 1, COUNT, 3, False))
            assert told[-1] == "", told[-1]
            height, width = told[2]
            for points in told[4]:
                flat = [n for x, y, v in points.tolist() for n in (x * width, y * height, v)]
                yield None, labelled(flat)


def datasets(folder: Path) -> Iterator[Hand]:
    from datasets import Image, load_dataset

    for split, rows in load_dataset(str(folder), cache_dir=str(folder.parent / "cache")).items():
        assert split in ("train", "validation", "test")
        assert isinstance(rows.features["image"], Image)
        for row in rows:
            assert row["image"].size == (row["width"], row["height"])
            yield row["sample_id"], paired(row["keypoints"])


def mlcroissant(folder: Path) -> Iterator[Hand]:
    import mlcroissant

    found = mlcroissant.Dataset(str(folder / "croissant.json"))
    assert not found.metadata.issues.errors
    for row in found.records("hands"):
        assert row["hands/image"].size == (row["hands/width"], row["hands/height"])
        yield row["hands/sample_id"].decode(), paired([float(n) for n in row["hands/keypoints"]])


def webdataset(folder: Path) -> Iterator[Hand]:
    from webdataset import WebDataset

    tars = [str(path) for path in sorted(folder.glob("*.tar"))]
    for sample in WebDataset(tars, shardshuffle=False).decode("pil"):
        told = sample["json"]
        assert (sample.get("jpg") or sample["png"]).size == (told["width"], told["height"])
        yield told["sample_id"], told["keypoints"]


def fiftyone(folder: Path) -> Iterator[Hand]:
    """Its database (MongoDB) is stood in for by mongomock, since its own is not made for every system."""
    os.environ.update(
        FIFTYONE_DATABASE_URI="mongodb://nowhere",
        FIFTYONE_DO_NOT_TRACK="true",
        FIFTYONE_CONFIG_PATH=str(folder.parent / "fiftyone.json"),
        HOME=str(folder.parent),
    )
    import mongomock
    import pymongo
    from mongomock.store import ServerStore

    store = ServerStore()

    class Client(mongomock.MongoClient):
        _closed = False

        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__(_store=store)

        def server_info(self) -> dict[str, Any]:
            return {"version": "7.0.0", "versionArray": [7, 0, 0, 0]}

    pymongo.MongoClient = Client
    import fiftyone

    found = fiftyone.Dataset.from_dir(str(folder), dataset_type=fiftyone.types.FiftyOneDataset)
    assert found.skeletons["hands"].labels == NAMES
    for sample in found:
        assert Path(sample.filepath).exists()
        size = (sample.metadata.width, sample.metadata.height)
        for hand in sample["hands"].keypoints:
            yield hand["sample_id"], [[x * size[0], y * size[1]] for x, y in hand.points]


def label_studio_sdk(folder: Path) -> Iterator[Hand]:
    """Its check of the interface and the annotations, and its converter; a server gives tasks their ids."""
    from label_studio_sdk.converter import Converter
    from label_studio_sdk.label_interface import LabelInterface

    config = (folder / "label_config.xml").read_text(encoding="utf-8")
    interface = LabelInterface(config)
    interface.validate()
    converter = Converter(config, str(folder))
    for number, task in enumerate(json.loads((folder / "tasks.json").read_text(encoding="utf-8"))):
        assert (folder / task["data"]["image"].partition("?d=")[2]).exists()
        assert all(interface.validate_annotation(entry) for entry in task.get("annotations", []))
        for row in converter.annotation_result_from_task({"annotations": [], **task, "id": number}):
            hands, last = [], COUNT
            for region in row["output"].get("keypoint", []):
                joint = NAMES.index(region["keypointlabels"][0])
                if joint <= last:  # the next hand's
                    hands.append([[None, None] for _ in NAMES])
                size = (region["original_width"], region["original_height"])
                hands[-1][joint] = [region["x"] * size[0] / 100, region["y"] * size[1] / 100]
                last = joint
            for sent, points in zip(row["input"]["hand_curate"], hands, strict=True):
                yield sent["sample_id"], points


def labelled(flat: list[float]) -> list[Any]:
    """Points of x, y, v: null where v is 0."""
    return [flat[i : i + 2] if flat[i + 2] > 0 else [None, None] for i in range(0, 3 * COUNT, 3)]


def paired(flat: list[float | None]) -> list[Any]:
    return [flat[i : i + 2] for i in range(0, 2 * COUNT, 2)]


READERS: dict[str, Callable[[Path], Iterator[Hand]]] = {
    reader.__name__: reader
    for reader in (
        pandas,
        labelme,
        pycocotools,
        datumaro,
        mmpose,
        ultralytics,
        datasets,
        mlcroissant,
        webdataset,
        fiftyone,
        label_studio_sdk,
    )
}


def main() -> int:
    warnings.simplefilter("ignore")
    tool, folder = sys.argv[1], Path(sys.argv[2])
    hands = [
        (name, [[None if n is None or math.isnan(n) else float(n) for n in point] for point in points])
        for name, points in READERS[tool](folder)
    ]
    print()
    print(json.dumps({"version": version(tool), "hands": hands}), flush=True)
    os._exit(0)  # some tools leave threads that do not end


if __name__ == "__main__":
    sys.exit(main())
