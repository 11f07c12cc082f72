"""A hand that can be posed: a skinned mesh, its joints, and where a labeller would put its keypoints.

Every model becomes this record, whether computed from an anatomy or read from a file. Always a right hand in
the hand frame of `curate.hands.kinematics`. numpy only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from curate.hands import kinematics

Floats = NDArray[np.float64]

# RHD's class ids of a right hand, in the order of kinematics' bones. RHD counts each finger from its tip and
# gives the palm the last number; the forearm is "person".
PERSON = 1
PART_OF_BONE = np.array([33, *(18 + 3 * f + 2 - k for f in range(5) for k in range(3)), PERSON], np.uint8)
# By how much the class ids of a left hand are below those of a right hand.
LEFT_BELOW = 16


def part_of_side(part: int, left: bool) -> int:
    """The class id of a part, given as a right hand's, on the left or right hand that is shown."""
    return part - LEFT_BELOW if left and part > PERSON else part


def of_side(parts: NDArray[np.uint8], left: bool) -> NDArray[np.bool_]:
    """Where a mask shows the left or the right hand."""
    first_of_right = PART_OF_BONE[PART_OF_BONE > PERSON].min()
    shown: NDArray[np.bool_] = (parts > PERSON) & ((parts < first_of_right) == left)
    return shown


def mirrored(parts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class ids of the other hand's parts."""
    other = np.where(of_side(parts, left=True), parts + LEFT_BELOW, parts - LEFT_BELOW)
    return np.where(parts > PERSON, other, parts).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class HandModel:
    """One hand at rest.

    Attributes
    ----------
    name, licence: of the model, kept with each sample.
    vertices: (V, 3) float32, metres. faces: (F, 3) int32, counter-clockwise from outside.
    joints: (21, 3) float64 rotation centres in our keypoint order; tips are the ends of the flesh.
    keypoints: (21, 3) float64, where data sets label them when the back is seen; each moves with its bone.
    palm_keypoints: (21, 3) float64, where they are labelled when the palm is seen.
    weights: (V, 17) float32 skin weights, rows sum to 1.
    part: (F,) uint8 RHD class ids of a right hand, 1 ("person") for the forearm.
    radius: (21,) float64, flesh around each joint, metres.
    normals: (V, 3) float32 at rest; they tell the back of the hand from the palm.
    atlas: (2, H, W, 4) uint8, maps of back and palm with height, melanin, blood and nail
        (`render.hand.skin`); or empty.
    atlas_box: (4,) where the maps lie in the rest pose: x0, y0, x1, y1, metres.
    texture, uv: path of a colour image and (F, 3, 2) coordinates, or "" and empty.
    """

    name: str
    licence: str
    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    joints: Floats
    keypoints: Floats
    palm_keypoints: Floats
    weights: NDArray[np.float32]
    part: NDArray[np.uint8]
    radius: Floats
    normals: NDArray[np.float32]
    atlas: NDArray[np.uint8]
    atlas_box: Floats
    texture: str
    uv: NDArray[np.float32]

    def posed(self, matrices: Floats) -> NDArray[np.float32]:
        """Vertices (V, 3) in a pose, by linear blend skinning.

        Parameters
        ----------
        matrices: (17, 4, 4) as `kinematics.bone_matrices` gives them.
        """
        blended = self.weights @ matrices[:, :3].reshape(kinematics.BONES, 12).astype(np.float32)
        turns = blended.reshape(-1, 3, 4)
        moved: NDArray[np.float32] = np.einsum("vij,vj->vi", turns[:, :, :3], self.vertices) + turns[:, :, 3]
        return moved

    def posed_joints(self, matrices: Floats) -> Floats:
        """Rotation centres (21, 3) in a pose. matrices: as in `posed`."""
        owners = [kinematics.bone_of_keypoint(i) for i in range(len(self.joints))]
        return np.array([moved(joint, matrices[own]) for joint, own in zip(self.joints, owners, strict=True)])

    def labelled(self, matrices: Floats, palm: float = 0.0) -> Floats:
        """Keypoints (21, 3) in a pose.

        Parameters
        ----------
        matrices: as in `posed`. palm: 0 where the back is seen .. 1 where the palm is.
        """
        owner = [kinematics.bone_of_keypoint(i) for i in range(len(self.keypoints))]
        own = matrices[owner]
        still = self.keypoints + palm * (self.palm_keypoints - self.keypoints)
        points: Floats = np.einsum("kij,kj->ki", own[:, :3, :3], still) + own[:, :3, 3]
        return points

    def write(self, file: str | os.PathLike[str] | IO[bytes]) -> None:
        """Write the model into an .npz file, given by its path or open."""
        np.savez(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> HandModel:
        """Read what `write` wrote; pickles in the file are refused by numpy (ValueError)."""
        # numpy leaves a file open that it opened and cannot read.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            values: dict[str, Any] = {f.name: stored[f.name] for f in fields(cls)}
        for name in ("name", "licence", "texture"):
            values[name] = str(values[name])
        return cls(**values)


def moved(points: Floats, matrix: Floats) -> Floats:
    """Points (3,) or (N, 3) after a rigid motion (4, 4)."""
    there: Floats = points @ matrix[:3, :3].T + matrix[:3, 3]
    return there


def vertex_normals(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float32]:
    """Unit normals (V, 3): the mean of the faces' normals, weighted by area."""
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return (normals / np.where(length > 0, length, 1)).astype(np.float32)
