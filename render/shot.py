"""A shot: all that decides one picture, drawn from (seed, index) alone, as numbers. No bpy.

The world of a shot is the camera's: metres, the camera at the origin, looking along -z with +y up. Truth
follows from the same numbers as the picture: keypoints are moved by the matrices that move the mesh.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render import arrays

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Extra:
    """A thing beside the hand: vertices (N, 3) and faces (M, 3) in the shot's world.

    look: colour (linear RGB), metallic, roughness. part: its number in the mask.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    look: dict[str, Any]
    part: int


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One picture to be taken.

    Attributes
    ----------
    settings: JSON values: index, size, samples, denoise, model (path), side, skin, light, ground,
        finish (what the camera does to the picture), sample (columns and attrs of the dataset's row).
    vertices: (V, 3) float32 of the posed hand. keypoints: (21, 3). radius: (21,) flesh around each, metres.
    K: (3, 3) intrinsics, pixels, continuous coordinates.
    extras: rings, watch, sleeve.
    """

    settings: dict[str, Any]
    vertices: NDArray[np.float32]
    keypoints: Floats
    radius: Floats
    K: Floats
    extras: tuple[Extra, ...] = field(default=())

    def write(self, path: str | os.PathLike[str]) -> None:
        """Keep the shot in one .npz, whole or not at all."""
        stored: dict[str, Any] = {
            "vertices": self.vertices,
            "keypoints": self.keypoints,
            "radius": self.radius,
            "K": self.K,
        }
        looks = []
        for number, extra in enumerate(self.extras):
            stored[f"vertices_{number}"], stored[f"faces_{number}"] = extra.vertices, extra.faces
            looks.append({"look": extra.look, "part": extra.part})
        text = json.dumps({"settings": self.settings, "extras": looks})
        arrays.write(path, text=np.array(text), **stored)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Shot:
        """Read what `write` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            text = json.loads(str(stored["text"]))
            extras = tuple(
                Extra(stored[f"vertices_{n}"], stored[f"faces_{n}"], extra["look"], extra["part"])
                for n, extra in enumerate(text["extras"])
            )
            return cls(
                text["settings"],
                stored["vertices"],
                stored["keypoints"],
                stored["radius"],
                stored["K"],
                extras,
            )

    def projected(self) -> Floats:
        """Keypoints (21, 2) in the image: continuous pixels, origin at the outer corner of the first."""
        rays = self.keypoints * [1, -1, -1]
        pixels = rays @ self.K.T
        points: Floats = pixels[:, :2] / pixels[:, 2:]
        return points
