"""The hand that needs no file: the model of a build, from its flesh and skin."""

from __future__ import annotations

import numpy as np

from curate.hands import anatomy, kinematics
from curate.hands.anatomy import Build
from render.hand import skin
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
        keypoints=kinematics.labelled(joints, anatomy.LABELS * build.size),
        palm_keypoints=kinematics.labelled(joints, (anatomy.LABELS + anatomy.PALM_LABELS) * build.size),
        weights=surface.weights,
        part=surface.part,
        radius=around,
        normals=vertex_normals(surface.vertices, surface.faces),
        atlas=atlas,
        atlas_box=box.astype(np.float64) / 1000,
        texture="",
        uv=np.zeros((0, 3, 2), np.float32),
    )
