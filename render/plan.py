"""From a job and a number to a shot: whose hand, its pose, light, ground and camera. No bpy.

Everything is drawn from the shot's own stream of random numbers (`Job.stream`), and what differs between a
shot's takes from streams of their own (`render.takes`). So a picture does not depend on which others are
made, nor where or in which order.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.hands.kinematics import bone_matrices
from render.angles import Grid
from render.hand import accessories, contact, held
from render.hand.model import HandModel, part_of_side
from render.hand.pose import sample_pose
from render.job import Job, View
from render.look import tone, triple
from render.look.grounds import GROUNDS, Ground, Site
from render.look.lights import LIGHTS, Light
from render.pair import Body, Wanted, lay
from render.people.cast import Cast, Person
from render.placement import Placement, facing, middle, palm_seen, turn_of
from render.shot import Extra, Hand, Row, Shot, Skin
from render.takes import Scene, plan_takes

Floats = NDArray[np.float64]

# Palms have far less melanin than backs, and more blood near the surface.
_PALM_MELANIN, _PALM_BLOOD = 0.38, 1.35
_LEAST_CONTRAST = 0.06
# The share of light that the deepest crease loses at a contrast of 1.
_CREASE = 0.6


def plan_shot(job: Job, shot: int, cast: Cast) -> Shot:
    """One shot of a job; always the same for the same job and number.

    Parameters
    ----------
    cast: finds or makes the job's people.

    Raises
    ------
    InputError: a model that cannot be used.
    """
    rng = job.stream(shot)
    view = job.view(shot)
    person = cast.person(view.model, job, int(rng.integers(job.hands.people)))
    posed = _pose(job, person.model, rng, job.ways(shot), job.held(shot))
    distance, fill = (float(rng.uniform(*drawn)) for drawn in (job.camera.distance, job.camera.fill))
    keypoints = posed.labelled(palm_seen(turn_of(view)))
    place = Placement.ahead(view, middle(keypoints), distance)
    out = facing(place.turn, view.aspect)
    ground, site = _ground(job, out, place.world(posed.vertices), person.tone, rng)
    light = _light(job, ground, out, distance, rng)
    hands = [_Shown(view, person, posed, keypoints, place, _skin(job, person, posed.worn, rng), {})]
    deciding = None if job.is_empty(shot) else job.second(shot)
    if deciding:
        hands = _two(job, job.cell(shot), hands[0], not ground.cut_out, cast, deciding)
    focal = _focal(fill * job.size, np.concatenate([hand.place.world(hand.keypoints[1:]) for hand in hands]))
    points = np.stack([hand.place.world(hand.keypoints) for hand in hands])
    lit = {"light": light.name, "lamps": len(light.lamps)}
    scene = Scene(
        job=job,
        shot=shot,
        views=tuple(hand.view for hand in hands),
        points=focal * points[..., :2] / points[..., 2:] * [-1, 1],
        light=light,
        ground=ground,
        site=site,
        albedo=triple(tone.colour(_palm(person.tone) if view.aspect == "palmar" else person.tone)),
        rows=tuple(hand.row(lit) for hand in hands),
    )
    takes, axis = plan_takes(scene, rng.random(2))
    planned = Shot(
        index=shot,
        width=max(take.cut.x for take in takes) + job.size,
        height=max(take.cut.y for take in takes) + job.size,
        samples=job.samples,
        denoise=job.denoise,
        light=light,
        takes=takes,
        K=np.array([[focal, 0, axis[0]], [0, focal, axis[1]], [0, 0, 1]]),
        hands=tuple(hand.placed() for hand in hands),
        extras=tuple(thing for hand in hands for thing in hand.things()),
    )
    return _emptied(planned) if job.is_empty(shot) else planned


@dataclass(frozen=True, eq=False)
class _Posed:
    """A right hand in a pose, in the hand frame, metres, with what it wears and holds."""

    model: HandModel
    matrices: Floats
    vertices: NDArray[np.float32]
    worn: accessories.Worn
    things: list[Extra]
    attrs: dict[str, Any]

    def labelled(self, palm: float) -> Floats:
        """Keypoints (21, 3). palm: as `HandModel.labelled` takes it."""
        return self.model.labelled(self.matrices, palm)

    def body(self) -> Body:
        """The hand and its things, as points that must not pass through the other hand."""
        return Body.of(self.model, self.vertices, self.things)


def _pose(
    job: Job,
    model: HandModel,
    rng: np.random.Generator,
    ways_by: np.random.Generator,
    held_by: np.random.Generator | None,
    other: accessories.Worn | None = None,
) -> _Posed:
    """A hand drawn by `rng`. other: what the same person wears on the other hand."""
    kind = str(rng.choice(job.pose.kinds))
    ways = contact.draw(kind, job.pose, ways_by)
    pose, wrist = sample_pose(kind, model, rng, ways, job.pose.wrist)
    matrices = bone_matrices(model.joints, pose, wrist)
    worn = accessories.choose(job.accessories, rng)
    if other:
        worn = worn.beside(other)
    things = accessories.shape(worn, model, matrices)
    vertices = model.posed(matrices)
    holding = held.hold(model, matrices, vertices, held_by) if held_by else None
    if holding:
        things.append(holding[1])
    attrs = {"pose": kind, **asdict(ways), "held": holding[0] if holding else "", **worn.attrs()}
    return _Posed(model, matrices, vertices, worn, things, attrs)


@dataclass(frozen=True, eq=False)
class _Shown:
    """A hand in front of the camera. keypoints: (21, 3) in the hand frame. attrs: how two hands lie."""

    view: View
    person: Person
    posed: _Posed
    keypoints: Floats
    place: Placement
    skin: Skin
    attrs: dict[str, Any]

    def placed(self) -> Hand:
        """In the shot's world."""
        return Hand(
            model=str(self.person.path),
            side=self.view.side,
            skin=self.skin,
            vertices=self.place.world(self.posed.vertices).astype(np.float32),
            keypoints=self.place.world(self.keypoints),
            radius=self.posed.model.radius,
        )

    def things(self) -> list[Extra]:
        """In the shot's world; a left hand's are mirrored and have a left hand's part."""
        left = self.place.left
        return [
            Extra(
                self.place.world(thing.vertices).astype(np.float32),
                thing.faces[:, ::-1] if left else thing.faces,
                thing.look,
                part_of_side(thing.part, left),
            )
            for thing in self.posed.things
        ]

    def row(self, attrs: dict[str, Any]) -> Row:
        """What its rows of all takes have in common. attrs: of the shot."""
        distance = round(-float(self.place.at[2]), 3)
        own = {**_person_attrs(self.person), **self.posed.attrs, **self.attrs, "distance": distance}
        return Row(
            sample_id="",
            subject_id=self.person.name,
            side=self.view.side,
            aspect=self.view.aspect,
            tilt=self.view.tilt,
            rotation=self.view.rotation,
            licence=self.person.model.licence,
            attrs={**own, **attrs},
        )


