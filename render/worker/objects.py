"""Meshes and places in Blender's scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray


def mesh_of(name: str, vertices: NDArray[Any], faces: NDArray[Any]) -> Any:
    """A smooth mesh of vertices (V, 3) and faces (F, corners)."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).reshape(-1))
    corners = np.ascontiguousarray(faces, np.int32)
    mesh.loops.add(corners.size)
    mesh.loops.foreach_set("vertex_index", corners.reshape(-1))
    mesh.polygons.add(len(corners))
    mesh.polygons.foreach_set("loop_start", np.arange(0, corners.size, corners.shape[1], dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    return mesh


def facing(position: Sequence[float] | NDArray[Any], target: Sequence[float] | NDArray[Any]) -> Any:
    """The matrix of an object at a position with its -z axis, along which lamps shine, towards a target."""
    away = Vector(position) - Vector(target)
    turn = away.to_track_quat("Z", "Y").to_matrix().to_4x4()
    return Matrix.Translation(Vector(position)) @ turn
