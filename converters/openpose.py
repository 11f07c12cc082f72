"""OpenPose's output (--write_json): a file per picture, with each person's hands and a score for each point.

    IMAGE_keypoints.json, or VIDEO_000000000012_keypoints.json    {"version": 1.3, "people": [
        {"person_id": [-1], "hand_left_keypoints_2d": [x, y, score] * 21, "hand_right_keypoints_2d": ...}]}

Points are pixels in our order; left and right are the person's own. A score of 0 says that a point was not
found; some are a little above 1. Before version 1.2 the names had no `_2d`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from converters.parts import json_files
from converters.parts.gathered import gathered, narrow, seen, shaped
from converters.parts.json_documents import Wanted, documents
from converters.parts.pictures import Pictures
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import Source

NAME = "openpose"
_END = "_keypoints.json"
_WANTED = Wanted(NAME, "what --write_json writes", _END, f"*{_END}")
_FRAME = re.compile(r"(.+)_([0-9]{12})")
_SIDES = ("left", "right")
_LARGEST = 2.0  # what resizing its maps makes of a score of 1 is less; beyond is no score
_ABOVE_1 = "point with a score above 1, taken as 1"


class Person(msgspec.Struct, gc=False):
    """What is read of a person."""

    hand_left_keypoints_2d: list[float] = []
    hand_right_keypoints_2d: list[float] = []
    hand_left_keypoints: list[float] = []
    hand_right_keypoints: list[float] = []
    person_id: list[int] = []

    def points(self, side: str) -> tuple[str, list[float]]:
        """The field that holds a hand, and what it holds."""
        earlier = f"hand_{side}_keypoints"
        field = earlier if getattr(self, earlier) else f"{earlier}_2d"
        return field, getattr(self, field)


class Document(msgspec.Struct):
    """What is read of a file."""

    people: list[msgspec.Raw]


_DOCUMENT = msgspec.json.Decoder(Document)
_PERSON = msgspec.json.Decoder(Person)


def read(source: Source) -> Iterator[Part]:
    """Yield up to two samples for each person: the hands with at least one point found.

    Raises
    ------
    InputError: no such folder, or no file of that form in it.
    """
    tally = Part()
    yield from gathered(_hands(source, tally), tally)


def _hands(source: Source, tally: Part) -> Iterator[Sample]:
    pictures = Pictures(source)
    for path, name, document in documents(source, _WANTED, _DOCUMENT, tally):
        with tally.quarantining(name):
            image = pictures.called(path.name[: -len(_END)], path, path.parent)
            tally.notes["picture without a person"] += not document.people
            for number, raw in enumerate(document.people):
                with tally.quarantining(name):
                    person = json_files.entry(_PERSON, raw, path, f"people[{number}]")
                    yield from _of_person(path, name, image, number, person, tally)


def _of_person(
    path: Path, name: str, image: str, number: int, person: Person, tally: Part
) -> Iterator[Sample]:
    hands = []
    for side in _SIDES:
        called, flat = person.points(side)
        field = f"people[{number}].{called}"
        values = shaped(flat or [0.0] * 3 * kp.COUNT, (3 * kp.COUNT,), path, field).reshape(kp.COUNT, 3)
        found = values[:, 2] > 0
        if (values[:, 2] < 0).any() or (values[:, 2] > _LARGEST).any():
            raise InputError(path, "a score outside 0 to 2", field=field, allowed="x, y, score from 0 to 1")
        tally.notes[_ABOVE_1] += int((values[:, 2] > 1).sum())
        values[:, 2] = np.minimum(values[:, 2], 1)
        if not found.any():
            tally.absent["hand of which no point was found"] += 1
        elif np.abs(values[found, :2]).max() <= 1:
            remedy = "let OpenPose write pixels of the picture: --keypoint_scale 0"
            raise InputError(path, "coordinates within -1 to 1", field=field, allowed="pixels", remedy=remedy)
        else:
            hands.append((side, values, found))
    stem = name[: -len(_END)]
    frame = _FRAME.fullmatch(stem)
    tracked = person.person_id[0] if person.person_id and person.person_id[0] >= 0 else None
    for side, values, found in hands:
        scores = np.where(found, values[:, 2], np.nan)
        yield Sample(
            f"{NAME}/{stem}/{number}-{side}",
            NAME,
            image,
            side=side,
            keypoints=narrow(values[:, :2]),
            visibility=seen(values, found),
            keypoint_scores=narrow(scores),
            label_source="auto:openpose",
            score=float(np.nanmean(scores)),
            clip=f"{NAME}/{frame[1]}" if frame else None,
            frame=int(frame[2]) % (1 << 31) if frame else None,
            track=f"{tracked}/{side}" if frame and tracked is not None else None,
        )
