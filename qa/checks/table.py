"""The table of checks. A check is a row: what it is called, how grave, what it measures, what it says."""

from __future__ import annotations

from qa.checks.check import Check
from qa.checks.sample_checks import SAMPLE_CHECKS
from qa.checks.set_checks import SET_CHECKS

__all__ = ["CHECKS", "Check"]

CHECKS: tuple[Check, ...] = SAMPLE_CHECKS + SET_CHECKS
