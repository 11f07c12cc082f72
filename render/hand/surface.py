"""The skin of a build as a skinned mesh: marching cubes over the flesh, weights by place along the bones.

Needs scikit-image, so it does not run in Blender's interpreter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from curate.hands import kinematics
from render.hand.flesh import ARM_FROM, ARM_TO, Flesh, arm_section, smoothstep
from render.hand.model import PART_OF_BONE

Floats = NDArray[np.floating[Any]]

# Half the length (mm) over which the skin goes from one bone to the next, at joints 0, 1, 2 of each finger.
_BLEND = np.array([[16.0, 8.0, 6.5], [11.0, 6.5, 5.0], [11.0, 6.5, 5.0], [11.0, 6.5, 5.0], [10.0, 5.5, 4.5]])
_SMOOTHING = 10


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The mesh at rest, in mm, and what `skin` paints on.

    Attributes
    ----------
    vertices (V, 3), faces (F, 3), weights (V, 17), part (F,) as in HandModel, but mm.
    origin: (x, y) of the first column of `top` and `bottom`; step: mm between columns.
    top, bottom: (Y, X) height of the skin's back and palm above each column, NaN beside the hand.
    """

    vertices: Floats
    faces: NDArray[np.int32]
    weights: Floats
    part: NDArray[np.uint8]
    origin: tuple[float, float]
    step: float
    top: Floats
    bottom: Floats


def make_surface(flesh: Flesh, step: float = 2.0) -> Surface:
    """The skin of the flesh, by marching cubes.

    Parameters
    ----------
    step: edge of the cubes, mm, and about that of the triangles.
    """
    low = np.array([flesh.joints[:, 0].min() - 16, ARM_FROM, flesh.joints[:, 2].min() - 26], np.float32)
    high = np.array([flesh.joints[:, 0].max() + 18, flesh.joints[:, 1].max() + 6, 26], np.float32)
    field = _sampled(flesh, low, high, step)
    vertices, faces, _, _ = marching_cubes(field, 0)  # type: ignore[no-untyped-call]
    vertices = (vertices * step + low).astype(np.float32)
    # marching_cubes looks from high to low values; ours grow outwards.
    faces = np.ascontiguousarray(faces[:, ::-1]).astype(np.int32)
    if _volume(vertices, faces) < 0:
        faces = np.ascontiguousarray(faces[:, ::-1])
    vertices = _evened(vertices, faces)
    vertices, faces = _with_arm(vertices, faces, flesh)
    weights = _weights(flesh, vertices, faces)
    dominant = weights[faces].sum(axis=1).argmax(axis=1)
    top, bottom = _heights(field, float(low[2]), step)
    return Surface(
        vertices, faces, weights, PART_OF_BONE[dominant], (float(low[0]), float(low[1])), step, top, bottom
    )


def _sampled(flesh: Flesh, low: Floats, high: Floats, step: float) -> Floats:
    """The field on a grid; exact near the skin, rough elsewhere, where only its sign counts."""
    coarse = 3
    count = np.ceil((high - low) / (coarse * step)).astype(int) + 1
    rough = flesh.distance(_grid(low, count, coarse * step)).reshape(count)
    fine = np.repeat(np.repeat(np.repeat(rough, coarse, 0), coarse, 1), coarse, 2)
    points = _grid(low, np.array(fine.shape), step)
    # Half a coarse cell's diagonal away, with what the smooth minimum may take off.
    near = np.abs(fine.reshape(-1)) < coarse * step * 1.8 + 3
    values = fine.reshape(-1)
    values[near] = flesh.distance(points[near])
    return values.reshape(fine.shape)


def _grid(low: Floats, count: NDArray[np.int_], step: float) -> Floats:
    lines = [low[i] + np.float32(step) * np.arange(count[i], dtype=np.float32) for i in range(3)]
    return np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, 3)


def _volume(vertices: Floats, faces: NDArray[np.int32]) -> float:
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    return float((a * np.cross(b, c)).sum())


def _heights(field: Floats, z0: float, step: float) -> tuple[Floats, Floats]:
    """Where each column of the grid enters and leaves the flesh, between the samples."""
    inside = field < 0
    some = inside.any(axis=2)
    rows, columns = np.indices(some.shape)
    deepest = field.shape[2] - 1

    def crossing(at: NDArray[np.int_], outwards: int) -> Floats:
        beyond = np.clip(at + outwards, 0, deepest)
        here, there = field[rows, columns, at], field[rows, columns, beyond]
        share = np.where(here < there, here / np.minimum(here - there, -1e-6), 0)
        z = z0 + step * (at + outwards * np.clip(share, 0, 1))
        return np.where(some, z, np.nan).astype(np.float32).T.copy()

    last = deepest - inside[:, :, ::-1].argmax(axis=2)
    return crossing(last, 1), crossing(inside.argmax(axis=2), -1)


