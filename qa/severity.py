"""How severe a finding is."""

from __future__ import annotations

from typing import Literal

Severity = Literal["error", "warning", "info"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
# What people read; build servers (SARIF) have the same words.
WORDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def at_least(severity: Severity) -> tuple[Severity, ...]:
    """That severity and all worse ones, the worst first."""
    return SEVERITIES[: SEVERITIES.index(severity) + 1]
