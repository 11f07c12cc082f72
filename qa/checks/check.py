"""A check: a row of the table, with a function that measures and the sentence that reports a finding."""

from __future__ import annotations

import operator
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from curate.basics.errors import InputError
from qa.finding import Finding, Scope
from qa.measures.arrays import Flags, Floats, blocks
from qa.measures.spread import Spread, spread_of
from qa.severity import SEVERITIES, Severity
from qa.view import View

Limits = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing a check found.

    Attributes
    ----------
    score, threshold: the measured value and the limit it broke, in the check's unit.
    row: the sample's row in the view; None if the hit concerns a split or the whole set.
    split: the split concerned, for checks of that scope.
    severity: None for the check's own.
    words: values for the placeholders in the check's sentence.
    rows: the rows of a group of samples, if the hit concerns a group.
    rank: order of the hits of an `alone` check, the highest first.
    """

    score: float
    threshold: float
    row: int | None = None
    split: str | None = None
    severity: Severity | None = None
    words: Mapping[str, object] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    rank: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a check.

    Attributes
    ----------
    checked: how many samples (or splits, subjects) it could judge. hits: worst first.
    scores: (n,) one per sample, NaN where not judged; None for a check that does not score samples.
    threshold: the limit of the scores.
    """

    checked: int
    hits: Sequence[Hit] = ()
    scores: Floats | None = None
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes
    ----------
    id: its name in findings. title: what is true if nothing is found.
    severity: of its findings, unless a hit has its own. scope: what a finding concerns.
    run: measures a view, in whole columns; a pure function.
    sentence: the message, a format string for a hit's words and score. remedy: what to do about it.
    limits: its limits by name, with their defaults.
    alone: whether each sample is judged by itself, so that `run` may get some of the samples at a time.
    origin: the entry point that added the check; empty for built-in ones.
    """

    id: str
    title: str
    severity: Severity
    scope: Scope
    run: Callable[[View, Limits], Outcome]
    sentence: str
    remedy: str
    limits: Limits = field(default_factory=dict)
    alone: bool = False
    origin: str = ""

    def measure(self, view: View) -> Outcome:
        """What the check measures in a view."""
        if not self.alone:
            return self.run(view, self.limits)
        parts = list(blocks(len(view))) or [slice(0, 0)]
        return _joined([self.run(view.part(rows), self.limits) for rows in parts], parts)

    def judge(self, view: View) -> Checked:
        """The findings in a view, with messages. Raises InputError if a check of another package fails."""
        try:
            outcome = self.measure(view)
            if not isinstance(outcome, Outcome):
                raise TypeError(f"gave a {type(outcome).__name__} instead of a qa.checks.Outcome")
            if self.origin:
                _require_sound(self, outcome, len(view))
            findings = tuple(self._finding(view, hit) for hit in outcome.hits)
            return Checked(self, outcome.checked, findings, _spread(outcome, findings))
        except (Exception, SystemExit) as error:  # another package's code: whatever it does, it is named
            if not self.origin:
                raise
            found = f"its check {self.id!r} failed ({type(error).__name__}: {error})"
            raise InputError(self.origin, found, remedy="report it to its authors, or remove it") from error

    def _finding(self, view: View, hit: Hit) -> Finding:
        row = hit.row
        return Finding(
            check=self.id,
            severity=hit.severity or self.severity,
            scope=self.scope,
            dataset=None if row is None else view.folder(row),
            sample_id=None if row is None else view.sample_id[row],
            split=hit.split if row is None else view.split[row],
            score=round(hit.score, 6),
            threshold=hit.threshold,
            message=sys.intern(self.sentence.format_map({**hit.words, "score": hit.score})),  # many are alike
            remedy=self.remedy,
            row=row,
            rows=hit.rows,
        )


@dataclass(frozen=True)
class Checked:
    """A check, and what it found.

    Attributes
    ----------
    checked: how many samples (or splits, subjects) could be judged. findings: worst first.
    spread: the distribution of its scores over the samples, if they differ.
    """

    check: Check
    checked: int
    findings: tuple[Finding, ...]
    spread: Spread | None = None

    def count(self, severity: Severity) -> int:
        """Findings of that severity."""
        return self._counts[severity]

    @property
    def worst(self) -> Severity | None:
        """Highest severity found."""
        return next((s for s in SEVERITIES if self._counts[s]), None)

    @property
    def state(self) -> str:
        """Worst severity, else "passed", or "idle" if there was nothing to judge."""
        return self.worst or ("passed" if self.checked else "idle")

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(finding.severity for finding in self.findings)


def _require_sound(check: Check, outcome: Outcome, count: int) -> None:
    """Raise ValueError or TypeError for an outcome that would fail far from the check, or mislead; built-in
    checks are known to give none."""
    operator.index(outcome.checked)
    for severity in (check.severity, *(hit.severity for hit in outcome.hits)):
        if severity is not None and severity not in SEVERITIES:
            raise ValueError(f"severity {severity!r}; allowed: {', '.join(SEVERITIES)}")
    if check.scope not in get_args(Scope):
        raise ValueError(f"scope {check.scope!r}; allowed: {', '.join(get_args(Scope))}")
    for hit in outcome.hits:
        if hit.row is not None and not 0 <= hit.row < count:
            raise ValueError(f"a hit in row {hit.row}; allowed: 0 to {count - 1}")
        if not np.isfinite([hit.score, hit.threshold]).all():
            raise ValueError(f"a hit with score {hit.score} and threshold {hit.threshold}; allowed: numbers")
    if outcome.scores is not None and np.shape(outcome.scores) != (count,):
        raise ValueError(f"scores of shape {np.shape(outcome.scores)}; allowed: ({count},), one a sample")


def _spread(outcome: Outcome, findings: Sequence[Finding]) -> Spread | None:
    """The distribution of the scores. A sample with several findings counts with the first, the worst."""
    if outcome.scores is None:
        return None
    worst = {f.row: f.severity for f in reversed(findings) if f.row is not None}
    flagged: dict[str, list[int]] = {severity: [] for severity in reversed(SEVERITIES)}
    for row, severity in worst.items():
        flagged[severity].append(row)
    return spread_of(outcome.scores, outcome.threshold, flagged)


def _joined(outcomes: Sequence[Outcome], parts: Sequence[slice]) -> Outcome:
    """One outcome of all samples, from the outcomes of parts."""
    if len(outcomes) == 1:
        return outcomes[0]
    hits = [
        replace(hit, row=None if hit.row is None else part.start + hit.row)
        for outcome, part in zip(outcomes, parts, strict=True)
        for hit in outcome.hits
    ]
    scores = [outcome.scores for outcome in outcomes if outcome.scores is not None]
    return Outcome(
        sum(outcome.checked for outcome in outcomes),
        sorted(hits, key=lambda hit: -hit.rank),
        np.concatenate(scores) if scores else None,
        outcomes[0].threshold,
    )


def sample_outcome(
    judged: Flags,
    wrong: Flags,
    score: Floats,
    threshold: float,
    words: Callable[[int], dict[str, object]] = lambda i: {},
    severity: NDArray[np.str_] | None = None,
    rank: Floats | None = None,
    broken: Floats | None = None,
) -> Outcome:
    """The outcome of a check that scores each sample, with a hit for each wrong one.

    Parameters
    ----------
    judged: (n,) the samples that could be judged. wrong: (n,) those that broke the limit.
    score: (n,) the measured values. threshold: the limit.
    words: gives the words of a hit in a row. severity: (n,) of each hit; by default the check's own.
    rank: (n,) order of the hits, the highest first; by default the score.
    broken: (n,) the limit that each sample broke, if limits differ; `threshold` is then the usual one.
    """
    rank = score if rank is None else rank
    rows = np.flatnonzero(wrong)
    order = rows[np.argsort(-rank[rows], kind="stable")]
    hits = [
        Hit(
            float(score[i]),
            threshold if broken is None else float(broken[i]),
            row=int(i),
            severity=None if severity is None else cast(Severity, str(severity[i])),
            words=words(int(i)),
            rank=float(rank[i]),
        )
        for i in order
    ]
    return Outcome(int(judged.sum()), hits, np.where(judged, score, np.nan), threshold)


def graded_outcome(
    judged: Flags,
    score: Floats,
    limits: Limits,
    words: Callable[[int], dict[str, object]],
    grave: Flags | None = None,
    confirmed: Flags | None = None,
) -> Outcome:
    """The outcome of a check whose findings are warnings above limits["warning"] (0 without such a limit),
    and errors where `grave`: by default above limits["error"]. A score of NaN breaks no limit. With
    `confirmed`, only those samples have findings."""
    least, most = limits.get("warning", 0.0), limits["error"]
    filled = np.nan_to_num(score, nan=-np.inf)
    error = filled > most if grave is None else grave
    severity = np.where(error, "error", "warning")
    broken = np.where(error, most, least)
    wrong = judged & (filled > least) & (True if confirmed is None else confirmed)
    return sample_outcome(judged, wrong, filled, least, words, severity, broken=broken)


def highest_first(hits: Sequence[Hit]) -> list[Hit]:
    """The hits, the highest score first."""
    return sorted(hits, key=lambda hit: -hit.score)


def graded(score: float, limits: Limits) -> tuple[Severity, float]:
    """Severity of a score above limits["warning"] and perhaps limits["error"]; and the limit it broke."""
    return ("error", limits["error"]) if score > limits["error"] else ("warning", limits["warning"])
