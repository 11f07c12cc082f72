"""What tests of the renderer share: a stand-in for Blender, so that they run where there is none."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import stand_in  # noqa: E402

from render.blender import Blender, BlenderError, find  # noqa: E402


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that takes the place of an interpreter with bpy."""
    monkeypatch.setenv(stand_in.MEMORY, str(tmp_path))
    path = tmp_path / "interpreter"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "stand_in.py"}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def moods(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, str]], None]:
    """Sets what the stand-in does at which picture."""
    return lambda of: monkeypatch.setenv(stand_in.MOODS, json.dumps({str(i): mood for i, mood in of.items()}))


@pytest.fixture(scope="session")
def blender() -> Blender:
    """A real one."""
    try:
        return find()
    except BlenderError as error:
        pytest.skip(str(error))
