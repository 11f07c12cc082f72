"""The hand that needs no file: the model of a build, from its flesh and skin."""

from __future__ import annotations

import numpy as np

from render.hand import anatomy, kinematics, skin
from render.hand.anatomy import Build
from render.hand.flesh import Flesh
from render.hand.model import HandModel, vertex_normals
from render.hand.surface import make_surface

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
        keypoints=kinematics.labelled(joints, _LABELS * build.size),
        palm_keypoints=kinematics.labelled(joints, (_LABELS + _PALM_LABELS) * build.size),
        weights=surface.weights,
        part=surface.part,
        radius=around,
        normals=vertex_normals(surface.vertices, surface.faces),
        atlas=atlas,
        atlas_box=box.astype(np.float64) / 1000,
        texture="",
        uv=np.zeros((0, 3, 2), np.float32),
    )


# A keypoint a row: mm of the mean hand (187 mm) along its finger, away from the thumb's side and out of the
# back, from the centre of rotation to where MediaPipe Hands 0.10.21 puts its point on renders of this model.
_LABELS = np.array([
    [20.7, -1.5, 0],  # wrist
    [11.7, -2.5, 0],  # thumb
    [-2.2, -0.3, 0],
    [-4.6, 0.6, 0],
    [-9.0, -1.0, 0],
    [-2.3, 1.1, 0],  # index
    [-4.1, 0.3, 0],
    [-4.3, 0.1, 0],
    [-5.8, 0.4, 0],
    [-0.7, -0.8, 0],  # middle
    [-5.0, -0.6, 0],
    [-6.1, -0.4, 0],
    [-7.9, -0.1, 0],
    [3.1, -0.9, 0],  # ring
    [-1.6, -0.9, 0],
    [-4.1, -0.9, 0],
    [-7.1, -0.7, 0],
    [2.7, 1.2, 0],  # little
    [-0.9, 2.0, 0],
    [-1.1, 1.7, 0],
    [-5.1, 0.7, 0],
])  # fmt: skip
# What is added where the palm is seen: there labels follow creases and the ball of the thumb, not the
# knuckles. From labels of photographs that show the backs and the palms of the same people.
_PALM_LABELS = np.zeros((21, 3))
_PALM_LABELS[[0, 1, 2, 3, 5, 9, 13, 17], 0] = [-3.0, -8.5, -5.0, -2.5, 5.0, 5.0, 5.0, 5.0]
