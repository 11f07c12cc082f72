"""The findings of this run against those of an earlier one: what is new, and what was fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.finding import Finding, Listed, Row, identity, write_json


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since an earlier run.

    Attributes
    ----------
    new: findings that the earlier run did not have. fixed: findings of the earlier run that are gone.
    same: how many findings both runs have.
    """

    new: tuple[Finding, ...]
    fixed: tuple[Row, ...]
    same: int

    def counts(self) -> dict[str, int]:
        """How many are new, fixed, the same."""
        return {"new": len(self.new), "fixed": len(self.fixed), "same": self.same}


def compare(findings: Sequence[Finding], earlier: Sequence[Row]) -> Changes:
    """Compare with the findings of an earlier run; `qa.finding.identity` says which are the same."""
    left = Counter(identity(row) for row in earlier)
    new = []
    for finding in findings:
        key = identity(finding.as_json())
        if left[key]:
            left[key] -= 1
        else:
            new.append(finding)
    gone = []
    for row in reversed(earlier):
        key = identity(row)
        if left[key]:
            left[key] -= 1
            gone.append(row)
    return Changes(tuple(new), tuple(reversed(gone)), len(findings) - len(new))


def write_changes(changes: Changes, out: Path) -> None:
    """Write changes.json: new, fixed, and the number of the same."""
    new = Listed(changes.new, Finding.as_json)
    write_json(out / "changes.json", {"new": new, "fixed": list(changes.fixed), "same": changes.same})
