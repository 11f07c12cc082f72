"""How a hand in a picture is turned, from its keypoints: tilt, rotation and roll, and which hand it is.

A hand with mean proportions (`curate.hands.articulated`) is turned, bent and made a little other than the
mean until its keypoints lie where those in the picture do: the most probable hand, by the method of Levenberg
and Marquardt. A flat palm that is seen from far away looks the same tilted to and fro; so both are tried, and
the better one counts. What tells them apart is that fingers bend towards the palm, that the thumb lies before
it, and that what is nearer looks larger. The same tells a left hand's palm from a right hand's back.

Angles are those of `curate render`: start from the hand's back (or palm) square to the camera with the
fingers up, then turn it by `roll` about its long axis (positive: the edge on the picture's right moves away),
by `tilt` about its width (positive: the fingertips move away), and by `rotation` in the picture (clockwise).
They are told against the line of sight to the hand, since a picture does not say where the camera's axis is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.data.sample import ASPECTS, SIDES
from curate.hands import articulated, kinematics
from curate.hands.articulated import COUNT, DIFFERENCES, JOINTS, LENGTH, REST

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_PALM = (kp.WRIST, *kp.BASES)
_LEAST, _LEAST_PALM = 12, 4  # keypoints, and of the palm, without which nothing is told
_OFF = 1.5  # mm of the mean hand by which a keypoint is off, beyond what joints and differences explain
_POOR = 200.0  # cost of a fit beyond which the points are no hand's
_SURE = 10.0  # by how much the other side must cost more; chosen on half of the people of 11k Hands
_FLATTEST = 0.995  # cosine of the least tilt to begin from, so that to and fro are two
_NEAR, _NEAR_SPREAD = 0.35, 0.12  # the hand's length by its distance: from 0.3 to 0.8 m
_NEAREST = 0.9
_ROUNDS = 25
_ENOUGH, _GIVE_UP = 1e-3, 1e4  # least gain of a step; damping
_AT_ONCE = 64  # hands fitted together
_STIFF = np.radians(4.0)  # beyond the end of a joint
_HEAVY = 2.0  # degrees of freedom of Student's t, of joints that may be anywhere

# What is fitted: a turn (3), the scale's logarithm, the place (2), nearness, joints, differences.
_SCALE, _PLACE, _NEARNESS, _BODY = 3, slice(4, 6), 6, 7
_NUMBERS = _BODY + COUNT
_ANGLES = slice(_BODY, _BODY + len(JOINTS))


def _prior() -> tuple[Floats, Floats, Floats, Floats, Flags]:
    """Mean, precision (0: anything goes), ends, and which have a heavy tail; of all numbers."""
    mean, precision = np.zeros(_NUMBERS), np.zeros(_NUMBERS)
    low, high = np.full(_NUMBERS, -np.inf), np.full(_NUMBERS, np.inf)
    heavy = np.zeros(_NUMBERS, bool)
    mean[_NEARNESS], precision[_NEARNESS] = _NEAR, _NEAR_SPREAD**-2
    mean[_ANGLES] = np.radians([joint.mean for joint in JOINTS])
    precision[_ANGLES] = np.radians([joint.spread for joint in JOINTS]) ** -2
    low[_ANGLES], high[_ANGLES] = (
        np.radians([getattr(joint, end) for joint in JOINTS]) for end in ("low", "high")
    )
    heavy[_ANGLES] = [joint.free for joint in JOINTS]
    precision[-DIFFERENCES:] = 1
    return mean, precision, low, high, heavy


_MEAN, _PRECISION, _LOW, _HIGH, _FREE = _prior()
# Where fingers begin: half bent, from where they find both a flat hand and a fist.
_BENT = 0.4
_START = _MEAN.copy()
_START[_ANGLES] += [
    _BENT * (np.radians(0.9 * joint.high) - np.radians(joint.mean)) * joint.free for joint in JOINTS
]


@dataclass(frozen=True, slots=True)
class Orientation:
    """How hands are turned; NaN and None where it cannot be told.

    Attributes
    ----------
    tilt, rotation, roll: (n,) degrees, -90 to 90, 0 to 360, -90 to 90; of a hand whose side is open, the
        rotation alone.
    side: of each, as it was told, else as the points tell; None where they leave it open.
    aspect: of each "dorsal" or "palmar", by the points; None where the side is.
    cost: (n,) of the fit, twice the negative logarithm of its probability.
    """

    tilt: Floats
    rotation: Floats
    roll: Floats
    side: tuple[str | None, ...]
    aspect: tuple[str | None, ...]
    cost: Floats

    def angles(self, row: int) -> tuple[float, float, float]:
        """Tilt, rotation and roll of one."""
        return float(self.tilt[row]), float(self.rotation[row]), float(self.roll[row])


def orientations(points: NDArray[np.floating], sides: Sequence[str | None]) -> Orientation:
    """How hands are turned.

    Parameters
    ----------
    points: (n, 21, 2) pixels, y down; NaN where unknown.
    sides: "left", "right" or, where it is not known, None: then both are tried.
    """
    turns, costs = np.full((2, len(points), 3, 3), np.nan), np.full((2, len(points)), np.inf)
    given: Floats = np.asarray(points, np.float64)
    known: Flags = np.asarray(np.isfinite(given).all(axis=2))
    enough = (known.sum(axis=1) >= _LEAST) & (known[:, _PALM].sum(axis=1) >= _LEAST_PALM)
    enough[enough] = _scale(given[enough]) > 0
    for place, tried in enumerate(SIDES):
        asked = np.flatnonzero(enough & np.array([told in (None, tried) for told in sides], bool))
        for first in range(0, len(asked), _AT_ONCE):
            some = asked[first : first + _AT_ONCE]
            turns[place, some], costs[place, some] = _fitted(given[some], tried)
    best, cost = costs.argmin(axis=0), costs.min(axis=0)
    fits = cost <= _POOR
    turn = np.where(fits[:, None, None], turns[best, np.arange(len(given))], np.nan)
    tilt, rotation, roll, palm = angles_of(turn)
    sure = fits & (costs.max(axis=0) - np.where(fits, cost, 0) > _SURE)
    side = tuple(
        told or (SIDES[place] if clear else None)
        for told, place, clear in zip(sides, best, sure, strict=True)
    )
    aspect = tuple(
        ASPECTS[int(seen)] if which and fitting else None
        for which, seen, fitting in zip(side, palm, fits, strict=True)
    )
    # A left hand's palm looks as a right hand's back does that is tilted the other way.
    clear_side = np.array([which is not None for which in side], bool)
    tilt, roll = np.where(clear_side, tilt, np.nan), np.where(clear_side, roll, np.nan)
    return Orientation(tilt, rotation, roll, side, aspect, cost)


def angles_of(turn: Floats) -> tuple[Floats, Floats, Floats, Flags]:
    """Tilt, rotation and roll, degrees, and whether the palm is seen, of turns (n, 3, 3) from the hand frame.

    The camera looks along -z, y is up (`render.angles.turn` is the inverse).
    """
    palm = turn[:, 2, 2] < 0
    ahead = np.where(palm[:, None, None], turn * [-1.0, 1.0, -1.0], turn)
    tilt = -np.degrees(np.arcsin(np.clip(ahead[:, 2, 1], -1, 1)))
    roll = np.degrees(np.arctan2(-ahead[:, 2, 0], ahead[:, 2, 2]))
    rotation = np.degrees(np.arctan2(ahead[:, 0, 1], ahead[:, 1, 1])) % 360
    return tilt, rotation, roll, palm


_MIRROR = np.diag([-1.0, 1.0, 1.0])


def _fitted(points: Floats, side: str) -> tuple[Floats, Floats]:
    """The turn (n, 3, 3) of the most probable hand of this side, and its cost (n,)."""
    seen = points * ([1, -1] if side == "right" else [-1, -1])  # y up; a left hand mirrored is a right one
    turns, costs = _fit(_View.of(np.repeat(seen, 2, axis=0)), *_starts(seen))
    costs = costs.reshape(-1, 2)
    better = costs.argmin(axis=1)
    rows = np.arange(len(points))
    turn = turns.reshape(-1, 2, 3, 3)[rows, better]
    return turn if side == "right" else _MIRROR @ turn @ _MIRROR, costs[rows, better]


def _starts(points: Floats) -> tuple[Floats, Floats]:
    """Two turns of each hand (2 n, 3, 3) and all other numbers (2 n, _NUMBERS), of its palm as a plane.

    A plane from far away is moved by an affine map; its singular values are the scale and the scale times the
    cosine of the tilt, and the tilt may be to or fro.
    """
    turns, numbers = [], []
    for seen in points:
        known = [point for point in _PALM if np.isfinite(seen[point]).all()]
        plane, middle = REST[known, :2], REST[known, :2].mean(axis=0)
        centre = seen[known].mean(axis=0)
        affine = np.linalg.lstsq(plane - middle, seen[known] - centre, rcond=None)[0].T
        left, values, right = np.linalg.svd(affine)
        cosine = min(values[1] / max(values[0], 1e-9), _FLATTEST)
        sine, facing = np.sqrt(1 - cosine**2), np.sign(np.linalg.det(left) * np.linalg.det(right))
        for way in (sine, -sine):
            inner = np.array([[1, 0, 0], [0, cosine, -facing * way], [0, way, facing * cosine]])
            turns.append(_padded(left) @ inner @ _padded(right))
            start = _START.copy()
            start[_SCALE] = np.log(max(values[0], 1e-9))
            start[_PLACE] = centre - affine @ middle
            numbers.append(start)
    return np.array(turns), np.array(numbers)


def _padded(matrix: Floats) -> Floats:
    whole = np.eye(3)
    whole[:2, :2] = matrix
    return whole


@dataclass(frozen=True, slots=True)
class _View:
    """What is seen: points (n, 21, 2), 0 where not known; which are known; how far off they may be, pixels;
    and the middle of them, where the line of sight goes."""

    points: Floats
    known: Flags
    off: Floats
    middle: Floats

    @classmethod
    def of(cls, points: Floats) -> _View:
        known: Flags = np.asarray(np.isfinite(points).all(axis=2))
        middle = np.nanmean(points, axis=1)
        return cls(np.where(known[..., None], points, 0), known, _OFF * _scale(points), middle)

    def __getitem__(self, rows: NDArray[np.intp]) -> _View:
        return _View(self.points[rows], self.known[rows], self.off[rows], self.middle[rows])


_LONG = [pair for pair in (*kp.BONES, (5, 17)) if np.linalg.norm(REST[pair[0]] - REST[pair[1]]) > 30]


def _scale(points: Floats) -> Floats:
    """Pixels a millimetre, roughly: of the bones that are foreshortened least."""
    ends = np.array(_LONG).T
    long = np.linalg.norm(REST[ends[0]] - REST[ends[1]], axis=1)
    seen = np.linalg.norm(points[:, ends[0]] - points[:, ends[1]], axis=2)
    scale: Floats = np.nanquantile(seen / long, 0.9, axis=1)
    return scale


def _fit(view: _View, turns: Floats, numbers: Floats) -> tuple[Floats, Floats]:
    """Turns and costs of the best hands that are found from where they start."""
    turns, numbers = turns.copy(), numbers.copy()
    cost, curve, slope = _evaluate(view, turns, numbers)
    damping, left = np.full(len(turns), 1e-2), np.arange(len(turns))
    for _ in range(_ROUNDS):
        diagonal = damping[left, None] * np.einsum("nii->ni", curve[left]) + 1e-9
        step = -np.linalg.solve(curve[left] + np.eye(_NUMBERS) * diagonal[:, None], slope[left, :, None])[
            ..., 0
        ]
        step *= np.minimum(1, 0.5 / np.maximum(np.abs(step[:, :3]).max(axis=1), 1e-9))[:, None]
        tried = numbers[left] + step
        tried[:, _NEARNESS] = np.clip(tried[:, _NEARNESS], 0, _NEAREST)
        turned = _turns(step[:, :3]) @ turns[left]
        new_cost, new_curve, new_slope = _evaluate(view[left], turned, tried)
        gain = cost[left] - new_cost
        better = gain > 0
        rows = left[better]
        turns[rows], numbers[rows] = turned[better], tried[better]
        cost[rows], curve[rows], slope[rows] = new_cost[better], new_curve[better], new_slope[better]
        damping[left] *= np.where(better, 0.25, 5.0)
        left = left[~(better & (gain < _ENOUGH)) & (damping[left] < _GIVE_UP)]
        if not len(left):
            break
    return turns, cost


def _evaluate(view: _View, turns: Floats, numbers: Floats) -> tuple[Floats, Floats, Floats]:
    """Cost (n,) of hands, half its second derivative (n, _NUMBERS, _NUMBERS) as of a linear model, and half
    its first (n, _NUMBERS)."""
    gaps, slopes = _gaps(view, turns, numbers)
    curve = slopes.transpose(0, 2, 1) @ slopes
    slope = np.einsum("nij,ni->nj", slopes, gaps)
    away = numbers - _MEAN
    squared = away**2 * _PRECISION
    weight = np.where(_FREE, 1 / (1 + squared / _HEAVY), 1.0) * _PRECISION
    beyond = (np.minimum(numbers - _LOW, 0) + np.maximum(numbers - _HIGH, 0)) / _STIFF
    each = np.arange(_NUMBERS)
    curve[:, each, each] += weight + (beyond != 0) / _STIFF**2
    slope += weight * away + beyond / _STIFF
    prior = np.where(_FREE, _HEAVY * np.log1p(squared / _HEAVY), squared) + beyond**2
    return (gaps**2).sum(axis=1) + prior.sum(axis=1), curve, slope


def _gaps(view: _View, turns: Floats, numbers: Floats) -> tuple[Floats, Floats]:
    """How far points lie off in units of how far they may (n, 42), and by all numbers (n, 42, _NUMBERS)."""
    body = numbers[:, _BODY:]
    palm = np.clip(0.5 - turns[:, 2, 2], 0, 1)
    bent, by_body = articulated.keypoints(body[:, : len(JOINTS)], body[:, len(JOINTS) :], palm)
    x, y, z = np.moveaxis(np.einsum("nij,nkj->nki", turns, bent), 2, 0)
    moved = np.empty((*bent.shape, 3 + COUNT))  # by the turn and the body
    zero = np.zeros_like(x)
    moved[..., :3] = np.stack(
        [np.stack(row, axis=-1) for row in ((zero, z, -y), (-z, zero, x), (y, -x, zero))], axis=2
    )
    moved[..., 3:] = np.einsum("nij,nkjc->nkic", turns, by_body)
    scale, near = np.exp(numbers[:, _SCALE])[:, None, None], (numbers[:, _NEARNESS] / LENGTH)[:, None, None]
    depth = np.maximum(1 - near * z[..., None], 0.2)  # of each point, by that of the hand's middle
    flat = scale * np.stack([x, y], axis=2)
    off_axis = flat + (numbers[:, _PLACE] - view.middle)[:, None]
    slopes = np.zeros((*flat.shape, _NUMBERS))
    by_depth = (off_axis / depth**2)[..., None]
    shown = (
        scale[..., None] * moved[:, :, :2] / depth[..., None] + by_depth * near[..., None] * moved[:, :, 2:]
    )
    slopes[..., :3], slopes[..., _BODY:] = shown[..., :3], shown[..., 3:]
    slopes[..., _SCALE] = flat / depth
    slopes[:, :, 0, _PLACE.start] = slopes[:, :, 1, _PLACE.start + 1] = 1 / depth[..., 0]
    slopes[..., _NEARNESS] = by_depth[..., 0] * z[..., None] / LENGTH
    unit = np.where(view.known, 1 / view.off[:, None], 0.0)[..., None]
    gaps = (view.middle[:, None] + off_axis / depth - view.points) * unit
    count = 2 * kp.COUNT
    return gaps.reshape(-1, count), (slopes * unit[..., None]).reshape(-1, count, _NUMBERS)


def _turns(vectors: Floats) -> Floats:
    """(n, 3, 3) turns about vectors (n, 3) by their lengths, radians."""
    length = np.linalg.norm(vectors, axis=1)
    return kinematics.rotation(vectors / np.maximum(length, 1e-12)[:, None], length)
