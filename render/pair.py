"""How two hands lie: apart, touching, or one in front of the other, but never one within the other.

The second hand comes from afar, along a line, up to where it would meet the first. So nothing passes through
anything, whatever the shape of hands, arms, sleeves and things held. Surfaces are taken as points at most
_APART apart; points of both hands in the same cell of a grid across the line must not pass each other. On a
table both hands lie on the same plane, or one on the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.hands.kinematics import rotation
from curate.hands.orientation import angles_of
from render.angles import Grid
from render.hand.model import PERSON, HandModel
from render.job import View
from render.placement import AHEAD, Placement, facing, turn_of
from render.shot import Extra

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TRIES = 12
# Metres: between points of a surface; the side of cells across the line of approach; what is left between two
# hands that touch.
_APART, _CELL, _SPARE = 0.0035, 0.002, 0.0003
_GAP, _BEFORE = (0.004, 0.08), (0.0, 0.08)  # between hands that are apart; between one and the one in front
_ASIDE, _OVER = 0.05, 0.06  # how far hands are shifted against each other, across the line of approach
_DEPTH = {"apart": 0.04, "touching": 0.012}  # by how much one is further away, standard deviation
_NEAR = 0.26  # between the middles of two hands of one picture
# Shares of a hand that the one before it hides, least and most, and that any other hand hides at most.
_HIDDEN, _GRAZED = (0.1, 0.65), 0.3
_CLOSE = 0.5  # of the first hand's distance: no part of the second is nearer to the camera
_ARMS = np.cos(np.radians(120))  # the widest angle between the arms of one person
_TURNED = 35.0  # degrees, standard deviation, between the directions of one person's hands on a table
_EDGE = 0.0015  # by how much arms or things may meet before the hands do, if these are to touch


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A hand, its arm and what they wear and hold, as points.

    Attributes
    ----------
    points: (N, 3) metres. hand: (N,) which belong to fingers or palm. skin: (N,) which belong to no thing.
    """

    points: Floats
    hand: Flags
    skin: Flags

    @classmethod
    def of(cls, model: HandModel, vertices: NDArray[np.float32], things: list[Extra]) -> Body:
        """Of a posed hand, in its own frame."""
        ours = model.part > PERSON
        hand = np.zeros(len(vertices), bool)
        hand[model.faces[ours]] = True
        rows: list[tuple[Floats, Any, bool]] = [(vertices.astype(float), hand, True)]
        for faces, part in ((model.faces[ours], True), (model.faces[~ours], False)):
            rows.append((_between(vertices, faces), part, True))
        for thing in things:
            rows += [(thing.vertices.astype(float), False, False)]
            rows += [(_between(thing.vertices, thing.faces), False, False)]
        return cls(
            np.concatenate([points for points, *_ in rows]),
            np.concatenate([np.broadcast_to(part, len(points)) for points, part, _ in rows]),
            np.concatenate([np.full(len(points), skin) for points, _, skin in rows]),
        )

    def placed(self, place: Placement) -> Body:
        """In the shot's world."""
        return replace(self, points=place.world(self.points))

    def moved(self, way: Floats) -> Body:
        """Moved by a vector (3,), metres."""
        return replace(self, points=self.points + way)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the picture may show.

    Attributes
    ----------
    lies: of `Hands.lie`. angles, aspects: that the second hand may have.
    table: whether the hands lie on one. own: whether both are of one person.
    """

    lies: tuple[str, ...]
    angles: Grid
    aspects: tuple[str, ...]
    table: bool
    own: bool


@dataclass(frozen=True, slots=True, eq=False)
class Lying:
    """How the second hand lies.

    Attributes
    ----------
    lie: "apart" from the first hand, "touching" it, "before" or "behind" it. asked: the one of `Hands.lie`
        that was drawn.
    """

    view: View
    place: Placement
    lie: str
    asked: str


@dataclass(frozen=True, slots=True, eq=False)
class _First:
    """The first hand, in the shot's world. normal: (3,) of the table, or else towards the camera."""

    view: View
    place: Placement
    body: Body
    normal: Floats


def lay(
    view: View,
    place: Placement,
    bodies: tuple[Body, Body],
    centre: Floats,
    wanted: Wanted,
    rng: np.random.Generator,
) -> Lying:
    """A place for the second hand: as asked where one is found, else apart from the first.

    Parameters
    ----------
    view, place: of the first hand. bodies: of both, each in its own hand frame.
    centre: (3,) what the second turns about, in its hand frame.
    """
    normal = facing(place.turn, view.aspect) if wanted.table else AHEAD
    first = _First(view, place, bodies[0].placed(place), normal)
    asked = str(rng.choice(wanted.lies))
    for _ in range(_TRIES):
        turned = _turned(first, wanted, rng)
        start = Placement(turn_of(turned), centre, place.at, not place.left)
        second = bodies[1].placed(start)
        if asked == "before":
            found = _over(first, second, wanted.table, rng)
        else:
            found = _aside(first, second, asked, wanted.table, rng)
        if found is None:
            continue
        lies, shift = found
        there = replace(start, at=start.at + shift)
        if _seen_well(first, turned, there, second.moved(shift), lies, wanted.own):
            return Lying(turned, there, lies, asked)
    return _parallel(first, bodies[1], centre, wanted, asked, rng)


