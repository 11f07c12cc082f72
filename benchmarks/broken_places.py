"""Gives every command a place that it cannot work in, mends the place, and gives the command again.

    sudo python benchmarks/broken_places.py [--only COMMAND]

The commands, and what they read, are those of benchmarks/kills.py. A place is a disk that is full after a
tenth, a half, or nine tenths of what is to be written; one that is read-only; a folder, or an input, that the
user has no rights to; a working folder that is gone; a stdout that is full. The command must end with exit
code 2 and one line, and once the place is mended as it ends elsewhere, and with the same bytes. With stderr
closed it must do so at once. Prints what each did in each; exits with 1 where any did not as it must.

Disks and users take root; without it those places are left out, and named.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import kills  # noqa: E402
from benchmarks.fuzz import children, seeds  # noqa: E402
from curate import cli  # noqa: E402

NOBODY = 65534  # a user who owns nothing
ROOM = 2**30  # bytes of a disk that is not full
FULL_AT = (0.1, 0.5, 0.9)
BLOCK = 4096  # bytes: a file takes whole ones


@dataclass(frozen=True, slots=True)
class Given:
    """A command: its line, what it reads, and what it takes elsewhere: bytes of room, exit code and bytes."""

    line: str
    made: Path
    room: int
    code: int
    content: dict[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Run:
    """How a command ended: its exit code, and what it said."""

    code: int
    said: list[str]

    def told(self) -> bool:
        """Whether it ended as one does whose place is broken."""
        return self.code == cli.USAGE and len(self.said) == 1

    def __str__(self) -> str:
        return f"exit {self.code}, {len(self.said)} lines: {self.said[-1][:90] if self.said else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    networks = children.load_all()
    commands = {
        **kills.COMMANDS,
        **(kills.OF_NETWORKS if networks else {}),
        **(kills.OF_BLENDER if kills.has_blender() else {}),
    }
    parser.add_argument(
        "--only", action="append", choices=list(commands), metavar="COMMAND", help=", ".join(commands)
    )
    options = parser.parse_args()
    places = PLACES | (OF_ROOT if os.geteuid() == 0 else {})
    if os.geteuid():
        print(f"not root: without {', '.join(OF_ROOT)}")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        os.environ[kills.STATE] = f"{made}/state"
        if children.run(lambda: seeds.make(made, networks=networks)).code:
            sys.exit("the sources cannot be made")
        (made / "state").mkdir(exist_ok=True)
        wrong = 0
        for name in options.only or commands:
            wrong += tried(name, kills.line_of(name, commands[name]), made, Path(folder), places)
    sys.exit(1 if wrong else 0)


def tried(name: str, line: str, made: Path, folder: Path, places: dict[str, Place]) -> int:
    """Try a command in every place; returns in how many it did not do as it must."""
    undisturbed = kills.begun(folder / "undisturbed", made)
    before = taken(undisturbed)
    run = start(line, made, undisturbed)
    room = taken(undisturbed) - before
    given = Given(line, made, room, run.code, kills.content(undisturbed))
    shutil.rmtree(undisturbed)
    wrong = 0
    for says, place in places.items():
        where = kills.begun(folder / "place", made)
        os.environ["TMPDIR"] = os.environ[kills.STATE]  # where else it would be kept
        try:
            found = place(given, where)
        finally:
            shutil.rmtree(where)
        wrong += found is not None
        print(f"{name:18s} {says:24s} {'as it must' if found is None else found}", flush=True)
    return wrong


def taken(place: Path) -> int:
    """Bytes of the blocks that the files of a folder take."""
    return sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in place.rglob("*") if path.is_file())


def start(
    line: str,
    made: Path,
    place: Path | str,
    *,
    before: Callable[[], None] = lambda: None,
    json: bool = False,
    full: bool = False,
) -> Run:
    """Run a command in a child that does something before."""

    def act() -> int:
        before()
        words = line.format(made=made, out=f"{place}/out" if place else "out").split()
        try:
            return kills.alone([*words, "--json"] if json else words)
        finally:
            sys.stderr = sys.stderr or sys.stdout  # for what comes after us

    with tempfile.NamedTemporaryFile() as said:
        code = children.run(
            act, out=Path("/dev/full") if full else Path(os.devnull), err=Path(said.name)
        ).code
        return Run(code, said.read().decode(errors="replace").splitlines())


def mended(given: Given, run: Run, place: Path) -> str | None:
    """What is wrong with how a command ended in a broken place, or ends in the mended one; None: nothing."""
    if not run.told():
        return str(run)
    again = start(given.line, given.made, place)
    if again.code != given.code:
        return f"mended: {again}"
    return None if kills.content(place) == given.content else "mended: other bytes"


@contextmanager
def disk(place: Path) -> Iterator[Callable[[str], None]]:
    """A disk in memory, with what a folder holds, in its place; gives a function that changes its options."""

    def change(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)

    with tempfile.TemporaryDirectory() as aside:
        shutil.copytree(place, aside, dirs_exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", place], check=True)
        shutil.copytree(aside, place, dirs_exist_ok=True)
    try:
        yield change
    finally:
        subprocess.run(["umount", place], check=True)


def full_disk(given: Given, place: Path, *, share: float) -> str | None:
    if not given.room:
        return None  # it takes none
    with disk(place) as change:
        change(f"size={taken(place) + int(share * given.room) // BLOCK * BLOCK}")
        run = start(given.line, given.made, place)
        change(f"size={ROOM}")
        return mended(given, run, place)


def read_only_disk(given: Given, place: Path) -> str | None:
    with disk(place) as change:
        change("ro")
        run = start(given.line, given.made, place)
        change("rw")
        return mended(given, run, place)


def no_rights(given: Given, place: Path) -> str | None:
    if "{out}" not in given.line:
        return None  # it writes elsewhere
    with of_another(place, 0o755):
        run = start(given.line, given.made, place, before=drop_privileges)
    return mended(given, run, place)


def unreadable_input(given: Given, place: Path) -> str | None:
    if "{made}" not in given.line:
        return None  # it reads none
    with of_another(given.made, 0o700):
        run = start(given.line, given.made, place, before=drop_privileges)
    return mended(given, run, place)


@contextmanager
def of_another(folder: Path, mode: int) -> Iterator[None]:
    """Let a folder be another user's."""
    os.chown(folder, NOBODY, NOBODY)
    folder.chmod(mode)
    try:
        yield
    finally:
        os.chown(folder, os.getuid(), os.getgid())
        folder.chmod(0o755)


