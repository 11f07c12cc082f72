"""Makes rigged hands for tests, inside Blender:  INTERPRETER rig_maker.py SPEC.json

SPEC: joints (21, 3 in metres, hand frame), radius, bones {name: [head, tail, parent or null]}, place (4 x 4,
from the hand frame to the file's world), files to write. Fingers and palm are rows of balls, melted into one
skin; each vertex belongs to the bone that is nearest.
"""

import itertools
import json
import sys

import bpy  # first: it makes the others known

# isort: split
import bmesh
import numpy as np
from mathutils import Matrix, Vector


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    body = skin(spec)
    if spec["bones"]:
        rig = armature(spec["bones"])
        weigh(body, spec["bones"])
        body.modifiers.new("rig", "ARMATURE").object = rig
        body.parent = rig
        rig.matrix_world = Matrix(spec["place"])
    else:
        body.data.transform(Matrix(spec["place"]))
    for path in spec["files"]:
        if path.endswith(".blend"):
            bpy.ops.wm.save_as_mainfile(filepath=path)
        elif path.endswith(".glb"):
            bpy.ops.export_scene.gltf(filepath=path)
        else:
            bpy.ops.wm.obj_export(filepath=path, forward_axis="Y", up_axis="Z")


def skin(spec: dict) -> bpy.types.Object:
    joints, work = np.array(spec["joints"]), bmesh.new()
    radius = spec["radius"]
    rows = [[0, *range(base, base + 4)] for base in range(1, 21, 4)]
    rows += [[1, 5, 9, 13, 17], [0, 17], [0, 9]]  # the palm's web
    for row in rows:
        for start, stop in itertools.pairwise(row):
            # The last joint is the end of the flesh: its sphere ends there.
            ends_here = start and (stop - 1) % 4 == 3
            span = joints[stop] - joints[start]
            steps = max(2, int(np.linalg.norm(span) / (0.6 * radius)))
            for share in np.linspace(0, 1, steps):
                reach = np.linalg.norm(span)
                share = share * (1 - radius / reach) if ends_here else share
                ball = Matrix.Translation(Vector(joints[start] + share * span))
                bmesh.ops.create_icosphere(work, subdivisions=2, radius=radius, matrix=ball)
    for y in np.linspace(0, -0.03, 8):  # the wrist's stump
        for x in (-0.012, 0, 0.012):
            bmesh.ops.create_icosphere(
                work, subdivisions=2, radius=0.014, matrix=Matrix.Translation((x, y, 0))
            )
    mesh = bpy.data.meshes.new("Hand")
    work.to_mesh(mesh)
    body = bpy.data.objects.new("Hand", mesh)
    bpy.context.scene.collection.objects.link(body)
    melt = body.modifiers.new("melt", "REMESH")
    melt.mode, melt.voxel_size = "VOXEL", 0.003
    body.data = bpy.data.meshes.new_from_object(body.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    body.modifiers.clear()
    return body


def armature(bones: dict) -> bpy.types.Object:
    data = bpy.data.armatures.new("Rig")
    rig = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (head, tail, _) in bones.items():
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = head, tail
    for name, (_, _, parent) in bones.items():
        if parent:
            data.edit_bones[name].parent = data.edit_bones[parent]
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


def weigh(body: bpy.types.Object, bones: dict) -> None:
    points = np.array([vertex.co for vertex in body.data.vertices])
    gaps = []
    for head, tail, _ in bones.values():
        start, along = np.array(head), np.array(tail) - np.array(head)
        at = np.clip((points - start) @ along / (along @ along), 0, 1)
        gaps.append(np.linalg.norm(points - start - at[:, None] * along, axis=1))
    nearest = np.argmin(gaps, axis=0)
    for number, name in enumerate(bones):
        group = body.vertex_groups.new(name=name)
        group.add(np.flatnonzero(nearest == number).tolist(), 1.0, "REPLACE")


main()
