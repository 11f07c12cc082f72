"""Grounds in Blender's scene: a function for each class of `render.look.grounds` that Blender renders."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import bpy
import numpy as np

from render.look.grounds import CutOut, Ground, Table
from render.shot import Look
from render.worker.materials import plain
from render.worker.objects import facing, mesh_of

_NAME = "ground"  # what the name of each of their objects starts with


@singledispatch
def lay(ground: Ground, scene: Any) -> list[Any]:
    """Place the objects of a ground and return them. All other grounds in the scene are then hidden."""
    raise NotImplementedError(f"render.worker.grounds has no function for the ground {ground.kind!r}")


@lay.register
def _(ground: CutOut, scene: Any) -> list[Any]:
    return []


@lay.register
def _(ground: Table, scene: Any) -> list[Any]:
    material = plain(_NAME, Look(ground.colour, 0.0, ground.roughness), part=0)
    if _NAME not in scene.objects:
        square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
        mesh = mesh_of(_NAME, square, np.array([[0, 1, 2, 3]]))
        mesh.materials.append(material)
        scene.collection.objects.link(bpy.data.objects.new(_NAME, mesh))
    plane = scene.objects[_NAME]
    there = np.array(ground.point)
    plane.matrix_world = facing(there, there - np.array(ground.normal))
    plane.scale = (ground.reach,) * 3
    return [plane]


def apply(ground: Ground, scene: Any) -> None:
    """Put it behind the hand, and nothing else."""
    shown = lay(ground, scene)
    for thing in scene.objects:
        if thing.name.startswith(_NAME):
            thing.hide_render = thing not in shown
    scene.render.film_transparent = ground.cut_out
