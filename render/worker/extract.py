"""Any rigged hand -> a HandModel: a .blend, .glb, .gltf or .obj file and its `render.people.rig.Rig`.

    INTERPRETER extract.py JOB.json OUT.npz
    blender --background --python extract.py -- JOB.json OUT.npz

JOB.json is a `render.people.rig.Rig` as JSON. What is wrong with the model is written to OUT.npz.json as
{"field", "found", "allowed", "remedy"}, with exit code 2.

Bones are found by name, since in some files none hangs on another. A fingertip is where a ray along the last
bone leaves the flesh, since in many rigs that bone ends well inside it. All is computed in the hand frame of
`curate.hands.kinematics`. A left hand is mirrored on the way there, so the model is always a right hand.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy  # first: the wheel of bpy makes bmesh and mathutils known

# isort: split
import bmesh
import numpy as np
from mathutils import Matrix
from mathutils.bvhtree import BVHTree
from numpy.typing import NDArray

# Last, so that Blender's own packages come first.
sys.path.append(os.fspath(Path(__file__).resolve().parents[2]))

from curate.hands import kinematics
from render.hand.model import PART_OF_BONE, HandModel, vertex_normals

Floats = NDArray[np.float64]
Vector = Floats  # (3,)

FINGERS = ("thumb", "index", "middle", "ring", "little")
WRIST, INDEX_MCP, MIDDLE_MCP, MIDDLE_TIP, LITTLE_MCP = 0, 5, 9, 12, 17
MERGED = 1e-5  # metres within which vertices are one: files split them at the seams of textures
SPAN = (0.12, 0.26)  # wrist to the middle fingertip, metres
WRIST_BLEND = (0.008, -0.022)  # y between which the palm's weight passes to the forearm, metres
JOINT_BLEND = 0.004  # half the length over which weights pass at a joint the rig lacks, metres
STUMP = 0.004  # the stump is cut no nearer to the hand than here, y in metres
ARM, ARM_RINGS = 0.22, 8  # length of a forearm that is made, metres, and its rings
ARM_ROUNDED = 0.35  # how far each ring goes from the last one's outline towards an ellipse
ARM_GROWTH = np.array([1.35, 1.7])  # its width and thickness there, against the wrist's
MISSING_JOINT = 0.56  # where a joint without a bone lies between its neighbours


class Unusable(Exception):
    """What is wrong with the model, in the words of curate.basics.errors.InputError."""

    def __init__(self, found: str, field: str = "", allowed: str = "", remedy: str = "") -> None:
        super().__init__(found)
        self.told = {"field": field, "found": found, "allowed": allowed, "remedy": remedy}


def main(arguments: list[str]) -> int:
    """Extract one model; the exit code."""
    job, out = json.loads(Path(arguments[-2]).read_text(encoding="utf-8")), Path(arguments[-1])
    try:
        extract(job).write(out)
    except Unusable as error:
        out.with_name(out.name + ".json").write_text(json.dumps(error.told), encoding="utf-8")
        return 2
    return 0


def extract(job: dict[str, Any]) -> HandModel:
    """The model in a file. Raises Unusable."""
    _open(Path(job["file"]))
    body = _find_mesh(job["mesh"])
    rig = _armature(body)
    world, owners = _joints(job, rig)
    rig, owners = (rig, owners) if rig is not None else _bind(body, world)
    groups = [group.name for group in body.vertex_groups]
    bones = [_owner(name, owners, rig, world) for name in groups]
    to_hand = _hand_frame(world, job["unit"], job["side"])
    joints = world @ to_hand[:3, :3].T + to_hand[:3, 3]
    placed = to_hand @ np.array(body.matrix_world)
    mesh = _prepared(_evaluated(body), placed, job["subdivide"], job["forearm"])
    vertices, faces, uv, shares = _arrays(mesh, len(groups))
    tree = BVHTree.FromPolygons(vertices.tolist(), faces.tolist())
    _find_tips(joints, tree)
    _check_pose(joints, job["side"])
    weights = _weights(vertices, joints, shares, bones)
    keypoints = kinematics.labelled(joints, _offsets(job["keypoint_offsets"]))
    textured = bool(job["texture"])
    return HandModel(
        name=job["name"],
        licence=job["licence"],
        vertices=vertices.astype(np.float32),
        faces=faces,
        joints=joints,
        keypoints=keypoints,
        palm_keypoints=keypoints,
        weights=weights.astype(np.float32),
        part=PART_OF_BONE[weights[faces].sum(axis=1).argmax(axis=1)],
        radius=_radii(joints, tree),
        normals=vertex_normals(vertices.astype(np.float32), faces),
        atlas=np.zeros((2, 0, 0, 4), np.uint8),
        atlas_box=np.zeros(4),
        texture=job["texture"],
        uv=uv if textured else np.zeros((0, 3, 2), np.float32),
    )


# The file --------------------------------------------------------------------------------------------


def _open(path: Path) -> None:
    """Load the file and nothing else: a .blend's own scripts stay off."""
    ways = {
        ".blend": lambda: bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False),
        ".glb": lambda: bpy.ops.import_scene.gltf(filepath=str(path), disable_bone_shape=True),
        ".gltf": lambda: bpy.ops.import_scene.gltf(filepath=str(path), disable_bone_shape=True),
        ".obj": lambda: bpy.ops.wm.obj_import(filepath=str(path), forward_axis="Y", up_axis="Z"),
    }
    if path.suffix.lower() != ".blend":
        bpy.ops.wm.read_factory_settings(use_empty=True)
    try:
        ways[path.suffix.lower()]()
    except RuntimeError as error:
        raise Unusable(f"Blender cannot read it ({str(error).strip()})") from None


