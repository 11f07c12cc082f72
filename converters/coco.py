"""COCO keypoints of hands: one annotation per hand, 21 x (x, y, v), flat or nested (cocodataset.org).

Also mmpose's conversions of FreiHAND, RHD, OneHand10K and Panoptic. Points are put into our order by the
category's names if these are known (`converters.parts.labels`); otherwise they are taken to be in our order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from converters.parts import config_advice, labels
from converters.parts.cameras import intrinsics
from converters.parts.coco_document import Camera, Id, text_id
from converters.parts.coco_files import Piece
from converters.parts.coco_tables import Hands, boxes, read_hands, stack_told
from converters.parts.coco_written import MILLIMETRES, Ours, write_coco
from converters.parts.mmpose_config import Config, read_configs
from converters.parts.packed_numbers import NOTHING, Numbers, is_packed, stack
from converters.parts.point_order import ASSUMED, UNTOLD, Order, by_the_rest, order_of
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.paths import LONGEST, is_path, is_text
from curate.basics.wording import counted
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import SHAPES
from curate.data.source import TWO_SIDES, Source

NAME = "coco"


class _Annotation(msgspec.Struct, gc=False):
    """What is read of an annotation, besides its keypoints."""

    id: Id = None
    image_id: Id = None
    category_id: Id = None
    iscrowd: bool | float | None = 0
    lefthand_valid: Any = None
    bbox: list[float] | None = None
    hand_type: Any = None
    attributes: Any = None
    joint_cam: list[list[float | None]] | None = None
    hand_curate: Ours | None = None


class Annotation(_Annotation, gc=False):
    """What is read of an annotation; packed keypoints are bytes, 21 x (x, y, v) of float32."""

    keypoints: Numbers | None = None


class _Unread(Annotation, gc=False):
    keypoints: msgspec.Raw = NOTHING  # type: ignore[assignment]


def read(source: Source) -> Iterator[Part]:
    """The hands of a COCO file, or of all those in root/annotations (else in the root).

    In a set that never uses v = 2, 1 means what 2 means in COCO (counted as `visibility_01_read_as_visible`).
    If a set has fractions for v, they are scores: a point with more than 0 is labelled. `joint_cam`
    (millimetres) and `cam_param` become xyz and K.

    Raises
    ------
    InputError: no annotation file.
    """
    return read_hands(source, Annotation, partial(_hands, read_configs(source)), NAME, _Unread)


def _hands(configs: list[Config], piece: Piece[Annotation]) -> Hands:
    file, document, problems = piece
    dropped = Counter[str]()
    orders = {c.id: order_of(c.keypoints, c.name) for c in document.categories}
    refused = {key for key, order in orders.items() if order.refusal}
    chosen = [
        a
        for a in document.annotations
        if (is_packed(a.keypoints) and not a.iscrowd and a.category_id not in refused)
        or _is_hand(a, orders, dropped)
    ]
    if not chosen and any(a.lefthand_valid is not None for a in document.annotations):
        found, remedy = "people with hands, as COCO-WholeBody has them", "curate convert coco-wholebody"
        raise InputError(file.path, found, field="annotations", remedy=remedy)
    set_name = re.sub(r"[^a-z0-9]+", "-", document.description.lower()).strip("-")[:40] or NAME
    ours = any(a.hand_curate is not None for a in chosen)
    prefix = f"{set_name}/{file.key}"
    nothing: dict[str, Any] = {}
    told = [a.attributes if isinstance(a.attributes, dict) else nothing for a in chosen]
    ids = [
        (_sent_id(t) if t else None) or f"{prefix}/{a.id if type(a.id) is int else text_id(a.id, i)}"
        for i, (a, t) in enumerate(zip(chosen, told, strict=True), start=file.first)
    ]
    columns: dict[str, Any] = {
        "sample_id": ids,
        "source": set_name,
        "bbox": boxes([a.bbox for a in chosen]),
    }
    points = stack([a.keypoints for a in chosen], (kp.COUNT, 3), np.float32)
    hands = Hands(file, document, [a.image_id for a in chosen], points, columns, ours=ours)
    hands.dropped, hands.quarantine = dropped, problems
    _add_tracks(hands, told, prefix)
    _add_sides(hands, chosen, orders)
    _add_camera(hands, chosen)
    categories = [a.category_id for a in chosen]
    turned = _put_in_order(hands, categories, orders)
    if ours:
        _restore(columns, chosen, Source(file.path).folder)
    else:
        _add_known_sides(hands)
        _add_advice(hands, categories, orders, turned, configs)
    hands.refuse_twins()
    return hands


def _sent_id(attributes: dict[str, Any]) -> str | None:
    """The id of a sample that was sent to CVAT, which gives its own attributes back here."""
    told = attributes.get("sample_id")
    return told if isinstance(told, str) and 0 < len(told) <= LONGEST and is_text(told) else None


def _add_tracks(hands: Hands, attributes: list[dict[str, Any]], prefix: str) -> None:
    """Which hand of a video each is, and the number of its frame, as CVAT tells them."""
    if not any(attributes):
        return
    tracks = [t.get("track_id") for t in attributes]
    tracked = [type(track) is int for track in tracks]
    if not any(tracked):
        return
    stems = {entry.id: Path(entry.file_name).stem for entry in hands.document.images}
    numbers = [re.search(r"([0-9]{1,9})$", stems.get(key, "")) for key in hands.images]
    hands.columns["track"] = [
        str(track) if there else None for track, there in zip(tracks, tracked, strict=True)
    ]
    hands.columns["clip"] = [prefix if there else None for there in tracked]
    frames = [int(match[1]) if match else None for match in numbers]
    hands.columns["frame"] = [n if there else None for n, there in zip(frames, tracked, strict=True)]


def _is_hand(annotation: Annotation, orders: dict[Id, Order], dropped: Counter[str]) -> bool:
    points: Any = annotation.keypoints
    refusal = orders.get(annotation.category_id, UNTOLD).refusal
    if annotation.iscrowd:
        dropped["crowd annotation"] += 1
    elif not points:
        dropped["annotation without keypoints"] += 1
    elif flaw := _count_flaw(points):
        dropped[f"annotation with {flaw}"] += 1
    elif refusal:
        dropped[f"annotation of no known hand: {refusal}"] += 1
    else:
        return True
    return False


def _count_flaw(points: Any) -> str:
    """Why an annotation's points are not 21 x (x, y, v); empty if they are."""
    if is_packed(points):
        return ""
    if isinstance(points[0], list):
        odd = next((p for p in points if isinstance(p, list) and len(p) != 3), None)
        if len(points) != kp.COUNT:
            return counted(len(points), "keypoint")
        return f"points of {counted(len(odd), 'number')}; allowed: 3 (x, y, v)" if odd is not None else ""
    if len(points) == 3 * kp.COUNT:
        return ""
    if len(points) % 3 or len(points) == 2 * kp.COUNT:
        return f"{counted(len(points), 'number')} for its keypoints; allowed: {3 * kp.COUNT}, 21 x (x, y, v)"
    return counted(len(points) // 3, "keypoint")


def _add_camera(hands: Hands, annotations: list[Annotation]) -> None:
    """xyz in metres and K, where the file has them."""
    if any(a.joint_cam is not None for a in annotations):
        hands.columns["xyz"] = stack_told([a.joint_cam for a in annotations], (kp.COUNT, 3)) / MILLIMETRES
    cameras = {entry.id: entry.cam_param for entry in hands.document.images if entry.cam_param}
    if cameras and hands.images:
        hands.columns["K"] = np.stack([_matrix(cameras.get(key)) for key in hands.images])


def _matrix(camera: Camera | None) -> NDArray[np.float64]:
    if camera is None:
        return np.full((3, 3), np.nan)
    return intrinsics(*camera.focal, *camera.princpt)


def _put_in_order(hands: Hands, categories: list[Id], orders: dict[Id, Order]) -> bool:
    """Put the points into our order, by the names in each hand's category. Returns whether fingers were
    reversed.

    Names that only count (thumb1 .. thumb4) do not settle the direction: RHD counts each finger from its tip
    (its README), and mmpose's file kept that order under names counted from the palm
    (open-mmlab/mmpose#1261). Where the file gives 3D points, the bones settle it: a proximal phalanx is
    longer than a distal one, however the hand is held. If most hands of the file have it the other way
    round, its fingers run from tip to palm (counted as `order_reversed`).
    """
    counted = np.zeros(len(categories), bool)
    for category in dict.fromkeys(categories):
        order = orders.get(category, UNTOLD)
        rows = np.array([other == category for other in categories])
        counted |= rows & (not order.anatomical)
        if order.places is not None:
            _reorder(hands, rows, order.places)
        if not order.known:
            hands.notes[ASSUMED] += int(rows.sum())
        if order.placed:
            hands.notes[by_the_rest(order.placed)] += int(rows.sum())
    xyz = hands.columns.get("xyz")
    if xyz is None:
        return False
    hands.projected = np.isfinite(xyz).all((1, 2))
    judged = hands.projected & counted
    turned = bool(judged.any()) and float(_from_tip(xyz[judged]).mean()) > 0.5
    if turned:
        _reorder(hands, counted, kp.TIP_TO_PALM)
        hands.notes["order_reversed"] += int(counted.sum())
    return turned


def _add_advice(
    hands: Hands, categories: list[Id], orders: dict[Id, Order], turned: bool, configs: list[Config]
) -> None:
    """Note which skeletons and flip rules the hands contradict, and what to write instead."""
    document = hands.document
    if hands.file.first or not (configs or any(category.skeleton for category in document.categories)):
        return  # reported once per file
    labelled = hands.points[..., 2:] > 0
    points = np.where(labelled, hands.points[..., :2], np.nan)
    for category in document.categories:
        rows = np.array([key == category.id for key in categories], bool)
        if not rows.any():
            continue
        order = orders[category.id]
        places = order.places or config_advice.OURS
        if turned and not order.anatomical:
            places = tuple(places[i] for i in kp.TIP_TO_PALM)
        where = f"skeleton of {str(category.name)[:40]!r} in {hands.file.name}"
        told = [config_advice.of_skeleton(category.skeleton, where, points[rows], places)]
        for config in configs:
            told += _of_mmpose(config, points[rows], places)
        hands.notes.update(filter(None, told))


def _of_mmpose(config: Config, points: NDArray[np.float32], places: tuple[int, ...]) -> list[str]:
    """What to write into a file of mmpose's; nothing where it is sound."""
    links = ", ".join(f"{(config.points[places[a]], config.points[places[b]])}" for a, b in kp.BONES)
    swap, skeleton = (f"{what} of {config.name}" for what in ("swap", "skeleton_info"))
    return [
        config_advice.of_flip(config.flip, swap, points, places, "swap='' for each keypoint"),
        config_advice.of_skeleton(config.links, skeleton, points, places, f"the links {links}"),
    ]


def _reorder(hands: Hands, rows: NDArray[np.bool_], order: tuple[int, ...]) -> None:
    if order != tuple(range(kp.COUNT)):
        places = list(order)
        hands.points[rows] = hands.points[rows][:, places]
        if "xyz" in hands.columns:
            hands.columns["xyz"][rows] = hands.columns["xyz"][rows][:, places]


def _from_tip(xyz: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the four fingers of each hand (n, 21, 3) run from the tip to the palm."""
    fingers = xyz[:, 5:].reshape(-1, 4, 4, 3)
    bones = np.linalg.norm(np.diff(fingers, axis=2), axis=-1)
    shorter: NDArray[np.bool_] = bones[..., 0].sum(1) < bones[..., 2].sum(1)
    return shorter


def _add_sides(hands: Hands, annotations: list[Annotation], orders: dict[Id, Order]) -> None:
    """The side in the annotation, its category and the names of its points, if they agree."""
    named = {c.id: {labels.side_of(c.name), orders[c.id].side} for c in hands.document.categories}
    alone = {key: _settled(sides) for key, sides in named.items()}
    nothing: tuple[None, int] = None, 0

    def told(a: Annotation) -> tuple[kp.Side | None, int]:
        sides = {labels.side_of(a.hand_type), labels.side_among(a.attributes)}
        return _settled(sides | named.get(a.category_id, set()))

    settled = [
        alone.get(a.category_id, nothing) if a.hand_type is None and a.attributes is None else told(a)
        for a in annotations
    ]
    hands.columns["side"] = [side for side, _ in settled]
    hands.notes[TWO_SIDES] += sum(more for _, more in settled)


def _settled(sides: set[kp.Side | None]) -> tuple[kp.Side | None, int]:
    """The side, or None if there is none or several; and how many sides there are beyond one."""
    side, *others = sides - {None} or {None}
    return (None if others else side), len(others)


def _add_known_sides(hands: Hands) -> None:
    """Sides known otherwise: FreiHAND has only right hands; Panoptic's file names end in _l or _r."""
    publisher, side = hands.columns["source"], hands.columns["side"]
    if publisher == "freihand":
        hands.columns["side"] = [told or "right" for told in side]
    elif publisher == "panoptic":
        stems = {entry.id: Path(entry.file_name).stem[-2:].lower() for entry in hands.document.images}
        ends = {"_l": "left", "_r": "right"}
        hands.columns["side"] = [
            told or ends.get(stems.get(key, "")) for told, key in zip(side, hands.images, strict=True)
        ]


def _restore(columns: dict[str, Any], annotations: list[Annotation], folder: Path) -> None:
    """Fields that `write` put into the annotations; a depth map lies relative to `folder`."""
    kept = [a.hand_curate for a in annotations]
    for name in Ours.__struct_fields__:
        values = [getattr(k, name) if k else None for k in kept]
        if name in SHAPES:
            columns[name] = stack(values, SHAPES[name])
        elif name == "has_bbox":
            columns["bbox"][[value is False for value in values]] = np.nan
        elif name == "sample_id":
            columns[name] = [value or told for value, told in zip(values, columns[name], strict=True)]
        elif name == "source":
            columns[name] = [value or columns[name] for value in values]
        elif name == "attrs":
            columns["depth"] = [_depth_in(folder, attrs) for attrs in values]
            columns[name] = [{k: v for k, v in (attrs or {}).items() if k != "depth"} for attrs in values]
        else:
            columns[name] = values


def _depth_in(folder: Path, attrs: dict[str, Any] | None) -> str | None:
    """The depth map in attrs, where it was named before it had a field, if it exists; `convert` checks its
    place."""
    name = (attrs or {}).get("depth")
    path = folder / name if isinstance(name, str) and is_path(name) else None
    return str(path) if path is not None and path.is_file() else None


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write annotations/person_keypoints_SPLIT.json and images/, as `write_coco` says."""
    return write_coco(dataset, out, engine)
