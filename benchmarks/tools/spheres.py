"""Inside Blender, for `benchmarks/render_truth.py`:  INTERPRETER -I spheres.py FOLDER SAMPLES MASKS

For each shot-N.npz in FOLDER, and each of its hands H: seven pictures, spheres-N-H-G.exr, of small spheres
that give light, red at keypoint G, green at G + 7 and blue at G + 14, before nothing, through the renderer's
own camera. And for the first MASKS shots, rays-N.npz: what a ray through the middle of each pixel meets,
`parts` and `depth` (H, W), the number of a part and metres along the camera's axis; and how many triangles of
one hand cross one of the other, `crossing`.
"""

import sys
import warnings
from pathlib import Path

import bpy
import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2]))

from mathutils import Matrix, Vector
from mathutils.bvhtree import BVHTree

from render.hand.model import HandModel, part_of_side
from render.shot import Shot
from render.worker import scene as studio

RADIUS = 0.0025
GROUPS = 7


def main() -> None:
    folder, samples, masks = Path(sys.argv[-3]), int(sys.argv[-2]), int(sys.argv[-1])
    warnings.simplefilter("ignore", DeprecationWarning)  # use_nodes, which older versions of Blender need
    scene = studio.the_scene()
    scene.world.use_nodes = True
    scene.world.node_tree.nodes.clear()  # black
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = (
        samples,
        False,
        False,
    )
    scene.cycles.max_bounces, scene.cycles.seed = 0, 1
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BLACKMAN_HARRIS", 1.5
    balls = [ball(scene, colour) for colour in ((1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1))]
    for path in sorted(folder.glob("shot-*.npz")):
        shot, number = Shot.read(path), path.stem.split("-")[1]
        scene.render.resolution_x, scene.render.resolution_y = shot.width, shot.height
        studio.set_camera(scene, shot)
        scene.camera.data.dof.use_dof = False
        for which, hand in enumerate(shot.hands):
            for group in range(GROUPS):
                for place, thing in enumerate(balls):
                    thing.location = Vector(hand.keypoints[group + GROUPS * place])
                studio.write(scene, str(folder / f"spheres-{number}-{which}-{group}.exr"))
        if int(number) < masks:
            parts, depth = rays(shot)
            np.savez(folder / f"rays-{number}.npz", parts=parts, depth=depth, crossing=crossing(shot))


def ball(scene, colour):
    mesh = bpy.data.meshes.new("ball")
    import bmesh

    work = bmesh.new()
    bmesh.ops.create_icosphere(work, subdivisions=4, radius=RADIUS, matrix=Matrix.Identity(4))
    work.to_mesh(mesh)
    work.free()
    material = bpy.data.materials.new("light")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    light = tree.nodes.new("ShaderNodeEmission")
    light.inputs["Color"].default_value = colour
    out = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(light.outputs[0], out.inputs["Surface"])
    mesh.materials.append(material)
    thing = bpy.data.objects.new("ball", mesh)
    scene.collection.objects.link(thing)
    return thing


def rays(shot):
    """What rays through the pixels' middles meet first: parts (0: none), and metres along the axis (inf)."""
    vertices, faces, parts = [], [], []
    for own, triangles, numbers in [*hands(shot), *things(shot)]:
        start = sum(map(len, vertices))
        vertices.append(own)
        faces += (triangles + start).tolist()
        parts += numbers
    tree = BVHTree.FromPolygons(np.concatenate(vertices).tolist(), faces)
    inverse = np.linalg.inv(shot.K)
    found = np.zeros((shot.height, shot.width), np.uint8)
    depth = np.full(found.shape, np.inf)
    for row in range(shot.height):
        for column in range(shot.width):
            x, y, _ = inverse @ (column + 0.5, row + 0.5, 1)
            place, _, face, _ = tree.ray_cast((0, 0, 0), (x, -y, -1))
            if face is not None:
                found[row, column], depth[row, column] = parts[face], -place.z
    return found, depth


def hands(shot):
    """Vertices, triangles and part of each triangle, of each hand."""
    for hand in shot.hands:
        model = HandModel.read(hand.model)
        left = hand.side == "left"
        yield hand.vertices, model.faces, [part_of_side(int(part), left) for part in model.part]


def things(shot):
    for extra in shot.extras:
        yield extra.vertices, extra.faces, [extra.part] * len(extra.faces)


def crossing(shot):
    """How many pairs of triangles, one of each hand, cross."""
    trees = [BVHTree.FromPolygons(own.tolist(), triangles.tolist()) for own, triangles, _ in hands(shot)]
    return len(trees[0].overlap(trees[1])) if len(trees) == 2 else 0


main()
