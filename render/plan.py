"""From a job and a number to a shot: whose hand, how held, how lit, on what ground, how seen. No bpy.

Everything is drawn from `default_rng([seed, shot])`, and what differs between a shot's takes from streams
of their own (`render.takes`). So a picture does not depend on which others are made, nor where or in which
order.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.hands.kinematics import bone_matrices
from render import angles
from render.hand import accessories, contact, held
from render.hand.model import HandModel, part_of_side
from render.hand.pose import sample_pose
from render.job import Job, View
from render.look import tone
from render.look.grounds import GROUNDS, Ground, Site
from render.look.lights import LIGHTS, Light, Vector
from render.people.cast import Cast, Person
from render.shot import Extra, Row, Shot, Skin
from render.takes import Scene, plan_takes

Floats = NDArray[np.float64]

# Palms have far less melanin than backs, and more blood near the surface.
_PALM_MELANIN, _PALM_BLOOD = 0.38, 1.35
_LEAST_CONTRAST = 0.06
# The share of light that the deepest crease loses at a contrast of 1.
_CREASE = 0.6


def plan_shot(job: Job, shot: int, cast: Cast) -> Shot:
    """One shot of a job: the same numbers for the same job and number.

    Parameters
    ----------
    cast: finds, or makes, the models that the job names.
    """
    rng = np.random.default_rng([job.seed, shot])
    view = job.view(shot)
    left = view.side == "left"
    person = cast.person(view.model, job, rng)
    hand = _hand(job, shot, view, person.model, rng)
    place = _Placement.of(job, view, hand.keypoints, rng)
    vertices, points = place.world(hand.vertices, left), place.world(hand.keypoints, left)
    ground, site = _ground(job, place, vertices, rng)
    light = _light(job, ground, place, rng)
    skin = _skin(job, person.model, person.tone, hand.worn, rng)
    attrs = {
        **_person_attrs(person),
        **hand.attrs,
        "light": light.name,
        "lamps": len(light.lamps),
        "distance": round(place.distance, 3),
    }
    seen = _palm(person.tone) if view.aspect == "palmar" else person.tone
    scene = Scene(
        job=job,
        shot=shot,
        view=view,
        points=place.focal * points[:, :2] / points[:, 2:] * [-1, 1],
        light=light,
        ground=ground,
        site=site,
        albedo=_triple(tone.colour(seen)),
        row=_row(job, view, person, attrs),
    )
    takes, axis = plan_takes(scene, rng.random(2))
    planned = Shot(
        index=shot,
        width=max(take.cut.x for take in takes) + job.size,
        height=max(take.cut.y for take in takes) + job.size,
        samples=job.samples,
        denoise=job.denoise,
        model=str(person.path),
        side=view.side,
        skin=skin,
        light=light,
        takes=takes,
        vertices=vertices.astype(np.float32),
        keypoints=points,
        radius=person.model.radius,
        K=np.array([[place.focal, 0, axis[0]], [0, place.focal, axis[1]], [0, 0, 1]]),
        extras=tuple(_placed(thing, place, left) for thing in hand.things),
    )
    return _emptied(planned) if job.is_empty(shot) else planned


@dataclass(frozen=True, eq=False)
class _Hand:
    """A right hand as it is held, in its own coordinates, metres, with what it wears and holds."""

    vertices: NDArray[np.float32]
    keypoints: Floats
    worn: accessories.Worn
    things: list[Extra]
    attrs: dict[str, Any]


def _hand(job: Job, shot: int, view: View, model: HandModel, rng: np.random.Generator) -> _Hand:
    kind = str(rng.choice(job.pose.kinds))
    ways = contact.draw(kind, job.pose, job.ways(shot))
    pose, wrist = sample_pose(kind, model, rng, ways, job.pose.wrist)
    matrices = bone_matrices(model.joints, pose, wrist)
    worn = accessories.choose(job.accessories, rng)
    things = accessories.shape(worn, model, matrices)
    vertices, keypoints = model.posed(matrices, _palm_seen(view))
    deciding = job.held(shot)
    holding = held.hold(model, matrices, vertices, deciding) if deciding else None
    if holding:
        things.append(holding[1])
    attrs = {"pose": kind, **asdict(ways), "held": holding[0] if holding else "", **worn.attrs()}
    return _Hand(vertices, keypoints, worn, things, attrs)


def _emptied(shot: Shot) -> Shot:
    """The same pictures without the hand and all that tells of it."""
    kept = ("light", "lamps", "ground", "camera", "shot", "take")

    def bare(row: Row) -> Row:
        attrs = {name: value for name, value in row.attrs.items() if name in kept}
        return Row(row.sample_id, None, None, None, None, None, None, attrs)

    takes = tuple(replace(take, row=bare(take.row)) for take in shot.takes)
    return replace(shot, hand=False, extras=(), takes=takes)


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


def _row(job: Job, view: View, person: Person, attrs: dict[str, Any]) -> Row:
    """What the rows of all takes begin with."""
    return Row(
        sample_id="",
        subject_id=person.name,
        side=view.side,
        aspect=view.aspect,
        tilt=view.tilt,
        rotation=view.rotation,
        licence=person.model.licence,
        attrs=attrs,
    )


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
    distance: metres. focal: length, pixels.
    """

    def __init__(self, turn: Floats, facing: Floats, centre: Floats, distance: float) -> None:
        self.turn, self.facing, self.centre, self.distance = turn, facing, centre, distance
        self.focal = 1.0

    @classmethod
    def of(cls, job: Job, view: View, keypoints: Floats, rng: np.random.Generator) -> _Placement:
        """Turned by the view's angles, as large in the picture as the job's camera asks."""
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
        place.focal = fill * job.size / float(np.ptp(flat, axis=0).max())
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
) -> Skin:
    flush = float(np.exp(rng.normal(0, 0.12)))
    back = tone.Tone(own.melanin, own.blood * flush)
    # Folds of fair skin are dark, too, by a tan that the rest has not.
    change = np.array(tone.log_change(tone.Tone(max(back.melanin, _LEAST_CONTRAST), back.blood)))
    contrast = rng.uniform(*job.skin.contrast)
    melanin, blood = change * contrast
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
        crease=float(min(_CREASE * contrast, 0.9)),
        subsurface=job.skin.subsurface,
        subsurface_mm=1.2,
        bump=float(rng.uniform(*job.skin.bump)),
        atlas_box=tuple(box.tolist()),
    )


def _ground(job: Job, place: _Placement, vertices: Floats, rng: np.random.Generator) -> tuple[Ground, Site]:
    """The first take's ground, and the site on which others are drawn."""
    kind = str(rng.choice(job.ground.kinds))
    # Drawn whatever the kind, so that it does not change what is drawn after it.
    white, warm, gloss, gap = rng.random(4).tolist()
    seed = int(rng.integers(2**31))
    lowest = float((vertices @ place.facing).min())
    hover = 0.001 + 0.03 * max(0.0, gap - 0.6) * (1 if job.ground.hover else 0)
    site = Site(
        point=_triple(place.facing * (lowest - hover)),
        normal=_triple(place.facing),
        white=white,
        warm=warm,
        gloss=gloss,
        seed=seed,
        folder=job.ground.folder,
    )
    return GROUNDS[kind].draw(site), site


def _light(job: Job, ground: Ground, place: _Placement, rng: np.random.Generator) -> Light:
    kind = ground.lit_by or str(rng.choice(job.light.kinds))
    return LIGHTS[kind].draw(place.facing, place.distance, rng)


def _triple(values: Floats) -> Vector:
    x, y, z = values.tolist()
    return (x, y, z)
