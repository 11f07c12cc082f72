"""Things that a hand holds: a rod, a cup, a box or a ball, as large as the room between fingers and palm.

A thing touches the skin but never passes through it, since its size follows from the vertices of the posed
hand. Hand frame of a right hand, metres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render.hand.meshes import lofted, revolved
from render.hand.model import HandModel
from render.look.colour import muted
from render.shot import Extra, Look

Floats = NDArray[np.float64]

THINGS = ("rod", "cup", "box", "ball")
_LEAST, _MOST, _ROD = 0.003, 0.036, 0.007  # radius, metres
_REACH = np.linspace(-0.024, 0.024, 7)  # where its middle is looked for, metres from the fingers' middle
_GAP = 0.0004  # left between thing and skin, metres
_STEPS = 32


def hold(
    model: HandModel, matrices: Floats, vertices: NDArray[np.float32], rng: np.random.Generator
) -> tuple[str, Extra] | None:
    """One of THINGS and its shape; None where the hand has no room for it.

    Parameters
    ----------
    matrices: (17, 4, 4) that pose the hand. vertices: (V, 3) of the posed hand.
    """
    name = str(rng.choice(THINGS))
    look = Look(muted(rng), float(rng.random() < 0.15), float(rng.uniform(0.2, 0.9)))
    half, slim = rng.uniform(0.03, 0.08), rng.uniform(0.5, 1.0)
    frame, middle = _between(model, matrices)
    points = (vertices - middle) @ frame.T  # the last axis runs along the thing
    if name == "ball":
        centre, radius = _room(points)
        rows = _round(centre, min(radius, _MOST))
    else:
        near = points[np.abs(points[:, 2]) < half]
        centre, radius = _room(near[:, :2])
        radius = min(radius, _ROD if name == "rod" else _MOST) * (slim if name == "rod" else 1)
        rows = _bar(np.append(centre, 0.0), radius, half, corners=4 if name == "box" else _STEPS)
    if radius < _LEAST:
        return None
    shape, faces = lofted(rows, closed=False)
    return name, Extra((shape @ frame + middle).astype(np.float32), faces, look, 0)


def _between(model: HandModel, matrices: Floats) -> tuple[Floats, Floats]:
    """Axes (3, 3), the last across the fingers, and the middle (3,) of what they close around."""
    joints = model.posed_joints(matrices)[5:].reshape(4, 4, 3)
    across = joints[3, 1] - joints[0, 1]
    across /= np.linalg.norm(across)
    out = np.array([0.0, 0.0, 1.0]) - across[2] * across
    out /= np.linalg.norm(out)
    # Straight fingers close around nothing: what they hold lies before the palm.
    middle = joints.mean(axis=(0, 1)) - 0.022 * out
    return np.stack([np.cross(out, across), out, across]), middle


def _room(points: Floats) -> tuple[Floats, float]:
    """A place (D,) near the middle with room between points (N, D), and how far the nearest of them is."""
    places = np.stack(np.meshgrid(*[_REACH] * points.shape[1]), -1).reshape(-1, points.shape[1])
    near = points[(np.abs(points) < 0.08).all(axis=1)]
    if not len(near):
        return np.zeros(points.shape[1]), _MOST
    away = np.array([np.linalg.norm(near - place, axis=1).min() for place in places])
    # Of several places with room enough, the one nearest to the fingers' middle.
    best = int(np.argmax(np.minimum(away, _MOST) - 0.1 * np.linalg.norm(places, axis=1)))
    return places[best], float(away[best]) - _GAP


def _bar(centre: Floats, radius: float, half: float, corners: int) -> Floats:
    """Rows (4, corners, 3) of a round or square bar: both ends' middles and rims."""
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / 4
    return revolved(centre, [(0.0, -half), (radius, -half), (radius, half), (0.0, half)], turns)


def _round(centre: Floats, radius: float) -> Floats:
    """Rows of a ball."""
    turns = np.linspace(0, 2 * np.pi, _STEPS, endpoint=False)
    heights = np.linspace(-np.pi / 2, np.pi / 2, _STEPS // 2)
    unit = revolved(np.zeros(3), [(np.cos(h), np.sin(h)) for h in heights], turns)
    return centre + radius * unit
