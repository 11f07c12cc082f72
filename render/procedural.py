"""The hand that needs no file: a build, its flesh, its skin, as one model. Runs in the core's environment."""

from __future__ import annotations

import numpy as np

from render import anatomy, kinematics, skin
from render.anatomy import Build
from render.flesh import Flesh
from render.model import HandModel, vertex_normals
from render.surface import make_surface

LICENCE = "MIT"


def make_model(build: Build) -> HandModel:
    """The model of one build."""
    flesh = Flesh(build)
    surface = make_surface(flesh)
    atlas, box = skin.paint(flesh, surface)
    joints = anatomy.joints(build)
    radii = anatomy.radii(build)
    around = np.empty(21)
    around[0] = 0.020 * build.size
    around[1:] = radii[:, [0, 2, 4, 6]].reshape(-1)
    return HandModel(
        name="procedural",
        licence=LICENCE,
        vertices=surface.vertices / np.float32(1000),
        faces=surface.faces,
        joints=joints,
        keypoints=label_points(build),
        weights=surface.weights,
        part=surface.part,
        radius=around,
        normals=vertex_normals(surface.vertices, surface.faces),
        atlas=atlas,
        atlas_box=box.astype(np.float64) / 1000,
        texture="",
        uv=np.zeros((0, 3, 2), np.float32),
    )


def label_points(build: Build) -> anatomy.Floats:
    """Where the field's labels lie (21, 3), metres at rest, against the centres of rotation.

    Offsets are along a finger's bone, out of its back, and towards the thumb's side.
    """
    joints = anatomy.joints(build)
    along = kinematics.directions(joints)
    _, back = kinematics.axes(joints)
    points = joints.copy()
    for finger in range(5):
        for k in range(4):
            point, bone = 1 + 4 * finger + k, min(k, 2)
            side = np.cross(back[finger, bone], along[finger, bone])
            frame = np.stack([along[finger, bone], back[finger, bone], side])
            points[point] += LABEL_OFFSETS[finger, k] @ frame * build.size / 1000
    points[0] += LABEL_WRIST * build.size / 1000
    return points


# (finger, joint, (along the finger, out of its back, towards the thumb)), mm of the mean hand, 187 mm long:
# where MediaPipe Hands 0.10.21 places its points on renders of this model, against the centres of rotation.
LABEL_OFFSETS = np.zeros((5, 4, 3))
LABEL_OFFSETS[:, :, 0] = [
    [17.7, 1.0, -3.4, -9.0],
    [-2.3, -4.1, -4.3, -5.8],
    [-0.7, -5.0, -6.1, -7.9],
    [3.1, -1.6, -4.1, -7.1],
    [3.0, -1.1, -1.7, -5.9],
]
LABEL_OFFSETS[:, :, 2] = [
    [0.6, -1.9, -1.4, -4.5],
    [1.1, 0.3, 0.1, 0.4],
    [-0.8, -0.6, -0.4, -0.1],
    [-0.9, -0.9, -0.9, -0.7],
    [-1.8, -2.0, -1.7, -1.0],
]
LABEL_WRIST = np.array([1.5, 20.7, 0.0])
