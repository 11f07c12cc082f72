"""`curate qa`: run every check over a dataset, write the findings and the report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import curate
from curate.basics import files, memory
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.paths import real
from curate.basics.settings import require_options
from curate.basics.wording import already
from curate.data import contents
from curate.data.dataset import Dataset
from curate.data.sample import labelled_points
from qa.checks.check import Check, Checked
from qa.config import checks
from qa.finding import TABLE, Row, read_findings, write_findings
from qa.measures.arrays import Names
from qa.measures.residuals import Residuals, read_residuals
from qa.options import QualityOptions
from qa.report.changes import compare, write_changes
from qa.report.junit import write_junit
from qa.report.page import write_report
from qa.report.sarif import write_sarif
from qa.report.verdict import verdict_on
from qa.severity import SEVERITIES, Severity
from qa.view import View, open_view


@dataclass(frozen=True, slots=True)
class Quality:
    """The result of QA.

    Attributes
    ----------
    out: the folder with findings.parquet, findings.json and report.html.
    samples: how many were checked. counts: findings per severity. checks: findings per check.
    verdict: in one sentence. failed: whether there are findings of the severities that fail a set.
    changes: how many findings are new, fixed, and the same, if an earlier run was given.
    reused: whether the folder was finished before, by the same command on the same data.
    """

    out: Path
    samples: int
    counts: dict[Severity, int]
    checks: dict[str, int]
    verdict: str
    failed: bool
    changes: dict[str, int] | None = None
    reused: bool = False

    def __str__(self) -> str:
        lines = [self.verdict]
        if self.changes is not None:
            lines.append("since the earlier run: {new:,} new, {fixed:,} fixed, {same:,} the same")
            lines[-1] = lines[-1].format(**self.changes)
        return "\n".join([*lines, f"report: {self.out / 'report.html'}{already(self.reused)}"])

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "out": os.fspath(self.out)}


def check_quality(
    datasets: Dataset | str | os.PathLike[str] | Sequence[Dataset | str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: QualityOptions = QualityOptions(),
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Quality:
    """Check datasets or training sets; write findings (Parquet, JSON, JUnit, SARIF) and report.html to `out`.

    Several datasets are checked as one: a subject or an image in the train split of one and the test split
    of another is found. Each image is decoded once, or not at all if the options say so. The datasets are not
    changed.

    Raises
    ------
    SchemaError: a folder is not a finished dataset, or a file holds no predictions.
    InputError: no dataset at all, or one twice; a config that names an unknown check or limit; no findings in
        the folder to compare with; predictions of other samples; an `out` that curate did not make, or that
        is in use.
    ConfigChanged: `out` holds findings in other data, or with other options.
    """
    require_options(options, QualityOptions)
    given = [datasets] if isinstance(datasets, Dataset | str | os.PathLike) else list(datasets)
    if not given:
        raise InputError("datasets", "none given", allowed="one or more dataset folders")
    opened = [d if isinstance(d, Dataset) else Dataset(d) for d in given]
    _refuse_twice(opened)
    table = checks(options.config)
    before = None if options.compare is None else read_findings(options.compare)
    reads = [place for place in (options.config, options.compare, *options.predictions) if place is not None]
    residuals = _residuals(opened, options.predictions) if options.predictions else None
    identity = _identity(opened, options, table)
    claimed = contents.claimed(
        out, identity, opened, reads=reads, pictures=options.images, engine=engine, overwrite=overwrite
    )
    with claimed as claim:
        if claim.result is not None:
            return Quality(claim.out, **claim.result, reused=True)
        view = open_view(opened, engine=engine, quiet=quiet, images=options.images)
        if residuals is not None:
            view = replace(view, residuals=residuals)
        if options.anonymise:
            view = replace(view, subject_id=_numbered(view.subject_id))
        results = _judged(view, table)
        found = _write(view, results, before, options, claim.out)
        claim.finish({name: told for name, told in found.as_json().items() if name not in ("out", "reused")})
    return found


def _refuse_twice(datasets: Sequence[Dataset]) -> None:
    """Raise InputError for a dataset that is given twice: each of its samples would be its own duplicate."""
    seen = set[Path]()
    for dataset in datasets:
        if real(dataset.root) in seen:
            raise InputError(dataset.root, "given twice", allowed="each dataset once")
        seen.add(real(dataset.root))


def _judged(view: View, table: Sequence[Check]) -> list[Checked]:
    """What each check finds. Memory is handed back after each: it would add to the next one's peak."""
    results = []
    for check in table:
        results.append(check.judge(view))
        memory.hand_back()
    return results


def _residuals(datasets: Sequence[Dataset], predictions: Sequence[Path]) -> Residuals:
    tables = [dataset.table(["sample_id", "keypoints", "visibility"]) for dataset in datasets]
    ids = [name for table in tables for name in table.column("sample_id").to_pylist()]
    points = np.concatenate([labelled_points(table)[0] for table in tables])
    return read_residuals(predictions, ids, points.astype(np.float64))


def _identity(datasets: Sequence[Dataset], options: QualityOptions, table: Sequence[Check]) -> dict[str, Any]:
    """Everything that decides what is written."""
    earlier = None if options.compare is None else files.sha256(options.compare / TABLE)
    return {
        "stage": "qa",
        "version": curate.__version__,
        "options": {
            "fail_on": options.fail_on,
            "anonymise": options.anonymise,
            "images": options.images,
            "seed": options.seed,
            "limits": {check.id: dict(check.limits) for check in table},
        },
        "earlier": earlier,
        "predictions": [files.sha256(name) for name in options.predictions],
        "names": [dataset.name for dataset in datasets],
        "inputs": [dataset.fingerprint for dataset in datasets],
    }


def _numbered(names: Names) -> Names:
    """Each name as "person 1", "person 2" and so on, in the order of their first samples."""
    numbers = {name: i for i, name in enumerate(dict.fromkeys(n for n in names if n is not None), start=1)}
    people = np.empty(len(names), object)
    people[:] = [None if name is None else f"person {numbers[name]}" for name in names]
    return people


def _write(
    view: View,
    results: Sequence[Checked],
    before: Sequence[Row] | None,
    options: QualityOptions,
    folder: Path,
) -> Quality:
    findings = [finding for result in results for finding in result.findings]
    counted = Counter(finding.severity for finding in findings)
    verdict = verdict_on(results, len(view), training=all(d.training is not None for d in view.datasets))
    changes = None if before is None else compare(findings, before)
    write_findings(findings, folder)
    write_junit(results, options.grave, folder)
    write_sarif(results, folder, changes)
    if changes is not None:
        write_changes(changes, folder)
    write_report(view, results, verdict, folder / "report.html", seed=options.seed, changes=changes)
    return Quality(
        folder,
        len(view),
        {severity: counted[severity] for severity in SEVERITIES},
        {result.check.id: len(result.findings) for result in results},
        str(verdict),
        any(counted[severity] for severity in options.grave),
        None if changes is None else changes.counts(),
    )