def _find_mesh(wanted: str) -> Any:
    """The mesh to take: the one named, the one that an armature moves, or the only one."""
    meshes = {o.name: o for o in bpy.context.scene.objects if o.type == "MESH"}
    if wanted:
        if wanted not in meshes:
            raise Unusable(repr(wanted), "mesh", f"one of {sorted(meshes)}")
        return meshes[wanted]
    rigged = [o for o in meshes.values() if _armature(o) is not None]
    found = rigged or list(meshes.values())
    if len(found) != 1:
        told = "no mesh" if not found else f"{len(found)} meshes, {sorted(o.name for o in found)}"
        raise Unusable(told, remedy="name the hand's with `mesh:` in the mapping" if found else "")
    return found[0]


def _armature(body: Any) -> Any:
    for modifier in body.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:
            return modifier.object
    return None


def _evaluated(body: Any) -> Any:
    """The mesh at rest, its other modifiers applied."""
    for modifier in body.modifiers:
        if modifier.type in ("ARMATURE", "SUBSURF"):
            modifier.show_viewport = False
    graph = bpy.context.evaluated_depsgraph_get()
    return bpy.data.meshes.new_from_object(
        body.evaluated_get(graph), preserve_all_data_layers=True, depsgraph=graph
    )


# Joints ----------------------------------------------------------------------------------------------


def _joints(job: dict[str, Any], rig: Any) -> tuple[Floats, dict[str, int]]:
    """Rotation centres (21, 3) in Blender's world, NaN where none is given, and bone name -> our bone."""
    named = {i: value for i, value in enumerate(job["joints"]) if isinstance(value, str)}
    bones = {} if rig is None else {bone.name: bone for bone in rig.data.bones}
    if named and rig is None:
        raise Unusable(
            "bones are named, but no armature moves the mesh", "joints", remedy="give coordinates [x, y, z]"
        )
    extra = [name for name, _ in job["bones"] if name not in bones]
    missing = sorted({*(name for name in named.values() if name not in bones), *extra})
    if missing:
        raise Unusable(f"no bone named {missing}", "joints", f"the bones of {rig.name!r}: {sorted(bones)}")
    joints = np.full((21, 3), np.nan)
    for i, value in enumerate(job["joints"]):
        if isinstance(value, str):
            joints[i] = rig.matrix_world @ bones[value].head_local
        elif value is not None:
            joints[i] = value
    owners = {name: kinematics.bone_of_keypoint(i) for i, name in named.items()}
    owners.update(dict(job["bones"]))
    return joints, owners


def _hand_frame(joints: Floats, unit: float, side: str) -> Floats:
    """(4, 4) from Blender's world to the hand frame, in metres; it mirrors a left hand."""
    along = joints[MIDDLE_MCP] - joints[WRIST]
    along /= np.linalg.norm(along)
    across = joints[LITTLE_MCP] - joints[INDEX_MCP]
    across -= (across @ along) * along
    across /= np.linalg.norm(across)
    back = np.cross(across, along) * (1 if side == "right" else -1)
    matrix = np.eye(4)
    matrix[:3, :3] = unit * np.stack([across, along, back])
    matrix[:3, 3] = -matrix[:3, :3] @ joints[WRIST]
    return matrix


