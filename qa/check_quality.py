"""`curate qa`: run every check over a dataset, write the findings and the report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from qa.checks.baseline_residual import predicted_points
from qa.checks.check import Checked
from qa.config import checks
from qa.finding import SEVERITIES, Finding, Severity, at_least, read_findings, write_findings
from qa.measures.arrays import Names
from qa.report.changes import Changes, compare, write_changes
from qa.report.junit import write_junit
from qa.report.page import write_report
from qa.report.sarif import write_sarif
from qa.report.verdict import verdict_on
from qa.view import View, open_view

FailOn = Literal["error", "warning", "info", "never"]


@dataclass(frozen=True, slots=True)
class QaSummary:
    """What QA found.

    Attributes
    ----------
    out: the folder with findings.parquet, findings.json and report.html.
    samples: how many were looked at. counts: findings per severity. checks: findings per check.
    verdict: in one sentence. failed: something stands at or above `fail_on`.
    changes: how many findings are new, fixed, and the same, where an earlier run was given.
    """

    out: Path
    samples: int
    counts: dict[Severity, int]
    checks: dict[str, int]
    verdict: str
    failed: bool
    changes: dict[str, int] | None = None

    def __str__(self) -> str:
        lines = [self.verdict, f"report: {self.out / 'report.html'}"]
        if self.changes is not None:
            lines.insert(
                1,
                "since the earlier run: {new:,} new, {fixed:,} fixed, {same:,} the same".format(
                    **self.changes
                ),
            )
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "out": os.fspath(self.out),
            "samples": self.samples,
            "counts": self.counts,
            "checks": self.checks,
            "verdict": self.verdict,
            "failed": self.failed,
            "changes": self.changes,
        }


def inspect(
    datasets: Dataset | str | os.PathLike[str] | Sequence[Dataset | str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    fail_on: FailOn = "error",
    config: str | os.PathLike[str] | None = None,
    earlier: str | os.PathLike[str] | None = None,
    predictions: Sequence[str | os.PathLike[str]] = (),
    anonymise: bool = False,
    workers: int = 1,
    seed: int = 0,
    quiet: bool = False,
) -> QaSummary:
    """Check datasets or training sets; write findings (Parquet, JSON, JUnit, SARIF) and report.html to `out`.

    Several datasets are checked as one: a subject or an image in the train split of one and the test split
    of another is found. The images are decoded once each; nothing of the datasets is changed.

    Parameters
    ----------
    fail_on: `failed` is set where a finding is at least this grave; "never": it never is.
    config: a qa.yaml with other limits, see `qa.config.explain`.
    earlier: the `out` of an earlier run: what is new and what was fixed goes to changes.json.
    predictions: what a network predicted of a training set (predictions.parquet of `curate evaluate`).
    anonymise: people are told by numbers, in the order of their first sample, not by their subject ids.
    seed: chooses the random samples that the report shows.

    Raises
    ------
    SchemaError: a folder is no finished dataset, or a file no predictions.
    InputError: an unknown `fail_on`, no dataset at all, a config that names an unknown check or limit, or an
        `earlier` without findings.
    """
    if fail_on not in (*SEVERITIES, "never"):
        raise InputError("--fail-on", repr(fail_on), allowed=", ".join((*SEVERITIES, "never")))
    given = [datasets] if isinstance(datasets, Dataset | str | os.PathLike) else list(datasets)
    if not given:
        raise InputError("curate qa", "no dataset given", allowed="one or more dataset folders")
    table = checks(config)
    if earlier is not None:
        before = read_findings(earlier)
    view = _viewed(open_view(given, workers=workers, quiet=quiet), predictions, anonymise)
    results = [check.judge(view) for check in table]
    findings = [finding for result in results for finding in result.findings]
    counts = _counts(findings)
    verdict = verdict_on(results, len(view), training=all(d.training is not None for d in view.datasets))
    changes = None if earlier is None else compare(findings, before)
    folder, grave = Path(out), (() if fail_on == "never" else at_least(fail_on))
    _write_lists(results, findings, changes, grave, folder)
    write_report(view, results, verdict, folder / "report.html", seed=seed, changes=changes)
    return QaSummary(
        folder,
        len(view),
        counts,
        {result.check.id: len(result.findings) for result in results},
        str(verdict),
        any(counts[severity] for severity in grave),
        None if changes is None else changes.counts(),
    )


def _viewed(view: View, predictions: Sequence[str | os.PathLike[str]], anonymise: bool) -> View:
    """The view with what a network predicted, and without people's own ids, where that is asked for."""
    if predictions:
        view = replace(view, predicted=predicted_points(predictions, view.sample_id.tolist()))
    return replace(view, subject_id=_numbered(view.subject_id)) if anonymise else view


def _numbered(names: Names) -> Names:
    """Each name as "person 1", "person 2" and so on."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(n for n in names if n is not None), start=1)}
    people = np.empty(len(names), object)
    people[:] = [None if name is None else f"person {numbers[name]}" for name in names]
    return people


def _write_lists(
    results: Sequence[Checked],
    findings: Sequence[Finding],
    changes: Changes | None,
    grave: Sequence[Severity],
    folder: Path,
) -> None:
    write_findings(findings, folder)
    write_junit(results, grave, folder)
    write_sarif(results, folder, changes)
    if changes is None:
        (folder / "changes.json").unlink(missing_ok=True)  # of a run before, in the same folder
    else:
        write_changes(changes, folder)


def _counts(findings: Sequence[Finding]) -> dict[Severity, int]:
    counted = Counter(finding.severity for finding in findings)
    return {severity: counted[severity] for severity in SEVERITIES}
