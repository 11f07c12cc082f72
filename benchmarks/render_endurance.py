"""Does a run of renders survive being killed, and do Blender and its owner stay as large as they are?

    python benchmarks/render_endurance.py [--kills 20] [--pictures 60] [--growth 500] [--blender PATH]

Kills: `curate render` of --pictures small pictures is killed (SIGKILL) at random moments and started again,
by one worker and by two in turn, until it was killed --kills times; whenever a run comes to its end its
files are held against those of an undisturbed run, byte for byte. Growth: one Blender renders --growth
small pictures of ten people, before all grounds and under all lights; told is the memory (resident) of both
processes on the way. What every picture needs at first (models, environment maps) is there after the first
hundred.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from render import blender
from render.blender import Blender, Request, Worker
from render.finish import finish
from render.job import Job
from render.people.cast import Cast
from render.plan import plan_shot
from render.shot import Shot

JOB = "random: {pictures}\nsize: 64\nsamples: 1\naspect: both\nhands: {{people: 2}}\n"


def content(folder: Path) -> dict[str, bytes]:
    """Of every file, by its name."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def kills(program: Blender, pictures: int, number: int, folder: Path) -> tuple[int, int, int]:
    """How often it was killed, came to its end, and how many files differed then."""
    job, out = folder / "job.yaml", folder / "out"
    job.write_text(JOB.format(pictures=pictures))
    start = [sys.executable, "-m", "curate.cli", "render", "--job", str(job), "--blender", str(program.path)]
    subprocess.run([*start, "--out", str(folder / "undisturbed"), "--quiet"], check=True)
    wanted, chance = content(folder / "undisturbed"), random.Random(0)
    killed = ended = differ = 0
    while killed < number or ended == 0:
        workers = ["--workers", str(1 + killed % 2)]
        process = subprocess.Popen([*start, "--out", str(out), *workers, "--quiet"])
        if killed < number:
            made, more = len(list(out.glob("images/*"))), chance.randrange(16)
            while process.poll() is None and len(list(out.glob("images/*"))) < min(made + more, pictures):
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.5))
            process.kill()
        if process.wait() < 0:
            killed += 1
            continue
        ended += 1
        made_of = content(out)
        differ += sum(made_of.get(name) != wanted.get(name) for name in made_of | wanted)
        shutil.rmtree(out)
    return killed, ended, differ


def growth(program: Blender, pictures: int, folder: Path) -> Iterator[tuple[int, float, float]]:
    """Pictures made, and MB of Blender and of its owner, now and then."""
    job = Job.of(random=pictures, size=64, samples=1, aspect="both")
    grounds = replace(job.ground, kinds=("table", "environment", "colour"))
    job = replace(job, ground=grounds, hands=replace(job.hands, people=10))
    cast, shots = Cast(folder / "cast"), {}

    def requests() -> Iterator[Request]:
        for index in range(pictures):
            shots[index] = plan_shot(job, index, cast)
            request = Request(str(index), folder / f"{index % 2}.npz", folder / f"{index % 2}.exr")
            shots[index].write(request.shot)
            yield request

    with Worker(program, limit=600) as worker:
        for request, failed in worker.pictures(requests()):
            if failed:
                raise SystemExit(failed)
            index = int(request.name)
            shot: Shot = shots.pop(index)
            finish(shot, [index], request.out, folder)
            if index in (0, 9, 49) or index % 100 == 99:
                assert worker.child is not None
                yield index + 1, resident(worker.child.pid), resident(os.getpid())


def resident(process: int) -> float:
    """MB of memory that a process has (Linux)."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--growth", type=int, default=500)
    parser.add_argument("--blender", help="as of curate render")
    given = parser.parse_args()
    program = blender.find(given.blender)
    if given.kills:
        with tempfile.TemporaryDirectory() as folder:
            killed, ended, differ = kills(program, given.pictures, given.kills, Path(folder))
        print(f"killed {killed} times, {ended} runs came to their end: {differ} files differ", flush=True)
    if given.growth:
        with tempfile.TemporaryDirectory() as folder:
            for made, its, ours in growth(program, given.growth, Path(folder)):
                print(f"{made:6} pictures: Blender {its:6.1f} MB, its owner {ours:6.1f} MB", flush=True)


if __name__ == "__main__":
    main()
