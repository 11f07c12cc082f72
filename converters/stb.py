"""STB, the stereo hand pose benchmark (Zhang et al. 2017): one left hand before two cameras, with 3D joints.

    images/B1Counting/BB_left_0.png  BB_right_0.png  SK_color_0.png
    labels/B1Counting_BB.mat  B1Counting_SK.mat

`handPara` (3, 21, n) holds, in millimetres, the palm's centre, then little, ring, middle, index and thumb,
each from the palm to the tip; entry i belongs to picture i. BB is in the frame of the left camera of a stereo
pair; the right one is 120.054 mm further along x. SK is in the frame of a RealSense's depth camera: its
readme gives R and t from colour to depth, so that a point X is at R' (X - t) in the colour camera's frame.
There is no wrist: the palm's centre is not one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from converters.parts.cameras import intrinsics, project
from converters.parts.gathered import NOT_TOLD, from_tables, gathered, narrow, seen
from converters.parts.known_formats import refusal
from converters.parts.mat_files import load
from converters.parts.pictures import NO_ANNOTATION, NO_IMAGE
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import Source, texts_below

NAME = "stb"
LICENCE = "STB: research, cite Zhang et al. 2017"
# ORDER[i] is the entry of our keypoint i; the wrist, 0, has none.
ORDER = np.array([0, *(17 - 4 * finger + joint for finger in range(5) for joint in range(4))])
_MILLIMETRES = 1000.0
_SIZE = (640, 480)  # of the pictures that the cameras' K are of
_TABLE = re.compile(r"(B[0-9]+(?:Counting|Random))_(BB|SK)\.mat", re.IGNORECASE)


class _Camera(NamedTuple):
    """How its pictures are called, K, and how a point X of the table comes into its frame: turn (X - at)."""

    called: str
    K: NDArray[np.float64]
    turn: NDArray[np.float64]
    at: NDArray[np.float64]  # millimetres


def _cameras() -> dict[str, tuple[_Camera, ...]]:
    stereo, ahead = intrinsics(822.79041, 822.79041, 318.47345, 250.31296), np.eye(3)
    colour = intrinsics(607.92271, 607.88192, 314.78337, 236.42484)
    to_depth = np.asarray(cv2.Rodrigues(np.array([0.00531, -0.01196, 0.00301]))[0], np.float64)
    return {
        "BB": (
            _Camera("BB_left", stereo, ahead, np.zeros(3)),
            _Camera("BB_right", stereo, ahead, np.array([120.054, 0, 0])),
        ),
        "SK": (_Camera("SK_color", colour, to_depth.T, np.array([-24.0381, -0.4563, -1.2326])),),
    }


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each picture that is there; a sequence is one clip, whatever the camera.

    Raises
    ------
    InputError: no such folder, no table in it, or none that can be used.
    """
    tally = Part()
    tables = [path for path in texts_below(source.folder, tally) if _TABLE.fullmatch(path.name)]
    if not tables:
        raise refusal(
            source.root, "no file such as B1Counting_BB.mat", allowed="images/ and labels/", own=NAME
        )
    hands = from_tables(tables, lambda table: _hands(table, source, tally), source, tally)
    yield from gathered(hands, tally, note=NOT_TOLD)


def _hands(table: Path, source: Source, tally: Part) -> Iterator[Sample]:
    match = _TABLE.fullmatch(table.name)
    assert match is not None
    (points,) = load(table, source.places, "handPara")
    if points.ndim != 3 or points.shape[:2] != (3, kp.COUNT) or points.dtype == object:
        raise InputError(table, f"an array of {points.shape}", field="handPara", allowed="(3, 21, n)")
    folder = _folder(source, match[1])
    cameras = _cameras()[match[2].upper()]
    tally.dropped[NO_ANNOTATION] += _count_beyond(folder, cameras, points.shape[2])
    for camera in cameras:
        for frame in range(points.shape[2]):
            image = folder / f"{camera.called}_{frame}.png"
            if not image.is_file():
                tally.absent[NO_IMAGE] += 1
                continue
            yield _hand(match[1], camera, frame, points[:, :, frame].T, image)


def _folder(source: Source, sequence: str) -> Path:
    """Where the pictures of a sequence lie."""
    bases = [source.folder / "images", source.folder, *filter(None, [source.images])]
    places = [base / sequence for base in bases]
    return next(filter(Path.is_dir, places), places[0])


def _count_beyond(folder: Path, cameras: tuple[_Camera, ...], entries: int) -> int:
    """How many pictures of these cameras have numbers that a table of so many entries does not reach."""
    named = re.compile(rf"(?:{'|'.join(camera.called for camera in cameras)})_([0-9]+)\.png")
    found = [named.fullmatch(path.name) for path in folder.iterdir()] if folder.is_dir() else []
    return sum(int(match[1]) >= entries for match in found if match)


def _hand(sequence: str, camera: _Camera, frame: int, points: NDArray[np.floating], image: Path) -> Sample:
    with np.errstate(all="ignore"):
        there = (points.astype(np.float64) - camera.at) @ camera.turn.T / _MILLIMETRES
    xyz = there[ORDER]
    xyz[kp.WRIST] = np.nan
    spots = narrow(project(xyz, camera.K))
    return Sample(
        f"{NAME}/{sequence}/{image.stem}",
        NAME,
        str(image.absolute()),
        *_SIZE,
        side="left",
        keypoints=spots,
        visibility=seen(spots),
        xyz=narrow(xyz),
        K=camera.K,
        clip=f"{NAME}/{sequence}",
        frame=frame,
        track=camera.called,
        label_source="manual",
        licence=LICENCE,
    )
