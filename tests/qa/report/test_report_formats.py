"""Findings for build servers, and against an earlier run."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from qa_sets import save

from curate.basics import images
from curate.basics.errors import InputError
from curate.data.sample import Sample
from qa.check_quality import check_quality
from qa.checks.table import CHECKS
from qa.finding import read_findings
from qa.options import QualityOptions


def noise(root: Path, hand: np.ndarray, wrong: set[int], name: str = "s/{}") -> Path:
    """Six right hands in noise; those in `wrong` are called left."""
    rng = np.random.default_rng(1)
    samples = []
    for i in range(6):
        images.write(root / "images" / f"{i}.png", rng.integers(0, 256, (200, 200, 3), np.uint8))
        side = "left" if i in wrong else "right"
        sample = Sample(name.format(i), "s", f"images/{i}.png", 200, 200, side, "dorsal", f"p{i}", hand)
        sample.visibility, sample.licence = np.full(21, 2, np.uint8), "MIT"
        samples.append(sample)
    return save(root, samples)


def junit(out: Path) -> tuple[dict[str, str], dict[str, ElementTree.Element]]:
    root = ElementTree.fromstring((out / "qa.junit.xml").read_text())
    return dict(root[0].attrib), {case.attrib["name"]: case for case in root[0]}


def test_junit_has_a_case_a_check_and_fails_at_the_bar(tmp_path: Path, flat_hand: np.ndarray) -> None:
    root = noise(tmp_path / "d", flat_hand, {2, 4})
    check_quality(root, tmp_path / "qa", quiet=True)
    suite, cases = junit(tmp_path / "qa")
    assert list(cases) == [check.id for check in CHECKS]
    assert (suite["tests"], suite["failures"], suite["errors"]) == (str(len(CHECKS)), "1", "0")
    failure = cases["handedness"].find("failure")
    assert failure is not None
    assert failure.attrib == {
        "message": "Side and aspect agree with the points: 2 exceptions",
        "type": "error",
    }
    assert "error: s/2: Labelled a left hand" in str(failure.text)
    assert cases["heatmap-peak"].find("skipped") is not None
    assert cases["finger-order"].find("skipped") is None
    check_quality(root, tmp_path / "qa", QualityOptions(fail_on="never"), overwrite=True, quiet=True)
    suite, cases = junit(tmp_path / "qa")
    assert suite["failures"] == "0"
    assert "s/2" in str(cases["handedness"].findtext("system-out"))


def test_sarif_has_a_rule_a_check_and_a_result_a_finding(tmp_path: Path, flat_hand: np.ndarray) -> None:
    check_quality(noise(tmp_path / "d", flat_hand, {2, 4}), tmp_path / "qa", quiet=True)
    log = json.loads((tmp_path / "qa" / "qa.sarif").read_text())
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    findings = json.loads((tmp_path / "qa" / "findings.json").read_text())
    assert [rule["id"] for rule in rules] == [check.id for check in CHECKS]
    assert [r["message"]["text"] for r in run["results"]] == [f["message"] for f in findings]
    for result, finding in zip(run["results"], findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding["check"]
        assert result["level"] in ("error", "warning", "note")
        assert "baselineState" not in result
    first = run["results"][0]["locations"][0]["logicalLocations"][0]
    assert first == {"name": "s/2", "kind": "sample", "fullyQualifiedName": "d/s/2"}
    prints = {result["partialFingerprints"]["finding/v1"] for result in run["results"]}
    assert len(prints) == len(findings)


def test_hostile_names_break_neither_format(tmp_path: Path, flat_hand: np.ndarray) -> None:
    name = '</failure><x>&amp;"\x00\x1b[31m\n{{{}}}'.replace("{{{}}}", "{}")
    check_quality(noise(tmp_path / "d", flat_hand, {2}, name), tmp_path / "qa", quiet=True)
    _, cases = junit(tmp_path / "qa")
    assert "</failure><x>&amp;" in str(cases["handedness"].findtext("failure"))
    assert [child.tag for child in cases["handedness"]] == ["failure"]
    json.loads((tmp_path / "qa" / "qa.sarif").read_text())


def changes(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "changes.json").read_text())
    return content


def test_a_later_run_tells_what_is_new_and_what_was_fixed(tmp_path: Path, flat_hand: np.ndarray) -> None:
    check_quality(noise(tmp_path / "v1", flat_hand, {1, 2}), tmp_path / "qa1", quiet=True)
    second = noise(tmp_path / "v2", flat_hand, {2, 4})
    summary = check_quality(second, tmp_path / "qa2", QualityOptions(compare=tmp_path / "qa1"), quiet=True)
    assert summary.changes == {"new": 1, "fixed": 1, "same": 1}
    assert "since the earlier run: 1 new, 1 fixed, 1 the same" in str(summary)
    told = changes(tmp_path / "qa2")
    assert [row["sample_id"] for row in told["new"]] == ["s/4"]
    assert [row["sample_id"] for row in told["fixed"]] == ["s/1"]
    log = json.loads((tmp_path / "qa2" / "qa.sarif").read_text())
    states = {
        r["locations"][0]["logicalLocations"][0]["name"]: r["baselineState"]
        for r in log["runs"][0]["results"]
    }
    assert states == {"s/2": "unchanged", "s/4": "new"}


def test_the_same_set_again_has_nothing_new(tmp_path: Path, flat_hand: np.ndarray) -> None:
    root = noise(tmp_path / "d", flat_hand, {1, 2})
    check_quality(root, tmp_path / "qa", quiet=True)
    again = QualityOptions(compare=tmp_path / "qa")
    summary = check_quality(root, tmp_path / "again", again, quiet=True)
    assert summary.changes == {"new": 0, "fixed": 0, "same": 2}
    with pytest.raises(InputError, match="the folder that is read"):
        check_quality(root, tmp_path / "qa", again, overwrite=True, quiet=True)
    check_quality(root, tmp_path / "again", overwrite=True, quiet=True)
    assert not (tmp_path / "again" / "changes.json").exists()


def test_a_wrong_earlier_folder_is_told_before_the_work(tmp_path: Path, flat_hand: np.ndarray) -> None:
    root = noise(tmp_path / "d", flat_hand, set())
    with pytest.raises(
        InputError, match=r"findings\.parquet: no such file; allowed: a folder of curate qa; make one"
    ):
        check_quality(root, tmp_path / "qa", QualityOptions(compare=tmp_path / "none"), quiet=True)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "findings.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"not readable.* curate qa D --out .*old --overwrite$"):
        check_quality(root, tmp_path / "qa", QualityOptions(compare=tmp_path / "old"), quiet=True)
    with pytest.raises(InputError, match=r"make one with: curate qa D --out QA$"):  # not into the dataset
        check_quality(root, tmp_path / "qa", QualityOptions(compare=root), quiet=True)
    assert not (tmp_path / "qa").exists()


def test_findings_that_may_not_be_read_are_not_called_spoilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("qa.finding.open_file", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        read_findings(tmp_path)