def drop_privileges() -> None:
    """Become a root that may no more than another user: without capabilities."""
    head, none = struct.pack("Ii", 0x20080522, 0), bytes(24)  # _LINUX_CAPABILITY_VERSION_3, ourselves
    if ctypes.CDLL(None).capset(head, none):
        raise OSError("capset failed")


def no_working_folder(given: Given, place: Path) -> str | None:
    if "{out}" not in given.line:
        return None  # it writes elsewhere
    gone = place.with_name("gone")

    def leave() -> None:
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()

    return mended(given, start(given.line, given.made, "", before=leave), place)


def full_stdout(given: Given, place: Path) -> str | None:
    return mended(given, start(given.line, given.made, place, json=True, full=True), place)


def closed_stderr(given: Given, place: Path) -> str | None:
    def close() -> None:
        os.close(2)
        sys.stderr = None

    run = start(given.line, given.made, place, before=close)
    if run.code != given.code:
        return str(run)
    return None if kills.content(place) == given.content else "other bytes"


Place = Callable[[Given, Path], str | None]
PLACES: dict[str, Place] = {
    "no working folder": no_working_folder,
    "stdout full": full_stdout,
    "stderr closed": closed_stderr,
}
OF_ROOT: dict[str, Place] = {
    **{f"disk full after {share:.0%}": partial(full_disk, share=share) for share in FULL_AT},
    "disk read-only": read_only_disk,
    "no rights to the folder": no_rights,
    "no rights to the input": unreadable_input,
}


if __name__ == "__main__":
    main()
