"""`curate review agreement`: how far two reviewers decide alike, and where they do not."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any

from curate.basics.errors import InputError
from curate.basics.wording import counted, percent
from qa.review.decisions import latest_decisions, require_two
from qa.review.point_agreement import cohen

KINDS = ("accept", "reject", "fix", "patch")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two files of decisions compared, on the samples that both decided on.

    Attributes
    ----------
    table: the number of samples by (kind of the first decision, kind of the second).
    differ: (sample, first kind, second kind) where kind or patch differ, by sample.
    alone: how many samples only the first, and only the second decided on.
    other: how many samples both decided on, but with different labels or pixels: not compared.
    """

    table: dict[tuple[str, str], int]
    differ: list[tuple[str, str, str]]
    alone: tuple[int, int]
    other: int

    @property
    def shared(self) -> int:
        """Samples compared."""
        return sum(self.table.values())

    @property
    def raw(self) -> float:
        """Share of the samples on which both decisions are of one kind, 0 to 1."""
        return sum(count for (a, b), count in self.table.items() if a == b) / self.shared

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa of the kinds, see `cohen`."""
        return cohen(self.table)

    def __str__(self) -> str:
        kappa = "not defined, as all decisions are of one kind" if self.kappa is None else f"{self.kappa:.3f}"
        shared, alike = counted(self.shared, "sample"), percent(self.raw, 1)
        lines = [f"{shared} shared, {alike} decided alike, Cohen's kappa {kappa}"]
        lines.append("first \\ second" + "".join(f"{kind:>8}" for kind in KINDS))
        lines += [f"{a:>14}" + "".join(f"{self.table.get((a, b), 0):8,}" for b in KINDS) for a in KINDS]
        lines.append(
            f"decided on by the first only: {self.alone[0]:,}, by the second only: {self.alone[1]:,}"
        )
        if self.other:
            lines.append(f"changed between the two decisions, not compared: {self.other:,}")
        # Names as Python writes them: a hostile one must not write over the terminal.
        lines += [f"  {sample!r}: {_difference(a, b)}" for sample, a, b in self.differ]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "shared": self.shared,
            "raw_agreement": self.raw,
            "kappa": self.kappa,
            "table": {a: {b: self.table.get((a, b), 0) for b in KINDS} for a in KINDS},
            "differ": [{"sample": sample, "first": a, "second": b} for sample, a, b in self.differ],
            "first_only": self.alone[0],
            "second_only": self.alone[1],
            "changed_in_between": self.other,
        }


def agreement(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> Agreement:
    """Compare the decisions of two files that the review page exported; of each file's decisions on a sample
    the last counts.

    Raises
    ------
    InputError: a file that does not parse, the same one twice, or a copy; or no sample that both decided on.
    """
    require_two(first, second)
    one, two = latest_decisions(first), latest_decisions(second)
    if one and one == two:
        raise InputError(second, f"a copy of {first}", allowed="what another person decided")
    met = sorted(one.keys() & two.keys())
    both = [(one[name], two[name]) for name in met if one[name].sample_sha == two[name].sample_sha]
    if not both:
        allowed = f"decisions on samples of {first}, unchanged since"
        raise InputError(second, "no sample in common", allowed=allowed)
    table = Counter[tuple[str, str]]((a.decision, b.decision) for a, b in both)
    differ: list[tuple[str, str, str]] = [
        (a.sample_id, a.decision, b.decision) for a, b in both if a.verdict != b.verdict
    ]
    return Agreement(dict(table), differ, (len(one) - len(met), len(two) - len(met)), len(met) - len(both))


def _difference(first: str, second: str) -> str:
    return f"{first}, {second}" if first != second else f"both {first}, each otherwise"
