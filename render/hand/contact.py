"""Hands as they lie on tables: thumbs tucked in, neighbouring fingers that touch, fingers that cross.

Flesh is modelled as balls along the bones. A joint is moved until two rows of balls touch, so that neither
passes through the other. numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.hands import kinematics
from curate.hands.kinematics import DEVIATION, FLEXION, TWIST
from render.hand.model import HandModel, moved
from render.job import LAID, Pose

Floats = NDArray[np.float64]

PALM = 9  # the owner of the palm's balls (`balls`)
_TOUCH = 0.96  # of the sum of two radii: skin gives way a little
Thumb = tuple[float, float, float, float, float]  # flexion at CMC, MCP and IP, deviation, twist; degrees
_THUMBS: dict[str, Thumb] = {
    "beside": (2.0, 12.0, 6.0, 12.0, 0.0),
    "under": (38.0, 44.0, 28.0, 17.0, -30.0),
    "over": (-9.0, 6.0, 4.0, 9.0, -10.0),
}
_LOOSE = np.array([3.0, 5.0, 5.0, 3.0, 5.0])
_STOPS, _HALVINGS = 10, 4  # on the way to a touch, over at most 55 degrees: to within half a degree
_MIDDLE = (0.0, 2.5, 1.0, -4.0, -10.5)  # degrees from which a finger can be moved equally far to both sides
# Fingers that cross: the one above (towards the back of the hand) and the one below.
_CROSSING = ((1, 2), (2, 1), (3, 4))  # the little finger is too short to lie over the ring finger


@dataclass(frozen=True, slots=True)
class Ways:
    """How one hand's thumb and neighbouring fingers lie.

    Attributes
    ----------
    thumb: one of `Pose.thumbs`. touching: pairs of neighbours, 1 to 4.
    crossing: a finger, 1 to 4, and the one below it.
    """

    thumb: str = "out"
    touching: tuple[tuple[int, int], ...] = ()
    crossing: tuple[int, int] | None = None


def draw(kind: str, wanted: Pose, rng: np.random.Generator) -> Ways:
    """The ways of a hand in a kind of pose: those of `LAID` alone, as others place each finger themselves."""
    thumb = str(rng.choice(wanted.thumbs))
    touches, crosses = rng.random(2) < [wanted.touching, wanted.crossed]
    close = rng.random(3) < 0.7
    crossing = _CROSSING[int(rng.choice(3, p=[0.5, 0.25, 0.25]))]
    if kind not in LAID:
        return Ways()
    if crosses:
        return Ways(thumb, (), crossing)
    pairs = ((2, 1), (2, 3), (3, 4))
    return Ways(thumb, tuple(p for p, one in zip(pairs, close, strict=True) if one) if touches else ())


def applied(ways: Ways, angles: Floats, model: HandModel, rng: np.random.Generator) -> Floats:
    """Joint angles (5, 3, 3), degrees, after thumb and neighbours are laid so.

    Parameters
    ----------
    angles: (5, 3, 3) before that, degrees; not changed.
    """
    angles = angles.copy()
    if ways.thumb != "out":
        lay_thumb(angles, _THUMBS[ways.thumb], _LOOSE, rng)
    for fixed, moving in ways.touching:
        _meet(angles, model, fixed, moving)
    if ways.crossing:
        _cross(angles, model, *ways.crossing, rng)
    if ways.thumb in ("beside", "over"):
        _meet(angles, model, 1, 0)
    return angles


def lay_thumb(angles: Floats, mean: Thumb, spread: Floats, rng: np.random.Generator) -> None:
    """Draw the thumb's angles in joint angles (5, 3, 3), degrees. spread: standard deviations (5,)."""
    first, second, third, deviation, twist = np.array(mean) + spread * rng.normal(0, 1, 5)
    angles[0, :, FLEXION] = first, second, third
    angles[0, 0, DEVIATION], angles[0, 0, TWIST] = deviation, twist


