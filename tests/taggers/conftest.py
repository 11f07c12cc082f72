"""The same runs as the tests of the verbs have."""

from __future__ import annotations

from tests.training_sets import make_run, toys  # noqa: F401
