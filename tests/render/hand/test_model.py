"""The hand that is drawn from an anatomy: a closed skin on the right bones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate.basics import stopping
from curate.hands import anatomy, kinematics
from curate.hands.anatomy import Build
from curate.hands.kinematics import FLEXION
from render.hand.model import PART_OF_BONE, HandModel
from render.hand.procedural import make_model


def volume(model: HandModel, only: np.ndarray | None = None) -> float:
    """Of the skin's inside, litres (divergence theorem)."""
    a, b, c = (model.vertices[model.faces[:, i]].astype(float) for i in range(3))
    return float((a * np.cross(b, c)).sum() / 6) * 1000


def test_the_skin_is_closed_and_faces_outwards(model: HandModel) -> None:
    edges = np.concatenate([model.faces[:, [0, 1]], model.faces[:, [1, 2]], model.faces[:, [2, 0]]])
    there = {tuple(edge) for edge in edges.tolist()}
    assert len(there) == len(edges)
    assert there == {(b, a) for a, b in there}
    assert volume(model) > 0


def test_its_measures_are_those_of_people(model: HandModel) -> None:
    points = model.vertices[model.weights[:, kinematics.FOREARM] < 0.5]
    # Greiner 1991: hand length 181 to 194 mm, breadth at the knuckles 79 to 90 mm.
    assert points[:, 1].max() == pytest.approx(0.187, abs=0.006)
    knuckles = points[np.abs(points[:, 1] - 0.088) < 0.002]
    knuckles = knuckles[knuckles[:, 0] > -0.05]
    assert 0.076 < np.ptp(knuckles[:, 0]) < 0.092


def test_weights_sum_to_one_and_every_bone_has_skin(model: HandModel) -> None:
    assert model.weights.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (model.weights.max(axis=0) > 0.9).all()
    assert set(np.unique(model.part)) == set(PART_OF_BONE.tolist())


def test_the_rest_pose_leaves_the_skin_alone(model: HandModel) -> None:
    still = kinematics.bone_matrices(model.joints, kinematics.rest_angles(model.joints))
    vertices, keypoints = model.posed(still), model.labelled(still)
    assert vertices == pytest.approx(model.vertices, abs=1e-6)
    assert keypoints == pytest.approx(model.keypoints, abs=1e-9)


def test_bending_a_finger_moves_its_own_skin_alone(model: HandModel) -> None:
    angles = kinematics.rest_angles(model.joints)
    angles[2, 1, FLEXION] += 1.0
    vertices = model.posed(kinematics.bone_matrices(model.joints, angles))
    far = np.linalg.norm(vertices - model.vertices, axis=1) > 0.001
    bones = model.weights[far].argmax(axis=1)
    # The middle finger's, from the bone before the joint on.
    assert set(bones.tolist()) <= {kinematics.bone(2, k) for k in range(3)}
    assert far.sum() > 500


def test_a_closed_finger_stays_solid(model: HandModel) -> None:
    angles = kinematics.rest_angles(model.joints)
    angles[1:, 0, FLEXION] = np.radians(70)
    angles[1:, 1, FLEXION] = np.radians(80)
    vertices = model.posed(kinematics.bone_matrices(model.joints, angles))
    assert volume(replace(model, vertices=vertices)) == pytest.approx(volume(model), rel=0.08)


def test_people_differ_in_what_they_are_said_to_differ_in(model: HandModel) -> None:
    large = make_model(Build(size=1.1))
    assert large.joints == pytest.approx(1.1 * model.joints, rel=1e-6)
    assert volume(large) / volume(model) == pytest.approx(1.1**3, rel=0.12)
    old, young = (make_model(Build(age=age, lean=0.0)).atlas[0, ..., 0] for age in (0.9, 0.05))
    assert old.std() > 1.1 * young.std()


def test_a_build_gives_the_same_model_again(model: HandModel, tmp_path: Path) -> None:
    again = make_model(Build())
    model.write(tmp_path / "a.npz")
    back = HandModel.read(tmp_path / "a.npz")
    for name in ("vertices", "faces", "weights", "atlas", "part", "keypoints"):
        assert np.array_equal(getattr(again, name), getattr(model, name)), name
        assert np.array_equal(getattr(back, name), getattr(model, name)), name
    assert (back.name, back.licence) == (model.name, model.licence)


def test_a_file_with_a_pickle_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", name=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        HandModel.read(tmp_path / "bad.npz")


def test_builds_are_drawn_around_the_mean() -> None:
    rng = np.random.default_rng(0)
    builds = [anatomy.sample_build(rng) for _ in range(300)]
    lengths = [anatomy.joints(b)[12, 1] for b in builds]
    assert 0.175 < np.mean(lengths) < 0.195
    assert 0.005 < np.std(lengths) < 0.015
    assert len({b.seed for b in builds}) == 300


def test_modelling_ends_where_a_signal_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_stopped", True)
    with pytest.raises(KeyboardInterrupt):
        make_model(Build())
