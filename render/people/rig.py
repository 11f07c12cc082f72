"""The mapping of a user's own 3D hand: a small YAML file that says which bone is which joint.

    name: my-hand                     # default: the file's name
    licence: CC BY 4.0, Jane Doe      # kept with each sample
    file: hand.glb                    # .blend, .glb, .gltf or .obj, relative to this file
    side: right                       # left or right, anatomically
    unit: 1.0                         # metres per unit of the file (0.01 for centimetres)
    mesh: Hand                        # only where the file holds several
    joints:                           # for each of our joints the bone that starts there, or [x, y, z]
      wrist: wrist
      index_mcp: index-finger-phalanx-proximal
      ...
    bones: {twist: forearm}           # further bones: palm, forearm, or the joint their part starts at
    keypoint_offsets:                 # mm along the finger, away from the thumb's side, out of the back
      index_mcp: [2, 0, 1]
    subdivide: 1                      # times that the mesh is smoothed; by its size where not given
    forearm: true                     # draw the wrist's stump out to a forearm
    texture: skin.png

How the hand lies in its file need not be said: the joints show it. Tips may be left out, since the end of the
flesh along the last bone is taken in any case; so may the last joint of a finger. Coordinates are the file's
own for .obj, and otherwise as Blender shows them. A mesh without an armature needs coordinates for all joints
and gets its weights from Blender.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from curate.basics import keypoints as kp
from curate.basics import settings
from curate.basics.errors import InputError
from curate.basics.settings import choice, flag, number, text, whole
from curate.hands import kinematics

FORMATS = (".blend", ".glb", ".gltf", ".obj")
TEMPLATE = Path(__file__).resolve().parent / "rigs" / "webxr.yaml"
OMISSIBLE = frozenset({"thumb_ip", *(f"{finger}_dip" for finger in kp.FINGERS[1:])}) | {
    kp.NAMES[tip] for tip in kp.TIPS
}
_PLACES = {
    "palm": kinematics.PALM,
    "forearm": kinematics.FOREARM,
    **{name: kinematics.bone_of_keypoint(i) for i, name in enumerate(kp.NAMES) if i not in (0, *kp.TIPS)},
}

Joint = str | tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Rig:
    """A model file and how to read it.

    Attributes
    ----------
    joints: for each of our 21 a bone's name, three coordinates, or None.
    bones: name of a further bone -> the bone of `curate.hands.kinematics` that it belongs to.
    keypoint_offsets: keypoint -> millimetres along its finger, away from the thumb's side, out of the back.
    """

    name: str = text("hand", "a word", "the model's name; the file's where not given")
    licence: str = text("of the user's own model", "a line", "kept with each sample")
    file: str = text("hand.glb", ", ".join(FORMATS), "relative to the mapping")
    side: str = choice("right", ("left", "right"), "which hand, anatomically")
    unit: float = number(1.0, 1e-6, 1e3, "metres per unit of the file")
    mesh: str = text("", "an object's name", "where the file holds several meshes")
    subdivide: int = whole(-1, -1, 3, "times that the mesh is smoothed; -1: by its size")
    forearm: bool = flag(True, "draw the wrist's stump out to a forearm")
    texture: str = text("", "an image", "colours, relative to the mapping")
    joints: tuple[Joint, ...] = ()
    bones: tuple[tuple[str, int], ...] = ()
    keypoint_offsets: tuple[tuple[int, tuple[float, ...]], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values, as `render.worker.extract` takes it."""
        return asdict(self)


def read(path: Path, *, file: Path | None = None, side: str | None = None) -> Rig:
    """The rig that a mapping describes, its paths absolute.

    Parameters
    ----------
    file, side: instead of the mapping's own.

    Raises
    ------
    InputError: an unknown key, a joint missing or misspelt, a value that is not allowed, no such file.
    """
    given = settings.load(path)
    joints, bones, offsets = (
        settings.table(given.pop(name, {}), path, name) for name in ("joints", "bones", "keypoint_offsets")
    )
    plain = settings.parse(Rig, given, path)
    model = _file(path, "file", os.fspath(file.absolute()) if file else plain.file)
    if model.suffix.lower() not in FORMATS:
        raise InputError(path, repr(model.name), field="file", allowed=", ".join(FORMATS))
    return replace(
        plain,
        name=given.get("name", model.stem),
        file=os.fspath(model),
        side=side or plain.side,
        texture=os.fspath(_file(path, "texture", plain.texture)) if plain.texture else "",
        joints=_joints(path, joints),
        bones=_bones(path, bones),
        keypoint_offsets=_offsets(path, offsets),
    )


def _file(mapping: Path, key: str, name: str) -> Path:
    path = (mapping.parent / name).absolute()
    if not path.is_file():
        raise InputError(mapping, f"no file {str(path)!r}", field=key)
    return path


def _joints(path: Path, given: dict[str, Any]) -> tuple[Joint, ...]:
    for name in given:
        settings.known(path, "joint", name, kp.NAMES)
    missing = [name for name in kp.NAMES if name not in given and name not in OMISSIBLE]
    if missing:
        allowed = "a bone's name or [x, y, z] for each"
        raise InputError(path, f"nothing for {', '.join(missing)}", field="joints", allowed=allowed)
    return tuple(
        value
        if (value := given.get(name)) is None or isinstance(value, str)
        else _triple(path, f"joints.{name}", value, "a bone's name or [x, y, z]")
        for name in kp.NAMES
    )


def _bones(path: Path, given: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (str(bone), _PLACES[settings.known(path, f"part of the hand for the bone {bone!r}:", place, _PLACES)])
        for bone, place in given.items()
    )


def _offsets(path: Path, given: dict[str, Any]) -> tuple[tuple[int, tuple[float, ...]], ...]:
    allowed = "millimetres [along the finger, away from the thumb's side, out of the back]"
    return tuple(
        (
            kp.INDEX[settings.known(path, "keypoint", name, kp.NAMES)],
            _triple(path, f"keypoint_offsets.{name}", value, allowed),
        )
        for name, value in given.items()
    )


def _triple(path: Path, key: str, value: Any, allowed: str) -> tuple[float, ...]:
    sound = isinstance(value, list) and len(value) == 3
    if not sound or not all(type(number) in (int, float) and abs(number) < 1e6 for number in value):
        raise InputError(path, repr(value), field=key, allowed=allowed)
    return tuple(float(number) for number in value)
