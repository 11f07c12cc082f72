"""Samples with what their keypoints tell of the hand and is not known otherwise: which hand it is, which side
of it is seen, and how it is turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from curate.data.sample import ANGLES_FROM, Sample
from curate.hands import orientation, shape

# In a sample's attrs, beside ANGLES_FROM: what told of the column, and the roll in degrees.
SIDE_FROM, ASPECT_FROM, ROLL = "side_from", "aspect_from", "roll"
POINTS, TAGGER = "points", "tagger"
_DIGITS = 2  # of a degree


def oriented(samples: Sequence[Sample], edge_on: float = shape.EDGE_ON) -> list[Sample]:
    """The samples with side, aspect, tilt and rotation where these are null and the points tell them.

    What is known stays as it is: angles that a render was made with, say. What was filled in is told in
    attrs: "side_from", "aspect_from" and "angles_from" are "points", and "roll" comes with the other angles.

    Parameters
    ----------
    edge_on: a palm whose turn (`shape.palm_turn`) is smaller tells neither side nor aspect.
    """
    if not samples:
        return []
    points = np.stack([sample.keypoints for sample in samples]).astype(np.float64)
    turns = shape.palm_turn(points).tolist()
    sides = [
        sample.side or shape.side_of(turn, sample.aspect, edge_on)
        for sample, turn in zip(samples, turns, strict=True)
    ]
    found = orientation.orientations(points, sides)
    made = []
    for row, (sample, turn) in enumerate(zip(samples, turns, strict=True)):
        side = found.side[row] if abs(turn) > edge_on else sample.side
        aspect = sample.aspect or shape.aspect_of(turn, side, edge_on)
        attrs = dict(sample.attrs)
        attrs |= {SIDE_FROM: POINTS} if side and not sample.side else {}
        attrs |= {ASPECT_FROM: POINTS} if aspect and not sample.aspect else {}
        new = replace(sample, side=side, aspect=aspect, attrs=attrs)
        tilt, rotation, roll = map(_rounded, found.angles(row))
        if rotation is not None and sample.tilt is None and sample.rotation is None:
            new.tilt, new.rotation = tilt, rotation
            new.attrs |= {ANGLES_FROM: POINTS} | ({} if roll is None else {ROLL: roll})
        made.append(new)
    return made


def oriented_anew(sample: Sample) -> Sample:
    """The sample, whose points or side are others now, with what its points told before told once more."""
    bare = untold(sample, (POINTS,))
    return sample if bare is sample else oriented([bare])[0]


def untold(sample: Sample, by: Sequence[str] = (POINTS, TAGGER)) -> Sample:
    """The sample without the side, aspect and angles that its points told, or the tagger that found them."""
    told = {name for name in (SIDE_FROM, ASPECT_FROM, ANGLES_FROM) if sample.attrs.get(name) in by}
    if not told:
        return sample
    angled = ANGLES_FROM in told
    gone = told | ({ROLL} if angled else set())
    return replace(
        sample,
        side=None if SIDE_FROM in told else sample.side,
        aspect=None if ASPECT_FROM in told else sample.aspect,
        tilt=None if angled else sample.tilt,
        rotation=None if angled else sample.rotation,
        attrs={name: value for name, value in sample.attrs.items() if name not in gone},
    )


def _rounded(degrees: float) -> float | None:
    return None if np.isnan(degrees) else round(degrees, _DIGITS)