def _turned(first: _First, wanted: Wanted, rng: np.random.Generator) -> View:
    """The second hand's view: of the angles that are wanted, and on a table as flat as the first."""
    side, aspect = first.view.other_side, str(rng.choice(wanted.aspects))
    parallel = replace(first.view, side=side, aspect=aspect)
    by = rng.normal(0, _TURNED) if wanted.own else rng.uniform(0, 360)
    drawn = wanted.angles.draw(rng)
    if not wanted.table:
        return View(first.view.model, side, aspect, *drawn)
    turn = rotation(first.normal, np.radians(by)) @ turn_of(parallel)
    tilt, rotated, roll, palm = (float(told[0]) for told in angles_of(turn[None]))
    if bool(palm) != (aspect == "palmar") or not wanted.angles.holds(tilt, rotated, roll):
        return parallel
    return replace(parallel, tilt=tilt, rotation=rotated, roll=roll)


def _aside(
    first: _First, second: Body, lies: str, table: bool, rng: np.random.Generator
) -> tuple[str, Floats] | None:
    """Beside the first hand, in any direction: how the second lies, and by what vector (3,) it is moved."""
    one, other = _plane(first.normal)
    around, aside, gap = rng.uniform(0, 2 * np.pi), rng.uniform(-_ASIDE, _ASIDE), rng.uniform(*_GAP)
    depth = rng.normal(0, _DEPTH[lies])
    way = np.cos(around) * one + np.sin(around) * other
    across = np.cross(first.normal, way)
    level = _level(first, second) if table else depth
    start = aside * across + level * first.normal
    moved = second.moved(start)
    if lies == "apart":
        return _if_near(
            "apart", start, _contact(first.body.points, moved.points, way, across[None]) + gap, way
        )
    axes = np.stack([across, first.normal])
    reached = _contact(first.body.points, moved.points, way, axes)
    hands = _contact(first.body.points[first.body.hand], moved.points[moved.hand], way, axes)
    return _if_near("touching", start, reached, way) if hands > reached - _EDGE else None


def _if_near(lies: str, start: Floats, reached: float, way: Floats) -> tuple[str, Floats] | None:
    """How it lies, and the vector (3,) to where it is `reached` along a way; None where that is too far."""
    if not np.isfinite(reached) or np.linalg.norm(start + reached * way) > _NEAR:
        return None
    return lies, start + reached * way


def _over(first: _First, second: Body, table: bool, rng: np.random.Generator) -> tuple[str, Floats] | None:
    """In front of the first hand, behind it, or on a table on it: as `_aside`."""
    axes = np.stack(_plane(first.normal))
    start = rng.uniform(-_OVER, _OVER, 2) @ axes
    gap, loose, behind = rng.uniform(*_BEFORE), rng.random() < 0.5, rng.random() < 0.5
    way = first.normal if table or not behind else -first.normal
    moved = second.moved(start)
    reached = _contact(first.body.points, moved.points, way, axes)
    reached = max(reached, _level(first, moved)) if table else reached + gap * loose
    return _if_near("before" if way[2] > 0 else "behind", start, reached, way)


def _seen_well(first: _First, view: View, place: Placement, second: Body, lies: str, own: bool) -> bool:
    """Whether both hands are seen, the second from the side that its view names and not from too near, and
    the arms can belong to one person."""
    if facing(place.turn, view.aspect) @ place.at > 0:
        return False
    if own and first.place.turn[:, 1] @ place.turn[:, 1] < _ARMS:
        return False
    if second.points[second.hand, 2].max() > _CLOSE * first.place.at[2]:
        return False
    shares = {"before": _hidden(first.body, second), "behind": _hidden(second, first.body)}
    low, high = _HIDDEN
    return all(low <= share <= high if name == lies else share <= _GRAZED for name, share in shares.items())


