"""What differs between the pictures of one shot: which part of the render, ground, camera. No bpy.

Tracing a hand is dear and finishing a picture cheap, so one render serves several pictures. Each shows a part
of it (`render.cut`), mirrored or turned by quarters where the job could have drawn the hand so, through a
camera of its own, and before a ground of its own where Blender rendered none. Each is drawn from its own
stream of random numbers; the first is laid as the shot was planned.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render.cut import Cut, turn
from render.job import TAKE, Camera, Job, View
from render.look import RGB, triple
from render.look.grounds import GROUNDS, Ground, Site
from render.look.lights import Light
from render.shot import Finish, Row, Take

Floats = NDArray[np.float64]

# How far the outermost point is beyond the edge that cuts fingers off.
_CUT_OFF = (0.0, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What all takes of a shot have in common.

    Attributes
    ----------
    shot: its number. views: of its hands, at least one.
    points: (hands, 21, 2) keypoints as seen, pixels from the camera's axis, x right and y down.
    ground: of the first take. site: from which other takes draw theirs. albedo: of the first hand's skin.
    rows: for each hand, what the rows of all takes have in common.
    """

    job: Job
    shot: int
    views: tuple[View, ...]
    points: Floats
    light: Light
    ground: Ground
    site: Site
    albedo: RGB
    rows: tuple[Row, ...]


def plan_takes(scene: Scene, fraction: Floats) -> tuple[tuple[Take, ...], Floats]:
    """The takes, and where the camera's axis is in the render (2,), pixels.

    Parameters
    ----------
    fraction: (2,) by how much that place is beyond a whole pixel, 0 to 1.
    """
    job, orientations, drawn = scene.job, _orientations(scene), []
    for number in range(job.takes):
        rng = job.stream(scene.shot, number, TAKE)
        mirrored, quarters = orientations[number]
        turned = turn(mirrored, quarters)
        axis = _framed(scene.points @ turned.T, job.size, job.camera, rng)
        # Whole pixels apart, so that the take's pixels are those of the render.
        shift = np.rint(axis - turned @ fraction)
        half = np.full(2, job.size / 2)
        drawn.append((rng, np.rint((half - shift) @ turned - half)))
    low = np.min([corner for _, corner in drawn], axis=0)
    takes = []
    for number, (rng, corner) in enumerate(drawn):
        x, y = (corner - low).astype(int).tolist()
        takes.append(_take(scene, number, Cut(x, y, job.size, *orientations[number]), rng))
    return tuple(takes), fraction - low


def _take(scene: Scene, number: int, cut: Cut, rng: np.random.Generator) -> Take:
    job = scene.job
    index = scene.shot * job.takes + number
    ground = _ground(scene, rng) if number else scene.ground
    views = [view_of_cut(view, cut.mirrored, cut.quarters) for view in scene.views]
    finish = _finish(scene, views[0].side, ground, rng)
    own = {
        "ground": ground.kind,
        "camera": _camera_attrs(finish),
        "shot": scene.shot,
        "take": {"mirrored": cut.mirrored, "turned": 90 * cut.quarters},
    }
    rows = tuple(
        replace(
            row,
            sample_id=job.sample_id(index) + (f"/{view.side}" if len(views) > 1 else ""),
            side=view.side,
            rotation=view.rotation,
            attrs={**row.attrs, "roll": view.roll, **own},
        )
        for row, view in zip(scene.rows, views, strict=True)
    )
    return Take(index, cut, ground, finish, rows)


def view_of_cut(view: View, mirrored: bool, quarters: int) -> View:
    """What a picture of this view shows after it is mirrored and then turned clockwise by quarters."""
    if mirrored:
        view = replace(view, side=view.other_side, rotation=-view.rotation, roll=0.0 - view.roll)
    return replace(view, rotation=(view.rotation + 90 * quarters) % 360)


