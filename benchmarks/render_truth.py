"""Are the renders' labels true?

    python benchmarks/render_truth.py [--cameras 50] [--masks 8] [--samples 128] [--job YAML] [--blender PATH]

Keypoints: for as many shots as --cameras says, each with its own hand, pose and camera, a small sphere that
gives light is put at each joint and rendered through the renderer's camera; the centroid of its light is held
against the keypoint that is stored, in each take of the shot. Part masks: --masks of these shots are rendered
as `curate render` does, and each pixel of the mask is held against what a ray through its middle meets first.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from render import blender
from render.blender import Blender, Request, Worker
from render.finish import read_passes
from render.job import Job
from render.people import models
from render.people.cast import Cast
from render.plan import plan_shot
from render.shot import Shot, Take

SPHERES = Path(__file__).resolve().parent / "tools" / "spheres.py"
SAMPLES, GROUPS, APART = 128, 7, 12.0  # paths a pixel; spheres nearer than APART pixels are left out
Floats = NDArray[np.float64]


def centroid(light: NDArray[np.float32]) -> Floats:
    """Of the light in a channel (H, W), in continuous pixels from the corner."""
    weight = light.astype(np.float64)
    rows, columns = np.indices(light.shape) + 0.5
    found: Floats = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    return found


def measure(
    program: Blender, shots: list[Shot], folder: Path, masks: int, samples: int = SAMPLES
) -> tuple[Floats, list[int]]:
    """How far keypoints are off, and how many pixels of masks.

    Returns
    -------
    Distances (N, 21) of N takes in pixels, NaN where spheres lie before each other or leave the picture;
    pixels of the part mask that differ from a ray cast, of the first `masks` shots.
    """
    for number, shot in enumerate(shots):
        shot.write(folder / f"shot-{number:04d}.npz")
    command = program.script(SPHERES, str(folder), str(samples), str(masks))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return _keypoint_errors(folder, shots), _wrong_pixels(folder, shots[:masks], program)


def _keypoint_errors(folder: Path, shots: list[Shot]) -> Floats:
    errors = []
    for number, shot in enumerate(shots):
        lights = [
            read_passes(folder / f"spheres-{number:04d}-{group}.exr", shot.width, shot.height).light
            for group in range(GROUPS)
        ]
        errors += [_errors_of_take(shot, take, lights) for take in shot.takes]
    return np.array(errors)


def _errors_of_take(shot: Shot, take: Take, lights: list[NDArray[Any]]) -> Floats:
    """How far a take's keypoints (21,) are from the light in its part of the render, pixels."""
    errors, points = np.full(kp.COUNT, np.nan), take.cut.points(shot.projected())
    for group, whole in enumerate(lights):
        light, mine = take.cut.pixels(whole), range(group, kp.COUNT, GROUPS)
        for channel, index in enumerate(mine):
            others = [np.linalg.norm(points[index] - points[i]) for i in mine if i != index]
            inside = (points[index] > APART).all() and (points[index] < take.cut.size - APART).all()
            if inside and min(others) > APART:
                errors[index] = np.linalg.norm(centroid(light[..., channel]) - points[index])
    return errors


def _wrong_pixels(folder: Path, shots: list[Shot], program: Blender) -> list[int]:
    requests = [
        Request(str(n), folder / f"shot-{n:04d}.npz", folder / f"full-{n:04d}.exr") for n in range(len(shots))
    ]
    wrong = []
    with Worker(program, limit=600) as worker:
        for request, reason in worker.pictures(requests):
            if reason:
                raise SystemExit(reason)
            number = int(request.name)
            parts = read_passes(request.out, shots[number].width, shots[number].height).parts
            wrong.append(int((parts != np.load(folder / f"rays-{number:04d}.npy")).sum()))
    return wrong


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cameras", type=int, default=50)
    parser.add_argument("--masks", type=int, default=8)
    parser.add_argument("--samples", type=int, default=SAMPLES, help="paths a pixel, of the spheres")
    parser.add_argument("--model", action="append", help="default: procedural")
    parser.add_argument("--job", help="more settings, such as of poses and of what is held")
    parser.add_argument("--blender", help="as of curate render")
    given = parser.parse_args()
    program = blender.find(given.blender)
    job = Job.of(
        given.job,
        random=given.cameras,
        angles=["tilt=-60..60 rotation=0..360 roll=-40..40"],
        aspect="both",
        samples=1,
        models=given.model,
    )
    job = replace(job, random=given.cameras * job.takes)  # each camera takes one shot
    models.prepare(job.models, program)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cast = Cast(folder / "cast")
        shots = [plan_shot(job, index, cast) for index in range(given.cameras)]
        errors, wrong = measure(program, shots, folder, given.masks, given.samples)
        known = errors[np.isfinite(errors)]
        print(
            f"keypoints: {len(shots)} cameras, {len(errors)} pictures, {known.size} spheres; "
            f"off by {known.mean():.4f} px (mean), {np.percentile(known, 99):.4f} (99th percentile), "
            f"{known.max():.4f} (worst)"
        )
        seen = [shot.width * shot.height for shot in shots[: given.masks]]
        print(f"part masks against ray casts: {wrong} pixels of {seen} differ")


if __name__ == "__main__":
    main()
