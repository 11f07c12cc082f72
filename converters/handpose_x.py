"""handpose_x (Eric.Lee, CSDN): a JSON file beside each picture, which is cut around a hand.

    {"maker": ..., "date": ...,
     "info": [{"bbox": [x1, y1, x2, y2], "pts": {"0": {"x": 69, "y": 120}, ... "20": {...}}}]}

Points are whole pixels in our order; boxes are often all zero. According to its readme, version 2 of the set
adds "handType": "Left" or "Right" to a hand. The times in the pictures' names are not those of a recording:
pictures a second apart show different people.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from converters.parts import json_files
from converters.parts.gathered import IMPOSSIBLE_BOX, NOT_TOLD, gathered, narrow, seen
from converters.parts.json_documents import Wanted, documents
from converters.parts.pictures import Pictures
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import Source

NAME = "handpose-x"
_WANTED = Wanted(NAME, "a file with info beside each picture")
_SIDES = {"Left": "left", "Right": "right"}
_POINTS = frozenset(str(number) for number in range(kp.COUNT))


class Point(msgspec.Struct, gc=False):
    """A pixel."""

    x: float
    y: float


class Hand(msgspec.Struct, gc=False):
    """What is read of a hand."""

    pts: dict[str, Point]
    bbox: list[float] | None = None
    handType: str | None = None


class Document(msgspec.Struct):
    """What is read of a file."""

    info: list[msgspec.Raw]
    maker: Any = None  # whatever JSON has, which attrs hold: no hand depends on it
    date: Any = None


_DOCUMENT = msgspec.json.Decoder(Document)
_HAND = msgspec.json.Decoder(Hand)


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each hand.

    Raises
    ------
    InputError: no such folder, or no file of that form in it.
    """
    tally = Part()
    yield from gathered(_hands(source, tally), tally, note=NOT_TOLD)


def _hands(source: Source, tally: Part) -> Iterator[Sample]:
    pictures = Pictures(source)
    for path, name, document in documents(source, _WANTED, _DOCUMENT, tally):
        with tally.quarantining(name):
            image = pictures.called(path.stem, path, path.parent)
            tally.notes["picture without a hand"] += not document.info
            for number, raw in enumerate(document.info):
                with tally.quarantining(name):
                    hand = json_files.entry(_HAND, raw, path, f"info[{number}]")
                    _note_unread(hand, tally)
                    yield _sample(name, image, number, hand, document)


def _note_unread(hand: Hand, tally: Part) -> None:
    """Count what is told of a hand and is not what the format allows: the hand is kept without it."""
    tally.notes[IMPOSSIBLE_BOX] += bool(hand.bbox and any(hand.bbox) and _box(hand.bbox) is None)
    tally.notes["handType neither Left nor Right, the side left open"] += (
        hand.handType is not None and hand.handType not in _SIDES
    )


def _sample(name: str, image: str, number: int, hand: Hand, document: Document) -> Sample:
    if hand.pts.keys() != _POINTS:
        found = counted(len(hand.pts), "point") if len(hand.pts) != kp.COUNT else "points with other names"
        raise InputError(name, found, field=f"info[{number}].pts", allowed="21 points called 0 to 20")
    points = narrow(np.array([[hand.pts[str(i)].x, hand.pts[str(i)].y] for i in range(kp.COUNT)]))
    stem = name.rpartition(".")[0]
    return Sample(
        f"{NAME}/{stem}" if number == 0 else f"{NAME}/{stem}#{number}",
        NAME,
        image,
        side=_SIDES.get(hand.handType or ""),
        keypoints=points,
        visibility=seen(points),
        bbox=_box(hand.bbox),
        attrs={
            key: value for key in ("maker", "date") if (value := getattr(document, key)) not in (None, "")
        },
    )


def _box(corners: list[float] | None) -> np.ndarray | None:
    """x, y, w, h of two corners; None where they span nothing."""
    if corners is None or len(corners) != 4 or corners[2] <= corners[0] or corners[3] <= corners[1]:
        return None
    x1, y1, x2, y2 = corners
    return narrow(np.array([x1, y1, x2 - x1, y2 - y1]))
