"""`curate qa`: run every check over a dataset, write the findings and the report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from curate.dataset import Dataset
from curate.errors import InputError
from qa.checks import CHECKS
from qa.finding import SEVERITIES, Finding, Severity, write_findings
from qa.report import Checked, write_report
from qa.view import open_view

FailOn = Literal["error", "warning", "info", "never"]


@dataclass(frozen=True, slots=True)
class QaSummary:
    """What QA found.

    Attributes
    ----------
    out: the folder with findings.parquet, findings.json and report.html.
    samples: how many were looked at. counts: findings per severity. checks: findings per check.
    verdict: in one sentence. failed: something stands at or above `fail_on`.
    """

    out: Path
    samples: int
    counts: dict[Severity, int]
    checks: dict[str, int]
    verdict: str
    failed: bool

    def __str__(self) -> str:
        return f"{self.verdict}\nreport: {self.out / 'report.html'}"

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "out": os.fspath(self.out),
            "samples": self.samples,
            "counts": self.counts,
            "checks": self.checks,
            "verdict": self.verdict,
            "failed": self.failed,
        }


def inspect(
    datasets: Dataset | str | os.PathLike[str] | Sequence[Dataset | str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    fail_on: FailOn = "error",
    workers: int = 1,
    seed: int = 0,
    quiet: bool = False,
) -> QaSummary:
    """Check datasets or training sets, and write findings.parquet, findings.json and report.html to `out`.

    Several datasets are checked as one: a subject or an image in the train split of one and the test split
    of another is found. The images are decoded once each; nothing of the datasets is changed.

    Parameters
    ----------
    fail_on: `failed` is set where a finding is at least this grave; "never": it never is.
    seed: chooses the random samples that the report shows.

    Raises
    ------
    SchemaError: a folder is no finished dataset.
    InputError: an unknown `fail_on`, or no dataset at all.
    """
    if fail_on not in (*SEVERITIES, "never"):
        raise InputError("--fail-on", repr(fail_on), allowed=", ".join((*SEVERITIES, "never")))
    given = [datasets] if isinstance(datasets, Dataset | str | os.PathLike) else list(datasets)
    if not given:
        raise InputError("curate qa", "no dataset given", allowed="one or more dataset folders")
    view = open_view(given, workers=workers, quiet=quiet)
    results = []
    for check in CHECKS:
        outcome = check.run(view, check.limits)
        results.append(Checked(check, outcome.checked, tuple(check.findings(view, outcome))))
    findings = [finding for result in results for finding in result.findings]
    counts = _counts(findings)
    training = all(dataset.training is not None for dataset in view.datasets)
    verdict = _verdict(results, counts, len(view), training=training)
    folder = Path(out)
    write_findings(findings, folder)
    write_report(view, results, verdict, folder / "report.html", seed=seed)
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on != "never" else ()
    failed = any(counts[severity] for severity in grave)
    per_check = {result.check.id: len(result.findings) for result in results}
    return QaSummary(folder, len(view), counts, per_check, verdict, failed)


def _counts(findings: Sequence[Finding]) -> dict[Severity, int]:
    counted = Counter(finding.severity for finding in findings)
    return {severity: counted[severity] for severity in SEVERITIES}


def _verdict(results: Sequence[Checked], counts: dict[Severity, int], samples: int, *, training: bool) -> str:
    goal = "train on" if training else "build a training set from"
    if counts["error"]:
        blocking = sorted((r for r in results if r.worst == "error"), key=lambda r: -r.count("error"))
        names = ", ".join(f"{r.check.id} ({r.count('error'):,})" for r in blocking)
        bad = len({f.row for r in results for f in r.findings if f.severity == "error" and f.row is not None})
        where = f" in {bad:,} of {samples:,} samples" if bad else ""
        return f"Not fit to {goal} yet: {_plural(counts['error'], 'error')}{where}. Found by: {names}."
    if counts["warning"]:
        return f"Fit to {goal}, with {_plural(counts['warning'], 'warning')} worth a look."
    return f"Fit to {goal}: nothing was found that speaks against it."


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
