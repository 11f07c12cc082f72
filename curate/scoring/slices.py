"""Figures by what is known about the samples, such as side, tilt or skin tone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.basics.wording import counted
from curate.scoring import bootstrap
from curate.scoring.figures import Scored, between

NONE = "not known"
_SAID = f'"{NONE}"'  # where that is what samples say, which is not to say nothing
_SEVERAL = 8  # numbers of more different values than this are put into ranges
_RANGES = 6
_MOST = 50  # values of one kind that are told and shown
_DIGITS = 6  # significant ones of a number, at least
_RANGE_DIGITS = 3  # of the ends of a range, at least
_MOST_DIGITS = 17  # tell any two numbers apart

Slice = dict[str, Any]


def sliced(scored: Scored, values: Mapping[str, Sequence[Any]]) -> dict[str, list[Slice]]:
    """Figures of the images of each value.

    Parameters
    ----------
    values: by name, what each image has. Numbers of many values are put into ranges with as many images in
        each.

    Returns
    -------
    By name, a dict a value: "value", "n" (labelled images), "unpredicted" (labelled points without a
    prediction), "epe_mean" and "pck_box_0.2", each with "_low" and "_high", its 95 % interval.
    """
    return {name: _of_one(scored, _grouped(given)) for name, given in values.items()}


def told(by: Mapping[str, Sequence[Slice]]) -> Iterator[str]:
    """A line for each value; of very many, for those of most images, and one on the others."""
    for name, given in by.items():
        rows, others = most(given)
        for row in rows:
            yield f"{name} {row['value']}: mean error {figures_of(row)}"
        if others:
            yield f"{name}: {others}"


def figures_of(row: Slice) -> str:
    """The mean error of a value's images, how many these are, and how many of their points it leaves out."""
    lacking = row.get("unpredicted")  # None: an evaluation made before these were counted
    without = f", {counted(lacking, 'point')} of these without a prediction" if lacking else ""
    return f"{between(row, 'epe_mean')} px in {counted(row['n'], 'image')}{without}"


def most(rows: Sequence[Slice]) -> tuple[list[Slice], str]:
    """The slices of most images, in their order, and what is told of the others; "" where these are all."""
    order = sorted(range(len(rows)), key=lambda at: -rows[at]["n"])
    kept = set(order[:_MOST])
    images = sum(rows[at]["n"] for at in order[_MOST:])
    others = f"{counted(len(order) - _MOST, 'more value')} in {counted(images, 'image')}: see metrics.json"
    return [row for at, row in enumerate(rows) if at in kept], others if len(order) > _MOST else ""


def _of_one(scored: Scored, groups: _Groups) -> list[Slice]:
    labelled = np.flatnonzero(scored.labelled.any(1))
    place = groups.place[labelled]
    ends = np.cumsum(np.bincount(place, minlength=len(groups.names)))
    images = np.split(labelled[np.argsort(place, kind="stable")], ends[:-1])  # of each group
    error = bootstrap.mean_error(scored.table)
    near = bootstrap.share_within(scored.table, scored.boxes[0], 0.2)
    rows = []
    for value, here in zip(groups.names, images, strict=True):
        if not len(here):
            continue
        row: Slice = {"value": value, "n": len(here), "unpredicted": int(scored.unpredicted[here].sum())}
        for name, ratio in (("epe_mean", error), ("pck_box_0.2", near)):
            part = ratio.rows(here)
            low, high = bootstrap.interval(part)
            row |= {name: part.value, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return rows


class _Groups(NamedTuple):
    """Groups of images: their names in order, and (N,) which of them each image is in."""

    names: list[str]
    place: NDArray[np.intp]


def _grouped(given: Sequence[Any]) -> _Groups:
    """Images of one value together; those of many different numbers by ranges."""
    values = [None if isinstance(value, float) and math.isnan(value) else value for value in given]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    others = any(value is not None and not isinstance(value, int | float) for value in values)
    if others or len(set(numbers)) <= _SEVERAL:
        return _by_word(values)
    return _by_range(np.array([np.nan if value is None else value for value in values], np.float64))


def _by_word(values: Sequence[Any]) -> _Groups:
    floats = list({value for value in values if isinstance(value, float)})
    said = dict(zip(floats, _told_apart(floats, _DIGITS), strict=True))

    def word(value: Any) -> str:
        if value is None:
            return NONE
        if isinstance(value, float):
            return said[value]
        return _SAID if value == NONE else str(value)

    words = [word(value) for value in values]
    names = sorted(set(words), key=_place)
    at = {name: place for place, name in enumerate(names)}
    return _Groups(names, np.array([at[word] for word in words], np.intp))


def _by_range(values: NDArray[np.float64]) -> _Groups:
    """Ranges, each with its upper end, that have about as many images each; NaN: not known."""
    known = ~np.isnan(values)
    # Ends are numbers that occur, so that no two differ by a rounding of the machine alone.
    ends = np.quantile(values[known], np.linspace(0, 1, _RANGES + 1), method="inverted_cdf")
    edges = np.unique(ends)
    whole = len(f"{np.abs(edges).max():.0f}")
    words = _told_apart(edges.tolist(), min(max(_RANGE_DIGITS, whole), _MOST_DIGITS))
    names = [f"{low} to {high}" for low, high in pairwise(words)]
    return _Groups([*names, NONE], np.where(known, np.searchsorted(edges[1:-1], values), len(names)))


def _told_apart(numbers: Sequence[float], least: int) -> list[str]:
    """Different numbers as words, with as many significant digits as tell them apart."""
    for digits in range(least, _MOST_DIGITS):
        words = [f"{number:.{digits}g}" for number in numbers]
        if len(set(words)) == len(numbers):
            return words
    return [f"{number:.{_MOST_DIGITS}g}" for number in numbers]


def _place(word: str) -> tuple[bool, float, str]:
    """Numbers by size, words by the alphabet, the unknown last."""
    try:
        return word == NONE, float(word.partition(" ")[0]), word
    except ValueError:
        return word == NONE, float("inf"), word
