"""Figures by what is known about the samples, such as side, tilt or skin tone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.scoring import bootstrap
from curate.scoring.figures import Scored, between

NONE = "not known"
_SEVERAL = 8  # numbers of more different values than this are put into ranges
_RANGES = 6
_MOST = 50  # values of one kind that are told

Slice = dict[str, Any]


def sliced(scored: Scored, values: Mapping[str, Sequence[Any]]) -> dict[str, list[Slice]]:
    """Figures of the images of each value.

    Parameters
    ----------
    values: by name, what each image has. Numbers of many values are put into ranges with as many images in
        each.

    Returns
    -------
    By name, a dict a value: "value", "n" (labelled images), "epe_mean" and "pck_box_0.2", each with "_low"
    and "_high", its 95 % interval.
    """
    return {name: _of_one(scored, _as_words(given)) for name, given in values.items()}


def told(by: Mapping[str, Sequence[Slice]]) -> Iterator[str]:
    """A line for each value."""
    for name, rows in by.items():
        for row in rows:
            yield f"{name} {row['value']}: mean error {between(row, 'epe_mean')} px in {row['n']} images"


def _of_one(scored: Scored, words: Sequence[str]) -> list[Slice]:
    labelled: NDArray[np.bool_] = np.asarray(scored.labelled.any(1))
    found = Counter(word for word, counts in zip(words, labelled, strict=True) if counts)
    common = {word for word, _ in found.most_common(_MOST)}
    order = [word for word in dict.fromkeys(words) if word in common]
    array = np.array(words)
    error = bootstrap.mean_error(scored.table)
    near = bootstrap.share_within(scored.table, scored.boxes[0], 0.2)
    rows = []
    for word in sorted(order, key=_place):
        here = labelled & (array == word)
        row: Slice = {"value": word, "n": int(here.sum())}
        for name, ratio in (("epe_mean", error), ("pck_box_0.2", near)):
            part = ratio.rows(here)
            low, high = bootstrap.interval(part)
            row |= {name: part.value, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return rows


def _as_words(given: Sequence[Any]) -> list[str]:
    """Values as words; many different numbers as ranges."""
    numbers = [value for value in given if isinstance(value, int | float) and not isinstance(value, bool)]
    others = any(value is not None and not isinstance(value, int | float) for value in given)
    if others or len(set(numbers)) <= _SEVERAL:
        return [NONE if value is None else _word(value) for value in given]
    edges = np.unique(np.quantile(np.array(numbers, np.float64), np.linspace(0, 1, _RANGES + 1)))
    names = [
        f"{low:g} to {high:g}" for low, high in zip(edges[:-1].round(1), edges[1:].round(1), strict=True)
    ]
    place = np.searchsorted(edges[1:-1], np.array([np.nan if v is None else v for v in given], np.float64))
    return [NONE if value is None else names[at] for value, at in zip(given, place, strict=True)]


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _place(word: str) -> tuple[bool, float, str]:
    """Numbers and ranges by size, words by the alphabet, the unknown last."""
    try:
        return word == NONE, float(word.partition(" ")[0]), word
    except ValueError:
        return word == NONE, float("inf"), word
