"""One shot, one Cycles render: colour, what is behind, part mask and depth in one multilayer EXR.

The scene stays in memory between shots. Each shot sets everything that it depends on, so no picture depends
on those before it. The camera is at the origin and looks along -z with +y up.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from render.hand.model import HandModel, part_of_side
from render.shot import Shot
from render.worker import grounds, lights, materials
from render.worker.objects import mesh_of

_MODELS_KEPT = 6
# Masks and depth come from the first ray of each pixel, which Cycles sends this many pixels to the left of
# its middle, and below it. Measured: with this, masks agree with ray casts (benchmarks/render_truth.py).
_ASIDE = 0.00045

_models: dict[tuple[str, str], Any] = {}


def render(shot_path: str, out: str) -> None:
    """Render a shot's file into a multilayer EXR."""
    write(prepared(Shot.read(shot_path)), out)


def prepared(shot: Shot) -> Any:
    """The scene with everything that a shot shows, ready to be rendered."""
    scene = the_scene()
    _set_engine(scene, shot)
    set_camera(scene, shot)
    _show_hands(scene, shot)
    _show_extras(scene, shot)
    lights.apply(shot.light, scene)
    grounds.apply(shot.ground, scene)
    return scene


def write(scene: Any, out: str) -> None:
    """Render the scene as it is now into a file."""
    scene.render.filepath = out
    bpy.ops.render.render(write_still=True)


def the_scene() -> Any:
    """The one scene of this process: made by the first call, and kept with what was put into it."""
    scene = bpy.context.scene
    if "curate" in scene:
        return scene
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene["curate"] = 1
    scene.world = bpy.data.worlds.new("world")
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    render = scene.render
    render.use_persistent_data = True
    render.threads_mode = "FIXED"
    render.threads = 1
    render.use_file_extension = False
    render.resolution_percentage = 100
    image = render.image_settings
    if hasattr(image, "media_type"):  # from Blender 5.0 on
        image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format = "OPEN_EXR_MULTILAYER"
    image.color_depth = "32"
    image.exr_codec = "NONE"
    scene.view_settings.view_transform = "Standard"
    layer = scene.view_layers[0]
    layer.use_pass_z = True
    layer.use_pass_environment = True
    layer.use_pass_material_index = True
    return scene


def _set_engine(scene: Any, shot: Shot) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y = shot.width, shot.height
    render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = shot.samples
    cycles.seed = shot.index
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = shot.denoise
    cycles.use_light_tree = False
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_prefilter = "NONE"
    cycles.denoising_quality = "FAST"
    cycles.denoising_input_passes = "RGB_ALBEDO"
    cycles.max_bounces = 3
    cycles.diffuse_bounces = 2
    cycles.glossy_bounces = 1
    cycles.transmission_bounces = 0
    cycles.transparent_max_bounces = 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    cycles.filter_width = 1.5


def set_camera(scene: Any, shot: Shot) -> None:
    """Give the camera a shot's intrinsics."""
    data = scene.camera.data
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = 36.0
    width, height = shot.width, shot.height
    data.lens = float(shot.K[0, 0]) * 36.0 / width
    data.shift_x = float(width / 2 - shot.K[0, 2] - _ASIDE) / width
    data.shift_y = float(shot.K[1, 2] - _ASIDE - height / 2) / width
    data.clip_start, data.clip_end = 0.01, 100.0


def _show_hands(scene: Any, shot: Shot) -> None:
    shown = {(hand.model, hand.side): hand for hand in shot.hands}
    for key in [key for key in shown if key not in _models]:
        while len(_models) >= _MODELS_KEPT:
            _forget(next(kept for kept in _models if kept not in shown))
        _models[key] = _hand_object(scene, *key)
    for key, thing in _models.items():
        thing.hide_render = key not in shown
    for key, hand in shown.items():
        mesh = _models[key].data
        mesh.vertices.foreach_set("co", hand.vertices.reshape(-1))
        mesh.update()
        materials.set_skin(hand.skin, hand.side, _models[key]["atlas"])


def _hand_object(scene: Any, path: str, side: str) -> Any:
    model = HandModel.read(path)
    left = side == "left"
    faces = model.faces[:, ::-1] if left else model.faces
    mesh = mesh_of(f"hand {path} {side}", model.vertices, faces)
    rest = mesh.attributes.new("rest", "FLOAT_VECTOR", "POINT")
    rest.data.foreach_set("vector", model.vertices.reshape(-1))
    back = np.clip(0.5 + 0.9 * model.normals[:, 2], 0, 1).astype(np.float32)
    facing = mesh.attributes.new("back", "FLOAT", "POINT")
    facing.data.foreach_set("value", back)
    if len(model.uv):
        layer = mesh.uv_layers.new(name="uv")
        corners = model.uv[:, ::-1] if left else model.uv
        layer.data.foreach_set("uv", np.ascontiguousarray(corners, np.float32).reshape(-1))
    parts = np.unique(model.part)
    for part in parts:
        mesh.materials.append(materials.skin_of_part(part_of_side(int(part), left), side, model.texture))
    mesh.polygons.foreach_set("material_index", np.searchsorted(parts, model.part).astype(np.int32))
    hand = bpy.data.objects.new(mesh.name, mesh)
    hand["atlas"] = materials.load_atlas(path, model)
    scene.collection.objects.link(hand)
    return hand


def _forget(key: tuple[str, str]) -> None:
    hand = _models.pop(key)
    mesh = hand.data
    for name in hand["atlas"]:
        if name in bpy.data.images:
            bpy.data.images.remove(bpy.data.images[name])
    bpy.data.objects.remove(hand)
    bpy.data.meshes.remove(mesh)


def _show_extras(scene: Any, shot: Shot) -> None:
    """Rings, watches, sleeves and things held, made anew for each shot, since no two are alike."""
    for thing in [o for o in scene.objects if o.name.startswith("extra ")]:
        mesh = thing.data
        bpy.data.objects.remove(thing)
        bpy.data.meshes.remove(mesh)
    for number, extra in enumerate(shot.extras):
        mesh = mesh_of(f"extra {number}", extra.vertices, extra.faces)
        mesh.materials.append(materials.plain(f"extra {number}", extra.look, extra.part))
        scene.collection.objects.link(bpy.data.objects.new(mesh.name, mesh))
