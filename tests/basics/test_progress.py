"""Long items count on within themselves, and no more than they are worth in all."""

from __future__ import annotations

import sys

import pytest

from curate.basics import progress


def test_what_was_counted_within_an_item_is_not_counted_at_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY", -1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with progress.bar("predict", 30) as advance:
        progress.within(4)
        progress.within(6)
        advance(10)
        advance(16)
        progress.within(2)
        advance(4)
    told = [line.split(",")[0] for line in capsys.readouterr().err.splitlines()]
    done = [int(line.split()[1]) for line in told]
    assert done == [4, 10, 10, 26, 28, 30]


def test_without_a_bar_nothing_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    progress.within(3)
    assert capsys.readouterr().err == ""
