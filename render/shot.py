"""A shot: everything that decides a render, as numbers. numpy only, as Blender reads it, too.

The world of a shot is the camera's: metres, the camera at the origin, looking along -z with +y up. The labels
come from the same numbers as the picture: the matrices that move the mesh move the keypoints.

A shot goes to Blender's process as one file (`Shot.write`, `Shot.read`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from render.cut import Cut
from render.look import RGB
from render.look.grounds import GROUNDS, Ground
from render.look.lights import LIGHTS, Light

Floats = NDArray[np.float64]

_KINDS: dict[Any, dict[str, Any]] = {Light: LIGHTS, Ground: GROUNDS}


@dataclass(frozen=True, slots=True)
class Look:
    """What a thing beside the hand is made of.

    Attributes
    ----------
    colour: linear RGB.
    metallic: 0 or 1. roughness: 0 a mirror .. 1 chalk.
    """

    colour: RGB
    metallic: float
    roughness: float


@dataclass(frozen=True, slots=True, eq=False)
class Extra:
    """A thing beside the hand, such as a ring.

    Attributes
    ----------
    vertices: (N, 3) float32, in the shot's world, metres. faces: (M, 3) int32.
    part: its number in the mask.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    look: Look
    part: int


@dataclass(frozen=True, slots=True)
class Skin:
    """The skin of the hand; colours are linear RGB.

    Attributes
    ----------
    back_colour, palm_colour: where the model's atlas has the person's own melanin and blood.
    melanin, blood: what the logarithm of the colour loses where there is twice as much of them.
    nail_bed, nail_edge, polish: colours of nails.
    polished: 1 where the nails are, else 0.
    crease: share of the light that is lost in the deepest creases.
    roughness, nail_roughness: 0 a mirror .. 1 chalk.
    subsurface: share of light that comes out elsewhere than it went in.
    subsurface_mm: how far away, millimetres.
    bump: strength of the atlas's heights; 1 is true to scale.
    atlas_box: x0, y0, x1, y1 of the atlas in the rest pose, metres.
    """

    back_colour: RGB
    palm_colour: RGB
    melanin: RGB
    blood: RGB
    nail_bed: RGB
    nail_edge: RGB
    polish: RGB
    polished: float
    roughness: float
    nail_roughness: float
    crease: float
    subsurface: float
    subsurface_mm: float
    bump: float
    atlas_box: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """What lens, sensor and file do to the picture (`render.finish.develop`).

    Attributes
    ----------
    exposure: brightness of a white thing under the light that falls on the hand; 1 is white.
    metered: "left" or "right", the hand by which that light is measured. albedo: linear RGB of its skin.
    balance: factor of each of R, G and B.
    contrast: 0 the plain sRGB curve .. 1 a steep one.
    saturation: 0 grey, 1 as it is.
    blur: sigma, pixels. motion: the way of the picture while it is taken, x and y, pixels.
    sharpen: share of the detail that is added.
    noise: twice its sigma at mid grey, where 1 is white.
    quality: of the JPEG file.
    seed: of the noise.
    """

    exposure: float
    metered: str
    albedo: RGB
    balance: RGB
    contrast: float
    saturation: float
    blur: float
    motion: tuple[float, float]
    sharpen: float
    noise: float
    quality: int
    seed: int


@dataclass(frozen=True, slots=True)
class Row:
    """Columns of the sample's row that the plan knows. tilt, rotation: degrees (`render.angles`).

    Columns that describe a hand are None where no hand is shown.
    """

    sample_id: str
    subject_id: str | None
    side: str | None
    aspect: str | None
    tilt: float | None
    rotation: float | None
    licence: str | None
    attrs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Take:
    """One picture made of a shot (`render.takes`).

    Attributes
    ----------
    index: of the picture in its job. cut: the part of the render that it shows.
    rows: one for each of the shot's hands, in their order; a single one where the shot has no hand.
    """

    index: int
    cut: Cut
    ground: Ground
    finish: Finish
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """A hand in the shot's world.

    Attributes
    ----------
    model: path of the HandModel's file. side: "left" or "right".
    vertices: (V, 3) float32 of the posed hand, metres. keypoints: (21, 3), metres.
    radius: (21,) of the flesh around each keypoint, metres.
    """

    model: str
    side: str
    skin: Skin
    vertices: NDArray[np.float32]
    keypoints: Floats
    radius: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One render, and the pictures that are made of it.

    Attributes
    ----------
    index: of the shot in its job; also the seed of the paths that Blender traces.
    width, height: of the render, pixels. samples: paths traced a pixel.
    denoise: whether Blender cleans the picture of the paths' noise.
    takes: at least one.
    K: (3, 3) intrinsics, pixels; continuous coordinates, origin at the outer corner of the first pixel.
    hands: none where only the ground is shown, or one, or a left and a right one.
    extras: rings, watch, sleeve, what is held.
    """

    index: int
    width: int
    height: int
    samples: int
    denoise: bool
    light: Light
    takes: tuple[Take, ...]
    K: Floats
    hands: tuple[Hand, ...] = ()
    extras: tuple[Extra, ...] = ()

    @property
    def ground(self) -> Ground:
        """What Blender renders behind the hand: the first take's, which is nothing for any `CutOut`."""
        return self.takes[0].ground

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the shot into one .npz file: its arrays, and the rest as JSON."""
        arrays: dict[str, Any] = {}
        values = _to_json(self, "shot", arrays)
        np.savez(path, text=np.array(json.dumps(values)), **arrays)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Shot:
        """Read what `write` wrote."""
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            shot: Shot = _from_json(cls, json.loads(str(stored["text"])), stored)
            return shot

    def projected(self, hand: int = 0) -> Floats:
        """Keypoints (21, 2) of a hand in the render: pixels from the outer corner of the first."""
        rays = self.hands[hand].keypoints * [1, -1, -1]
        pixels = rays @ self.K.T
        points: Floats = pixels[:, :2] / pixels[:, 2:]
        return points


def _hints(record: Any) -> dict[str, Any]:
    """The fields of a record and their types."""
    hints = get_type_hints(record)
    return {field.name: hints[field.name] for field in fields(record)}


def _to_json(value: Any, name: str, arrays: dict[str, Any]) -> Any:
    """A record as JSON values; a light or a ground with its kind. Arrays are put into `arrays`, and the names
    that they have there stand for them."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return name
    if isinstance(value, tuple):
        return [_to_json(item, f"{name}.{number}", arrays) for number, item in enumerate(value)]
    if not is_dataclass(value):
        return value
    values = {
        one.name: _to_json(getattr(value, one.name), f"{name}.{one.name}", arrays) for one in fields(value)
    }
    return {"kind": value.kind, **values} if isinstance(value, Light | Ground) else values


def _from_json(kind: Any, value: Any, arrays: Mapping[str, Any]) -> Any:
    """The value of a type that `_to_json` made JSON of. All items of a tuple have one type here."""
    if kind in _KINDS:
        kind = _KINDS[kind][value["kind"]]
    if get_origin(kind) is np.ndarray:
        return arrays[value]
    if get_origin(kind) is tuple:
        return tuple(_from_json(get_args(kind)[0], item, arrays) for item in value)
    if not is_dataclass(kind):
        return value
    make: Any = kind
    return make(**{name: _from_json(inner, value[name], arrays) for name, inner in _hints(kind).items()})
