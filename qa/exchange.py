"""Findings in the formats of build servers (JUnit XML, SARIF), and against those of an earlier run."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq

import curate
from curate.basics import files
from curate.basics.errors import InputError
from qa.finding import SCHEMA, SEVERITIES, Checked, Finding, Severity

_LEVEL = {"error": "error", "warning": "warning", "info": "note"}
_LISTED = 50


@dataclass(frozen=True, slots=True)
class Changes:
    """The findings of this run against those of an earlier one.

    new: those that the earlier run did not have. fixed: rows of the earlier run that are gone.
    same: how many both have.
    """

    new: tuple[Finding, ...]
    fixed: tuple[dict[str, Any], ...]
    same: int

    def counts(self) -> dict[str, int]:
        """How many are new, fixed, the same."""
        return {"new": len(self.new), "fixed": len(self.fixed), "same": self.same}


def compare(findings: Sequence[Finding], earlier: str | os.PathLike[str]) -> Changes:
    """Compare with the findings.parquet of the folder `earlier`.

    A finding is the same where check, sample and split are; of a set or split, where its message is. The
    dataset's name does not count: a corrected version lies in another folder.

    Raises
    ------
    InputError: the folder holds no findings.parquet of this version.
    """
    path = Path(earlier) / "findings.parquet"
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else f"not readable ({error})"
        raise InputError(path, found, allowed="the folder of an earlier curate qa") from None
    if table.schema.remove_metadata() != SCHEMA:
        raise InputError(path, "columns of another version", remedy="run curate qa on the earlier set again")
    before = table.to_pylist()
    left = Counter(_identity(row) for row in before)
    new = []
    for finding in findings:
        key = _identity(finding.as_json())
        if left[key]:
            left[key] -= 1
        else:
            new.append(finding)
    gone = []
    for row in reversed(before):
        key = _identity(row)
        if left[key]:
            left[key] -= 1
            gone.append(row)
    return Changes(tuple(new), tuple(reversed(gone)), len(findings) - len(new))


def write_changes(changes: Changes, out: Path) -> None:
    """Write changes.json: new, fixed, and the number of the same."""
    content = {"new": [f.as_json() for f in changes.new], "fixed": list(changes.fixed), "same": changes.same}
    files.write(out / "changes.json", (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def write_junit(results: Sequence[Checked], grave: Sequence[Severity], out: Path) -> None:
    """Write qa.junit.xml: a test case a check; it fails with findings of the severities in `grave`, and is
    skipped where there was nothing to judge."""
    failing = [any(result.count(s) for s in grave) for result in results]
    idle = [result.state == "idle" for result in results]
    counts = {"tests": len(results), "failures": sum(failing), "errors": 0, "skipped": sum(idle)}
    attributes = {name: str(value) for name, value in counts.items()}
    root = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "curate qa", **attributes})
    for result, fails, skipped in zip(results, failing, idle, strict=True):
        place = {"classname": f"qa.{result.check.scope}", "name": result.check.id}
        case = ElementTree.SubElement(suite, "testcase", place)
        if skipped:
            ElementTree.SubElement(case, "skipped", {"message": "nothing to judge"})
        if not result.findings:
            continue
        kind = "failure" if fails else "system-out"
        told = ElementTree.SubElement(case, kind)
        if fails:
            told.set("message", f"{result.check.title}: {len(result.findings):,} exceptions")
            told.set("type", str(result.worst))
        lines = [
            f"{f.severity}: {f.sample_id or f.split or 'set'}: {f.message}" for f in result.findings[:_LISTED]
        ]
        if len(result.findings) > _LISTED:
            lines.append(f"... and {len(result.findings) - _LISTED:,} more, in findings.parquet")
        told.text = "\n".join(_printable(line) for line in [*lines, result.check.remedy])
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    files.write(out / "qa.junit.xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode())


def write_sarif(results: Sequence[Checked], out: Path, changes: Changes | None = None) -> None:
    """Write qa.sarif (OASIS SARIF 2.1.0): a rule a check, a result a finding; new or not, if compared."""
    new = set(map(id, changes.new)) if changes else set()
    entries = []
    for index, result in enumerate(results):
        for finding in result.findings:
            entry = _sarif_result(finding, index)
            if changes is not None:
                entry["baselineState"] = "new" if id(finding) in new else "unchanged"
            entries.append(entry)
    rules = [
        {
            "id": result.check.id,
            "shortDescription": {"text": result.check.title},
            "help": {"text": result.check.remedy},
            "defaultConfiguration": {"level": _LEVEL[result.check.severity]},
        }
        for result in results
    ]
    driver = {"name": "hand-curate", "version": curate.__version__, "rules": rules}
    content = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": entries}],
    }
    files.write(out / "qa.sarif", (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _sarif_result(finding: Finding, rule: int) -> dict[str, Any]:
    key = json.dumps(_identity(finding.as_json()))
    name = finding.sample_id or finding.split or "set"
    place: dict[str, Any] = {"logicalLocations": [{"name": name, "kind": finding.scope}]}
    if finding.dataset is not None:
        place["logicalLocations"][0]["fullyQualifiedName"] = f"{finding.dataset}/{name}"
    return {
        "ruleId": finding.check,
        "ruleIndex": rule,
        "level": _LEVEL[finding.severity],
        "message": {"text": finding.message},
        "locations": [place],
        "partialFingerprints": {"finding/v1": hashlib.sha256(key.encode()).hexdigest()[:32]},
    }


def _identity(row: dict[str, Any]) -> tuple[str | None, ...]:
    if row["scope"] == "sample":
        return row["check"], row["sample_id"], row["split"], None
    return row["check"], None, row["split"], row["message"]


def _printable(text: str) -> str:
    """XML knows no control characters, not even escaped."""
    return "".join(c if c.isprintable() else " " for c in text)


def grave_from(fail_on: str) -> tuple[Severity, ...]:
    """The severities at or above a bar; none for "never"."""
    return () if fail_on == "never" else SEVERITIES[: SEVERITIES.index(fail_on) + 1]
