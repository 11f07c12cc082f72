"""Limits from a qa.yaml, and checks from other packages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from qa_sets import save

import qa.config
from curate.basics.errors import InputError
from curate.data.sample import Sample
from qa.check_quality import check_quality
from qa.checks.check import Check, Hit, Outcome
from qa.checks.table import CHECKS
from qa.options import QualityOptions
from qa.view import View


def every_side_is_wrong(view: View, limits: Any) -> Outcome:
    return Outcome(len(view), [Hit(limits["score"], 0.0, row=i) for i in range(len(view))])


EXTRA = Check(
    "acme-side",
    "Sides are blue",
    "warning",
    "sample",
    every_side_is_wrong,
    "Not blue.",
    "Paint it.",
    {"score": 1},
)


class FakePoint:
    """An entry point as importlib.metadata gives it."""

    def __init__(self, name: str, content: Any) -> None:
        self.name, self._content = name, content

    def load(self) -> Any:
        if isinstance(self._content, BaseException):
            raise self._content
        return self._content


def install(monkeypatch: pytest.MonkeyPatch, *points: FakePoint) -> None:
    monkeypatch.setattr(
        qa.config, "entry_points", lambda group: list(points) * (group == "hand_curate.checks")
    )


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "qa.yaml"
    path.write_text(text)
    return path


@pytest.fixture
def dataset(tmp_path: Path, flat_hand: np.ndarray) -> Path:
    """One hand without an image, its index tip 8 px outside the frame."""
    root = tmp_path / "hands"
    root.mkdir()
    flat_hand[8] = (208.0, 50.0)
    seen = np.full(21, 1, np.uint8)
    sample = Sample("s/0", "s", "none.png", 200, 200, keypoints=flat_hand, visibility=seen, licence="MIT")
    return save(root, [sample])


def test_explain_is_a_config_of_the_defaults(tmp_path: Path) -> None:
    text = qa.config.explain()
    assert yaml.safe_load(text) == {check.id: dict(check.limits) for check in CHECKS}
    again = qa.config.checks(config(tmp_path, text))
    assert [(c.id, dict(c.limits)) for c in again] == [(c.id, dict(c.limits)) for c in CHECKS]
    plain = " ".join(text.replace("\n#  ", "").split())
    for check in CHECKS:
        assert " ".join(check.sentence.split()) in plain
        assert " ".join(check.remedy.split()) in plain


def test_a_limit_that_is_below_0_by_default_may_be(tmp_path: Path) -> None:
    checks = qa.config.checks(config(tmp_path, "joint-limits-3d: {mcp_low: -30}"))
    assert next(check.limits["mcp_low"] for check in checks if check.id == "joint-limits-3d") == -30


def test_a_limit_of_the_config_decides(dataset: Path, tmp_path: Path) -> None:
    def severities(given: Path | None) -> set[str]:
        import json

        check_quality(dataset, tmp_path / "qa", QualityOptions(config=given), overwrite=True, quiet=True)
        rows = json.loads((tmp_path / "qa" / "findings.json").read_text())
        return {row["severity"] for row in rows if row["check"] == "out-of-frame"}

    assert severities(None) == {"warning"}
    assert severities(config(tmp_path, "out-of-frame: {far: 0.03}")) == {"error"}
    assert severities(config(tmp_path, "")) == {"warning"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("handednes: {turn: 0.2}", "no check 'handednes'.*did you mean 'handedness'"),
        (
            "handedness: {turns: 0.2}",
            "no limit of handedness 'turns'; allowed: turn, facing; did you mean 'turn'",
        ),
        ("no-samples: {any: 1}", "no limit of no-samples 'any'; allowed: none"),
        ("handedness: {turn: soon}", "handedness.turn: 'soon'; allowed: a number"),
        ("handedness: {turn: .nan}", "handedness.turn: nan; allowed: a number"),
        ("handedness: {turn: true}", "handedness.turn: True; allowed: a number"),
        ("handedness: {turn: -0.2}", "handedness.turn: -0.2; allowed: a number, 0 or more"),
        ("handedness: 0.2", "handedness: 0.2; allowed: {limit: number}"),
        ("- handedness", "a list, not a table; allowed: check: {limit: number}"),
        ("{", "is not a YAML file"),
        ("!!python/object/apply:os.system [true]", "is not a YAML file"),
        ("7: {turn: 1}", "no check '7'"),
    ],
)
def test_a_wrong_config_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        qa.config.checks(config(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "qa.yaml"))


def test_a_config_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read"):
        qa.config.checks(tmp_path / "none.yaml")


def test_checks_of_other_packages_run_and_take_limits(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, FakePoint("acme", EXTRA))
    summary = check_quality(
        dataset, tmp_path / "qa", QualityOptions(config=config(tmp_path, "acme-side: {score: 5}")), quiet=True
    )
    assert summary.checks["acme-side"] == 1
    page = (tmp_path / "qa" / "report.html").read_text()
    assert "Paint it." in page
    assert "acme-side:\n  score: 1" in qa.config.explain()


def test_several_checks_may_come_from_one_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakePoint("b", [EXTRA, replace(EXTRA, id="acme-aspect")]), FakePoint("a", []))
    assert [check.id for check in qa.config.checks()][-2:] == ["acme-side", "acme-aspect"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CHECKS[3], "a second check 'placeholder-points'"),
        ("a text", "a str; allowed: a qa.checks.Check"),
        (7, "a int; allowed: a qa.checks.Check"),
        (ImportError("no module acme"), "checks:acme: cannot be loaded .ImportError: no module acme"),
        (SystemExit(1), "hand_curate.checks:acme: cannot be loaded .SystemExit: 1"),
    ],
)
def test_a_broken_package_is_named(monkeypatch: pytest.MonkeyPatch, content: Any, message: str) -> None:
    install(monkeypatch, FakePoint("acme", content))
    with pytest.raises(InputError, match=message):
        qa.config.checks()


def raises(view: View, limits: Any) -> Outcome:
    raise RuntimeError("boom")


def leaves(view: View, limits: Any) -> Outcome:
    raise SystemExit(3)


def gives_nothing(view: View, limits: Any) -> Any:
    return None


def tells_nothing(view: View, limits: Any) -> Outcome:
    return Outcome(len(view), [Hit(1.0, 0.0, row=0)])


@pytest.mark.parametrize(
    ("run", "sentence", "message"),
    [
        (raises, "", "RuntimeError: boom"),
        (gives_nothing, "", "TypeError: gave a NoneType instead of a qa.checks.Outcome"),
        (leaves, "", "SystemExit: 3"),
        (tells_nothing, "The {finger} is blue.", "KeyError: 'finger'"),
    ],
)
def test_a_check_of_another_package_that_fails_is_named(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any, sentence: str, message: str
) -> None:
    install(monkeypatch, FakePoint("acme", replace(EXTRA, run=run, sentence=sentence)))
    with pytest.raises(InputError, match=r"hand_curate\.checks:acme: its check 'acme-side' failed") as caught:
        check_quality(dataset, tmp_path / "qa", quiet=True)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("outcome", "changed", "message"),
    [
        (Outcome(1, [Hit(1.0, 0.0, row=-1)]), {}, "a hit in row -1; allowed: 0 to 0"),
        (Outcome(1, [Hit(float("nan"), 0.0, row=0)]), {}, "a hit with score nan and threshold 0.0"),
        (Outcome(1, [], np.zeros(3)), {}, r"scores of shape \(3,\); allowed: \(1,\), one a sample"),
        (Outcome("1", []), {}, "'str' object cannot be interpreted as an integer"),
        (
            Outcome(1, [Hit(1.0, 0.0, severity="grave")]),
            {},
            "severity 'grave'; allowed: error, warning, info",
        ),
        (Outcome(1), {"severity": "bad"}, "severity 'bad'; allowed: error"),
        (Outcome(1), {"scope": "planet"}, "scope 'planet'; allowed: sample, split, dataset"),
    ],
)
def test_what_a_check_of_another_package_gives_is_looked_at(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Any, changed: Any, message: str
) -> None:
    check = replace(EXTRA, run=lambda view, limits: outcome, **changed)
    install(monkeypatch, FakePoint("acme", check))
    with pytest.raises(InputError, match=message):
        check_quality(dataset, tmp_path / "qa", quiet=True)
