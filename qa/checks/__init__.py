"""The checks. Those of other packages are made of what this package names."""

from qa.checks.check import Check, Hit, Outcome

__all__ = ["Check", "Hit", "Outcome"]
