"""Hands that a format gives one by one: held against what any sample must be, and put together as parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from converters.parts.numbers import FARTHEST
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import ROWS
from curate.data.part import Part
from curate.data.sample import Sample, impossible, stored, to_batch
from curate.data.source import Source

T = TypeVar("T")

IMPOSSIBLE_BOX = "bbox that cannot be, left out"
NO_CAMERA = (
    "K: focal lengths that are not above 0, or a last row that is not 0 0 1; allowed: fx 0 cx, 0 fy cy, 0 0 1"
)
HAND_METRES = (0.001, 1.0)  # how long and wide a hand may be; beyond, another unit was meant
NO_HAND_SIZE = (
    "xyz: a hand of less than 1 mm or more than 1 m, as points in another unit than the format's have"
)
NOT_TOLD = "hand whose visibility nobody tells, its points read as visible"


def gathered(hands: Iterable[Sample], tally: Part, *, note: str | None = None) -> Iterator[Part]:
    """Yield the hands in parts of ROWS, with what `tally` gathered while they were read.

    A hand with an impossible number is quarantined.

    Parameters
    ----------
    tally: what was left out or noted, and why; emptied into each part.
    note: counted once for each hand that is kept.
    """
    waiting: list[Sample] = []
    for hand in hands:
        fault = _fault(hand)
        if fault:
            tally.quarantine.append((hand.sample_id, fault))
            continue
        waiting.append(hand)
        if note is not None:
            tally.notes[note] += 1
        if len(waiting) == ROWS:
            yield _part(waiting, tally, note)
            waiting = []
    yield _part(waiting, tally, note)


def apart(
    tables: Iterable[T], hands: Callable[[T], Iterator[Sample]], source: Source, tally: Part
) -> Iterator[Sample]:
    """The hands of several tables, or of sets of tables that belong together. A table that cannot be used
    goes to the quarantine of `tally`.

    Raises
    ------
    InputError: no table can be used.
    """
    failed: InputError | None = None
    used = False
    for table in tables:
        try:
            yield from hands(table)
            used = True
        except InputError as error:
            tally.quarantine.append((source.name(Path(error.where)), error.reason))
            failed = error
    if failed is not None and not used:
        raise failed


def _part(hands: list[Sample], tally: Part, note: str | None) -> Part:
    """The hands with what the tally holds, which is emptied."""
    part = Part(to_batch(hands), of_each=note)
    part.count(tally)
    part.dropped, part.notes, part.absent = +part.dropped, +part.notes, +part.absent  # without zeros
    for held in (tally.dropped, tally.quarantine, tally.notes, tally.absent, tally.spoilt):
        held.clear()
    return part


def _fault(hand: Sample) -> str:
    """Why a hand cannot be used; empty where it can."""
    labelled = hand.visibility != kp.UNLABELLED
    wild = labelled & ~(np.abs(hand.keypoints) < FARTHEST).all(axis=1)
    if wild.any():
        point = int(np.argmax(wild))
        x, y = hand.keypoints[point]
        return f"{kp.NAMES[point]} at {x:g}, {y:g}; allowed: finite pixels"
    for name, values in (("xyz", hand.xyz), ("K", hand.K), ("bbox", hand.bbox)):
        if values is not None and impossible(name, stored(name, values)[None]).any():
            return f"{name}: a number that is infinite, or missing beside others"
    if hand.K is not None and no_camera(hand.K[None]).any():
        return NO_CAMERA
    if hand.xyz is not None and (hand.xyz[:, 2] <= 0).any():
        return "xyz: a point that is not in front of the camera"
    if hand.xyz is not None and no_hand_size(hand.xyz[None]).any():
        return NO_HAND_SIZE
    return ""


def no_camera(K: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of (n, 3, 3) project as a mirror, or not at all: one that is turned about, or empty, gives
    points, or none, without a word. What is all NaN is not known."""
    without = (K[:, [0, 1], [0, 1]] <= 0).any(axis=1) | (K[:, 2] != (0, 0, 1)).any(axis=1)
    found: NDArray[np.bool_] = without & ~np.isnan(K).all(axis=(1, 2))
    return found


def no_hand_size(xyz: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of (n, 21, 3) metres are of another size than any hand: projections do not tell their unit. What
    is NaN is not known; points that are all at one place stand for a hand that is not there."""
    low = np.where(np.isnan(xyz), np.inf, xyz).min(axis=1)
    high = np.where(np.isnan(xyz), -np.inf, xyz).max(axis=1)
    with np.errstate(invalid="ignore"):  # of infinite ones, which are told as such
        size = (high - low).max(axis=1)
    found: NDArray[np.bool_] = ((size > 0) & (size < HAND_METRES[0])) | (size > HAND_METRES[1])
    return found


def seen(points: NDArray[Any], labelled: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """Visible where a point (n, 2) is labelled, by default where it is not NaN; unlabelled elsewhere."""
    known = ~np.isnan(points).any(axis=1) if labelled is None else labelled
    return np.where(known, kp.VISIBLE, kp.UNLABELLED).astype(np.uint8)


def shaped(values: Any, shape: tuple[int, ...], where: Path | str, field: str) -> NDArray[np.float64]:
    """Nested lists of numbers as an array. Raises InputError where they have another shape."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(0)
    if array.shape != shape:
        found = " x ".join(map(str, array.shape)) if array.size else "not an array of numbers"
        raise InputError(where, found, field=field, allowed=f"{' x '.join(map(str, shape))} numbers")
    return array


def narrow(values: NDArray[Any]) -> NDArray[np.float32]:
    """As float32; a number too large for it becomes infinite, which `gathered` reports."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
