"""Inside Blender, for `benchmarks/render_speed.py`:  INTERPRETER -I settings_in_turn.py FOLDER ROUNDS

Renders each shot-N.npz in FOLDER with several settings in turn and writes CPU seconds to FOLDER/times.json:
{setting: [seconds a picture]}. The process keeps to one core.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).resolve().parents[2]))

from render.shot import Shot
from render.worker import scene as studio


def ours(path, out, **changes):
    """As curate render does; changes: of the shot."""
    changed = out.with_suffix(".npz")
    replace(Shot.read(path), **changes).write(changed)
    bpy.context.scene.world.cycles.sampling_method = "MANUAL"
    bpy.context.view_layer.update()
    start = time.process_time()
    studio.render(str(changed), str(out))
    return time.process_time() - start


def blenderproc(path, out):
    """The same scene with BlenderProc's settings, then its segmentation: a second picture of one sample.

    Left out in its favour: the change of all materials for the segmentation, and its HDF5 container.
    """
    shot = Shot.read(path)
    bpy.context.scene.world.cycles.sampling_method = "AUTOMATIC"
    start = time.process_time()
    scene = studio.prepared(shot)
    cycles = scene.cycles
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter, cycles.denoising_quality = "ACCURATE", "HIGH"
    cycles.use_adaptive_sampling = False
    cycles.use_light_tree = True
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 3, 0
    cycles.transmission_bounces, cycles.transparent_max_bounces = 0, 8
    cycles.sample_clamp_indirect = 10.0
    studio.write(scene, str(out))
    cycles.samples, cycles.use_denoising = 1, False
    studio.write(scene, str(out.with_name("segmentation.exr")))
    return time.process_time() - start


def main():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    folder, rounds = Path(sys.argv[-2]), int(sys.argv[-1])
    paths = sorted(folder.glob("shot-*.npz"))
    samples = Shot.read(paths[0]).samples
    ways = {
        "ours": lambda path, out: ours(path, out),
        "blenderproc": blenderproc,
        "ours without denoising": lambda path, out: ours(path, out, denoise=False),
        "ours of one sample, without denoising": lambda path, out: ours(path, out, denoise=False, samples=1),
    }
    times = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for path in paths:
            for name, way in ways.items():
                kept = name in ("ours", "blenderproc")
                out = folder / (f"{path.stem}-{name}.exr" if kept else "other.exr")
                seconds = way(path, out)
                if turn:  # the first is a warm-up: kernels, models, maps
                    times[name].append(seconds)
    (folder / "times.json").write_text(json.dumps({"samples": samples, "times": times}))


main()