def _with_arm(vertices: Floats, faces: NDArray[np.int32], flesh: Flesh) -> tuple[Floats, NDArray[np.int32]]:
    """The mesh with a forearm: a tube of a few long rings from the wrist's open end, closed at its own."""
    loop = _open_loop(vertices, faces)
    ring = vertices[loop]
    centre = np.array([0.0, 0.0, -1.5], np.float32)
    wide0, thick0 = arm_section(ARM_FROM, flesh.scale, flesh.build)
    rings, extra = [loop], []
    count = len(vertices)
    for y in np.linspace(ARM_FROM, ARM_TO, 9)[1:]:
        wide, thick = arm_section(float(y), flesh.scale, flesh.build)
        moved = centre + (ring - centre) * np.array([wide / wide0, 1, thick / thick0], np.float32)
        moved[:, 1] = y
        extra.append(moved)
        rings.append(count + np.arange(len(loop)))
        count += len(loop)
    extra.append(np.array([[centre[0], ARM_TO - 8, centre[2]]], np.float32))
    quads = []
    for near, far in pairwise(rings):
        after_near, after_far = np.roll(near, -1), np.roll(far, -1)
        quads += [np.stack([near, far, after_near], 1), np.stack([after_near, far, after_far], 1)]
    last = rings[-1]
    quads.append(np.stack([last, np.full(len(last), count), np.roll(last, -1)], 1))
    added = np.concatenate(quads).astype(np.int32)
    everything = np.concatenate([vertices, *extra]).astype(np.float32)
    if _volume(everything, np.concatenate([faces, added])) < _volume(
        everything, np.concatenate([faces, added[:, ::-1]])
    ):
        added = np.ascontiguousarray(added[:, ::-1])
    return everything, np.concatenate([faces, added])


def _open_loop(vertices: Floats, faces: NDArray[np.int32]) -> NDArray[np.int_]:
    """The one open border of the mesh, in order."""
    edges = _edges(faces)
    width = len(vertices)
    keys = edges[:, 0].astype(np.int64) * width + edges[:, 1]
    back = edges[:, 1].astype(np.int64) * width + edges[:, 0]
    border = edges[~np.isin(keys, back)]
    following = dict(zip(border[:, 0].tolist(), border[:, 1].tolist(), strict=True))
    start = int(border[0, 0])
    loop, here = [start], following[start]
    while here != start:
        loop.append(here)
        here = following[here]
    return np.array(loop)


def _edges(faces: NDArray[np.int32]) -> NDArray[np.int32]:
    """Vertices (3 F, 2) of each triangle's edges, in its order."""
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def _weights(flesh: Flesh, vertices: Floats, faces: NDArray[np.int32]) -> Floats:
    scale = flesh.scale
    distances, chains = [flesh.palm(vertices)], []
    for f in range(5):
        distance, s = flesh.finger(f, vertices)
        distances.append(distance)
        chain = flesh.joints[1 + 4 * f : 5 + 4 * f]
        at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(chain, axis=0), axis=1))])
        # The skin of the web's end goes with the finger: the first joint's blend lies beyond the joint.
        middles = at[:3] + np.array([2.0, 0.0, 0.0])
        low, high = (middles - _BLEND[f] * scale).tolist(), (middles + _BLEND[f] * scale).tolist()
        steps = [smoothstep(s, *limits) for limits in zip(low, high, strict=True)]
        chains.append(np.stack([1 - steps[0], steps[0] - steps[1], steps[1] - steps[2], steps[2]], 1))
    closeness = -np.stack(distances, 1) / np.float32(3.0)
    share = np.exp(closeness - closeness.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    weights = np.zeros((len(vertices), kinematics.BONES), np.float32)
    weights[:, kinematics.PALM] = share[:, 0]
    for f in range(5):
        steps_ = np.maximum(chains[f], 0) * share[:, 1 + f, None]
        weights[:, kinematics.PALM] += steps_[:, 0]
        weights[:, kinematics.bone(f, 0) : kinematics.bone(f, 2) + 1] += steps_[:, 1:]
    arm = 1 - smoothstep(vertices[:, 1], -20 * scale, 12 * scale)
    weights *= 1 - arm[:, None]
    weights[:, kinematics.FOREARM] = arm
    weights = _smoothed(weights, faces)
    weights[weights < 0.004] = 0
    shares: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _evened(vertices: Floats, faces: NDArray[np.int32]) -> Floats:
    """Vertices moved so that marching cubes' slivers become even; volume is kept (Taubin, SIGGRAPH 1995)."""
    near = _neighbours(len(vertices), faces)
    border = vertices[:, 1] <= vertices[:, 1].min() + 1e-3
    moved = vertices
    for step in (0.5, -0.53) * 4:
        moved = np.where(border[:, None], vertices, moved + np.float32(step) * (near @ moved - moved))
    return moved.astype(np.float32)


def _smoothed(values: Floats, faces: NDArray[np.int32]) -> Floats:
    """Each vertex's values moved half-way to the mean of its neighbours', _SMOOTHING times."""
    near = _neighbours(len(values), faces)
    for _ in range(_SMOOTHING):
        values = 0.5 * values + 0.5 * (near @ values)
    return values


def _neighbours(count: int, faces: NDArray[np.int32]) -> Any:
    """Sparse (count, count): each row averages a vertex's neighbours."""
    from scipy.sparse import coo_matrix, diags

    edges = _edges(faces)
    edges = np.concatenate([edges, edges[:, ::-1]])
    ones = np.ones(len(edges), np.float32)
    near = coo_matrix((ones, (edges[:, 0], edges[:, 1])), (count, count)).tocsr()
    return (
        diags((1 / np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1)).astype(np.float32)) @ near
    ).tocsr()
