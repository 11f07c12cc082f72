"""Findings as JUnit XML, which build servers show as tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from curate.basics import files
from curate.basics.wording import counted
from qa.checks.check import Checked
from qa.severity import Severity

_LISTED = 50


def write_junit(results: Sequence[Checked], grave: Sequence[Severity], out: Path) -> None:
    """Write qa.junit.xml, with a test case for each check: it fails if there are findings of the severities
    in `grave`, and is skipped if there was nothing to judge."""
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
        if result.findings:
            _tell(case, result, fails)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    files.write(out / "qa.junit.xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode())


def _tell(case: ElementTree.Element, result: Checked, fails: bool) -> None:
    told = ElementTree.SubElement(case, "failure" if fails else "system-out")
    if fails:
        told.set("message", f"{result.check.title}: {counted(len(result.findings), 'exception')}")
        told.set("type", str(result.worst))
    lines = [
        f"{f.severity}: {f.sample_id or f.split or 'set'}: {f.message}" for f in result.findings[:_LISTED]
    ]
    if len(result.findings) > _LISTED:
        lines.append(f"... and {len(result.findings) - _LISTED:,} more, in findings.parquet")
    told.text = "\n".join(_printable(line) for line in [*lines, result.check.remedy])


def _printable(text: str) -> str:
    """Text with spaces for control characters, which XML cannot hold, not even escaped."""
    return "".join(c if c.isprintable() else " " for c in text)
