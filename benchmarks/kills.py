"""Kills every command before each change that it makes on disk, gives it again, and compares the bytes.

    python benchmarks/kills.py [--each N] [--only COMMAND]

Drawn hands go through the commands of COMMANDS. Each is run once undisturbed, which counts its changes
(files opened for writing, renames, folders made, files and folders removed). Then, for every N-th of them,
it is run in a fresh folder, killed with SIGKILL just before that change, and given again: it must end as
before, and leave the same bytes as the undisturbed run. Prints, for each command, how many kills there were
and how many of them were not made good; exits with 1 where any was not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from curate import cli  # noqa: E402
from curate.demo import Shoot, draw  # noqa: E402

HANDS = 6
CHANGES = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"})
# What is made once, undisturbed, for the others to read: {made} is its folder.
FIRST = {
    "11k": "export {made}/drawn --to 11khands --out {made}/11k",
    "tagged": "export {made}/drawn --to labelme --out {made}/tagged",
    "crops": "crop {made}/drawn --out {made}/crops --size 64",
    "set": "build {made}/crops --out {made}/set --size 32 --test 0.5",
    "qa": "qa {made}/drawn --out {made}/qa --fail-on never",
}
COMMANDS = {
    "convert": "convert labelme {made}/tagged --copy --out {out}",
    "export labelme": "export {made}/drawn --to labelme --out {out}",
    "export coco": "export {made}/drawn --to coco --out {out}",
    "export yolo-pose": "export {made}/drawn --to yolo-pose --out {out}",
    "export rhd": "export {made}/drawn --to rhd --out {out}",
    "export 11khands": "export {made}/drawn --to 11khands --out {out}",
    "background": "background {made}/drawn --backgrounds noise --out {out}",
    "crop": "crop {made}/drawn --out {out}",
    "build": "build {made}/crops --size 32 --test 0.5 --store-heatmaps float16 --out {out}",
    "qa": "qa {made}/drawn --fail-on never --out {out}",
    "review build": "review build {made}/drawn --qa {made}/qa --out {out}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--each", type=int, default=5, metavar="N", help="before every N-th change (5; 1: all)"
    )
    parser.add_argument("--only", choices=list(COMMANDS), metavar="COMMAND", help=", ".join(COMMANDS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        in_child(lambda: draw(Shoot("tagged", (120, 90), HANDS, 0, 0), made / "drawn"))
        for line in FIRST.values():
            assert run(line.format(made=made)) == 0, line
        chosen = [options.only] if options.only else list(COMMANDS)
        lost = sum([killed(name, COMMANDS[name], made, Path(folder), options.each) for name in chosen])
    sys.exit(1 if lost else 0)


def killed(name: str, line: str, made: Path, folder: Path, each: int) -> int:
    """Kill a command again and again; returns how many kills were not made good."""
    place, count = folder / "undisturbed", folder / "count"
    code = run(line.format(made=made, out=place / "out"), count_to=count)
    expected, changes = content(place), int(count.read_text())
    moments = range(1, changes + 1, each)
    wrong = []
    for moment in moments:
        again = folder / "killed"
        command = line.format(made=made, out=again / "out")
        assert run(command, die_at=moment) == -signal.SIGKILL, f"{name}: not killed before change {moment}"
        if run(command) != code or content(again) != expected:
            wrong.append(moment)
        shutil.rmtree(again, ignore_errors=True)
    shutil.rmtree(place)
    told = f": before changes {', '.join(map(str, wrong[:10]))}" if wrong else ""
    print(
        f"{name:18s} {changes:5d} changes, {len(moments):4d} kills, {len(wrong):3d} not made good{told}",
        flush=True,
    )
    return len(wrong)


def run(line: str, *, die_at: int = 0, count_to: Path | None = None) -> int:
    """Run a command line in a child; its exit code, or minus the signal that ended it."""

    def act() -> int:
        changes = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal changes
            writes = (
                event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            )
            if (writes and not str(arguments[0]).startswith("/dev")) or event in CHANGES:
                changes += 1
                if changes == die_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        code = cli.main([*line.split(), "--quiet", *(["--workers", "1"] if "review" not in line else [])])
        counted = changes
        if count_to is not None:
            count_to.write_text(str(counted))
        return code

    return in_child(act)


def in_child(act: Callable[[], int | None]) -> int:
    """A forked child has all modules loaded already: ten times as many kills in the same time."""
    child = os.fork()
    if child == 0:
        code = 101
        try:
            code = act() or 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def content(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, and every folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


if __name__ == "__main__":
    main()