def _find_tips(joints: Floats, tree: Any) -> None:
    """Put joints the rig lacks between their neighbours, and tips at the end of the flesh, in place."""
    for finger in range(5):
        base = 1 + 4 * finger
        knuckle, middle, last, tip = joints[base : base + 4]
        lacking = np.isnan(last[0])
        start = middle if lacking else last
        towards = tip - start if np.isfinite(tip[0]) else start - (knuckle if lacking else middle)
        towards = towards / np.linalg.norm(towards)
        exit_, *_ = tree.ray_cast(start, towards)
        if exit_ is None:
            name = FINGERS[finger]
            raise Unusable(
                f"the {name}'s last bone does not point into the mesh", "joints", remedy=f"check {name}_*"
            )
        joints[base + 3] = np.array(exit_)
        if lacking:
            joints[base + 2] = start + MISSING_JOINT * (joints[base + 3] - start)


def _check_pose(joints: Floats, side: str) -> None:
    """A span no hand has is a wrong unit; fingers that bend backwards are those of the other hand."""
    span = float(np.linalg.norm(np.diff(joints[[WRIST, 9, 10, 11, MIDDLE_TIP]], axis=0), axis=1).sum())
    if not SPAN[0] < span < SPAN[1]:
        found = f"the hand is {span:.4g} m long from wrist to middle fingertip"
        remedy = f"multiply `unit` by {0.19 / span:.3g}"
        raise Unusable(found, "unit", f"{SPAN[0]} to {SPAN[1]} m", remedy)
    bent = np.degrees(kinematics.rest_angles(joints)[1:, :, kinematics.FLEXION].sum(axis=1)).mean()
    if bent < -15:
        other = "left" if side == "right" else "right"
        raise Unusable(
            f"its fingers bend backwards by {-bent:.0f} degrees if it is a {side} hand",
            "side",
            remedy=f"say `side: {other}`, or check the joints of the index and little finger",
        )


def _offsets(given: list[tuple[int, list[float]]]) -> Floats:
    """Of each keypoint (21, 3), nothing where none is given."""
    offsets = np.zeros((21, 3))
    for index, offset in given:
        offsets[index] = offset
    return offsets


def _radii(joints: Floats, tree: Any) -> Floats:
    """(21,) half the thickness of the flesh at each joint; at a tip, that of the last bone's outer half."""
    _, backs = kinematics.axes(joints)
    radii = np.empty(21)
    for i, joint in enumerate(joints):
        finger, place = divmod(i - 1, 4)
        back = np.array([0.0, 0, 1]) if i == WRIST else backs[finger, min(place, 2)]
        start = 0.6 * joint + 0.4 * joints[i - 1] if place == 3 else joint
        hits = [tree.ray_cast(start, sign * back)[3] for sign in (1, -1)]
        known = [hit for hit in hits if hit is not None]
        radii[i] = np.mean(known) if known else 0.008
    return radii


# Mesh ------------------------------------------------------------------------------------------------


def _prepared(mesh: Any, to_hand: Floats, levels: int, forearm: bool) -> Any:
    """The mesh in the hand frame: seams merged, faces outward, a forearm, smoothed."""
    work = bmesh.new()
    work.from_mesh(mesh)
    work.transform(Matrix(to_hand.tolist()))
    bmesh.ops.remove_doubles(work, verts=work.verts, dist=MERGED)
    bmesh.ops.recalc_face_normals(work, faces=work.faces)
    if forearm:
        _add_forearm(work)
    if work.calc_volume(signed=True) < 0:
        bmesh.ops.reverse_faces(work, faces=work.faces)
    if levels < 0:
        levels = 0 if len(work.verts) > 5000 else 1 if len(work.verts) > 900 else 2
    fresh = bpy.data.meshes.new("hand")
    work.to_mesh(fresh)
    work.free()
    return _subdivided(fresh, levels) if levels else fresh


