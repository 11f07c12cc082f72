"""Kills workers, the scheduler and the client of a Dask cluster amid their work, and compares the bytes.

    sudo python benchmarks/cluster_kills.py [--workers 20] [--schedulers 5] [--clients 5]
        [--only crop ...] [--seed 0]

A scheduler, three workers of one thread and the client are machines of their own: network namespaces on a
bridge, with a folder that all of them see, and each in a working folder of its own. Without root, or without
`ip`, they are processes of one machine, which is said. The commands of COMMANDS run in turn on a small source
that is made here, with one picture that cannot be read. At a random moment something is killed with SIGKILL:

    worker      the process that works, which its nanny replaces, or all of its machine, which starts again;
                several times during one command
    scheduler   it starts again under the same address, and so do the workers that end without it
    client      `curate` itself, while the workers are at its work

Where the command ended with 2, or was killed, it is given again. In the end it must exit as on one machine,
undisturbed, and leave the same bytes, with the same counts of what was left out; and the bytes must still be
the same when all is over. Prints a row for each kind of kill; exits with 1 where any was not made good.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.kills import content, has_blender  # noqa: E402
from benchmarks.many_samples import make_source  # noqa: E402

HANDS, WORKERS = 160, 3
COMMANDS = {
    "crop": "crop ../../data --out {out}",
    "build": "build ../../data --crop colour --size 32 --out {out}",
    "qa": "qa ../../data --fail-on never --out {out}",
    "render": "render --random 12 --size 32 --samples 1 --no-denoise --out {out}",
}
ADDRESS = "10.77.0.{}"
PORT = 8786
TRIES = 6  # times that a command is given
A_COMMAND = {"worker": 4}  # kills during one command; else one
SCHEDULER, CLIENT = "scheduler", "client"


@dataclass(slots=True)
class Machine:
    """What has an address, and perhaps a network namespace, of its own, and runs one command."""

    name: str
    host: str
    namespace: str | None
    command: list[str]
    folder: Path
    env: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What its command says."""
        return self.folder.with_suffix(".log")

    def start(self) -> subprocess.Popen[bytes]:
        """Run its command."""
        within = [] if self.namespace is None else ["ip", "netns", "exec", self.namespace]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*within, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.env,
                start_new_session=True,
            )
        return self.process

    def kill(self) -> None:
        """Kill all that it runs, at once."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def kill_what_works(self) -> None:
        """Kill the process that its nanny minds; where there is none yet, all that it runs."""
        assert self.process is not None
        pid = self.process.pid
        with suppress(OSError):  # it ended by itself
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            working = [c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
            if working:
                os.kill(int(working[0]), signal.SIGKILL)
                return
        self.kill()


@dataclass(slots=True)
class Told:
    """What became of the kills of one kind."""

    kills: int = 0
    given: int = 0  # commands
    wrong: int = 0


def main() -> None:
    """Kill, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, number in (("workers", 20), ("schedulers", 5), ("clients", 5)):
        parser.add_argument(f"--{name}", type=int, default=number, metavar="N", help=f"({number})")
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leaving no machine behind
    if importlib.util.find_spec("distributed") is None:
        sys.exit("left out: the extra `cluster` is not installed")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        spaces = stack.enter_context(namespaces(work))
        lab = Lab(work, spaces, random.Random(options.seed))
        stack.callback(lab.end)
        print("each in a network namespace of its own" if spaces else "all processes of one machine")
        lab.prepare(options.only)
        numbers = {"worker": options.workers, SCHEDULER: options.schedulers, CLIENT: options.clients}
        found = {kind: lab.kill_often(kind, number) for kind, number in numbers.items()}
        print(f"\n{'killed':10} {'kills':>5} {'given':>6} {'not made good':>14}")
        for kind, told in found.items():
            print(f"{kind:10} {told.kills:5} {told.given:6} {told.wrong:14}")
        wrong = sum(told.wrong for told in found.values())
        changed = lab.changed_since()
        print(f"changed after the end: {len(changed)}" + "".join(f"\n  {line}" for line in changed))
    sys.exit(1 if wrong or changed else 0)


