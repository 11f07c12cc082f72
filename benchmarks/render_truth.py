"""Are the renders' labels true?

    python benchmarks/render_truth.py [--cameras 50] [--masks 8] [--samples 128] [--job YAML] [--blender PATH]

Keypoints: for as many shots as --cameras says, each with its own hand, pose and camera, a small sphere that
gives light is put at each joint and rendered through the renderer's camera; the centroid of its light is held
against the keypoint that is stored, in each take of the shot. Part masks, depth and visibility: --masks of
these shots are rendered as `curate render` does, and each pixel is held against what a ray through its middle
meets first. Where there are two hands, it is also counted how many triangles of one cross one of the other.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from render import blender
from render.blender import Blender, Request, Worker
from render.cut import Cut
from render.finish import Passes, read_passes, visibility
from render.job import Job
from render.people import models
from render.people.cast import Cast
from render.plan import plan_shot
from render.shot import Shot

SPHERES = Path(__file__).resolve().parent / "tools" / "spheres.py"
SAMPLES, GROUPS, APART = 128, 7, 12.0  # paths a pixel; spheres nearer than APART pixels are left out
Floats = NDArray[np.float64]


def centroid(light: NDArray[np.float32]) -> Floats:
    """Of the light in a channel (H, W), in continuous pixels from the corner."""
    weight = light.astype(np.float64)
    rows, columns = np.indices(light.shape) + 0.5
    found: Floats = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    return found


@dataclass(frozen=True, slots=True)
class Differences:
    """Between a shot's render and rays.

    Attributes
    ----------
    pixels: of the part mask. depth: millimetres, 99th percentile of the pixels whose part is the same.
    keypoints: that are visible by one of them alone. crossing: pairs of triangles of two hands.
    """

    pixels: int
    depth: float
    keypoints: int
    crossing: int


def measure(
    program: Blender, shots: list[Shot], folder: Path, masks: int, samples: int = SAMPLES
) -> tuple[Floats, list[Differences]]:
    """How far keypoints are off, and what else is.

    Returns
    -------
    Distances (N, 21) of the hands of all takes, pixels, NaN where spheres lie before each other or leave the
    picture. What differs from a ray cast, of the first `masks` shots.
    """
    for number, shot in enumerate(shots):
        shot.write(folder / f"shot-{number:04d}.npz")
    command = program.script(SPHERES, str(folder), str(samples), str(masks))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return _keypoint_errors(folder, shots), _differences(folder, shots[:masks], program)


def _keypoint_errors(folder: Path, shots: list[Shot]) -> Floats:
    errors = []
    for number, shot in enumerate(shots):
        for which in range(len(shot.hands)):
            lights = [
                read_passes(
                    folder / f"spheres-{number:04d}-{which}-{group}.exr", shot.width, shot.height
                ).light
                for group in range(GROUPS)
            ]
            points = shot.projected(which)
            errors += [_errors_of_take(take.cut, take.cut.points(points), lights) for take in shot.takes]
    return np.array(errors)


def _errors_of_take(cut: Cut, points: Floats, lights: list[NDArray[Any]]) -> Floats:
    """How far a hand's keypoints (21, 2) are from the light in a take's part of the render: (21,), pixels."""
    errors = np.full(kp.COUNT, np.nan)
    for group, whole in enumerate(lights):
        light, mine = cut.pixels(whole), range(group, kp.COUNT, GROUPS)
        for channel, index in enumerate(mine):
            others = [np.linalg.norm(points[index] - points[i]) for i in mine if i != index]
            inside = (points[index] > APART).all() and (points[index] < cut.size - APART).all()
            if inside and min(others) > APART:
                errors[index] = np.linalg.norm(centroid(light[..., channel]) - points[index])
    return errors


def _differences(folder: Path, shots: list[Shot], program: Blender) -> list[Differences]:
    requests = [
        Request(str(n), folder / f"shot-{n:04d}.npz", folder / f"full-{n:04d}.exr") for n in range(len(shots))
    ]
    found = []
    with Worker(program, limit=600) as worker:
        for request, reason in worker.pictures(requests):
            if reason:
                raise SystemExit(reason)
            shot = shots[int(request.name)]
            rendered = read_passes(request.out, shot.width, shot.height)
            with np.load(folder / f"rays-{int(request.name):04d}.npz") as stored:
                cast = replace(rendered, parts=stored["parts"], depth=stored["depth"])
                crossing = int(stored["crossing"])
            same = (rendered.parts == cast.parts) & (cast.parts > 0)
            away = 1000 * np.abs(rendered.depth - cast.depth)[same]
            seen, met = (_visible(shot, surface) for surface in (rendered, cast))
            found.append(
                Differences(
                    int((rendered.parts != cast.parts).sum()),
                    float(np.percentile(away, 99)),
                    int((seen != met).sum()),
                    crossing,
                )
            )
    return found


def _visible(shot: Shot, surface: Passes) -> NDArray[np.uint8]:
    """Visibility of all hands' keypoints, in each of the shot's pictures."""
    seen = []
    for take in shot.takes:
        part = surface.of(take.cut)
        for which, (hand, row) in enumerate(zip(shot.hands, take.rows, strict=True)):
            points = take.cut.points(shot.projected(which))
            seen.append(visibility(points, -hand.keypoints[:, 2], hand.radius, part, row.side == "left"))
    return np.array(seen)


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
            f"keypoints: {len(shots)} cameras, {len(errors)} hands in pictures, {known.size} spheres; "
            f"off by {known.mean():.4f} px (mean), {np.percentile(known, 99):.4f} (99th percentile), "
            f"{known.max():.4f} (worst)"
        )
        pixels = [shot.width * shot.height for shot in shots[: given.masks]]
        print(f"part masks against ray casts: {[one.pixels for one in wrong]} pixels of {pixels} differ")
        print(f"depth: {[round(one.depth, 3) for one in wrong]} mm (99th percentile)")
        print(f"visibility by ray casts: {[one.keypoints for one in wrong]} keypoints differ")
        print(f"triangles of two hands that cross: {[one.crossing for one in wrong]}")


if __name__ == "__main__":
    main()
