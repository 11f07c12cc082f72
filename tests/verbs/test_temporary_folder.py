"""What commands leave in the system's folder for temporary files: nothing, whatever their libraries do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from curate.basics import locks
from tests.conftest import ROOT

_SCRIPT = """
import sys
from curate import cli
from curate.networks.table import TABLE
from tests.toy_networks import TOYS
TABLE.update(TOYS)
sys.exit(cli.main(sys.argv[1:]))
"""


def _run(temporary: Path, *words: str | Path) -> None:
    place = {"TMPDIR": str(temporary), "HOME": str(temporary), "XDG_STATE_HOME": str(temporary.parent)}
    subprocess.run(
        [sys.executable, "-c", _SCRIPT, *words],
        cwd=ROOT,
        env={**os.environ, **place},
        check=True,
        timeout=300,
    )


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def test_training_leaves_nothing(make_set: Callable[..., Path], temporary: Path, tmp_path: Path) -> None:
    small = make_set(["train"] * 2, size=32)
    _run(temporary, "train", small, "--network", "toy-points", "--epochs", "1", "--out", tmp_path / "run")
    assert not list(temporary.iterdir())


def test_opening_a_run_leaves_nothing(
    make_set: Callable[..., Path], make_run: Callable[..., Path], temporary: Path, tmp_path: Path
) -> None:
    small = make_set(["test"] * 2)
    _run(temporary, "evaluate", make_run(), small, "--out", tmp_path / "figures")
    assert not list(temporary.iterdir())


def test_an_export_to_onnx_leaves_nothing_to_be_known_by(
    make_run: Callable[..., Path], temporary: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    _run(temporary, "export", make_run(), "--to", "onnx", "--out", tmp_path / "onnx")
    assert not list(temporary.iterdir())


def test_a_cluster_that_is_started_here_leaves_nothing(
    drawn_dataset: Path, temporary: Path, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    _run(temporary, "crop", drawn_dataset, "--cluster", "local:1", "--out", tmp_path / "crops")
    assert not list(temporary.iterdir())


def test_a_cluster_that_is_started_here_takes_away_what_a_killed_one_left(
    drawn_dataset: Path, temporary: Path, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    killed, alive = temporary / "curate-cluster-killed", temporary / "curate-cluster-alive"
    killed.mkdir()
    (killed / "worker").write_bytes(b".")
    alive.mkdir()
    hold = locks.hold_folder(alive)
    assert hold is not None
    _run(temporary, "crop", drawn_dataset, "--cluster", "local:1", "--out", tmp_path / "crops")
    os.close(hold)
    assert list(temporary.iterdir()) == [alive]
