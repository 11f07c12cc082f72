"""Dexter+Object (Sridhar et al. 2016): a left hand with an object; fingertips in the frame of a depth camera.

    data/Grasp1/color/*.png
    data/Grasp1/annotations/Grasp13D.txt  Grasp12D.txt  my_Grasp13D.txt (as revised)

Line i belongs to picture i, in the order of the names: "x, y, z;" for the tips of thumb, index, middle, ring
and little finger, in millimetres, with x to the left and y up; z = 32001 if a tip is not seen. The 2D file
holds pixels of the depth camera's picture. K of both cameras, and the transform from one to the other, are
those of the publisher's calibration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.parts.cameras import intrinsics, project
from converters.parts.gathered import from_tables, gathered, narrow, seen
from converters.parts.known_formats import refusal
from converters.parts.pictures import NO_IMAGE
from converters.parts.text_lines import lines
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.numerals import as_number
from curate.basics.wording import counted
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import Source, texts_below

NAME = "dexter-object"
LICENCE = "Dexter+Object: research, cite Sridhar et al. 2016"
_MILLIMETRES = 1000.0
_SIZE = (640, 480)  # of the pictures that _K is of
_UNSEEN = 32001.0
_TABLE = re.compile(r"(my_)?(Grasp1|Grasp2|Occlusion|Rigid|Pinch|Rotate)3D\.txt", re.IGNORECASE)
_FAR = 5.0  # pixels of the depth camera's picture, 320 x 240
_APART = "fingertip over 5 px of the depth picture from where its 2D label is"
_DEPTH_K = intrinsics(224.502, 230.494, 160.0, 120.0)
_K = intrinsics(587.45209, 600.67456, 325.0, 249.0)
# From the depth camera's frame to the colour camera's: turn X + at, millimetres.
_TURN = np.array([[0.9999, 0.0034, 0.0161], [-0.0033, 1.0, -0.0079], [-0.0162, 0.0079, 0.9998]])
_AT = np.array([19.0473, -1.8514, -4.7501])


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each picture in which a fingertip is seen; a sequence is one clip.

    Raises
    ------
    InputError: no such folder, no table in it, or none with a line for each picture.
    """
    tally = Part()
    tables: dict[str, Path] = {}
    for path in texts_below(source.folder, tally):  # my_Grasp13D.txt, the revised one, comes behind
        if match := _TABLE.fullmatch(path.name):
            tables[match[2].lower()] = path
    if not tables:
        raise refusal(source.root, "no file such as Grasp13D.txt", allowed="the folder data/", own=NAME)
    hands = from_tables(tables.values(), lambda table: _hands(table, source, tally), source, tally)
    yield from gathered(hands, tally)


def _hands(table: Path, source: Source, tally: Part) -> Iterator[Sample]:
    match = _TABLE.fullmatch(table.name)
    assert match is not None
    sequence = match[2]
    rows = list(lines(table, source.places))
    pictures = _pictures(source, table.parent.parent, sequence)
    if not pictures:
        tally.absent[NO_IMAGE] += len(rows)
        return
    if len(pictures) != len(rows):
        held = counted(len(pictures), "picture")
        found = f"{counted(len(rows), 'line')} for {held} in {pictures[0].parent.name}/"
        raise InputError(table, found, allowed="a line for each picture, in the same order")
    flat = _flat(table.with_name(f"{sequence}2D.txt"), source, len(rows))
    for frame, ((number, line), image) in enumerate(zip(rows, pictures, strict=True)):
        with tally.quarantining(f"{source.name(table)} line {number}"):
            tips = _tips(line, table)
            if np.isnan(tips).all():
                tally.absent["hand without a fingertip that is seen"] += 1
                continue
            tally.notes[_APART] += _count_apart(tips, flat[frame])
            yield _hand(sequence, frame, tips, image)


def _flat(path: Path, source: Source, count: int) -> NDArray[np.float64]:
    """The 2D labels of a sequence (count, 5, 2), in the depth camera's picture; NaN where they are not."""
    unknown = np.full((count, len(kp.TIPS), 2), np.nan)
    try:
        rows = [_numbers(line, path, 2) for _, line in lines(path, source.places)]
    except InputError:
        return unknown
    return np.array(rows) if len(rows) == count else unknown


def _count_apart(tips: NDArray[np.float64], flat: NDArray[np.float64]) -> int:
    """How many tips the depth camera sees elsewhere than their 2D labels say."""
    return int((np.linalg.norm(project(tips * [-1, -1, 1], _DEPTH_K) - flat, axis=1) > _FAR).sum())


def _pictures(source: Source, folder: Path, sequence: str) -> list[Path]:
    """The colour pictures of a sequence in the order of their names, without hidden ones (macOS's ._NAME)."""
    places = [folder / "color", *([source.images / sequence / "color"] if source.images else [])]
    there = next(filter(Path.is_dir, places), None)
    shown = [path for path in there.iterdir() if not path.name.startswith(".")] if there else []
    return sorted(path for path in shown if path.suffix.lower() in images.SUFFIXES)


def _tips(line: str, table: Path) -> NDArray[np.float64]:
    """The tips (5, 3) of a line, millimetres, x to the left and y up; NaN for those that are not seen.

    Raises InputError: other numbers, or some that are not finite.
    """
    tips = _numbers(line, table, 3)
    if not np.isfinite(tips).all():
        raise InputError(table, "a number that is not finite")
    tips[tips[:, 2] == _UNSEEN] = np.nan
    return tips


def _numbers(line: str, path: Path, width: int) -> NDArray[np.float64]:
    """The five tuples of a line as (5, width). Raises InputError where it has other ones."""
    fields = [field for field in line.split(";") if field.strip()]
    try:
        numbers = np.array([[as_number(text) for text in field.split(",")] for field in fields])
    except ValueError:
        numbers = np.empty(0)
    if numbers.shape != (len(kp.TIPS), width):
        raise InputError(path, repr(line[:40]), allowed=f"5 x ({', '.join('xyz'[:width])};)")
    return numbers


def _hand(sequence: str, frame: int, tips: NDArray[np.float64], image: Path) -> Sample:
    xyz = np.full((kp.COUNT, 3), np.nan)
    xyz[list(kp.TIPS)] = ((tips * [-1, -1, 1]) @ _TURN.T + _AT) / _MILLIMETRES
    points = narrow(project(xyz, _K))
    return Sample(
        f"{NAME}/{sequence}/{image.stem}",
        NAME,
        str(image.absolute()),
        *_SIZE,
        side="left",
        keypoints=points,
        visibility=seen(points),
        xyz=narrow(xyz),
        K=_K,
        clip=f"{NAME}/{sequence}",
        frame=frame,
        label_source="manual",
        licence=LICENCE,
    )
