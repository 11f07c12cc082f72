"""Processes that are killed just before a given rename: the moments at which a folder changes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

_DIES = """
import os, signal, sys
left, rename = int(sys.argv.pop(1)), os.replace
def replace(a, b):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(a, b)
os.replace = replace
"""


def start(script: str, *arguments: object, die_at: int) -> subprocess.Popen[bytes]:
    """Run a script, its arguments in sys.argv; `die_at`: the rename before which it dies, 0: never."""
    command = [sys.executable, "-c", _DIES + script, str(die_at), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


def renames_in(act: Callable[[], object]) -> int:
    """How many renames something takes."""
    renames, rename = 0, os.replace

    def counting(a: str, b: str) -> None:
        nonlocal renames
        renames += 1
        rename(a, b)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", counting)
        act()
    return renames
