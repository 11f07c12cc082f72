"""What a hand holds touches it and does not go through it."""

from __future__ import annotations

import numpy as np
import pytest

from curate.hands.kinematics import bone_matrices
from render.hand import held, pose
from render.hand.model import HandModel


def things(model: HandModel, kind: str, count: int) -> list[tuple[np.ndarray, str, np.ndarray, np.ndarray]]:
    """Posed hands with what they hold: the skin, its name, its points and its triangles."""
    found, rng = [], np.random.default_rng(3)
    for _ in range(count):
        matrices = bone_matrices(model.joints, pose.sample_pose(kind, model, rng)[0])
        vertices = model.posed(matrices)
        holding = held.hold(model, matrices, vertices, rng)
        if holding is not None:
            assert holding[1].part == 0
            found.append((vertices, holding[0], holding[1].vertices, holding[1].faces))
    return found


def clearance(skin: np.ndarray, points: np.ndarray, faces: np.ndarray) -> float:
    """How far the nearest skin lies before the faces of a convex thing, metres; negative within it."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    size = np.linalg.norm(normals, axis=1)
    keep = size > 1e-12
    normals = normals[keep] / size[keep, None]
    return float((skin @ normals.T - (a[keep] * normals).sum(axis=1)).max(axis=1).min())


@pytest.mark.parametrize("kind", ["grasp", "flat", "fist"])
def test_no_skin_lies_within_what_is_held(kind: str, model: HandModel) -> None:
    for skin, name, points, faces in things(model, kind, 8):
        assert clearance(skin, points, faces) > 0, name


def test_a_grasping_hand_touches_what_it_holds(model: HandModel) -> None:
    held_things = things(model, "grasp", 12)
    assert len(held_things) >= 10
    assert len({name for _, name, *_ in held_things}) >= 3
    gaps = [clearance(skin, points, faces) for skin, name, points, faces in held_things if name != "rod"]
    assert np.median(gaps) < 0.004


def test_faces_look_outwards(model: HandModel) -> None:
    for _, name, points, faces in things(model, "grasp", 8):
        a, b, c = (points[faces[:, i]] - points.mean(axis=0) for i in range(3))
        assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0, name
