"""The checks: what each measures, and the table of all of them."""

from qa.checks.check import Check

__all__ = ["Check"]
