"""Kills every command before each change that it makes on disk, gives it again, and compares the bytes.

    python benchmarks/kills.py [--each N] [--only COMMAND]

Small sources and all that is made of them (benchmarks/fuzz/seeds.py) go through the commands of COMMANDS.
Each is run once undisturbed, which counts its changes (files opened for writing, renames, folders made, files
and folders removed). Then, for every N-th of them, it is run in a fresh folder, killed with SIGKILL just
before that change, and given again: it must end as before, and leave the same bytes as the undisturbed run.
Prints, for each command, how many kills there were and how many of them were not made good; exits with 1
where any was not. The demo is made of the other commands: what it does itself is killed.

Of a run, `tensorboard/` and `last.ckpt` are not compared: they tell of moments and processes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

# Threads and forks do not mix.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.fuzz import children, seeds  # noqa: E402
from converters.table import FORMATS  # noqa: E402
from curate import cli  # noqa: E402

CHANGES = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"})
STATE = "XDG_STATE_HOME"  # where it is kept which datasets were made here
MOMENTS = frozenset({"tensorboard", "last.ckpt"})
# What is made of the sources, {made}.
COMMANDS = {
    **{f"convert {name}": f"convert {name} {{made}}/{name} --copy --out {{out}}" for name in seeds.SOURCES},
    **{
        f"export {name}": f"export {{made}}/drawn --to {name} --out {{out}}"
        for name, row in FORMATS.items()
        if row.writes
    },
    "background": "background {made}/drawn --backgrounds noise --out {out}",
    "crop": "crop {made}/drawn --out {out}",
    "build": "build {made}/crops --size 32 --test 0.5 --masks --store-heatmaps float16 --out {out}",
    "select": "select {made}/drawn --sample 2 --out {out}",
    "show page": "show {made}/drawn --out {out}.html",
    "show sheet": "show {made}/drawn --out {out}.png",
    "trust": "trust {made}/strange",
    "qa": "qa {made}/drawn --fail-on never --out {out}",
    "review build": "review build {made}/drawn --qa {made}/qa --out {out}",
    "agreement": "review agreement {made}/drawn {made}/mended --consensus {out}.jsonl",
    "diff": "diff {made}/drawn {made}/mended --out {out}.html",
    "review apply": "review apply {made}/loose/decisions.jsonl --dataset {made}/drawn --out {out}",
    "open-labelme": "review open-labelme {made}/drawn --decisions {made}/loose/decisions.jsonl --no-open "
    "--out {out}",
    "take-back": "review take-back cvat {made}/cvat --dataset {made}/drawn --out {out}",
    "autotag box": "autotag {made}/drawn --tagger box --looks 1 --out {out}",
    "demo": "demo --photos 16 --out {out}",
}
OF_NETWORKS = {
    "train": "train {made}/set --network toy-points --epochs 2 --batch 2 --out {out}",
    "evaluate": "evaluate {made}/run {made}/set --out {out}",
    "predict video": "predict {made}/run {made}/video --out {out}",
    "predict": "predict {made}/run {made}/images --out {out}",
    "angles": "angles {made}/drawn --out {out}",
    "autotag": "autotag {made}/drawn --tagger {made}/run --out {out}",
}
OF_BLENDER = {"render": "render --random 2 --size 32 --samples 1 --no-denoise --out {out}"}
# Commands that take no --workers.
ALONE = ("train", "evaluate", "open-labelme", "take-back", "show page", "show sheet", "diff", "trust", "demo")
LOUD = ("demo",)  # takes no --quiet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = [*COMMANDS, *OF_NETWORKS, *OF_BLENDER]
    parser.add_argument(
        "--each", type=int, default=5, metavar="N", help="before every N-th change (5; 1: all)"
    )
    parser.add_argument("--only", action="append", choices=every, metavar="COMMAND", help=", ".join(every))
    options = parser.parse_args()
    networks = children.load_all()
    commands = {**COMMANDS, **(OF_NETWORKS if networks else {}), **(OF_BLENDER if has_blender() else {})}
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        os.environ[STATE] = f"{made}/state"
        if children.run(lambda: seeds.make(made, networks=networks)).code:
            sys.exit("the sources cannot be made")
        (made / "state").mkdir(exist_ok=True)
        chosen = options.only or list(commands)
        lost = sum([killed(name, commands[name], made, Path(folder), options.each) for name in chosen])
    sys.exit(1 if lost else 0)


def killed(name: str, line: str, made: Path, folder: Path, each: int) -> int:
    """Kill a command again and again; returns how many kills were not made good."""
    command = line_of(name, line)
    place, count = begun(folder / "undisturbed", made), folder / "count"
    code = run(command.format(made=made, out=place / "out"), count_to=count)
    expected, changes = content(place), int(count.read_text())
    moments = range(1, changes + 1, each)
    wrong = []
    for moment in moments:
        again = begun(folder / "killed", made)
        given = command.format(made=made, out=again / "out")
        assert run(given, die_at=moment) == -signal.SIGKILL, f"{name}: not killed before change {moment}"
        if run(given) != code or content(again) != expected:
            wrong.append(moment)
        shutil.rmtree(again, ignore_errors=True)
    shutil.rmtree(place)
    told = f": before changes {', '.join(map(str, wrong[:10]))}" if wrong else ""
    print(
        f"{name:18s} {changes:5d} changes, {len(moments):4d} kills, {len(wrong):3d} not made good{told}",
        flush=True,
    )
    return len(wrong)


def begun(place: Path, made: Path) -> Path:
    """A new folder for a command, with all that is known of the datasets that it reads."""
    shutil.copytree(made / "state", place / "state")
    os.environ[STATE] = f"{place}/state"
    return place


def line_of(name: str, line: str) -> str:
    """A command's line with the options that most take."""
    return line + ("" if name in LOUD else " --quiet") + ("" if name in ALONE else " --workers 1")


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
        code = alone(line.split())
        counted = changes
        if count_to is not None:
            count_to.write_text(str(counted))
        return code

    return children.run(act).code


def alone(words: list[str]) -> int:
    """Run a command line in a process of its own, without the commands that the demo gives: they are tried
    for themselves."""
    given = cli.main
    cli.main = lambda _words: cli.OK
    return given(words)


def content(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, and every folder."""
    paths = (path for path in folder.rglob("*") if not MOMENTS & {*path.parts})
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in paths}


def has_blender() -> bool:
    """Whether there is a Blender to render with."""
    from render import blender

    try:
        blender.find()
    except blender.BlenderError:
        return False
    return True


if __name__ == "__main__":
    main()
