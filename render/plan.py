"""From a job and an index to a shot: who, how held, how lit, before what, how the camera sees it. No bpy.

Everything is drawn from `default_rng([seed, index])`, so any picture can be made alone, anywhere, in any
order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from render import angles
from render.hand import accessories
from render.hand.kinematics import bone_matrices
from render.hand.model import HandModel, part_of_side
from render.hand.pose import sample_pose
from render.job import Job, View
from render.look import tone
from render.people.cast import Cast, Person
from render.shot import Extra, Shot

Floats = NDArray[np.float64]

ENVIRONMENTS = ("city", "courtyard", "forest", "interior", "night", "studio", "sunrise", "sunset")
# Palms have far less melanin than backs, and more blood near the surface.
_PALM_MELANIN, _PALM_BLOOD = 0.38, 1.35
_LEAST_CONTRAST = 0.06
# Tables are overexposed in hand photographs; what is seen of a room or a street is not.
_SCENE = 0.65


def plan_shot(job: Job, index: int, cast: Cast) -> Shot:
    """The shot of one index. Deterministic: the same job and index give the same numbers.

    Parameters
    ----------
    cast: finds (or makes) the models that the job names.
    """
    rng = np.random.default_rng([job.seed, index])
    view = job.view(index)
    person = cast.person(view.model, job, rng)
    model = person.model
    kind = str(rng.choice(job.pose.kinds))
    pose, wrist = sample_pose(kind, model, rng)
    matrices = bone_matrices(model.joints, pose, wrist)
    worn = accessories.choose(job.accessories, rng)
    things = accessories.shape(worn, model, matrices)
    vertices, keypoints = model.posed(matrices)
    place = _Placement.of(job, view, keypoints, rng)
    left = view.side == "left"
    ground = _ground(job, view, place, place.world(vertices, left), rng)
    light = _light(job, ground, place, rng)
    settings: dict[str, Any] = {
        "index": index,
        "size": job.size,
        "samples": job.samples,
        "denoise": job.denoise,
        "model": str(person.path),
        "side": view.side,
        "skin": _skin(job, model, person.tone, worn, rng),
        "light": light,
        "ground": ground,
        "finish": _finish(job, _palm(person.tone) if view.aspect == "palmar" else person.tone, ground, rng),
        "sample": {
            "sample_id": job.sample_id(index),
            **_row(view, person),
            "attrs": {
                **_person_attrs(person),
                "roll": view.roll,
                "pose": kind,
                "light": light["environment"] or "studio",
                "lamps": len(light["lamps"]),
                "ground": ground["kind"],
                "distance": round(place.distance, 3),
                **worn.attrs(),
            },
        },
    }
    settings["sample"]["attrs"]["camera"] = _told(settings["finish"])
    return Shot(
        settings,
        place.world(vertices, left).astype(np.float32),
        place.world(keypoints, left),
        model.radius,
        place.intrinsics,
        tuple(_placed(thing, place, left) for thing in things),
    )


def _placed(thing: Extra, place: _Placement, left: bool) -> Extra:
    """A right hand's thing in the shot's world; of a left hand mirrored, with a left hand's part."""
    return Extra(
        place.world(thing.vertices, left).astype(np.float32),
        thing.faces[:, ::-1] if left else thing.faces,
        thing.look,
        part_of_side(thing.part, left),
    )


def _row(view: View, person: Person) -> dict[str, Any]:
    """Columns of the dataset's row."""
    return {
        "side": view.side,
        "aspect": view.aspect,
        "subject_id": person.name,
        "tilt": view.tilt,
        "rotation": view.rotation,
        "licence": person.model.licence,
    }


def _told(finish: dict[str, Any]) -> dict[str, Any]:
    """What the camera did, short enough for a row."""
    return {
        name: np.round(value, 3).tolist() for name, value in finish.items() if name not in ("seed", "albedo")
    }


