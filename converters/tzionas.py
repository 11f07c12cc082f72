"""Hands in Action (Tzionas et al. 2016): one or two hands, with some frames labelled in 2D.

    01/1/rgb/00042.png   joints_2D_GT/00042.txt

A line of a file holds number, x and y, separated by tabs: 14 points of the right hand, then perhaps 14 of the
left one. These are joints 0, 1, 2 of little, ring, middle and index finger, and joints 0, 1 of the thumb. An
x or y of 0 means that a joint is not seen, an empty file that its frame is not labelled. This is according
to the source of the publisher's viewer, which does not say what joint 0 is. Three joints of a finger and two
of the thumb are all that bend: MCP, PIP and DIP, and MCP and IP. The bones tell whether they are counted from
the palm: those near it are longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from converters.parts.gathered import NOT_TOLD, gathered, narrow, seen
from converters.parts.known_formats import refusal
from converters.parts.pictures import NO_IMAGE
from converters.parts.text_lines import lines
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.numerals import as_number
from curate.basics.wording import counted
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import Source, texts_below

NAME = "tzionas"
LICENCE = "Hands in Action: research, cite Tzionas et al. 2016"
SIDES = ("right", "left")
_JOINTS = 14
# Our keypoint of each joint: MCP, PIP, DIP of little, ring, middle, index; MCP and IP of the thumb.
PLACES = np.array([*(base + joint for base in (17, 13, 9, 5) for joint in range(3)), 2, 3])
_TURNED = np.array([*(3 * finger + 2 - joint for finger in range(4) for joint in range(3)), 13, 12])
_FOLDER = "joints_2d_gt"
_FILE = re.compile(r"[0-9]+\.txt", re.IGNORECASE)
_FROM_TIP = "hand whose joints were counted from the tip, as the length of its bones told"


class _Frame(NamedTuple):
    """A labelled frame: its file and its hands (n, 14, 2), NaN where a joint is not seen."""

    path: Path
    hands: NDArray[np.float64]


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each hand of a labelled frame; a recording is one clip.

    Raises
    ------
    InputError: no such folder, or no joints_2D_GT in it.
    """
    tally = Part()
    files = [path for path in texts_below(source.folder, tally) if _is_labels(path)]
    if not files:
        raise refusal(source.root, "no joints_2D_GT/*.txt", allowed="01/1/rgb and joints_2D_GT", own=NAME)
    yield from gathered(_hands(source, files, tally), tally, note=NOT_TOLD)


def _is_labels(path: Path) -> bool:
    return path.parent.name.lower() == _FOLDER and _FILE.fullmatch(path.name) is not None


def _hands(source: Source, files: list[Path], tally: Part) -> Iterator[Sample]:
    frames = []
    for path in files:
        if path.is_file() and not path.stat().st_size:
            tally.absent["frame that is not labelled"] += 1
            continue
        with tally.quarantining(source.name(path)):
            frames.append(_Frame(path, _joints(path, source)))
    turned = _counted_from_tip(frames)
    for path, hands in frames:
        recording = path.parent.parent
        image = next((p for p in _images(source, recording, path.stem) if p.is_file()), None)
        if image is None:
            tally.absent[NO_IMAGE] += 1
            continue
        for side, joints in zip(SIDES, hands, strict=False):
            if np.isnan(joints).all():
                tally.absent["hand of which no joint is seen"] += 1
                continue
            tally.notes[_FROM_TIP] += turned
            yield _hand(source.name(recording), side, joints[_TURNED] if turned else joints, image)


def _joints(path: Path, source: Source) -> NDArray[np.float64]:
    rows: list[tuple[float, float]] = []
    for number, line in lines(path, source.places):
        fields = line.split()
        try:
            index, x, y = map(as_number, fields[:3])
        except ValueError:  # also of fewer
            index, x, y = -1.0, 0.0, 0.0
        if index != len(rows) or len(fields) != 3:
            raise InputError(path, repr(line[:40]), field=f"line {number}", allowed="number, x and y")
        rows.append((x, y) if x > 0 and y > 0 else (np.nan, np.nan))
    if len(rows) not in (_JOINTS, len(SIDES) * _JOINTS):
        raise InputError(path, counted(len(rows), "joint"), allowed=f"{_JOINTS}, or {_JOINTS} for each hand")
    return np.array(rows).reshape(-1, _JOINTS, 2)


def _counted_from_tip(frames: list[_Frame]) -> bool:
    """Whether the bone between joints 0 and 1 is mostly shorter than that between 1 and 2."""
    shorter = [np.empty(0, bool)]
    for frame in frames:
        fingers = frame.hands[:, :12].reshape(-1, 3, 2)
        first, second = (np.linalg.norm(fingers[:, i] - fingers[:, i + 1], axis=1) for i in (0, 1))
        known = np.isfinite(first) & np.isfinite(second)
        shorter.append(first[known] < second[known])
    votes = np.concatenate(shorter)
    return bool(len(votes)) and float(votes.mean()) > 0.5


def _images(source: Source, recording: Path, stem: str) -> list[Path]:
    bases = [recording, *([source.images / source.name(recording)] if source.images else [])]
    return [base / "rgb" / f"{stem}.png" for base in bases]


def _hand(recording: str, side: str, joints: NDArray[np.float64], image: Path) -> Sample:
    points = np.full((kp.COUNT, 2), np.nan)
    points[PLACES] = joints
    return Sample(
        f"{NAME}/{recording}/{image.stem}/{side}",
        NAME,
        str(image.absolute()),
        side=side,
        keypoints=narrow(points),
        visibility=seen(points),
        label_source="manual",
        clip=f"{NAME}/{recording}",
        frame=int(image.stem) % (1 << 31),
        track=side,
        licence=LICENCE,
    )