class Lab:
    """The machines, the shared folder, and what the commands give on one machine, undisturbed."""

    def __init__(self, work: Path, spaces: Mapping[str, str], rng: random.Random) -> None:
        self.work, self.rng = work, rng
        self.expected: dict[str, tuple[int, dict[str, bytes | None]]] = {}
        self.seconds: dict[str, float] = {}
        self.finished: dict[Path, str] = {}
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "XDG_STATE_HOME": str(work / "state"),
        }
        host = {name: ADDRESS.format(i) if spaces else "127.0.0.1" for i, name in enumerate(names(), start=1)}
        self.address = f"tcp://{host[SCHEDULER]}:{PORT}"

        def machine(name: str, *words: str) -> Machine:
            command, folder = [sys.executable, "-m", *words], work / "machines" / name
            folder.mkdir(parents=True)
            return Machine(name, host[name], spaces.get(name), command, folder, env)

        serve = ("dask", "scheduler", "--host", host[SCHEDULER], "--port", str(PORT), "--no-dashboard")
        self.scheduler = machine(SCHEDULER, *serve)
        self.workers = [
            machine(
                name,
                *("dask", "worker", self.address, "--host", host[name], "--nthreads", "1"),
                "--no-dashboard",
            )
            for name in names()
            if name.startswith("worker")
        ]
        self.client = machine(CLIENT, "curate.cli")

    def prepare(self, chosen: Sequence[str]) -> None:
        """Make the data, and run each command on one machine, then on the cluster."""
        make_source(self.work / "source", HANDS)
        broken = self.work / "source" / "images" / "0000" / "0000007.jpg"
        broken.unlink()
        broken.write_bytes(b"no picture")
        if self.run("convert coco ../../source --copy --out ../../data") not in (0, 1):
            sys.exit(f"the data cannot be made: see {self.client.log.read_text()}")
        commands = {name: COMMANDS[name] for name in chosen if name != "render" or has_blender()}
        print(f"{'command':10} {'one process, s':>14} {'cluster, s':>11}  bytes")
        for name, line in commands.items():
            started = time.monotonic()
            out = self.work / "local" / name
            code = self.run(line.format(out=out) + " --workers 1")
            local = time.monotonic() - started
            self.expected[name] = code, content(out)
            started = time.monotonic()
            wrong = self.disturbed(name, self.work / "undisturbed" / name, 0, "", Told())
            self.seconds[name] = time.monotonic() - started
            print(f"{name:10} {local:14.1f} {self.seconds[name]:11.1f}  {wrong or 'equal'}", flush=True)

    def kill_often(self, kind: str, number: int) -> Told:
        """Kill something of one kind so often, during the commands in turn."""
        told, commands = Told(), list(self.expected)
        turn = 0
        while told.kills < number:
            name, before = commands[turn % len(commands)], told.kills
            out = self.work / f"{kind}-{told.given}" / name
            wrong = self.disturbed(name, out, min(A_COMMAND.get(kind, 1), number - before), kind, told)
            told.wrong += bool(wrong)
            if told.kills > before or wrong:
                turn += 1
                print(f"{kind:10} {told.kills:3} {name:7} {wrong or 'equal'}", flush=True)
            else:
                self.seconds[name] *= 0.8  # it ended before it could be killed
        return told

    def disturbed(self, name: str, out: Path, kills: int, kind: str, told: Told) -> str:
        """Give a command until it has finished, with so many kills on the way; what is wrong, or ""."""
        line = f"{COMMANDS[name].format(out=out)} --cluster {self.address}"
        seconds = self.seconds.get(name, 0.0)
        moments = sorted(self.rng.uniform(0.2, 0.95) * seconds for _ in range(kills))
        for _ in range(TRIES):
            told.given += 1
            code = self.run(line, moments, kind, told)
            moments = []
            if code not in (2, -signal.SIGKILL):
                break
        expected, made = self.expected[name]
        self.finished[out] = name
        if code != expected:
            return f"ended with {code}, not {expected}: {last_line(self.client.log)}"
        return differing(content(out), made)

    def run(self, line: str, moments: Sequence[float] = (), kind: str = "", told: Told | None = None) -> int:
        """Run `curate` as the client, and keep the cluster going; its exit code, or minus the signal.

        moments: of the kills, seconds from the start.
        """
        words = [sys.executable, "-m", "curate.cli", *line.split(), "--quiet"]
        self.client.command = words
        process = self.client.start()
        started, left = time.monotonic(), list(moments)
        while process.poll() is None:
            if "--cluster" in words:
                self.mend()
            if left and told and time.monotonic() - started > left[0]:
                told.kills += 1
                left.pop(0)
                self.kill(kind)
            time.sleep(0.05)
        return process.returncode

    def kill(self, kind: str) -> None:
        """Kill something of this kind."""
        if kind == CLIENT:
            self.client.kill()
        elif kind == SCHEDULER:
            self.scheduler.kill()
        elif self.rng.random() < 0.5:
            self.rng.choice(self.workers).kill_what_works()
        else:
            self.rng.choice(self.workers).kill()

    def mend(self) -> None:
        """Start again what has ended."""
        for machine in (self.scheduler, *self.workers):
            if machine.process is None or machine.process.poll() is not None:
                machine.start()

    def changed_since(self) -> list[str]:
        """The finished folders that are no longer as they were, once all machines are off."""
        self.end()
        return [
            f"{out.relative_to(self.work)}: {wrong}"
            for out, name in self.finished.items()
            if (wrong := differing(content(out), self.expected[name][1]))
        ]

    def end(self) -> None:
        """Switch all machines off."""
        for machine in (self.client, *self.workers, self.scheduler):
            machine.kill()


