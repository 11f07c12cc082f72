"""OneHand10K (Wang et al. 2018) in its own layout: a table of points for Train and for Test.

    OneHand10K/{Train,Test}/label_joint.txt   source/9.jpg   mask/9.png

A line holds the picture's name, its width and height, the number of hands, and 21 points x, y: whole pixels
in our order, -1 where a point is not visible.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from converters.parts.gathered import from_tables, gathered, narrow, seen
from converters.parts.known_formats import refusal
from converters.parts.pictures import look_up
from converters.parts.text_lines import lines
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.numerals import as_number
from curate.basics.wording import counted
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import ImageFinder, Source, texts_below
from curate.data.split import split_of

NAME = "onehand10k"
LICENCE = "OneHand10K: research only, cite Wang et al. 2018"
_HEAD = 4  # name, width, height, number of hands
_FIELDS = _HEAD + 2 * kp.COUNT
_TABLE = re.compile(r"label_joint\.txt", re.IGNORECASE)
_LARGEST = 1 << 31


class _Row(NamedTuple):
    """A line of a table: the picture, its size, and points (21, 2) with NaN for those that are not there."""

    image: str
    width: int
    height: int
    points: np.ndarray


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each line whose picture is there; others are counted.

    Raises
    ------
    InputError: no such folder, no label_joint.txt in it, or none that can be used.
    """
    tally = Part()
    tables = [path for path in texts_below(source.folder, tally) if _TABLE.fullmatch(path.name)]
    if not tables:
        allowed = "the folder OneHand10K with Train/ and Test/"
        raise refusal(source.root, "no label_joint.txt", allowed=allowed, own=NAME)
    hands = from_tables(tables, lambda table: _hands(table, source, tally), source, tally)
    yield from gathered(hands, tally)


def _hands(table: Path, source: Source, tally: Part) -> Iterator[Sample]:
    folder = table.parent
    finder = ImageFinder((*filter(Path.is_dir, [folder / "source"]), folder), further=source.images)
    before = set[str]()
    for number, line in lines(table, source.places):
        with tally.quarantining(f"{source.name(table)} line {number}"):
            row = _row(line, table)
            if row.image in before:
                raise InputError(table, f"{row.image!r} is on an earlier line too")
            before.add(row.image)
            if image := look_up(finder, tally, row.image, where=table, key=f"line {number}"):
                yield _hand(folder, row, image)


def _row(line: str, table: Path) -> _Row:
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != _FIELDS:
        allowed = f"{_FIELDS}: name, width, height, number of hands, 21 x (x, y)"
        raise InputError(table, counted(len(fields), "field"), allowed=allowed)
    try:
        width, height, _, *numbers = map(as_number, fields[1:])
    except ValueError as error:
        raise InputError(table, str(error)[:80]) from None
    if not all(side.is_integer() and 0 < side < _LARGEST for side in (width, height)):
        raise InputError(table, f"a picture of {fields[1]} x {fields[2]}", allowed="whole pixels")
    if not all(map(math.isfinite, numbers)):
        raise InputError(table, "a number that is not finite")
    points = np.array(numbers).reshape(kp.COUNT, 2)
    points[(points == -1).any(axis=1)] = np.nan
    return _Row(fields[0], int(width), int(height), points)


def _hand(folder: Path, row: _Row, image: str) -> Sample:
    mask = folder / "mask" / f"{Path(row.image).stem}.png"
    points = narrow(row.points)
    return Sample(
        f"{NAME}/{folder.name}/{Path(row.image).stem}",
        NAME,
        image,
        width=row.width,
        height=row.height,
        keypoints=points,
        visibility=seen(points),
        mask=str(mask.absolute()) if mask.is_file() else None,
        label_source="manual",
        split=split_of(folder.name),
        licence=LICENCE,
    )
