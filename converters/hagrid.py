"""HaGRID (Kapitanov et al. 2024): people who show gestures, with boxes and MediaPipe's points.

    annotations/{train,val,test}/GESTURE.json   GESTURE/UUID.jpg, in any folder

    {UUID: {"bboxes": [[x, y, w, h]], "labels": ["call", "no_gesture"], "user_id": ...,
            "hand_landmarks": [[[x, y]] * 21], "leading_hand": "right", "leading_conf": 1.0}}

Boxes and points are shares of the picture, points in our order; `landmarks` in the first version. A hand
that MediaPipe did not find has no points. `leading_hand` is the side of the hand that shows the gesture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from converters.parts import json_files, labels
from converters.parts.gathered import IMPOSSIBLE_BOX, NOT_TOLD, gathered, narrow, seen, shaped
from converters.parts.json_documents import Wanted, documents
from converters.parts.pictures import NO_IMAGE, Pictures, probed
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.images import ImageInfo
from curate.basics.wording import counted
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import Source
from curate.data.split import split_of

NAME = "hagrid"
LICENCE = "HaGRID: a variant of CC BY-SA 4.0"
_NO_GESTURE = "no_gesture"
_WANTED = Wanted(NAME, "annotations/ with hand_landmarks, and the pictures")


class Entry(msgspec.Struct, gc=False):
    """What is read of a picture."""

    bboxes: list[list[float]]
    labels: list[str]
    hand_landmarks: list[list[list[float]] | None] | None = None
    landmarks: list[list[list[float]] | None] | None = None
    user_id: str | None = None
    leading_hand: str | None = None
    leading_conf: float | None = None

    @property
    def points(self) -> list[list[list[float]] | None]:
        """The points of each hand, under the name of whichever version."""
        return self.hand_landmarks if self.hand_landmarks is not None else self.landmarks or []


_FILE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRY = msgspec.json.Decoder(Entry)


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each hand that has points and whose picture is there; others are counted.

    Raises
    ------
    InputError: no such folder, or no file of that form in it.
    """
    tally = Part()
    yield from gathered(_hands(source, tally), tally, note=NOT_TOLD)


def _hands(source: Source, tally: Part) -> Iterator[Sample]:
    pictures = Pictures(source)
    for path, name, document in documents(source, _WANTED, _FILE, tally):
        for key, raw in document.items():
            with tally.quarantining(name):
                entry = json_files.entry(_ENTRY, raw, path, key[:80])
                hands = _points(entry, path, key)
                tally.absent["hand without landmarks"] += len(entry.bboxes) - len(hands)
                image = pictures.find(key, path)
                if image is None:
                    tally.absent[NO_IMAGE] += len(hands)
                elif hands and (info := probed(image, key, tally)):
                    yield from _of_picture(path, key, entry, hands, image, info, tally)


def _points(entry: Entry, path: Path, key: str) -> dict[int, np.ndarray]:
    """The points (21, 2) of the hands that have any, as shares, by the number of their box."""
    told = entry.points
    if len(entry.labels) != len(entry.bboxes) or len(told) not in (0, len(entry.bboxes)):
        there = (
            counted(len(entry.bboxes), "box", "boxes"),
            counted(len(entry.labels), "label"),
            f"{counted(len(told), 'hand')} with landmarks",
        )
        raise InputError(path, ", ".join(there), field=key, allowed="as many of each")
    return {
        number: shaped(points, (kp.COUNT, 2), path, f"{key}.hand_landmarks[{number}]")
        for number, points in enumerate(told)
        if points
    }


def _of_picture(
    path: Path, key: str, entry: Entry, hands: dict[int, np.ndarray], image: str, info: ImageInfo, tally: Part
) -> Iterator[Sample]:
    size = np.array([info.width, info.height], np.float64)
    split = next((s for folder in (path.parent.name, path.stem) if (s := split_of(folder))), None)
    shown = [number for number, label in enumerate(entry.labels) if label != _NO_GESTURE]
    for number, points in hands.items():
        box = shaped(entry.bboxes[number], (4,), path, f"{key}.bboxes[{number}]")
        if max(np.abs(points).max(), np.abs(box).max()) > 2:
            raise InputError(path, "coordinates outside -2 to 2", field=key, allowed="shares of the picture")
        box = box * np.tile(size, 2)
        spans = bool((box[2:] > 0).all())
        tally.notes[IMPOSSIBLE_BOX] += not spans
        attrs: dict[str, Any] = {"gesture": entry.labels[number]}
        leading = entry.leading_hand if shown == [number] else None
        side = labels.side_of(leading)
        tally.notes["leading_hand that is no side"] += bool(leading) and side is None
        if side and entry.leading_conf is not None:
            attrs["side_confidence"] = entry.leading_conf
        yield Sample(
            f"{NAME}/{path.parent.name}/{path.stem}/{key}" + (f"#{number}" if number else ""),
            NAME,
            image,
            width=info.width,
            height=info.height,
            side=side,
            subject_id=f"{NAME}/{entry.user_id}" if entry.user_id else None,
            keypoints=narrow(points * size),
            visibility=seen(points),
            bbox=narrow(box) if spans else None,
            label_source="auto:mediapipe",
            split=split,
            licence=LICENCE,
            attrs=attrs,
        )
