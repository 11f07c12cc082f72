"""What a run's JSON tells of its epochs is checked before it is relied on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curate.basics.errors import SchemaError
from curate.training.record import EPOCHS, read_epochs

ENTRY = {"epoch": 1, "loss": 0.5, "split": "val", "n": 3, "epe_mean": 2.5, "all_points_9px": 0.75}


def test_epochs_come_back_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / EPOCHS).write_text(json.dumps([ENTRY, {**ENTRY, "epoch": 2, "loss": float("nan")}]))
    first, second = read_epochs(tmp_path)
    assert first == ENTRY
    assert second["epoch"] == 2


@pytest.mark.parametrize(
    "told", [[], {}, [1], [{**ENTRY, "loss": []}], [{**ENTRY, "epe_mean": "2"}], [{"epoch": 1}], None]
)
def test_damaged_epochs_are_told_in_a_line(told: Any, tmp_path: Path) -> None:
    if told is not None:
        (tmp_path / EPOCHS).write_text(json.dumps(told))
    with pytest.raises(SchemaError, match=r"epochs\.json: damaged; give the command that began it"):
        read_epochs(tmp_path)
