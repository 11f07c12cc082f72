"""Findings as SARIF, which code hosts and editors show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import curate
from qa.checks.check import Checked
from qa.finding import Finding, Listed, identity, write_json
from qa.report.changes import Changes
from qa.severity import WORDS


def write_sarif(results: Sequence[Checked], out: Path, changes: Changes | None = None) -> None:
    """Write qa.sarif (OASIS SARIF 2.1.0): a rule for each check, a result for each finding; with `changes`,
    each result says whether it is new."""
    new = set(map(id, changes.new)) if changes else set()

    def entry(numbered: tuple[int, Finding]) -> dict[str, Any]:
        rule, finding = numbered
        told = _result(finding, rule)
        if changes is not None:
            told["baselineState"] = "new" if id(finding) in new else "unchanged"
        return told

    found = [(index, finding) for index, result in enumerate(results) for finding in result.findings]
    rules = [
        {
            "id": result.check.id,
            "shortDescription": {"text": result.check.title},
            "help": {"text": result.check.remedy},
            "defaultConfiguration": {"level": WORDS[result.check.severity]},
        }
        for result in results
    ]
    tool = {"driver": {"name": "hand-curate", "version": curate.__version__, "rules": rules}}
    run = {"tool": tool, "columnKind": "unicodeCodePoints", "results": Listed(found, entry)}
    content = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    write_json(out / "qa.sarif", content)


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    key = json.dumps(identity(finding.as_json()))
    name = finding.sample_id or finding.split or "set"
    place: dict[str, Any] = {"logicalLocations": [{"name": name, "kind": finding.scope}]}
    if finding.dataset is not None:
        place["logicalLocations"][0]["fullyQualifiedName"] = f"{finding.dataset}/{name}"
    return {
        "ruleId": finding.check,
        "ruleIndex": rule,
        "level": WORDS[finding.severity],
        "message": {"text": finding.message},
        "locations": [place],
        "partialFingerprints": {"finding/v1": hashlib.sha256(key.encode()).hexdigest()[:32]},
    }
