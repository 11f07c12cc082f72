"""Commands in forked children: all modules are loaded already, so that one costs milliseconds.

Whoever forks must not have started threads: the work itself is for the children alone.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages

_ELSEWHERE = ("render.worker",)  # what Blender's Python imports


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: its exit code, or minus the signal; the most memory that it held beyond what it was
    born with, bytes; whether it was stopped because it took too long."""

    code: int
    memory: int
    hung: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: seconds of its processors, seconds in all, bytes of address space beyond what it
    is born with."""

    processor: int
    wall: int
    address_space: int


def run(
    act: Callable[[], int | None],
    *,
    limits: Limits | None = None,
    out: Path | None = None,
    err: Path | None = None,
    folder: Path | None = None,
) -> Ending:
    """Do something in a child.

    Parameters
    ----------
    act: gives the exit code; None: 0. It gives 101 where it raises.
    out, err: files that its output goes to; default: ours.
    folder: where it runs.
    """
    born_space, born_with = _memory()
    child = os.fork()
    if child == 0:
        code = 101
        try:
            for path, name, number in ((out, "stdout", 1), (err, "stderr", 2)):
                if path is not None:
                    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
                    errors = "strict" if number == 1 else "backslashreplace"  # as Python has them
                    said = open(number, "w", encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
                    setattr(sys, name, said)
            if folder is not None:
                os.chdir(folder)
            if limits is not None:
                os.setpgid(0, 0)  # what it starts is ended with it
                resource.setrlimit(resource.RLIMIT_CPU, (limits.processor, limits.processor + 5))
                resource.setrlimit(resource.RLIMIT_AS, (born_space + limits.address_space,) * 2)
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            code = act() or 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    hung = False
    if limits is not None:
        hung = not _ends_within(child, limits.wall)
        if hung:
            os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    if limits is not None:
        _end_group(child)
    code = os.waitstatus_to_exitcode(status)
    return Ending(code, max(0, used.ru_maxrss * 1024 - born_with), hung or code == -signal.SIGXCPU)


def _memory() -> tuple[int, int]:
    """Bytes of address space and of memory that this process holds: a child begins with them."""
    space, held = (int(pages) for pages in Path("/proc/self/statm").read_text().split()[:2])
    return space * resource.getpagesize(), held * resource.getpagesize()


def _ends_within(child: int, seconds: float) -> bool:
    watched = os.pidfd_open(child)
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


def _end_group(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def load_all() -> bool:
    """Import all that commands import, here, once; returns whether there is torch to train with.

    The toy networks of the tests stand in the table then: a case takes no longer with one than without.
    """
    for package in ("curate", "converters", "qa", "render"):
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.startswith(_ELSEWHERE):
                with contextlib.suppress(ImportError):  # of an extra that is not installed
                    import_module(module.name)
    import_module("pandas")  # pyarrow does, at the first value that it takes from Python
    gc.freeze()  # so that no collection copies the pages that children share
    if find_spec("torch") is None or find_spec("lightning") is None:
        return False
    from curate.networks import table
    from tests.toy_networks import TOYS

    import_module("lightning")
    table.TABLE.update(TOYS)
    return True
