"""A shot goes to Blender's process as a file, and is there what it was here."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shots import ROW, ground, hand, light, shot, take

from render.look.grounds import GROUNDS
from render.look.lights import LIGHTS
from render.shot import Extra, Look, Shot

ROOT = Path(__file__).resolve().parents[2]


def plain(record: Any) -> Any:
    """Every value of a record, arrays with their type, for `==`."""
    if isinstance(record, np.ndarray):
        return record.dtype, record.tolist()
    if isinstance(record, tuple):
        return tuple(map(plain, record))
    if not dataclasses.is_dataclass(record):
        return record
    values = [plain(getattr(record, field.name)) for field in dataclasses.fields(record)]
    return type(record), values


@pytest.mark.parametrize("ground_kind", GROUNDS)
@pytest.mark.parametrize("light_kind", LIGHTS)
def test_a_shot_comes_back_from_its_file(light_kind: str, ground_kind: str, tmp_path: Path) -> None:
    ring = Extra(
        np.ones((3, 3), np.float32), np.array([[0, 1, 2]], np.int32), Look((0.9, 0.6, 0.2), 1.0, 0.3), 20
    )
    sent = shot(
        light=light(light_kind),
        takes=(take(ground=ground(ground_kind)), take(index=8, rows=(ROW, ROW))),
        hands=(hand(vertices=np.ones((2, 3), np.float32)), hand(side="left")),
        extras=(ring, dataclasses.replace(ring, part=1)),
    )
    sent.write(tmp_path / "shot.npz")
    assert plain(Shot.read(tmp_path / "shot.npz")) == plain(sent)
    assert [path.name for path in tmp_path.iterdir()] == ["shot.npz"]


def test_keypoints_are_seen_through_the_intrinsics() -> None:
    points = np.tile([0.0, 0.0, -1.0], (21, 1))
    points[8] = [0.25, 0.125, -0.5]  # at half a metre: 32 px right of the middle and 16 px above it
    seen = shot(hands=(hand(keypoints=points),)).projected()
    assert seen[0].tolist() == [32, 32]
    assert seen[8].tolist() == [64, 16]


# Refuses every module that an interpreter with numpy alone does not have.
ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in ("numpy", "curate", "render"):
            raise ImportError(f"no module named {name} in Blender's interpreter")
sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    __import__(name)
"""


def test_what_the_worker_takes_from_us_needs_numpy_alone() -> None:
    wanted = set()
    for path in (ROOT / "render" / "worker").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.ImportFrom)
                and node.module
                and node.module.startswith(("curate", "render"))
            ):
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                packages = [name for name in inner if (ROOT / f"{name.replace('.', '/')}.py").exists()]
                wanted.update(packages or [node.module])
    wanted = {name for name in wanted if not name.startswith("render.worker")}
    assert {"render.shot", "render.hand.model", "render.look.lights"} <= wanted
    line = [sys.executable, "-I", "-c", ALONE, str(ROOT), *sorted(wanted)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
