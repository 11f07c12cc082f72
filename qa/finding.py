"""What a check gives: hits, and the findings that are written from them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.basics import files

Severity = Literal["error", "warning", "info"]
Scope = Literal["sample", "split", "dataset"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

SCHEMA = pa.schema(
    [
        pa.field("check", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("scope", pa.string(), nullable=False),
        pa.field("dataset", pa.string()),
        pa.field("sample_id", pa.string()),
        pa.field("split", pa.string()),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("threshold", pa.float64(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
        pa.field("remedy", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing a check found.

    Attributes
    ----------
    score, threshold: the measured value and the limit it broke, in the check's unit.
    row: the sample's row in the view; None where the hit concerns a split or the whole set.
    split: the split concerned, for checks of that scope.
    severity: where it differs from the check's own.
    words: what the check's sentence is filled in with.
    rows: the samples of a group, where the hit is about one.
    """

    score: float
    threshold: float
    row: int | None = None
    split: str | None = None
    severity: Severity | None = None
    words: Mapping[str, object] = field(default_factory=dict)
    rows: tuple[int, ...] = ()


def graded(score: float, limits: Mapping[str, float]) -> tuple[Severity, float]:
    """Severity of a score that broke limits["warning"] and perhaps limits["error"], and the limit broken."""
    return ("error", limits["error"]) if score > limits["error"] else ("warning", limits["warning"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check gave.

    Attributes
    ----------
    checked: how many samples (splits, subjects) it could judge. hits: worst first.
    scores: (n,) of every sample, NaN where not judged; None where a sample has none. threshold: its limit.
    """

    checked: int
    hits: Sequence[Hit] = ()
    scores: NDArray[np.float64] | None = None
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of findings.parquet. `dataset` is the folder's name; `row` leads back to the sample, `rows` to
    those of its group."""

    check: str
    severity: Severity
    scope: Scope
    dataset: str | None
    sample_id: str | None
    split: str | None
    score: float
    threshold: float
    message: str
    remedy: str
    row: int | None = field(default=None, repr=False)
    rows: tuple[int, ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """The finding as findings.json holds it."""
        return {name: getattr(self, name) for name in SCHEMA.names}


@dataclass(frozen=True)
class Checked:
    """A check, its outcome, and the findings that its hits became."""

    check: Any
    outcome: Outcome
    findings: tuple[Finding, ...]

    @property
    def checked(self) -> int:
        """How many samples (or splits, subjects) it could judge."""
        return self.outcome.checked

    def count(self, severity: Severity) -> int:
        """Findings of that severity."""
        return self._counts[severity]

    @property
    def worst(self) -> Severity | None:
        """Highest severity found."""
        return next((s for s in SEVERITIES if self._counts[s]), None)

    @property
    def state(self) -> str:
        """Worst severity, else "passed", or "idle" where there was nothing to judge."""
        return self.worst or ("passed" if self.checked else "idle")

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(finding.severity for finding in self.findings)


def write_findings(findings: Sequence[Finding], out: Path) -> None:
    """Write findings.parquet and findings.json to `out`, each atomically."""
    rows = [finding.as_json() for finding in findings]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), sink, compression="zstd")
    files.write(out / "findings.parquet", sink.getvalue().to_pybytes())
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    files.write(out / "findings.json", text.encode())
