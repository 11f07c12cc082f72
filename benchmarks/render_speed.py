"""How long does a render take, against BlenderProc's settings on the same scene, and where does the time go?

    python benchmarks/render_speed.py [--shots 6] [--rounds 2] [--workers-images 24] [--pictures DIR]

CPU seconds an image of 256 x 256 pixels on one core. One Blender process renders the same shots in turn: as
`curate render` does, and with BlenderProc's settings of as many samples (OpenImageDenoise with its accurate
prefilter, high quality, bounces 3, light tree, importance map made anew, segmentation as a second picture of
one sample; its HDF5 files are left out in its favour). Planning a shot and finishing a picture, which happen
outside of Blender, are added to ours. With --workers-images, that many pictures are rendered by one worker
(kept to one core, and not) and by two, in wall time: for an idle machine of two cores. --pictures keeps both
ways' pictures, to be looked at side by side.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from curate.basics import images
from curate.basics.engine import Local
from render import blender
from render.blender import Blender
from render.finish import develop, finish, read_passes
from render.job import Job
from render.people import models
from render.people.cast import Cast
from render.plan import plan_shot
from render.run import render
from render.shot import Shot

IN_TURN = Path(__file__).resolve().parent / "tools" / "settings_in_turn.py"
FLOOR = 0.041  # CPU seconds without sampling, measured on a bare scene (docs/measured.md)


def planned(job: Job, folder: Path) -> tuple[list[Shot], float]:
    """The job's shots, written to the folder, and the CPU seconds that one takes."""
    cast = Cast(folder / "cast")
    for number in range(job.shots):
        plan_shot(job, number, cast)  # people are made once
    start = time.process_time()
    shots = [plan_shot(job, number, cast) for number in range(job.shots)]
    for number, shot in enumerate(shots):
        shot.write(folder / f"shot-{number:04d}.npz")
    return shots, (time.process_time() - start) / len(shots)


def finished(shots: list[Shot], folder: Path) -> float:
    """CPU seconds that finishing a picture takes."""
    start = time.process_time()
    for number, shot in enumerate(shots):
        finish(
            shot, [take.index for take in shot.takes], folder / f"shot-{number:04d}-ours.exr", folder / "out"
        )
    return (time.process_time() - start) / len(shots)


def side_by_side(shots: list[Shot], folder: Path, out: Path) -> None:
    """Ours left, with BlenderProc's settings right, developed alike."""
    for number, shot in enumerate(shots):
        pair = []
        for way in ("ours", "blenderproc"):
            seen = read_passes(folder / f"shot-{number:04d}-{way}.exr", shot.width, shot.height)
            ours = read_passes(folder / f"shot-{number:04d}-ours.exr", shot.width, shot.height)
            take = shot.takes[0]
            pair.append(develop(replace(seen, parts=ours.parts).of(take.cut), take.finish, take.ground))
        images.write(out / f"{number:04d}.png", np.hstack(pair))


def workers(program: Blender, count: int, folder: Path) -> None:
    """Wall time of one worker and of two; and of one that has a single core for Blender, plans and files."""
    cores = os.sched_getaffinity(0)
    ways = {"one worker on one core": (1, {min(cores)}), "one worker": (1, cores), "two workers": (2, cores)}
    job = Job.of(random=count)
    seconds = {}
    for way, (number, allowed) in ways.items():
        os.sched_setaffinity(0, allowed)
        start = time.perf_counter()
        render(folder / way.replace(" ", "-"), job, program=program.path, engine=Local(number), quiet=True)
        seconds[way] = time.perf_counter() - start
    print(f"{count} pictures, wall time, people and Blender's start included")
    for way, spent in seconds.items():
        print(f"  {way:30} {spent:7.1f} s, {spent / seconds['two workers']:.2f} times that of two")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shots", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--samples", type=int, help="default: the job's")
    parser.add_argument("--workers-images", type=int, default=0)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--blender", help="as of curate render")
    given = parser.parse_args()
    program = blender.find(given.blender)
    job = Job.of(random=given.shots, aspect="both", samples=given.samples)
    models.prepare(job.models, program)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shots, planning = planned(job, folder)
        command = program.script(IN_TURN, str(folder), str(given.rounds))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        told = json.loads((folder / "times.json").read_text())
        times = {way: median(seconds) for way, seconds in told["times"].items()}
        report(told["samples"], times, planning, finished(shots, folder))
        if given.pictures:
            side_by_side(shots, folder, given.pictures)
        if given.workers_images:
            workers(program, given.workers_images, folder)


def report(samples: int, times: dict[str, float], planning: float, finishing: float) -> None:
    """The figures, and where the time goes."""
    whole, peer = times["ours"] + planning + finishing, times["blenderproc"]
    bare, one = times["ours without denoising"], times["ours of one sample, without denoising"]
    sample = (bare - one) / max(samples - 1, 1)
    fixed = one - sample
    print(f"CPU seconds an image, {samples} samples, medians")
    print(f"  ours {whole:.3f}, BlenderProc's settings {peer:.3f}: {peer / whole:.2f} times cheaper")
    rows = {
        "sampling": samples * sample,
        "denoising": times["ours"] - bare,
        "scene, sync, BVH and writing": fixed,
        "planning the shot": planning,
        "finishing the picture": finishing,
    }
    for name, seconds in rows.items():
        print(f"  {name:30} {seconds:7.3f}  {100 * seconds / whole:5.1f} %")
    print(f"  without sampling and denoising {fixed:.3f} in Blender; the floor of a bare scene is {FLOOR}")
    print(f"  a sample costs {sample:.3f}")


if __name__ == "__main__":
    main()
