"""From a job and an index to a shot: whose hand, how held, how lit, on what ground, how seen. No bpy.

Everything is drawn from `default_rng([seed, index])`. So a picture does not depend on which others are made,
nor where or in which order.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.hands.kinematics import bone_matrices
from render import angles
from render.hand import accessories, held
from render.hand.model import HandModel, part_of_side
from render.hand.pose import sample_pose
from render.job import Job, View
from render.look import tone
from render.look.grounds import GROUNDS, Ground, Site
from render.look.lights import LIGHTS, Light, Vector
from render.people.cast import Cast, Person
from render.shot import Extra, Finish, Row, Shot, Skin

Floats = NDArray[np.float64]

# Palms have far less melanin than backs, and more blood near the surface.
_PALM_MELANIN, _PALM_BLOOD = 0.38, 1.35
_LEAST_CONTRAST = 0.06
# How far the wrist is beyond the edge that cuts the arm, as a share of the picture's side.
_BEYOND = (-0.12, 0.06)


def plan_shot(job: Job, index: int, cast: Cast) -> Shot:
    """The shot of one index: the same numbers for the same job and index.

    Parameters
    ----------
    cast: finds, or makes, the models that the job names.
    """
    rng = np.random.default_rng([job.seed, index])
    view = job.view(index)
    left = view.side == "left"
    person = cast.person(view.model, job, rng)
    model = person.model
    kind = str(rng.choice(job.pose.kinds))
    pose, wrist = sample_pose(kind, model, rng)
    matrices = bone_matrices(model.joints, pose, wrist)
    worn = accessories.choose(job.accessories, rng)
    things = accessories.shape(worn, model, matrices)
    vertices, keypoints = model.posed(matrices, _palm_seen(view))
    deciding = job.held(index)
    holding = held.hold(model, matrices, vertices, deciding) if deciding else None
    if holding:
        things.append(holding[1])
    place = _Placement.of(job, view, keypoints, rng)
    ground = _ground(job, place, place.world(vertices, left), rng)
    light = _light(job, ground, place, rng)
    skin = _skin(job, model, person.tone, worn, rng)
    finish = _finish(job, _palm(person.tone) if view.aspect == "palmar" else person.tone, ground, rng)
    attrs = {
        **_person_attrs(person),
        "roll": view.roll,
        "pose": kind,
        "light": light.name,
        "lamps": len(light.lamps),
        "ground": ground.kind,
        "held": holding[0] if holding else "",
        "distance": round(place.distance, 3),
        **worn.attrs(),
        "camera": _told(finish),
    }
    shot = Shot(
        index=index,
        size=job.size,
        samples=job.samples,
        denoise=job.denoise,
        model=str(person.path),
        side=view.side,
        skin=skin,
        light=light,
        ground=ground,
        finish=finish,
        row=_row(job, index, view, person, attrs),
        vertices=place.world(vertices, left).astype(np.float32),
        keypoints=place.world(keypoints, left),
        radius=model.radius,
        K=place.intrinsics,
        extras=tuple(_placed(thing, place, left) for thing in things),
    )
    return _emptied(shot) if job.is_empty(index) else shot


def _emptied(shot: Shot) -> Shot:
    """The same picture without the hand and all that tells of it."""
    kept = ("light", "lamps", "ground", "camera")
    attrs = {name: value for name, value in shot.row.attrs.items() if name in kept}
    row = Row(shot.row.sample_id, None, None, None, None, None, attrs)
    return replace(shot, hand=False, extras=(), row=row)


def _palm_seen(view: View) -> float:
    """0 where the camera sees the back of the hand, 1 where it sees the palm; between them near its edge."""
    turn = angles.turn(view.tilt, view.rotation, view.roll, view.aspect)
    return float(np.clip(0.5 - turn[2, 2], 0, 1))


def _placed(thing: Extra, place: _Placement, left: bool) -> Extra:
    """A right hand's thing in the shot's world; of a left hand mirrored, with a left hand's part."""
    return Extra(
        place.world(thing.vertices, left).astype(np.float32),
        thing.faces[:, ::-1] if left else thing.faces,
        thing.look,
        part_of_side(thing.part, left),
    )