def _person_attrs(person: Person) -> dict[str, Any]:
    skin = person.tone
    return {
        "model": person.model.name,
        "melanin": round(skin.melanin, 4),
        "blood": round(skin.blood, 4),
        "skinTone": tone.ita_bin(tone.ita(tone.colour(skin))),
    }


class _Placement:
    """Where the hand is before the camera: its turn, what it turns about, how far away, how long the lens."""

    def __init__(self, turn: Floats, centre: Floats, distance: float, intrinsics: Floats) -> None:
        self.turn, self.centre, self.distance, self.intrinsics = turn, centre, distance, intrinsics

    @classmethod
    def of(cls, job: Job, view: View, keypoints: Floats, rng: np.random.Generator) -> _Placement:
        """Turned by the view's angles, framed as the job's camera asks."""
        turn = angles.turn(view.tilt, view.rotation, view.roll, view.aspect)
        camera = job.camera
        distance, fill = rng.uniform(*camera.distance), rng.uniform(*camera.fill)
        # The wrist may be outside: in close pictures it is.
        hand = keypoints[1:]
        centre = (hand.min(axis=0) + hand.max(axis=0)) / 2
        place = cls(turn, centre, float(distance), np.eye(3))
        seen = place.world(hand, view.side == "left")
        flat = seen[:, :2] / -seen[:, 2:]
        low, high = flat.min(axis=0), flat.max(axis=0)
        focal = fill * job.size / float((high - low).max())
        # Free to lie anywhere where the points of the fingers stay inside.
        room = (job.size - focal * (high - low)) / 2 * camera.off_centre
        middle = job.size / 2 + rng.uniform(-1, 1, 2) * room - np.array([1, -1]) * focal * (low + high) / 2
        place.intrinsics = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
        return place

    def world(self, points: Any, left: bool) -> Floats:
        """Points of the hand frame (N, 3) in the shot's world; a left hand is mirrored first."""
        away = (np.asarray(points, float) - self.centre) * ([-1, 1, 1] if left else [1, 1, 1])
        moved: Floats = away @ self.turn.T - [0, 0, self.distance]
        return moved


def _palm(back: tone.Tone) -> tone.Tone:
    return tone.Tone(back.melanin * _PALM_MELANIN, back.blood * _PALM_BLOOD)


def _skin(
    job: Job, model: HandModel, own: tone.Tone, worn: accessories.Worn, rng: np.random.Generator
) -> dict[str, Any]:
    flush = float(np.exp(rng.normal(0, 0.12)))
    back = tone.Tone(own.melanin, own.blood * flush)
    palm = _palm(back)
    # Folds of fair skin are dark, too: by shadow and by a tan that the rest has not.
    melanin, blood = tone.log_change(tone.Tone(max(back.melanin, _LEAST_CONTRAST), back.blood))
    bed = tone.colour(tone.Tone(0.4 * own.melanin + 0.004, own.blood * 1.4)) * 1.1
    box = model.atlas_box if model.atlas.size else np.array([0.0, 0.0, 1.0, 1.0])
    return {
        "colours": {
            "back colour": tone.colour(back).tolist(),
            "palm colour": tone.colour(palm).tolist(),
            "melanin": (-melanin).tolist(),
            "blood": (-blood).tolist(),
            "nail bed": bed.tolist(),
            "nail edge": [0.72, 0.68, 0.60],
            "polish": list(worn.polish or (0.5, 0.1, 0.1)),
        },
        "values": {
            "polished": 1.0 if worn.polish else 0.0,
            "roughness": float(rng.uniform(0.42, 0.62)),
            "nail roughness": 0.15 if worn.polish else 0.32,
        },
        "subsurface": job.skin.subsurface,
        "subsurface_mm": 1.2,
        "bump": float(rng.uniform(*job.skin.bump)),
        "atlas_box": box.tolist(),
    }