def _two(
    job: Job, cell: Grid, first: _Shown, table: bool, cast: Cast, rng: np.random.Generator
) -> list[_Shown]:
    """The first hand, and a second of the same person or of a stranger.

    Parameters
    ----------
    cell: the angles that the second may have. table: whether both lie on a table.
    """
    # Always the same two people, so that a split by people can part the others.
    stranger = first.person.number ^ 1
    own = rng.random() >= job.hands.strangers or stranger >= job.hands.people
    person = first.person if own else cast.person(first.view.model, job, stranger)
    held_by = rng if rng.random() < job.accessories.held else None
    posed = _pose(job, person.model, rng, rng, held_by, first.posed.worn if own else None)
    wanted = Wanted(job.hands.lie, cell, job.aspects, table, own)
    bodies = first.posed.body(), posed.body()
    lying = lay(first.view, first.place, bodies, middle(posed.labelled(0.0)), wanted, rng)
    towards = -lying.place.at / np.linalg.norm(lying.place.at)
    keypoints = posed.labelled(palm_seen(lying.place.turn, towards))
    skin = first.skin if own else _skin(job, person, posed.worn, rng)

    def attrs(lie: str) -> dict[str, Any]:
        return {"hands": {"lie": lie, "asked": lying.asked, "people": 1 if own else 2}}

    turned = {"before": "behind", "behind": "before"}.get(lying.lie, lying.lie)
    second = _Shown(lying.view, person, posed, keypoints, lying.place, skin, attrs(lying.lie))
    return [replace(first, attrs=attrs(turned)), second]