def _parallel(
    first: _First, body: Body, centre: Floats, wanted: Wanted, asked: str, rng: np.random.Generator
) -> Lying:
    """Beside the first hand and turned as it is: a place that there always is."""
    side, aspect = first.view.other_side, str(rng.choice(wanted.aspects))
    view = replace(first.view, side=side, aspect=aspect)
    start = Placement(turn_of(view), centre, first.place.at, not first.place.left)
    second = body.placed(start)
    way = np.cross(first.normal, start.turn[:, 1])
    way = way / np.linalg.norm(way) if np.linalg.norm(way) > 0.2 else _plane(first.normal)[0]
    if facing(start.turn, aspect) @ way > 0:  # there the camera would see the hand's other side
        way = -way
    across = np.cross(first.normal, way)
    start_at = (_level(first, second) if wanted.table else 0.0) * first.normal
    reached = _contact(first.body.points, second.points + start_at, way, across[None])
    shift = start_at + (reached + rng.uniform(*_GAP)) * way
    return Lying(view, replace(start, at=start.at + shift), "apart", asked)


def _plane(normal: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors (3,) across a third and each other."""
    one = np.cross(normal, [0.0, 1.0, 0.0] if abs(normal[1]) < 0.9 else [1.0, 0.0, 0.0])
    one /= np.linalg.norm(one)
    return one, np.cross(normal, one)


def _level(first: _First, second: Body) -> float:
    """How far along the normal the second hand must move to lie as low as the first, metres."""
    one, other = (body.points[body.skin] @ first.normal for body in (first.body, second))
    return float(one.min() - other.min())


def _contact(still: Floats, moving: Floats, way: Floats, across: Floats) -> float:
    """How far along a way `moving` has got, metres, when it meets `still`, coming from afar; -inf: never.

    Parameters
    ----------
    still, moving: points (N, 3) and (M, 3). way: (3,) unit vector, from `still` to where `moving` comes from.
    across: (1 or 2, 3) axes of the cells. Points in the same cell, or in neighbouring ones, meet.
    """
    cells = np.floor(still @ across.T / _CELL).astype(np.int64)
    low = cells.min(axis=0) - 1
    top = np.full(tuple(np.ptp(cells, axis=0) + 3), -np.inf)
    np.maximum.at(top, tuple((cells - low).T), still @ way)
    top = _spread(top)
    found = np.floor(moving @ across.T / _CELL).astype(np.int64) - low
    inside = ((found >= 0) & (found < top.shape)).all(axis=1)
    if not inside.any():
        return -np.inf
    return float((top[tuple(found[inside].T)] - moving[inside] @ way).max()) + _SPARE


def _hidden(body: Body, other: Body) -> float:
    """The share of a body's hand that another body hides from the camera at the origin."""
    cell = _CELL / -float(body.points[body.hand, 2].mean())
    hand, away = _seen(body.points[body.hand], cell)
    low = hand.min(axis=0) - 1
    near = np.full(tuple(np.ptp(hand, axis=0) + 3), -np.inf)
    before = near.copy()
    np.maximum.at(near, tuple((hand - low).T), away)
    place, away = _seen(other.points, cell)
    inside = ((place >= low) & (place < low + near.shape)).all(axis=1)
    np.maximum.at(before, tuple((place[inside] - low).T), away[inside])
    shown = np.isfinite(near)
    return float((_spread(before) > near)[shown].mean())


def _seen(points: Floats, cell: float) -> tuple[NDArray[np.int64], Floats]:
    """The cells of the picture (N, 2) in which points are seen, and their z (N,), greater where nearer."""
    points = points[points[:, 2] < -_CELL]
    return np.floor(points[:, :2] / -points[:, 2:] / cell).astype(np.int64), points[:, 2]


def _spread(grid: Floats) -> Floats:
    """The greatest value of each cell and its neighbours. The outermost cells must be empty."""
    for axis in range(grid.ndim):
        grid = np.maximum(grid, np.maximum(np.roll(grid, 1, axis), np.roll(grid, -1, axis)))
    return grid


def _between(vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> Floats:
    """Points (N, 3) on triangles with a side longer than _APART, no further than that from each other."""
    corners = vertices.astype(float)[faces]
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
    large = sides.max(axis=1) > _APART
    corners, sides = corners[large], sides[large]
    first = sides.argmax(axis=1)
    a, b, c = (corners[np.arange(len(corners)), (first + step) % 3] for step in range(3))
    longest = sides.max(axis=1)
    height = np.linalg.norm(np.cross(b - a, c - a), axis=1) / np.maximum(longest, 1e-12)
    steps = np.stack([np.ceil(longest / _APART), np.maximum(np.ceil(height / _APART), 1)], axis=1).astype(int)
    rows = [np.zeros((0, 3))]
    for along, up in np.unique(steps, axis=0).tolist():
        mine = (steps == (along, up)).all(axis=1)
        share = np.linspace(0, 1, along + 1)[:, None, None]
        base = a[mine] + share * (b - a)[mine]
        rise = np.linspace(0, 1, up + 1)[:, None, None, None]
        rows.append((base + rise * (c[mine] - base)).reshape(-1, 3))
    return np.concatenate(rows)