def _subdivided(mesh: Any, levels: int) -> Any:
    """Catmull-Clark; skin weights are interpolated along with the rest."""
    shown = bpy.data.objects.new("hand", mesh)
    bpy.context.scene.collection.objects.link(shown)
    smooth = shown.modifiers.new("smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = levels
    graph = bpy.context.evaluated_depsgraph_get()
    return bpy.data.meshes.new_from_object(
        shown.evaluated_get(graph), preserve_all_data_layers=True, depsgraph=graph
    )


def _add_forearm(work: Any) -> None:
    """Cut the wrist's stump straight and draw it out to a forearm, wider and rounder towards the elbow."""
    end = min(vertex.co.y for vertex in work.verts)
    if end < -0.6 * ARM or not any(_at_end(vertex) for vertex in work.verts):
        return  # it has one, or nothing to draw out
    cut = min(max(vertex.co.y for vertex in work.verts if _at_end(vertex)) + 0.001, STUMP)
    geometry = [*work.verts, *work.edges, *work.faces]
    bmesh.ops.bisect_plane(work, geom=geometry, plane_co=(0, cut, 0), plane_no=(0, -1, 0), clear_outer=True)
    rim = [e for e in work.edges if e.is_boundary and all(abs(v.co.y - cut) < 1e-5 for v in e.verts)]
    if len(rim) < 3:
        return  # nothing there to draw out
    outline = np.array([(vertex.co.x, vertex.co.z) for edge in rim for vertex in edge.verts])
    middle, half = (outline.max(0) + outline.min(0)) / 2, (outline.max(0) - outline.min(0)) / 2
    wrist = half
    for step in range(1, ARM_RINGS + 1):
        drawn = bmesh.ops.extrude_edge_only(work, edges=rim)["geom"]
        rim = [item for item in drawn if isinstance(item, bmesh.types.BMEdge)]
        share = step / ARM_RINGS
        grown = wrist * (1 + (ARM_GROWTH - 1) * share**2 * (3 - 2 * share))
        for vertex in (item for item in drawn if isinstance(item, bmesh.types.BMVert)):
            out = (np.array((vertex.co.x, vertex.co.z)) - middle) / half
            reach = np.linalg.norm(out)
            x, z = middle + out * (1 + ARM_ROUNDED * (1 / reach - 1)) * grown
            vertex.co = (x, cut - share * ARM, z)
        half = grown
    bmesh.ops.holes_fill(work, edges=rim)
    bmesh.ops.recalc_face_normals(work, faces=work.faces)


def _at_end(vertex: Any) -> bool:
    """Whether it lies on the rim or the cap of the wrist's stump."""
    return bool(vertex.co.y < STUMP and (vertex.is_boundary or vertex.normal.y < -0.6))


def _arrays(mesh: Any, groups: int) -> tuple[Floats, NDArray[np.int32], NDArray[np.float32], Floats]:
    """Vertices (V, 3), triangles (F, 3), their uv (F, 3, 2), the groups' weights (V, groups)."""
    mesh.calc_loop_triangles()
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    count = len(mesh.loop_triangles)
    faces, loops = np.empty(3 * count, np.int32), np.empty(3 * count, np.int32)
    mesh.loop_triangles.foreach_get("vertices", faces)
    mesh.loop_triangles.foreach_get("loops", loops)
    uv = np.zeros((3 * count, 2), np.float32)
    if mesh.uv_layers.active is not None:
        every = np.empty(2 * len(mesh.loops), np.float32)
        mesh.uv_layers.active.data.foreach_get("uv", every)
        uv = every.reshape(-1, 2)[loops]
    shares = np.zeros((len(mesh.vertices), groups))
    for vertex in mesh.vertices:
        for group in vertex.groups:
            if group.group < groups:
                shares[vertex.index, group.group] = group.weight
    return vertices.reshape(-1, 3).astype(np.float64), faces.reshape(-1, 3), uv.reshape(-1, 3, 2), shares


# Weights ---------------------------------------------------------------------------------------------


def _owner(name: str, owners: dict[str, int], rig: Any, joints: Floats) -> int:
    """Our bone for one of the rig's: as mapped; else what it hangs on; else, in a flat rig, the nearest.

    What the wrist hangs on is forearm. `joints` are in Blender's world.
    """
    bone = rig.data.bones.get(name)
    wrist = next((rig.data.bones[key] for key, own in owners.items() if own == kinematics.PALM), None)
    above = set() if wrist is None else {parent.name for parent in wrist.parent_recursive}
    while bone is not None:
        if bone.name in owners:
            return owners[bone.name]
        if bone.name in above:
            return kinematics.FOREARM
        if bone.parent is None:
            return _nearest(np.array(rig.matrix_world @ bone.head_local), joints)
        bone = bone.parent
    return kinematics.PALM  # a group of no bone


def _nearest(point: Vector, joints: Floats) -> int:
    """The bone whose segment passes nearest to a point; the palm's run from the wrist to the knuckles."""
    segments = [(kinematics.PALM, joints[WRIST], joints[base]) for base in range(1, 21, 4)]
    for finger in range(5):
        chain = joints[1 + 4 * finger : 5 + 4 * finger]
        chain = chain[np.isfinite(chain[:, 0])]
        pairs = itertools.pairwise(chain)
        segments += [(kinematics.bone(finger, k), *pair) for k, pair in enumerate(pairs) if k < 3]
    gaps = []
    for _, start, stop in segments:
        along = stop - start
        at = np.clip((point - start) @ along / (along @ along), 0, 1)
        gaps.append(np.linalg.norm(point - start - at * along))
    return segments[int(np.argmin(gaps))][0]


def _bind(body: Any, joints: Floats) -> tuple[Any, dict[str, int]]:
    """An armature from coordinates alone, its weights by Blender's bone heat, for a mesh that has none."""
    data = bpy.data.armatures.new("rig")
    rig = bpy.data.objects.new("rig", data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    owners = {"palm": kinematics.PALM}
    ends = {"palm": (joints[WRIST], joints[MIDDLE_MCP])}
    for finger, name in enumerate(FINGERS):
        chain = joints[1 + 4 * finger : 5 + 4 * finger].copy()
        chain = chain[np.isfinite(chain[:, 0])]
        if len(chain) < 4:  # the tip is found later
            chain = np.vstack([chain, 1.6 * chain[-1] - 0.6 * chain[-2]])
        for k in range(len(chain) - 1):
            owners[f"{name}_{k}"] = kinematics.bone(finger, k)
            ends[f"{name}_{k}"] = (chain[k], chain[k + 1])
    for name, (head, tail) in ends.items():
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = head, tail
    bpy.ops.object.mode_set(mode="OBJECT")
    body.vertex_groups.clear()
    bpy.ops.object.select_all(action="DESELECT")
    body.select_set(True)
    rig.select_set(True)
    bpy.ops.object.parent_set(type="ARMATURE_AUTO")
    if not any(len(vertex.groups) for vertex in body.data.vertices):
        raise Unusable(
            "Blender finds no skin weights for it",
            remedy="close its holes, or rig it in Blender and give a .blend",
        )
    return rig, owners


def _weights(vertices: Floats, joints: Floats, shares: Floats, bones: list[int]) -> Floats:
    """(V, 17): the groups' weights gathered by our bones; `bones` tells whose each group is."""
    weights = np.zeros((len(vertices), kinematics.BONES))
    for column, bone in enumerate(bones):
        weights[:, bone] += shares[:, column]
    bare = weights.sum(axis=1) <= 0
    weights[bare, kinematics.PALM] = 1  # a vertex that no bone moves
    weights /= weights.sum(axis=1, keepdims=True)
    for finger in range(5):
        for k in (1, 2):
            bone = kinematics.bone(finger, k)
            if bone not in bones:
                at = 1 + 4 * finger + k
                _pass_on(weights, vertices, bone - 1, bone, joints[at : at + 2])
    if not weights[:, kinematics.FOREARM].any():
        start, stop = WRIST_BLEND
        beyond = np.clip((vertices[:, 1] - start) / (stop - start), 0, 1)
        share = beyond**2 * (3 - 2 * beyond)
        weights[:, kinematics.FOREARM] = weights[:, kinematics.PALM] * share
        weights[:, kinematics.PALM] *= 1 - share
    return weights


def _pass_on(weights: Floats, vertices: Floats, giver: int, taker: int, segment: Floats) -> None:
    """Weights beyond a joint that the rig has no bone for go to the bone that starts there."""
    along = segment[1] - segment[0]
    along = along / np.linalg.norm(along)
    beyond = np.clip(((vertices - segment[0]) @ along / JOINT_BLEND + 1) / 2, 0, 1)
    weights[:, taker] += weights[:, giver] * beyond
    weights[:, giver] *= 1 - beyond


if __name__ == "__main__":
    sys.exit(main(sys.argv))
