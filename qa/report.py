"""report.html: one file that a person can mail, with the verdict, every check, and pictures.

It holds no script and loads nothing: whatever stands in a dataset's names is text, and stays text.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import curate
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.errors import CurateError
from qa import charts
from qa.drift import drift_of, properties
from qa.exchange import Changes
from qa.finding import SEVERITIES, Checked
from qa.pictures import picture
from qa.pixels import Names
from qa.verdict import Verdict
from qa.view import View

HARD_LIMIT = 10_000_000
TARGET = 3_000_000

# Pictures per check and in the sheet of random samples, tried in this order until the page fits.
_PLENTY = ((12, 48), (6, 24), (3, 12), (1, 6), (0, 0))
_SIDE = 208  # px: twice what a phone shows, so that skeletons stay sharp
_QUALITY = 68
_LISTED = 20
_CLUSTERS, _IN_CLUSTER = 4, 6
_ENOUGH = 30  # samples in a split, to compare it
_BINARY = {"0": "no", "1": "yes", "0.0": "no", "1.0": "yes", "False": "no", "True": "yes"}
_PEOPLE: dict[str, tuple[str, dict[str, str]]] = {
    "gender": ("Gender", {}),
    "age": ("Age", {}),
    "skinColor": ("Skin tone", {}),
    "accessories": ("Accessories", _BINARY),
    "nailPolish": ("Nail polish", _BINARY),
    "irregularities": ("Irregularities", _BINARY),
}
_TEXT_LIMIT = 160
_ROWS = 8  # of a table of counts


class _Album:
    """Pictures of samples as data URIs, each made once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._made: dict[int, str | None] = {}

    def __call__(self, row: int | None) -> str | None:
        """The picture of a sample; None where its image cannot be read."""
        if row is None:
            return None
        if row not in self._made:
            self._made[row] = self._make(row)
        return self._made[row]

    def _make(self, row: int) -> str | None:
        view = self._view
        if view.pixels.error[row] is not None:
            return None
        pixels = images.read_ref(view.datasets[view.dataset_of[row]].root, view.image[row])
        drawn = picture(pixels, view.points[row], view.visibility[row], side=_SIDE)
        data = images.encode(drawn, ".webp", quality=_QUALITY)
        return "data:image/webp;base64," + base64.b64encode(data).decode("ascii")