def _ground(
    job: Job, view: View, place: _Placement, vertices: Floats, rng: np.random.Generator
) -> dict[str, Any]:
    kind = str(rng.choice(job.ground.kinds))
    # Drawn always, so that one setting does not change what another draws.
    white, warm, gloss, gap = rng.random(4)
    picture = int(rng.integers(2**31))
    normal = place.turn @ [0, 0, 1.0 if view.aspect == "dorsal" else -1.0]
    lowest = float((vertices @ normal).min())
    hover = 0.001 + 0.03 * max(0.0, gap - 0.6) * (1 if job.ground.hover else 0)
    grey = 0.86 + 0.12 * white
    colour = [grey, grey * (1 - 0.03 * warm), grey * (1 - 0.06 * warm + 0.04)]
    own = accessories.dye(np.random.default_rng(picture))
    return {
        "kind": kind,
        "point": (normal * (lowest - hover)).tolist(),
        "normal": normal.tolist(),
        "reach": 3.0,
        "colour": list(own) if kind == "colour" else colour,
        "roughness": 0.35 + 0.4 * gloss,
        "picture": picture,
        "folder": job.ground.folder if kind == "picture" else "",
    }


def _light(job: Job, ground: dict[str, Any], place: _Placement, rng: np.random.Generator) -> dict[str, Any]:
    kind = str(rng.choice(job.light.kinds)) if ground["kind"] != "environment" else "environment"
    normal = np.array(ground["normal"])
    hand = np.array([0.0, 0.0, -place.distance])
    lamps = []
    for _ in range(int(rng.integers(1, 4))):
        direction = normal + 0.75 * rng.standard_normal(3)
        direction /= np.linalg.norm(direction)
        if direction @ normal < 0.25:
            direction += (0.35 - direction @ normal) * normal
            direction /= np.linalg.norm(direction)
        away = rng.uniform(0.7, 2.0)
        warmth = rng.normal(0, 0.06)
        lamps.append(
            {
                "position": (hand + away * direction).tolist(),
                "target": hand.tolist(),
                "size": float(rng.uniform(0.25, 1.3)),
                "watts": float(rng.uniform(0.3, 1.0) * 4 * away**2),
                "colour": [1 + warmth, 1.0, 1 - warmth],
            }
        )
    environment = kind == "environment"
    return {
        "environment": str(rng.choice(ENVIRONMENTS)) if environment else "",
        "turn": [0.0, 0.0, 0.0] if not environment else rng.uniform(0, 2 * np.pi, 3).tolist(),
        "sky": float(rng.uniform(0.4, 1.2)),
        "sky_colour": (1 + 0.03 * rng.normal(size=3)).tolist(),
        "lamps": [_flash(place, rng)] if environment else lamps,
    }


def _flash(place: _Placement, rng: np.random.Generator) -> dict[str, Any]:
    """A soft light beside the camera: nobody takes a picture of a hand against the sun without one."""
    return {
        "position": [*(0.25 * rng.standard_normal(2)).tolist(), 0.1],
        "target": [0.0, 0.0, -place.distance],
        "size": 0.3,
        "watts": float(rng.uniform(0.25, 0.9) * 4 * place.distance**2),
        "colour": [1.0, 1.0, 1.0],
    }


def _finish(job: Job, seen: tone.Tone, ground: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """What lens, sensor and file do to the picture; see `render.finish`."""
    camera = job.camera
    return {
        "exposure": float(rng.uniform(*camera.exposure)) * (1.0 if ground["kind"] == "table" else _SCENE),
        "albedo": tone.colour(seen).tolist(),
        "balance": (1 + 0.025 * rng.normal(size=3)).tolist(),
        "contrast": float(rng.uniform(*camera.contrast)),
        "saturation": float(rng.uniform(0.7, 1.15)),
        "blur": float(rng.uniform(*camera.blur)),
        "sharpen": float(rng.uniform(0, 1.0)),
        "noise": float(rng.uniform(*camera.noise)),
        "quality": round(rng.uniform(*camera.quality)),
        "seed": int(rng.integers(2**31)),
    }