def _orientations(scene: Scene) -> list[tuple[bool, int]]:
    """Whether each take is mirrored, and by how many quarters it is turned: as the job's angles allow.

    Every other take is mirrored, if the job allows it at all, so that left and right hands are equally many.
    """
    job, cell = scene.job, scene.job.cell(scene.shot)
    rng = job.stream(scene.shot, TAKE)

    def fit(mirrored: bool, quarters: int) -> bool:
        views = (view_of_cut(view, mirrored, quarters) for view in scene.views)
        return all(cell.holds(view.tilt, view.rotation, view.roll) for view in views)

    turned = [0, *(q for q in rng.permutation([1, 2, 3]).tolist() if fit(False, q))]
    mirrored = [q for q in rng.permutation(4).tolist() if job.side == "both" and fit(True, q)]
    chosen = []
    for number in range(job.takes):
        other = bool(number % 2 and mirrored)
        order = mirrored if other else turned
        chosen.append((other, order[number // 2 % len(order)]))
    return chosen


def _framed(points: Floats, size: int, camera: Camera, rng: np.random.Generator) -> Floats:
    """A place (2,) for the camera's axis in a picture, pixels, such that fingers and palms are inside it.

    Parameters
    ----------
    points: (hands, 21, 2) keypoints, pixels from the axis, as they lie in the picture.
    """
    # Wrists may be outside: in close pictures they are.
    low, high = points[:, 1:].min(axis=(0, 1)), points[:, 1:].max(axis=(0, 1))
    room = (size - (high - low)) / 2 * camera.off_centre
    axis: Floats = size / 2 + rng.uniform(-1, 1, 2) * room - (low + high) / 2
    at_wrist, beyond = rng.random() < camera.edge, size * rng.uniform(*camera.beyond)
    if at_wrist:
        axis = axis + _to_edge(points[0] + axis, size, beyond)
    if camera.cut_off and rng.random() < camera.cut_off:
        axis = axis + _past_edge(points[0] + axis, size, at_wrist, rng)
    return axis


def _to_edge(points: Floats, size: int, beyond: float) -> Floats:
    """The shift (2,) that puts the wrist so many pixels beyond the edge that the arm comes from."""
    arm = points[0] - points[9]
    axis = int(np.abs(arm).argmax())
    edge = size + beyond if arm[axis] > 0 else -beyond
    shift = np.zeros(2)
    shift[axis] = edge - points[0, axis]
    return shift


def _past_edge(points: Floats, size: int, at_wrist: bool, rng: np.random.Generator) -> Floats:
    """The shift (2,), pixels, that puts the outermost point on one side beyond the edge there: not the arm's
    edge, nor the one across from it where the arm's edge cuts the wrist."""
    arm = points[0] - points[9]
    along = int(np.abs(arm).argmax())
    sides = [(1 - along, 1.0), (1 - along, -1.0), *([] if at_wrist else [(along, -np.sign(arm[along]))])]
    axis, sign = sides[int(rng.integers(len(sides)))]
    outermost = points[1:, axis].max() if sign > 0 else points[1:, axis].min()
    edge = size if sign > 0 else 0.0
    shift = np.zeros(2)
    shift[axis] = edge + sign * size * rng.uniform(*_CUT_OFF) - outermost
    return shift


def _ground(scene: Scene, rng: np.random.Generator) -> Ground:
    """A ground of the job's kinds for which the render of the first take's serves."""
    if not scene.ground.cut_out:
        return scene.ground
    kinds = [GROUNDS[kind] for kind in scene.job.ground.kinds]
    fit = [kind for kind in kinds if kind.cut_out and kind.lit_by in ("", scene.light.kind)]
    site = replace(scene.site, seed=int(rng.integers(2**31)))
    return fit[int(rng.integers(len(fit)))].draw(site)


def _finish(scene: Scene, side: str, ground: Ground, rng: np.random.Generator) -> Finish:
    job, camera = scene.job, scene.job.camera
    balance = triple(np.clip(1 + camera.cast * rng.normal(size=3), 0.3, 2))
    return Finish(
        exposure=float(rng.uniform(*camera.exposure)) * ground.exposure,
        metered=side,
        albedo=scene.albedo,
        balance=balance,
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


def _camera_attrs(finish: Finish) -> dict[str, Any]:
    """What the camera did, rounded, for the row's attrs."""
    kept = {k: v for k, v in asdict(finish).items() if k not in ("seed", "metered", "albedo")}
    return {name: np.round(value, 3).tolist() for name, value in kept.items()}
