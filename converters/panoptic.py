"""CMU's hand keypoints (Simon et al. 2017): hand_labels, hand_labels_synth and hand143_panopticdb.

    hand_labels/{manual_train,manual_test}/NAME.jpg  NAME.json    {"hand_pts": [[x, y, v]] * 21, "is_left": 0}
    hand_labels_synth/synth1/NAME.jpg  NAME.json                  the same
    hand143_panopticdb/hands_v143_14817.json  imgs/00000000.jpg   {"root": [{"img_paths", "joint_self"}]}

Points are in our order, and labelled if v is 1. Each file of hand_labels is for one hand, whatever its
picture shows: NAME_l and NAME_r belong to the same picture. All hands of hand143 are right hands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from converters.parts import json_files
from converters.parts.gathered import gathered, narrow, seen, shaped
from converters.parts.json_documents import Wanted, documents
from converters.parts.numbers import pixels
from converters.parts.pictures import Pictures, look_up
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import ImageFinder, Source
from curate.data.split import split_of

NAME = "panoptic"
LICENCE = "CMU Panoptic hand keypoints: non-commercial research, cite Simon et al. 2017"
_WANTED = Wanted(NAME, "hand_labels/ with hand_pts, or hand143_panopticdb/")
_SIDE = re.compile(r"_[lr]$", re.IGNORECASE)
_SYNTHETIC = re.compile(r"synth[0-9]*", re.IGNORECASE)


class Document(msgspec.Struct):
    """What is read of a file: of hand_labels, or of hand143."""

    hand_pts: list[list[float]] | None = None
    is_left: bool | float | None = None
    root: list[msgspec.Raw] | None = None

    def __post_init__(self) -> None:
        if self.hand_pts is None and self.root is None:
            raise ValueError("neither hand_pts nor root")


class Entry(msgspec.Struct, gc=False):
    """An entry of hand143."""

    img_paths: str
    joint_self: list[list[float]]
    img_width: Any = None
    img_height: Any = None


_DOCUMENT = msgspec.json.Decoder(Document)
_ENTRY = msgspec.json.Decoder(Entry)


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each hand.

    Raises
    ------
    InputError: no such folder, or no file of that form in it.
    """
    tally = Part()
    yield from gathered(_hands(source, tally), tally)


def _hands(source: Source, tally: Part) -> Iterator[Sample]:
    pictures = Pictures(source)
    for path, name, document in documents(source, _WANTED, _DOCUMENT, tally):
        if document.root is not None:
            yield from _of_studio(source, path, name, document.root, tally)
            continue
        with tally.quarantining(name):
            yield _labelled(path, name, document, pictures, tally)


def _labelled(path: Path, name: str, document: Document, pictures: Pictures, tally: Part) -> Sample:
    """A hand of hand_labels or hand_labels_synth."""
    folder = path.parent.name
    synthetic = _SYNTHETIC.fullmatch(folder) is not None
    points, visibility = _points(document.hand_pts, path, "hand_pts", tally)
    is_left = document.is_left
    if is_left not in (0, 1, None):
        raise InputError(path, f"{is_left:g}", field="is_left", allowed="0 or 1")
    stem = name.rpartition(".")[0]
    return Sample(
        f"{NAME}/{stem}",
        NAME,
        pictures.called(path.stem, path, path.parent),
        side=None if is_left is None else ("right", "left")[int(is_left)],
        keypoints=points,
        visibility=visibility,
        label_source="render" if synthetic else "manual",
        clip=None if synthetic else f"{NAME}/{_SIDE.sub('', path.stem)}",
        split=None if synthetic else split_of(folder),
        licence=LICENCE,
    )


def _of_studio(
    source: Source, path: Path, name: str, entries: list[msgspec.Raw], tally: Part
) -> Iterator[Sample]:
    """The hands of hand143: views of the same moments, which nothing tells apart, and so one clip."""
    finder = ImageFinder((source.folder, path.parent), further=source.images)
    for number, raw in enumerate(entries):
        field = f"root[{number}]"
        with tally.quarantining(name):
            entry = json_files.entry(_ENTRY, raw, path, field)
            points, visibility = _points(entry.joint_self, path, f"{field}.joint_self", tally)
            key = f"{field}.img_paths"
            if image := look_up(finder, tally, entry.img_paths, where=path, key=key, beside=path.parent):
                yield Sample(
                    f"{NAME}/{path.stem}/{number:08d}",
                    NAME,
                    image,
                    width=pixels(entry.img_width, path, f"{field}.img_width"),
                    height=pixels(entry.img_height, path, f"{field}.img_height"),
                    side="right",
                    keypoints=points,
                    visibility=visibility,
                    label_source="auto:multiview",
                    clip=f"{NAME}/hand143",
                    licence=LICENCE,
                )


def _points(
    rows: list[list[float]] | None, path: Path, field: str, tally: Part
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    values = shaped(rows, (kp.COUNT, 3), path, field)
    tally.notes["point whose third number is neither 0 nor 1, left unlabelled"] += int(
        (~np.isin(values[:, 2], (0, 1))).sum()
    )
    points = narrow(values[:, :2])
    return points, seen(points, values[:, 2] == 1)