def write_report(
    view: View,
    results: Sequence[Checked],
    verdict: Verdict,
    path: Path,
    *,
    seed: int,
    changes: Changes | None = None,
) -> None:
    """Write the page, atomically, with as many pictures as fit into TARGET bytes.

    Raises
    ------
    CurateError: even without pictures the page is larger than HARD_LIMIT.
    """
    environment = Environment(
        loader=PackageLoader("qa"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shorten": _shorten, "name": _name}
    environment.filters |= {"number": lambda n: f"{n:,}", "percent": charts.percent}
    environment.globals["share_bar"] = charts.share_bar
    style = environment.loader.get_source(environment, "report.css")[0]  # type: ignore[union-attr]
    template = environment.get_template("report.html.j2")
    shuffled = np.random.default_rng(seed).permutation(len(view))
    album = _Album(view)
    fixed = {
        "version": curate.__version__,
        "verdict": verdict,
        "state": verdict.severity if verdict.severity in SEVERITIES[:2] else "passed",
        "style": Markup(style),
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "changes": changes,
        "names": [dataset.root.resolve().name for dataset in view.datasets],
        "results": results,
        "totals": {s: sum(r.count(s) for r in results) for s in SEVERITIES},
        "problems": [r for r in sorted(results, key=_gravity) if r.findings],
        "tables": _tables(view),
        "comparison": _comparison(view),
        "histograms": {r.check.id: charts.scores(r) for r in results},
        "clusters": _clusters(view, results),
        "subjects": len(set(view.subject_id) - {None}),
        "count": len(view),
        "stages": _stages(view),
        "figures": _figures(view),
        "picture": album,
        "listed": _LISTED,
    }
    for each, sheet in _PLENTY:
        chosen = [_card(view, int(row)) for row in sorted(shuffled[:sheet])]
        page = template.render(fixed, per_check=each, sheet=chosen).encode()
        if len(page) <= TARGET:
            break
    if len(page) > HARD_LIMIT:
        raise CurateError(f"{path}: the report would take {len(page):,} bytes; allowed: {HARD_LIMIT:,}")
    files.write(path, page)


def _gravity(result: Checked) -> tuple[int, int]:
    """What blocks comes first, and of it what is most frequent."""
    worst = result.worst
    return (len(SEVERITIES), 0) if worst is None else (SEVERITIES.index(worst), -result.count(worst))


def _card(view: View, row: int) -> dict[str, Any]:
    about = " ".join(filter(None, (view.side[row], view.aspect[row])))
    return {"row": row, "name": view.sample_id[row], "about": about or "side unknown"}


def _tables(view: View) -> list[dict[str, Any]]:
    """What is in the set, and in each of its splits: a table of counts for each property."""
    subjects = view.subject_id
    tables = [
        _table("Source", "source", view, view.source),
        _table("Split", "split", view, view.split, per_split=False),
        _table("Side", "hand", view, view.side),
        _table("Aspect", "seen from", view, view.aspect),
        _table("Labels by", "label source", view, view.label_source),
        *_people(view),
        _points_table(view),
        _table("Most photographed subjects", "subject", view, subjects, unknown=False, per_split=False),
    ]
    return [table for table in tables if table["rows"]]


def _people(view: View) -> list[dict[str, Any]]:
    """What the sources tell of the people: gender, age, skin tone, what they wear."""
    tables = []
    for name, values in properties(view).items():
        if name in _PEOPLE:
            title, words = _PEOPLE[name]
            told = np.array([None if v is None else words.get(str(v), str(v)) for v in values], object)
            tables.append(_table(title, name, view, told))
    return tables


def _points_table(view: View) -> dict[str, Any]:
    words = {kp.VISIBLE: "visible", kp.HIDDEN: "hidden", kp.UNLABELLED: "not labelled"}
    count = np.bincount(view.visibility.reshape(-1), minlength=3)
    total = max(1, int(count.sum()))
    rows = [(word, int(count[v]), count[v] / total, ()) for v, word in words.items() if count[v]]
    return {"title": "Keypoints", "head": "visibility", "splits": [], "rows": rows}


def _comparison(view: View) -> dict[str, Any]:
    """How far each split is from train, per feature: rows of (feature, [(index, state) per split])."""
    found: dict[str, dict[str, tuple[float, str]]] = {}
    for split, feature, index, chance in drift_of(view, _ENOUGH):
        state = "error" if index > 0.25 else "warning" if index > 0.1 else "alike"
        if state != "alike" and index <= 3 * chance:
            state = "chance"
        title = _PEOPLE[feature][0].lower() if feature in _PEOPLE else feature
        found.setdefault(title, {})[split] = (index, state)
    splits = list(dict.fromkeys(split for row in found.values() for split in row))[:4]
    return {"splits": splits, "rows": [(name, [row.get(s) for s in splits]) for name, row in found.items()]}


def _clusters(view: View, results: Sequence[Checked]) -> list[dict[str, Any]]:
    """Groups of near duplicates, those across splits first, then the largest."""
    findings = [f for r in results if r.check.id == "near-duplicates" for f in r.findings]
    groups = {f.rows: f.severity for f in findings if len(f.rows) > 1}
    order = sorted(groups, key=lambda rows: (SEVERITIES.index(groups[rows]), -len(rows), rows))
    return [
        {
            "severity": groups[rows],
            "count": len(rows),
            "splits": sorted({str(view.split[i] or "no split") for i in rows}),
            "cards": [_card(view, i) for i in rows[:_IN_CLUSTER]],
        }
        for rows in order[:_CLUSTERS]
    ]


def _table(
    title: str, head: str, view: View, values: Names, *, unknown: bool = True, per_split: bool = True
) -> dict[str, Any]:
    """Counts of a property's values, the most frequent first, and each value's share of each split."""
    counts = Counter(values.tolist())
    if not unknown:
        counts.pop(None, None)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    splits = {name: rows for name, rows in view.splits().items() if name} if per_split else {}
    splits = dict(list(splits.items())[:3]) if len(splits) > 1 else {}
    total = max(1, len(view))

    def row(name: str, wanted: list[Any]) -> tuple[str, int, float, list[float]]:
        count = sum(counts[value] for value in wanted)
        held = set(wanted)
        shares = [sum(v in held for v in values[rows]) / len(rows) for rows in splits.values()]
        return name, count, count / total, shares

    rows = [row("unknown" if value is None else str(value), [value]) for value, _ in ordered[:_ROWS]]
    if len(ordered) > _ROWS:
        rows.append(row(f"{len(ordered) - _ROWS:,} others", [value for value, _ in ordered[_ROWS:]]))
    return {"title": title, "head": head, "splits": list(splits), "rows": rows}


def _stages(view: View) -> list[dict[str, Any]]:
    """What happened on the way to these datasets: each stage with what came out and what was left out."""
    rows = []
    for dataset in view.datasets:
        for entry in dataset.info.get("history") or []:
            counts = entry.get("counts") or {}
            rows.append(
                {
                    "dataset": dataset.root.resolve().name,
                    "stage": entry.get("stage", "?"),
                    "out": counts.get("out"),
                    "quarantined": counts.get("quarantined"),
                    "dropped": sorted((counts.get("dropped") or {}).items()),
                }
            )
    return rows[:50]


def _figures(view: View) -> dict[str, Any]:
    groups = {name or "no split": rows for name, rows in view.splits().items()}
    groups = dict(list(groups.items())[:4])
    maps = [(name, len(rows), charts.location_map(view, rows, name)) for name, rows in groups.items()]
    crops = [
        (name, len(rows), charts.centre_scatter(view, rows, name))
        for name, rows in groups.items()
        if view.cut[rows].any()
    ]
    return {
        "groups": list(groups),
        "size": charts.hand_size(view, groups),
        "coverage": [
            (name, len(rows), chart)
            for name, rows in groups.items()
            if (chart := charts.coverage(view, rows, name)) is not None
        ],
        "labelled": charts.labelled_share(view),
        "maps": maps,
        "crops": crops,
    }


def _shorten(text: object, limit: int = _TEXT_LIMIT) -> str:
    """At most `limit` characters, the middle left out; no character that would not print."""
    plain = "".join(c if c.isprintable() else " " for c in str(text))
    if len(plain) <= limit:
        return plain
    return f"{plain[: limit * 2 // 3]} … {plain[-limit // 4 :]}"


def _name(sample_id: object) -> str:
    """The part of a sample's id that tells it from its neighbours: what stands behind the last slash."""
    text = str(sample_id)
    return text.rpartition("/")[2] or text
