"""Checks of what a source tells of people and of the order in which they were photographed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from qa.finding import Hit, Outcome
from qa.view import View

Limits = Mapping[str, float]
Rows = NDArray[np.intp]

_LASTING = ("gender", "skinColor")  # what one person has one of
_NUMBER = re.compile(r"(\d{1,18})(?!.*\d)")


def subject_facts(view: View, limits: Limits) -> Outcome:
    """Subjects of whom the source tells two genders, two skin tones, or ages more than `years` apart."""
    told = defaultdict[str, dict[str, set[object]]](lambda: defaultdict(set))
    for subject, about in zip(view.subject_id, view.attrs, strict=True):
        if subject is None:
            continue
        for name in (*_LASTING, "age"):
            value = about.get(name)
            if isinstance(value, str | int | float):
                told[subject][name].add(value)
    hits = []
    for subject, facts in told.items():
        ages = [age for age in facts.pop("age", ()) if isinstance(age, int | float)]
        apart = max(ages) - min(ages) if ages else 0.0
        said = [f"{name} {' and '.join(sorted(map(str, v)))}" for name, v in facts.items() if len(v) > 1]
        if apart > limits["years"]:
            said.append(f"age {min(ages):g} and {max(ages):g}")
        if said:
            hits.append(Hit(float(len(said)), 0.0, words={"name": subject, "what": "; ".join(said)}))
    return Outcome(len(told), sorted(hits, key=lambda hit: -hit.score))


def label_run(view: View, limits: Limits) -> Outcome:
    """Numbered photographs in a run of at most `few` of one subject, side and aspect, in a source whose runs
    are mostly of `usual` or more: where a photographer takes ten pictures of a hand before the next, a single
    one of another kind is often a slip of the table.
    """
    hits: list[Hit] = []
    checked = 0
    for rows, values in numbered(view):
        kinds = list(zip(view.subject_id[rows], view.side[rows], view.aspect[rows], strict=True))
        starts = [0, *(i for i in range(1, len(rows)) if kinds[i] != kinds[i - 1])]
        lengths = np.diff([*starts, len(rows)])
        if len(lengths) < 3 or np.median(np.repeat(lengths, lengths)) < limits["usual"]:
            continue
        checked += len(rows)
        for start, length in zip(starts, lengths.tolist(), strict=True):
            # A run at the end of the set, or beside a gap, may have lost its others.
            before, behind = start - 1, start + length
            if length > limits["few"] or before < 0 or behind >= len(rows):
                continue
            if max(values[start] - values[before], values[behind] - values[behind - 1]) > limits["gap"]:
                continue
            words = {
                "kind": _kind_text(kinds[start]),
                "before": _kind_text(kinds[before]),
                "behind": _kind_text(kinds[behind]),
                "others": int(np.median(np.repeat(lengths, lengths))),
            }
            hits += [
                Hit(float(length), limits["few"], row=int(rows[i]), words=words) for i in range(start, behind)
            ]
    return Outcome(checked, sorted(hits, key=lambda hit: hit.score))


def _kind_text(kind: tuple[str | None, str | None, str | None]) -> str:
    subject, side, aspect = kind
    known = " ".join(filter(None, (aspect, side))) or "unknown"
    return f"{known} of {subject}" if subject else known


def numbered(view: View) -> Iterator[tuple[Rows, NDArray[np.int64]]]:
    """Samples whose ids end in a number, by what stands before it: rows and numbers, in the numbers' order.

    The split's name often stands in the path, as train/ and test/: it is no part of the name.
    """
    series = defaultdict[str, list[tuple[int, int]]](list)
    for row, name in enumerate(view.sample_id):
        match = _NUMBER.search(str(name))
        if match:
            stem = name[: match.start()]
            if view.split[row] is not None:
                stem = stem.replace(f"{view.split[row]}/", "")
            series[stem].append((int(match[1]), row))
    for _, found in sorted(series.items()):
        values, rows = (np.array(column) for column in zip(*sorted(found), strict=True))
        yield rows.astype(np.intp), values