def names() -> list[str]:
    """The machines; number i has the address ADDRESS.format(i), from 1 on."""
    return [SCHEDULER, CLIENT, *(f"worker{i}" for i in range(1, WORKERS + 1))]


def differing(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """The files that differ, or ""."""
    paths = sorted(p for p in {*found, *expected} if found.get(p, 0) != expected.get(p, 0))
    return f"{len(paths)} files differ: {', '.join(paths[:3])}" if paths else ""


def last_line(log: Path) -> str:
    """What was said last."""
    return (log.read_text(errors="replace").splitlines() or [""])[-1][:200]


@contextmanager
def namespaces(work: Path) -> Iterator[dict[str, str]]:
    """A network namespace for each machine, on a bridge; none without the right to make them."""
    made = {name: f"{work.name}-{name}" for name in names()}
    bridge, number = f"cb{os.getpid()}", os.getpid()
    if os.geteuid() or not shutil.which("ip") or not ip(f"link add {bridge} type bridge"):
        yield {}
        return
    try:
        fine = ip(f"link set {bridge} up")
        for i, space in enumerate(made.values(), start=1):
            fine = (
                fine
                and ip(f"netns add {space}")
                and ip(f"link add ce{number}-{i} type veth peer name eth0 netns {space}")
                and ip(f"link set ce{number}-{i} master {bridge} up")
                and ip(f"-n {space} addr add {ADDRESS.format(i)}/24 dev eth0")
                and ip(f"-n {space} link set eth0 up")
                and ip(f"-n {space} link set lo up")
            )
        yield made if fine else {}
    finally:
        for space in made.values():
            ip(f"netns del {space}")
        ip(f"link del {bridge}")


def ip(words: str) -> bool:
    """Run `ip`; whether it did what it was told."""
    return subprocess.run(["ip", *words.split()], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main()
