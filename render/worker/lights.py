"""Lights in Blender's scene: a function for each class of `render.look.lights`."""

from __future__ import annotations

import os
from functools import singledispatch
from pathlib import Path
from typing import Any

import bpy

from render.look import RGB
from render.look.lights import Environment, Lamp, Light, Studio
from render.worker.materials import node
from render.worker.objects import facing


@singledispatch
def set_up(light: Light, scene: Any) -> list[Any]:
    """Make the sky and lamps of a light and return the lamps. All others are then switched off."""
    raise NotImplementedError(f"render.worker.lights has no function for the light {light.kind!r}")


@set_up.register
def _(light: Studio, scene: Any) -> list[Any]:
    even_sky(scene.world, light.strength, light.colour)
    return lamps(scene, light.lamps)


@set_up.register
def _(light: Environment, scene: Any) -> list[Any]:
    background = _background(scene.world, light.strength)
    tree = scene.world.node_tree
    picture = tree.nodes["sky"]
    picture.image = bpy.data.images.load(environment_map(light.map_name), check_existing=True)
    tree.nodes["turn"].inputs["Rotation"].default_value = light.turn
    if not background.inputs["Color"].links:
        tree.links.new(picture.outputs["Color"], background.inputs["Color"])
    return lamps(scene, light.lamps)


def apply(light: Light, scene: Any) -> None:
    """Light the scene with it alone."""
    lit = set_up(light, scene)
    for lamp in scene.objects:
        if lamp.type == "LIGHT":
            lamp.hide_render = lamp not in lit


def even_sky(world: Any, strength: float, colour: RGB) -> None:
    """A sky of one colour (linear RGB)."""
    background = _background(world, strength)
    for link in list(background.inputs["Color"].links):
        world.node_tree.links.remove(link)
    background.inputs["Color"].default_value = (*colour, 1.0)


def lamps(scene: Any, given: tuple[Lamp, ...]) -> list[Any]:
    """Round lamps, placed as given."""
    placed = []
    for number, lamp in enumerate(given):
        name = f"lamp {number}"
        if name not in scene.objects:
            data = bpy.data.lights.new(name, "AREA")
            data.shape = "DISK"
            scene.collection.objects.link(bpy.data.objects.new(name, data))
        shown = scene.objects[name]
        data = shown.data
        data.size, data.energy, data.color = lamp.size, lamp.watts, lamp.colour
        shown.matrix_world = facing(lamp.position, lamp.target)
        placed.append(shown)
    return placed


def environment_map(name: str) -> str:
    """Path of an environment map that comes with Blender.

    Raises
    ------
    FileNotFoundError: this Blender has none of that name.
    """
    folder = Path(bpy.utils.system_resource("DATAFILES"), "studiolights", "world")
    path = folder / f"{name}.exr"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.exr"))) or "none"
        raise FileNotFoundError(f"environment map {name!r}: this Blender has {known}")
    return os.fspath(path)


def _background(world: Any, strength: float) -> Any:
    """The world's background node, made with those of an environment map if it is not there yet."""
    world.use_nodes = True
    tree = world.node_tree
    if "sky" not in tree.nodes:
        tree.nodes.clear()
        place = node(tree, "ShaderNodeTexCoord")
        turn = node(tree, "ShaderNodeMapping", name="turn", vector_type="TEXTURE")
        picture = node(tree, "ShaderNodeTexEnvironment", name="sky")
        background = node(tree, "ShaderNodeBackground", name="background")
        out = node(tree, "ShaderNodeOutputWorld")
        tree.links.new(place.outputs["Generated"], turn.inputs["Vector"])
        tree.links.new(turn.outputs["Vector"], picture.inputs["Vector"])
        tree.links.new(background.outputs[0], out.inputs["Surface"])
        # An importance map of the default size takes a second and a half each time that the sky turns.
        world.cycles.sampling_method = "MANUAL"
        world.cycles.sample_map_resolution = 256
    background = tree.nodes["background"]
    background.inputs["Strength"].default_value = strength
    return background
