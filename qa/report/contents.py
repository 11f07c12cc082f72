"""What is in a set, as tables of counts: of each property, and of the stages that made it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.wording import EMPTY, counted
from qa.measures.arrays import Names
from qa.view import View

_ROWS = 8  # of a table
_SPLITS = 3
_STAGES = 50
_BINARY = {"0": "no", "1": "yes", "0.0": "no", "1.0": "yes", "False": "no", "True": "yes"}
# What sources record about people: by the name there, a title and words for the values.
_PEOPLE: dict[str, tuple[str, dict[str, str]]] = {
    "gender": ("Gender", {}),
    "age": ("Age", {}),
    "skinColor": ("Skin tone", {}),
    "accessories": ("Accessories", _BINARY),
    "nailPolish": ("Nail polish", _BINARY),
    "irregularities": ("Irregularities", _BINARY),
}


def title_of(name: str) -> str:
    """What the report calls a property of `View.properties` in the middle of a sentence."""
    return _PEOPLE[name][0].lower() if name in _PEOPLE else name


def tables(view: View) -> list[dict[str, Any]]:
    """A table of counts for each property, with the share of each value in each split."""
    subjects = view.subject_id
    made = [
        _table("Source", "source", view, view.source),
        _table("Split", "split", view, view.split, per_split=False),
        _table("Side", "hand", view, view.side),
        _table("Aspect", "seen from", view, view.aspect),
        _table("Labels by", "label source", view, view.label_source),
        *_people(view),
        _visibilities(view),
        _table("Most photographed subjects", "subject", view, subjects, unknown=False, per_split=False),
    ]
    return [table for table in made if table["rows"]]


def stages(view: View) -> list[dict[str, Any]]:
    """The stages that made these datasets, each with counts of what came out and what was left out."""
    rows = []
    for dataset in view.datasets:
        for entry in dataset.info["history"]:
            counts = entry.get("counts") or {}
            rows.append(
                {
                    "dataset": dataset.name,
                    "stage": entry["stage"],
                    "out": counts.get("out"),
                    "quarantined": counts.get("quarantined"),
                    "dropped": sorted((counts.get("dropped") or {}).items()),
                }
            )
    return rows[:_STAGES]


def _people(view: View) -> list[dict[str, Any]]:
    made = []
    for name, values in view.properties().items():
        if name in _PEOPLE:
            title, words = _PEOPLE[name]
            told = np.array([None if v is None else words.get(str(v), str(v)) for v in values], object)
            made.append(_table(title, name, view, told))
    return made


def _visibilities(view: View) -> dict[str, Any]:
    words = {kp.VISIBLE: "visible", kp.HIDDEN: "hidden", kp.UNLABELLED: "not labelled"}
    count = np.bincount(view.visibility.reshape(-1), minlength=3)
    total = max(1, int(count.sum()))
    rows = [(word, int(count[v]), count[v] / total, ()) for v, word in words.items() if count[v]]
    return {"title": "Keypoints", "head": "visibility", "splits": [], "rows": rows}


def _table(
    title: str, head: str, view: View, values: Names, *, unknown: bool = True, per_split: bool = True
) -> dict[str, Any]:
    """Counts of a property's values, the most frequent first, and each value's share of each split.

    unknown: whether samples without a value have a row. per_split: whether there are shares of splits.
    """
    counts = Counter(values.tolist())
    if not unknown:
        counts.pop(None, None)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    splits = {name: rows for name, rows in view.splits().items() if name} if per_split else {}
    splits = dict(list(splits.items())[:_SPLITS]) if len(splits) > 1 else {}
    total = max(1, len(view))

    def row(name: str, wanted: list[Any]) -> tuple[str, int, float, list[float]]:
        count = sum(counts[value] for value in wanted)
        held = set(wanted)
        shares = [sum(v in held for v in values[rows]) / len(rows) for rows in splits.values()]
        return name, count, count / total, shares

    rows = [row("unknown" if value is None else str(value) or EMPTY, [value]) for value, _ in ordered[:_ROWS]]
    if len(ordered) > _ROWS:
        rows.append(row(counted(len(ordered) - _ROWS, "other"), [value for value, _ in ordered[_ROWS:]]))
    return {"title": title, "head": head, "splits": list(splits), "rows": rows}
