"""COCO-WholeBody: the left and the right hand of each person (github.com/jin-s13/COCO-WholeBody).

`lefthand_kpts` and `righthand_kpts` hold 21 x (x, y, v) in our order; left and right are the person's own.
A hand counts only if `lefthand_valid` or `righthand_valid` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from converters.parts.coco_document import Id, text_id
from converters.parts.coco_files import Piece
from converters.parts.coco_tables import Hands, boxes, read_hands
from converters.parts.packed_numbers import stack
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.data.part import Part
from curate.data.source import Source

NAME = "coco-wholebody"


class Person(msgspec.Struct, gc=False):
    """What is read of an annotation."""

    id: Id = None
    image_id: Id = None
    iscrowd: bool | float | None = 0
    lefthand_valid: bool | float | None = False
    righthand_valid: bool | float | None = False
    lefthand_kpts: list[float] | None = None
    righthand_kpts: list[float] | None = None
    lefthand_box: list[float] | None = None
    righthand_box: list[float] | None = None


def read(source: Source) -> Iterator[Part]:
    """The valid hands of a COCO-WholeBody file, or of all those in root/annotations; at most two samples per
    person.

    Fractions in v are a detector's scores: a point with more than 0 is labelled.

    Raises
    ------
    InputError: no annotation file.
    """
    return read_hands(source, Person, _hands, NAME)


def _hands(piece: Piece[Person]) -> Hands:
    file, document, problems = piece
    if document.annotations and not any(p.lefthand_kpts or p.righthand_kpts for p in document.annotations):
        raise InputError(file.path, "no annotation has lefthand_kpts or righthand_kpts")
    absent = Counter[str]()
    people = [(i, p) for i, p in enumerate(document.annotations, start=file.first) if not p.iscrowd]
    absent["crowd annotation"] += len(document.annotations) - len(people)
    valid = [
        (i, p, side)
        for i, p in people
        for side in ("left", "right")
        if _is_valid(p, side, absent) and _has_all(p, side, f"{file.name}: annotations[{i}]", problems)
    ]
    columns: dict[str, Any] = {
        "sample_id": [f"{NAME}/{file.key}/{text_id(p.id, i)}-{side}" for i, p, side in valid],
        "source": NAME,
        "side": [side for _, _, side in valid],
        "bbox": boxes([getattr(p, f"{side}hand_box") for _, p, side in valid]),
    }
    points = stack([getattr(p, f"{side}hand_kpts") for _, p, side in valid], (kp.COUNT, 3), np.float32)
    owners = [p.image_id for _, p, _ in valid]
    hands = Hands(file, document, owners, points, columns)
    hands.absent, hands.quarantine = absent, problems
    hands.refuse_twins()
    return hands


def _is_valid(person: Person, side: str, absent: Counter[str]) -> bool:
    valid = bool(getattr(person, f"{side}hand_valid"))
    absent[f"{side} hand not valid"] += not valid
    return valid


def _has_all(person: Person, side: str, where: str, problems: list[tuple[str, str]]) -> bool:
    """Whether its points are none or 21; other numbers of them go to the problems."""
    numbers = len(getattr(person, f"{side}hand_kpts") or ())
    if numbers in (0, 3 * kp.COUNT):
        return True
    allowed = f"{3 * kp.COUNT}, 21 x (x, y, v)"
    problems.append((where, f"{side}hand_kpts: {counted(numbers, 'number')}; allowed: {allowed}"))
    return False
