"""The table of the report's sections: a section is a row here, and a template of its name in sections/.

Templates also get the number of pictures that there is room for: `per_check`, and `sheet` of random samples.
A section whose template writes nothing is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from markupsafe import Markup

from qa.checks.check import Checked, graded
from qa.checks.split_drift import drifts, split_drift
from qa.report import charts, contents
from qa.report.changes import Changes
from qa.severity import SEVERITIES
from qa.view import View

_CLUSTERS, _IN_CLUSTER = 4, 6
_GROUPS = 4


@dataclass(frozen=True)
class Material:
    """What sections are made of: the samples, what the checks found, and what is new since an earlier run."""

    view: View
    results: Sequence[Checked]
    changes: Changes | None
    seed: int

    @cached_property
    def problems(self) -> list[Checked]:
        """The checks that found something: by their worst severity, then by how many findings have it."""
        return sorted((r for r in self.results if r.findings), key=_gravity)

    @cached_property
    def histograms(self) -> dict[str, Markup | None]:
        """The distribution of each check's scores, by its id."""
        return {r.check.id: charts.scores(r) for r in self.results}


@dataclass(frozen=True, slots=True)
class Section:
    """One section.

    Attributes
    ----------
    name: of its template, and its anchor on the page. title: its heading.
    link: its name in the list of sections at the top.
    gather: collects what its template shows, by name.
    """

    name: str
    title: str
    link: str
    gather: Callable[[Material], Mapping[str, Any]]


def _checks(material: Material) -> dict[str, Any]:
    return {
        "problems": material.problems,
        "results": material.results,
        "histograms": material.histograms,
    }


def _findings(material: Material) -> dict[str, Any]:
    return {"problems": material.problems, "histograms": material.histograms}


def _changes(material: Material) -> dict[str, Any]:
    return {"changes": material.changes}


def _content(material: Material) -> dict[str, Any]:
    return {"tables": contents.tables(material.view), "stages": contents.stages(material.view)}


def _splits(material: Material) -> dict[str, Any]:
    """How far each split is from train, by the limits of `split_drift`: rows of (feature, [(index, state) per
    split])."""
    (limits,) = (result.check.limits for result in material.results if result.check.run is split_drift)
    found: dict[str, dict[str, tuple[float, str]]] = {}
    for drift in drifts(material.view, int(limits["samples"])):
        state: str = graded(drift.index, limits)[0] if drift.index > limits["warning"] else "alike"
        if state != "alike" and drift.by_chance:
            state = "chance"
        found.setdefault(contents.title_of(drift.feature), {})[drift.split] = (drift.index, state)
    splits = list(dict.fromkeys(split for row in found.values() for split in row))[:_GROUPS]
    rows = [(name, [row.get(s) for s in splits]) for name, row in found.items()]
    return {"splits": splits, "rows": rows, "limits": limits}


def _clusters(material: Material) -> dict[str, Any]:
    """Groups of near duplicates, those across splits first, then the largest."""
    view = material.view
    findings = [f for r in material.results if r.check.id == "near-duplicates" for f in r.findings]
    groups = {f.rows: f.severity for f in findings if len(f.rows) > 1}
    order = sorted(groups, key=lambda rows: (SEVERITIES.index(groups[rows]), -len(rows), rows))
    clusters = [
        {
            "severity": groups[rows],
            "count": len(rows),
            "splits": sorted({str(view.split[i] or "no split") for i in rows}),
            "cards": [_card(view, i) for i in rows[:_IN_CLUSTER]],
        }
        for rows in order[:_CLUSTERS]
    ]
    return {"clusters": clusters}


def _distributions(material: Material) -> dict[str, Any]:
    view = material.view
    groups = {name or "no split": rows for name, rows in view.splits().items()}
    groups = dict(list(groups.items())[:_GROUPS])
    angles = [(name, len(rows), charts.coverage(view, rows, name)) for name, rows in groups.items()]
    return {
        "groups": list(groups),
        "size": charts.hand_size(view, groups),
        "coverage": [row for row in angles if row[2] is not None],
        "labelled": charts.labelled_share(view),
        "maps": [(name, len(rows), charts.location_map(view, rows, name)) for name, rows in groups.items()],
        "crops": [
            (name, len(rows), charts.centre_scatter(view, rows, name))
            for name, rows in groups.items()
            if view.cut[rows].any()
        ],
    }


def _samples(material: Material) -> dict[str, Any]:
    """Random samples: a larger number includes those of a smaller one."""
    view = material.view
    shuffled = np.random.default_rng(material.seed).permutation(len(view))
    return {"cards": lambda count: [_card(view, int(row)) for row in sorted(shuffled[:count])]}


def _gravity(result: Checked) -> tuple[int, int]:
    worst = result.worst
    return (len(SEVERITIES), 0) if worst is None else (SEVERITIES.index(worst), -result.count(worst))


def _card(view: View, row: int) -> dict[str, Any]:
    about = " ".join(filter(None, (view.side[row], view.aspect[row])))
    return {"row": row, "name": view.sample_id[row], "about": about or "side unknown"}


SECTIONS: tuple[Section, ...] = (
    Section("checks", "Checks", "Checks", _checks),
    Section("findings", "Findings", "Findings", _findings),
    Section("changes", "Since the earlier run", "Changes", _changes),
    Section("content", "Content", "Content", _content),
    Section("splits", "Splits against train", "Splits", _splits),
    Section("clusters", "Near duplicates", "Near duplicates", _clusters),
    Section("distributions", "Distributions", "Distributions", _distributions),
    Section("samples", "Random samples", "Random samples", _samples),
)