def _row(job: Job, index: int, view: View, person: Person, attrs: dict[str, Any]) -> Row:
    return Row(
        sample_id=job.sample_id(index),
        subject_id=person.name,
        aspect=view.aspect,
        tilt=view.tilt,
        rotation=view.rotation,
        licence=person.model.licence,
        attrs=attrs,
    )


def _told(finish: Finish) -> dict[str, Any]:
    """What the camera did, short enough for a row."""
    values = asdict(finish)
    return {name: np.round(values[name], 3).tolist() for name in values if name not in ("seed", "albedo")}


def _person_attrs(person: Person) -> dict[str, Any]:
    skin = person.tone
    return {
        "model": person.model.name,
        "melanin": round(skin.melanin, 4),
        "blood": round(skin.blood, 4),
        "skinTone": tone.ita_bin(tone.ita(tone.colour(skin))),
    }


class _Placement:
    """Where the hand is before the camera.

    Attributes
    ----------
    turn: (3, 3) from the hand frame to the shot's world. centre: (3,) what it turns about, in the hand frame.
    facing: (3,) unit vector out of the side of the hand that the camera sees, in the shot's world.
    distance: metres. intrinsics: (3, 3), pixels.
    """

    def __init__(self, turn: Floats, facing: Floats, centre: Floats, distance: float) -> None:
        self.turn, self.facing, self.centre, self.distance = turn, facing, centre, distance
        self.intrinsics = np.eye(3)

    @classmethod
    def of(cls, job: Job, view: View, keypoints: Floats, rng: np.random.Generator) -> _Placement:
        """Turned by the view's angles, framed as the job's camera asks."""
        turn = angles.turn(view.tilt, view.rotation, view.roll, view.aspect)
        camera = job.camera
        distance, fill = rng.uniform(*camera.distance), rng.uniform(*camera.fill)
        # The wrist may be outside: in close pictures it is.
        hand = keypoints[1:]
        centre = (hand.min(axis=0) + hand.max(axis=0)) / 2
        facing = turn @ [0, 0, 1.0 if view.aspect == "dorsal" else -1.0]
        place = cls(turn, facing, centre, float(distance))
        seen = place.world(hand, view.side == "left")
        flat = seen[:, :2] / -seen[:, 2:]
        low, high = flat.min(axis=0), flat.max(axis=0)
        focal = fill * job.size / float((high - low).max())
        # Free to lie anywhere where the points of the fingers stay inside.
        room = (job.size - focal * (high - low)) / 2 * camera.off_centre
        middle = job.size / 2 + rng.uniform(-1, 1, 2) * room - np.array([1, -1]) * focal * (low + high) / 2
        cut, beyond = rng.random() < camera.edge, job.size * rng.uniform(*_BEYOND)
        if cut:
            points = place.world(keypoints, view.side == "left")
            pixels = middle + focal * points[:, :2] / -points[:, 2:] * [1, -1]
            middle = middle + _to_edge(pixels, job.size, beyond)
        place.intrinsics = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
        return place

    def world(self, points: Any, left: bool) -> Floats:
        """Points of the hand frame (N, 3) in the shot's world; a left hand is mirrored first."""
        away = (np.asarray(points, float) - self.centre) * ([-1, 1, 1] if left else [1, 1, 1])
        moved: Floats = away @ self.turn.T - [0, 0, self.distance]
        return moved


def _to_edge(points: Floats, size: int, beyond: float) -> Floats:
    """The shift, pixels, that puts the wrist so far beyond the edge that the arm comes from."""
    arm = points[0] - points[9]
    axis = int(np.abs(arm).argmax())
    edge = size + beyond if arm[axis] > 0 else -beyond
    shift = np.zeros(2)
    shift[axis] = edge - points[0, axis]
    return shift