def _focal(fill: float, points: Floats) -> float:
    """The focal length, pixels, at which points (N, 3) of the shot's world are `fill` pixels wide or high."""
    flat = points[:, :2] / -points[:, 2:]
    return fill / float(np.ptp(flat, axis=0).max())


def _emptied(shot: Shot) -> Shot:
    """The same pictures without the hand, its things, and the columns and attrs that describe it."""
    kept = ("light", "lamps", "ground", "camera", "shot", "take")

    def bare(row: Row) -> Row:
        attrs = {name: value for name, value in row.attrs.items() if name in kept}
        return Row(row.sample_id, None, None, None, None, None, None, attrs)

    takes = tuple(replace(take, rows=tuple(map(bare, take.rows))) for take in shot.takes)
    return replace(shot, hands=(), extras=(), takes=takes)


def _person_attrs(person: Person) -> dict[str, Any]:
    skin = person.tone
    return {
        "model": person.model.name,
        "melanin": round(skin.melanin, 4),
        "blood": round(skin.blood, 4),
        "skinTone": tone.ita_bin(tone.ita(tone.colour(skin))),
    }


def _palm(back: tone.Tone) -> tone.Tone:
    return tone.Tone(back.melanin * _PALM_MELANIN, back.blood * _PALM_BLOOD)


def _skin(job: Job, person: Person, worn: accessories.Worn, rng: np.random.Generator) -> Skin:
    model, own = person.model, person.tone
    flush = float(np.exp(rng.normal(0, 0.12)))
    back = tone.Tone(own.melanin, own.blood * flush)
    # Folds of fair skin are dark, too: they are tanned where the rest is not.
    change = np.array(tone.log_change(tone.Tone(max(back.melanin, _LEAST_CONTRAST), back.blood)))
    contrast = rng.uniform(*job.skin.contrast)
    melanin, blood = change * contrast
    bed = tone.colour(tone.Tone(0.4 * own.melanin + 0.004, own.blood * 1.4)) * 1.1
    box = model.atlas_box if model.atlas.size else np.array([0.0, 0.0, 1.0, 1.0])
    return Skin(
        back_colour=triple(tone.colour(back)),
        palm_colour=triple(tone.colour(_palm(back))),
        melanin=triple(-melanin),
        blood=triple(-blood),
        nail_bed=triple(bed),
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


def _ground(
    job: Job, out: Floats, vertices: Floats, skin: tone.Tone, rng: np.random.Generator
) -> tuple[Ground, Site]:
    """The first take's ground, and the site on which others are drawn.

    Parameters
    ----------
    out: (3,) unit vector out of the side of the hand that is seen. vertices: (V, 3) in the shot's world.
    """
    kind = str(rng.choice(job.ground.kinds))
    # Drawn whatever the kind, so that it does not change what is drawn after it.
    white, warm, gloss, gap = rng.random(4).tolist()
    seed = int(rng.integers(2**31))
    lowest = float((vertices @ out).min())
    hover = 0.001 + 0.03 * max(0.0, gap - 0.6) * (1 if job.ground.hover else 0)
    site = Site(
        point=triple(out * (lowest - hover)),
        normal=triple(out),
        white=white,
        warm=warm,
        gloss=gloss,
        seed=seed,
        folder=job.ground.folder,
        skin=skin,
    )
    return GROUNDS[kind].draw(site), site


def _light(job: Job, ground: Ground, out: Floats, distance: float, rng: np.random.Generator) -> Light:
    kind = ground.lit_by or str(rng.choice(job.light.kinds))
    return LIGHTS[kind].draw(out, distance, rng)
