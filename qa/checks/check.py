"""What a check is: a row of the table of checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qa.finding import Finding, Hit, Outcome, Scope, Severity
from qa.view import View


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes
    ----------
    id: its name in findings. title: what holds when nothing is found.
    severity: of its findings, unless a hit says otherwise. scope: what a finding concerns.
    run: the measurement: pure, over whole columns; gives hits, worst first.
    sentence: what a person reads, filled in with a hit's words. remedy: what to do about it.
    limits: its parameters and their defaults.
    """

    id: str
    title: str
    severity: Severity
    scope: Scope
    run: Callable[[View, Mapping[str, float]], Outcome]
    sentence: str
    remedy: str
    limits: Mapping[str, float] = field(default_factory=dict)

    def findings(self, view: View, outcome: Outcome) -> list[Finding]:
        """The outcome's hits as findings, in words."""
        return [self._finding(view, hit) for hit in outcome.hits]

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
            message=self.sentence.format_map({**hit.words, "score": hit.score}),
            remedy=self.remedy,
            row=row,
            rows=hit.rows,
        )
