"""Converters: one module a format. The table below is the whole register."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

# name on the command line -> (module, what it is)
FORMATS: dict[str, tuple[str, str]] = {
    "11khands": ("converters.eleven_k_hands", "11k Hands: HandInfo.csv and Hands/*.jpg (no keypoints)"),
    "labelme": ("converters.labelme", "Labelme JSON files with named points"),
    "rhd": ("converters.rhd", "Rendered Hand Pose: anno_*.pickle with color/, mask/ and depth/"),
    "yolo-pose": ("converters.yolo_pose", "Ultralytics YOLO pose: images/ and labels/*.txt with 21 points"),
    "coco": ("converters.coco", "COCO keypoints of hands, flat or nested (mmpose's FreiHAND, RHD, ...)"),
    "coco-wholebody": ("converters.coco_wholebody", "COCO-WholeBody: left and right hand of each person"),
}


def load(name: str) -> ModuleType:
    """The module of a format in FORMATS. Raises KeyError for another name."""
    return import_module(FORMATS[name][0])


def writable() -> list[str]:
    """Names of the formats that `curate export` can write."""
    return ["11khands", "labelme", "rhd", "yolo-pose", "coco"]
