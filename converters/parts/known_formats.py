"""Which format a folder has, by its files: for the error when it is not the one that was asked for."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

from curate.basics.errors import InputError
from curate.basics.paths import open_file
from curate.basics.wording import counted, verb
from curate.data.source import files_below

_LOOKED_AT = 2000  # files at most
_HEAD = 5_000_000  # bytes of a file that are looked at
_READ = {
    "11khands": "11k Hands",
    "rhd": "RHD",
    "labelme": "Labelme",
    "coco": "COCO",
    "coco-wholebody": "COCO-WholeBody",
    "yolo-pose": "YOLO pose",
    "hand-graph": "hand-graph-cnn's real set",
    "handpose-x": "handpose_x",
    "freihand": "FreiHAND",
    "interhand": "InterHand2.6M",
    "panoptic": "CMU's hand labels",
    "openpose": "OpenPose's output",
    "onehand10k": "OneHand10K",
    "hagrid": "HaGRID",
    "stb": "STB",
    "dexter-object": "Dexter+Object",
    "tzionas": "Hands in Action",
    "cvat": "CVAT's XML",
    "label-studio": "Label Studio",
}
# Top-level keys that no other format has; the first match counts.
_KEYS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"shapes"}), "labelme"),
    (frozenset({"annotations", "images"}), "coco"),
    (frozenset({"hand_pts"}), "panoptic"),
    (frozenset({"root"}), "panoptic"),
    (frozenset({"info", "maker"}), "handpose-x"),
    (frozenset({"categories", "items"}), "Datumaro"),
    (frozenset({"_via_img_metadata"}), "VIA"),
    (frozenset({"people", "version"}), "openpose"),
    (frozenset({"objects", "size"}), "Supervisely"),
)
# File names, lower case, that no other format has.
_NAMES: tuple[tuple[str, str], ...] = (
    (r"handinfo\.csv", "11khands"),
    (r"anno_(training|evaluation)\.(pickle|pkl)", "rhd"),
    (r"pose_gt\.mat", "hand-graph"),
    (r"label_joint\.txt", "onehand10k"),
    (r"b[0-9]+(counting|random)_(bb|sk)\.mat", "stb"),
    (r"(my_)?(grasp1|grasp2|occlusion|rigid|pinch|rotate)3d\.txt", "dexter-object"),
    (r"interhand2\.6m_(train|val|test)_data\.json", "interhand"),
)
_YOLO = re.compile(rb"\s*\d+(\.0)?(\s+-?[\d.e-]+){46,67}\s*(\n|$)")


def refusal(root: Path, found: str, *, allowed: str, own: str, where: Path | None = None) -> InputError:
    """The error that a source is not of the format `own`, with what it looks like instead.

    Parameters
    ----------
    found, allowed: as in InputError. where: the file at fault; default: the root.
    """
    name, remedy = recognised(root), ""
    if name == own:
        pass  # the right format, but damaged
    elif name in _READ:
        remedy = f"it looks like {_READ[name]}: curate convert {name}"
    elif name:
        remedy = f"it looks like {name}, which is not read; export it as COCO or Labelme"
    return InputError(where or root, found, allowed=allowed, remedy=remedy)


def and_others(count: int) -> str:
    """The words, after what is wrong with a file, that `count` others are no better; empty for none."""
    return f" (nor {verb(count, 'is', 'are')} {counted(count, 'further file')})" if count > 0 else ""


def recognised(root: Path) -> str:
    """The format of a folder or file: our name of one that we read, the name of another, or empty."""
    try:
        looked_at = list(islice(files_below(root), _LOOKED_AT)) if root.is_dir() else [root]
    except OSError:
        return ""
    for path in looked_at:
        for pattern, name in _NAMES:
            if re.fullmatch(pattern, path.name.lower()):
                return name
    return next((name for path in looked_at if (name := _of_file(path))), "")


def _of_file(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in (".json", ".xml", ".txt"):
        return ""
    try:
        with open_file(path) as file:
            head = file.read(_HEAD)
    except OSError:
        return ""
    if kind == ".json":
        return _of_json(head)
    if kind == ".xml":
        return "cvat" if b"<annotations" in head[:2000] else "Pascal VOC" if b"<object>" in head else ""
    return "yolo-pose" if _YOLO.match(head) else ""


def _of_json(head: bytes) -> str:
    try:
        content = json.loads(head)
    except (ValueError, RecursionError):
        return "coco" if len(head) == _HEAD and b'"annotations"' in head and b'"images"' in head else ""
    if isinstance(content, list):
        return _of_list(content)
    if not isinstance(content, dict):
        return ""
    for keys, name in _KEYS:
        if keys <= content.keys():
            return "coco-wholebody" if name == "coco" and b'"lefthand_kpts"' in head else name
    first = next(iter(content.values()), None)
    if isinstance(first, dict) and not first.keys().isdisjoint({"hand_landmarks", "bboxes"}):
        return "hagrid"
    return "VIA" if isinstance(first, dict) and "regions" in first else ""


def _of_list(content: list[Any]) -> str:
    first = content[0] if content else None
    if isinstance(first, list):
        return "freihand"
    if not isinstance(first, dict):
        return ""
    if not first.keys().isdisjoint({"predictions", "data", "file_upload", "kp"}) or "keypointlabels" in str(
        first
    ):
        return "label-studio"
    return "CreateML" if {"image", "annotations"} <= first.keys() else ""