def _meet(angles: Floats, model: HandModel, fixed: int, moving: int) -> None:
    """Change a finger's deviation until it just touches its neighbour."""
    towards = -1.0 if moving < fixed else 1.0
    start = angles[moving, 0, DEVIATION]
    free, end = (42.0, 20.0) if moving == 0 else (start - 20 * towards, start + 20 * towards)
    _close(angles, model, (fixed, moving), (moving, 0, DEVIATION), free, end)


def _cross(angles: Floats, model: HandModel, above: int, below: int, rng: np.random.Generator) -> None:
    """Lay one finger over its neighbour, its tip beyond the other's, and bend that until they just touch."""
    beyond, side = rng.uniform(10, 14), 1.0 if above < below else -1.0
    between = (_MIDDLE[above] + _MIDDLE[below]) / 2
    for finger, way in ((above, -side), (below, side)):
        angles[finger, 0, DEVIATION] = between + way * beyond
    angles[above, :, FLEXION] = rng.uniform([0, 8, 5], [8, 25, 15])
    angles[below, 1:, FLEXION] = rng.uniform([8, 5], [25, 15])
    _close(angles, model, (above, below), (below, 0, FLEXION), 55.0, angles[above, 0, FLEXION])


def _close(
    angles: Floats,
    model: HandModel,
    pair: tuple[int, int],
    joint: tuple[int, int, int],
    free: float,
    end: float,
) -> None:
    """Move one angle from `free`, where two fingers are apart, towards `end` until they touch.

    In small steps, since a finger that has passed right through the other is free of it again.
    """

    def touches(angle: float) -> bool:
        angles[joint] = angle
        return nearness(model, np.radians(angles), *pair) < _TOUCH

    stops = np.linspace(free, end, _STOPS)
    first = next((number for number, angle in enumerate(stops) if touches(angle)), None)
    if first:
        free, inside = stops[first - 1], stops[first]
        for _ in range(_HALVINGS):
            middle = (free + inside) / 2
            free, inside = (free, middle) if touches(middle) else (middle, inside)
    angles[joint] = free if first is not None else end


def nearness(model: HandModel, angles: Floats, one: int, other: int) -> float:
    """The least distance between balls of two fingers, as a share of the sum of their radii: 1 is a touch.

    angles: (5, 3, 3), radians.
    """
    points, size, who = balls(model, angles)
    mine, its = who == one, who == other
    gap = np.linalg.norm(points[mine, None] - points[None, its], axis=2)
    return float((gap / (size[mine, None] + size[None, its])).min())


def balls(model: HandModel, angles: Floats) -> tuple[Floats, Floats, NDArray[np.int_]]:
    """Flesh as balls: centres (N, 3) and radii (N,), metres, and owners (N,): a finger, 0 to 4, or PALM.

    angles: (5, 3, 3), radians.
    """
    matrices = kinematics.bone_matrices(model.joints, angles)
    chains = model.joints[1:].reshape(5, 4, 3)
    thick = model.radius[1:].reshape(5, 4)
    share = np.linspace(0, 1, 5)[:, None]
    centres, radii, owner = [], [], []
    for finger in range(5):
        for k in range(0 if finger else 1, 3):
            start, end = chains[finger, k], chains[finger, k + 1]
            # The flesh ends at the tip: a ball there would stick out.
            reach = share * (1.0 if k < 2 else 0.8)
            # Beyond the web only: neighbours share the skin below it.
            if k == 0:
                reach = 0.45 + 0.55 * share
            row = start + reach * (end - start)
            centres.append(moved(row, matrices[kinematics.bone(finger, k)]))
            radii.append((thick[finger, k] + reach * (thick[finger, k + 1] - thick[finger, k])).ravel())
            owner.append(np.full(len(row), finger))
    palm = _palm_balls(model)
    centres.append(palm[0])
    radii.append(palm[1])
    owner.append(np.full(len(palm[1]), PALM))
    return np.concatenate(centres), np.concatenate(radii), np.concatenate(owner)


def _palm_balls(model: HandModel) -> tuple[Floats, Floats]:
    heads = model.joints[[5, 9, 13, 17]]
    rows = np.concatenate([heads * share for share in (0.55, 0.75, 0.95)])
    return rows - [0, 0, 0.004], np.full(len(rows), 0.8 * model.radius[9])
