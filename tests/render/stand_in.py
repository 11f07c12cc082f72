"""A Blender without Blender: the loop of render.worker.main, which draws a few bytes; and a studio to match.

As a script it takes the place of an interpreter with bpy. What a shot's `mood` asks for it does: "die",
"hang", "spin", "fail", "silent", "noise"; with "-once" behind it, the first time only.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOODS, MEMORY, PACE = "STAND_IN_MOODS", "STAND_IN_MEMORY", "STAND_IN_PACE"


def draw(shot: str, out: str) -> None:
    """What `scene.render` does: from a shot's file to the rendered file."""
    planned = json.loads(Path(shot).read_text())
    mood, _, once = planned["mood"].partition("-")
    if mood and not (once and _seen_before(planned["index"])):
        _act(mood)
        if mood == "silent":
            return
    time.sleep(float(os.environ.get(PACE, "0")))
    Path(out).write_bytes(hashlib.sha256(f"{planned['index']} {planned['view']}".encode()).digest())


def _act(mood: str) -> None:
    if mood == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif mood == "hang":
        time.sleep(1000)
    elif mood == "spin":
        while True:
            pass
    elif mood == "fail":
        raise RuntimeError("no such material")
    elif mood == "noise":
        os.write(1, b"Fra:1 Mem:12M | Saved\n@curate not json\n" * 3000 + b"a line without an end")
        sys.stdout.write("and again \x00")


def _seen_before(index: int) -> bool:
    mark = Path(os.environ[MEMORY]) / str(index)
    if mark.exists():
        return True
    mark.touch()
    return False


@dataclass
class Planned:
    """A shot: JSON."""

    index: int
    view: str
    mood: str
    takes: int = 1
    name: str = ""

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"index": self.index, "view": self.view, "mood": self.mood}))


def plan(job, index: int, folder: Path) -> Planned:
    from curate.basics.errors import InputError

    mood = json.loads(os.environ.get(MOODS, "{}")).get(str(index), "")
    if mood == "unplanned":
        raise InputError("pose", "fingers in each other")
    name = job.sample_id(index * job.takes).rpartition("-")[0]
    return Planned(index, f"{job.seed} {job.view(index)}", mood, job.takes, name)


def finish(planned: Planned, indices, rendered: Path, root: Path):
    import numpy as np

    from curate.basics import images
    from curate.basics.errors import InputError
    from curate.data.sample import Sample

    if planned.mood == "unfinished":
        raise InputError("exr", "no depth")
    samples = []
    for index in indices:
        assert index // planned.takes == planned.index
        picture = np.frombuffer(rendered.read_bytes() * 6, np.uint8).reshape(8, 8, 3) + np.uint8(index)
        name = f"images/{index:07d}.png"
        images.write(root / name, picture)
        sha256 = images.pixel_sha256(picture)
        samples.append(
            Sample(f"{planned.name}-{index:07d}", "render", name, 8, 8, sha256=sha256, licence="MIT")
        )
    return samples


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from render.worker.main import main

    main(lambda: ("stand-in 1", draw))
