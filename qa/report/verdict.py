"""The verdict at the top of the report: fit to train on, or not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curate.basics.wording import counted, percent, verb
from qa.checks.check import Checked
from qa.severity import Severity


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all findings come to.

    Attributes
    ----------
    sentence: fit or not, in words. severity: the worst found; None without findings.
    reasons: the checks with errors, those of the whole set first, then by their number of errors.
    """

    sentence: str
    severity: Severity | None
    reasons: tuple[Checked, ...] = ()

    def __str__(self) -> str:
        if not self.reasons:
            return self.sentence
        names = ", ".join(f"{r.check.id} ({r.count('error'):,})" for r in self.reasons)
        return f"{self.sentence} Found by: {names}."


def verdict_on(results: Sequence[Checked], samples: int, *, training: bool) -> Verdict:
    """Judge a set of `samples` samples; `training`: whether it is a training set."""
    goal = "train on" if training else "build a training set from"
    blocking = [r for r in results if r.count("error")]
    if not blocking:
        warnings = sum(r.count("warning") for r in results)
        if warnings:
            told = counted(warnings, "warning")
            return Verdict(f"Fit to {goal}, with {told} worth a look.", "warning")
        noted = any(r.findings for r in results)
        word = "nothing was found against it"
        return Verdict(f"Fit to {goal}: {word}.", "info" if noted else None)
    blocking.sort(key=lambda r: (r.check.scope == "sample", -r.count("error")))
    bad = {f.row for r in blocking for f in r.findings if f.severity == "error" and f.row is not None}
    whole = sum(r.count("error") for r in blocking if r.check.scope != "sample")
    share = f"{len(bad):,} of {counted(samples, 'sample')} ({percent(len(bad) / max(samples, 1), 1)})"
    if not whole:
        said = f"Not yet fit to {goal}: {share} {verb(len(bad), 'has', 'have')} errors. "
        rest = "" if len(bad) == samples else " or leave them out"
        said += f"Correct them{rest}, and it will be."
    else:
        said = f"Not fit to {goal}: {counted(whole, 'error')} in the set as a whole"
        said += f", and errors in {share}." if bad else "."
    return Verdict(said, "error", tuple(blocking))
