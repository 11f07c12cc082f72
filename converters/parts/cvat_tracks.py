"""CVAT's tracks of a skeleton: where each of its points is at each frame.

CVAT writes every frame at which a track is seen; between keyframes, with the points that it interpolated. A
file that another tool made may hold keyframes only. Between two of these, CVAT moves each point on a straight
line, with the visibility of the first, and drops a point from the keyframe at which it is outside
(cvat/apps/dataset_manager/annotation.py). The same is done here, so that both kinds of file give the same
hands; but nothing is made up after the last frame that was written.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import NamedTuple

from converters.parts.numbers import FARTHEST
from converters.parts.xml_files import Element
from curate.basics import keypoints as kp
from curate.basics.numerals import as_number

_DIGITS = 9  # of a frame's number


class Spot(NamedTuple):
    """A point as it is written: its place as text "x,y", and COCO's visibility."""

    place: str
    visibility: int


class _Key(NamedTuple):
    frame: int
    spot: Spot


def spot_of(points: Element) -> Spot:
    """Read a <points> of a skeleton. Raises ValueError: `outside` or `occluded` is neither 0 nor 1."""
    place = points.attributes.get("points", "")
    outside, occluded = _is(points, "outside"), _is(points, "occluded")
    return Spot(place, kp.UNLABELLED if outside else kp.HIDDEN if occluded else kp.VISIBLE)


def place_of(text: str) -> tuple[float, float]:
    """x and y of a point, pixels. Raises ValueError if the text is not one such pair."""
    pair = text.split(",")
    try:
        x, y = as_number(pair[0]), as_number(pair[-1])
    except ValueError:
        x = y = math.nan
    if len(pair) != 2 or not (abs(x) < FARTHEST and abs(y) < FARTHEST):
        raise ValueError(f"points {text[:40]!r}; allowed: x,y in pixels")
    return x, y


def hands(track: Element, step: int, there: Collection[int]) -> Iterator[tuple[int, dict[str, Spot]]]:
    """Yield each frame, in order, with the points of the skeleton by name.

    Parameters
    ----------
    step: between the frames of the task. there: the frames that have a picture; no others are filled in
        between those that are written.

    Raises
    ------
    ValueError: a frame that is not a number, a flag that is neither 0 nor 1, or a place next to an
        interpolated one that is not x,y.
    """
    shown, keys = _written(track)
    frames = sorted(shown)
    known = sorted(there)
    for frame, following in zip(frames, [*frames[1:], frames[-1] if frames else 0], strict=False):
        if not shown[frame]:
            continue
        at, numbers = bisect_right(known, frame), [frame]
        while at < len(known) and known[at] < following:
            numbers.append(known[at])
            at += 1
        for number in numbers:
            if (number - frame) % step == 0:
                yield number, {name: _at(written, number) for name, written in keys.items()}


def _written(track: Element) -> tuple[dict[int, bool], dict[str, list[_Key]]]:
    """Whether the hand is seen at each frame that is written; and the places of each point, in order.

    CVAT puts the points into the skeleton of each frame; Datumaro gives each point a track of its own below
    that of the skeleton.
    """
    shown: dict[int, bool] = {}
    keys: dict[str, list[_Key]] = defaultdict(list)
    for skeleton in track.all("skeleton"):
        frame = _frame(skeleton)
        shown[frame] = not _is(skeleton, "outside")
        for points in skeleton.all("points"):
            keys[points.attributes.get("label", "")].append(_Key(frame, spot_of(points)))
    for below in track.all("track"):
        for points in below.all("points"):
            keys[below.attributes.get("label", "")].append(_Key(_frame(points), spot_of(points)))
    for written in keys.values():
        written.sort(key=lambda key: key.frame)
    return shown, keys


def _is(element: Element, name: str) -> bool:
    """A flag: CVAT writes each as 0 or 1; other tools omit those that are not set."""
    told = element.attributes.get(name, "0")
    if told not in ("0", "1"):
        which = f"{element.tag} {element.attributes.get('label', '')[:40]}".rstrip()
        raise ValueError(f"{which}: {name} {told[:20]!r}; allowed: 0 or 1")
    return told == "1"


def _frame(element: Element) -> int:
    told = element.attributes.get("frame", "")
    if not (told.isascii() and told.isdecimal()) or len(told) > _DIGITS:
        raise ValueError(f"frame {told[:20]!r}; allowed: 0, 1, 2, ...")
    return int(told)


def _at(written: list[_Key], frame: int) -> Spot:
    after = bisect_right(written, frame, key=lambda key: key.frame)
    if not after:
        return Spot("", kp.UNLABELLED)
    before = written[after - 1]
    if before.frame == frame or after == len(written) or not before.spot.visibility:
        return before.spot
    share = (frame - before.frame) / (written[after].frame - before.frame)
    (x0, y0), (x1, y1) = place_of(before.spot.place), place_of(written[after].spot.place)
    return Spot(f"{x0 + (x1 - x0) * share!r},{y0 + (y1 - y0) * share!r}", before.spot.visibility)
