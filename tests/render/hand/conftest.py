"""What tests of hands share."""

from __future__ import annotations

import pytest

from curate.hands.anatomy import Build
from render.hand.model import HandModel
from render.hand.procedural import make_model


@pytest.fixture(scope="session")
def model() -> HandModel:
    """The mean hand. Tests do not change it."""
    return make_model(Build())