def _palm(back: tone.Tone) -> tone.Tone:
    return tone.Tone(back.melanin * _PALM_MELANIN, back.blood * _PALM_BLOOD)


def _skin(
    job: Job, model: HandModel, own: tone.Tone, worn: accessories.Worn, rng: np.random.Generator
) -> Skin:
    flush = float(np.exp(rng.normal(0, 0.12)))
    back = tone.Tone(own.melanin, own.blood * flush)
    # Folds of fair skin are dark, too: by shadow and by a tan that the rest has not.
    change = np.array(tone.log_change(tone.Tone(max(back.melanin, _LEAST_CONTRAST), back.blood)))
    melanin, blood = change * rng.uniform(*job.skin.contrast)
    bed = tone.colour(tone.Tone(0.4 * own.melanin + 0.004, own.blood * 1.4)) * 1.1
    box = model.atlas_box if model.atlas.size else np.array([0.0, 0.0, 1.0, 1.0])
    return Skin(
        back_colour=_triple(tone.colour(back)),
        palm_colour=_triple(tone.colour(_palm(back))),
        melanin=_triple(-melanin),
        blood=_triple(-blood),
        nail_bed=_triple(bed),
        nail_edge=(0.72, 0.68, 0.60),
        polish=worn.polish or (0.5, 0.1, 0.1),
        polished=1.0 if worn.polish else 0.0,
        roughness=float(rng.uniform(0.42, 0.62)),
        nail_roughness=0.15 if worn.polish else 0.32,
        subsurface=job.skin.subsurface,
        subsurface_mm=1.2,
        bump=float(rng.uniform(*job.skin.bump)),
        atlas_box=tuple(box.tolist()),
    )


def _ground(job: Job, place: _Placement, vertices: Floats, rng: np.random.Generator) -> Ground:
    kind = str(rng.choice(job.ground.kinds))
    # Drawn whatever the kind, so that it does not change what is drawn after it.
    white, warm, gloss, gap = rng.random(4).tolist()
    seed = int(rng.integers(2**31))
    lowest = float((vertices @ place.facing).min())
    hover = 0.001 + 0.03 * max(0.0, gap - 0.6) * (1 if job.ground.hover else 0)
    return GROUNDS[kind].draw(
        Site(
            point=_triple(place.facing * (lowest - hover)),
            normal=_triple(place.facing),
            white=white,
            warm=warm,
            gloss=gloss,
            seed=seed,
            folder=job.ground.folder,
        )
    )


def _light(job: Job, ground: Ground, place: _Placement, rng: np.random.Generator) -> Light:
    kind = ground.lit_by or str(rng.choice(job.light.kinds))
    return LIGHTS[kind].draw(place.facing, place.distance, rng)


def _finish(job: Job, seen: tone.Tone, ground: Ground, rng: np.random.Generator) -> Finish:
    camera = job.camera
    return Finish(
        exposure=float(rng.uniform(*camera.exposure)) * ground.exposure,
        albedo=_triple(tone.colour(seen)),
        balance=_triple(np.clip(1 + camera.cast * rng.normal(size=3), 0.3, 2)),
        contrast=float(rng.uniform(*camera.contrast)),
        saturation=float(rng.uniform(0.7, 1.15)),
        blur=float(rng.uniform(*camera.blur)),
        motion=_motion(job, rng),
        sharpen=float(rng.uniform(0, 1.0)),
        noise=float(rng.uniform(*camera.noise)),
        quality=round(rng.uniform(*camera.quality)),
        seed=int(rng.integers(2**31)),
    )


def _motion(job: Job, rng: np.random.Generator) -> tuple[float, float]:
    length, way = job.size * rng.uniform(*job.camera.motion), rng.uniform(0, 2 * np.pi)
    return float(length * np.cos(way)), float(length * np.sin(way))


def _triple(values: Floats) -> Vector:
    x, y, z = values.tolist()
    return (x, y, z)
