"""Rings are on fingers, watches and sleeves on arms."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from curate.hands import kinematics
from curate.hands.kinematics import FLEXION
from render.hand import accessories
from render.hand.accessories import Worn
from render.hand.model import PART_OF_BONE, PERSON, HandModel
from render.job import Accessories

RED = (0.5, 0.0, 0.0)
BARE = Worn(None, (), None, None, -0.05, None, 3)


def still(model: HandModel) -> np.ndarray:
    return kinematics.bone_matrices(model.joints, kinematics.rest_angles(model.joints))


def test_nothing_is_worn_by_the_bare(model: HandModel) -> None:
    assert accessories.shape(BARE, model, still(model)) == []
    none = {"nailPolish": 0, "accessories": 0, "rings": 0, "watch": 0, "sleeve": 0, "colours": {}}
    assert BARE.attrs() == none


@pytest.mark.parametrize("finger", [1, 2, 3, 4])
def test_a_ring_goes_around_its_finger(finger: int, model: HandModel) -> None:
    worn = dataclasses.replace(BARE, rings=((finger, 0.002, RED),))
    (ring,) = accessories.shape(worn, model, still(model))
    base, pip = model.joints[[1 + 4 * finger, 2 + 4 * finger]]
    along = (pip - base) / np.linalg.norm(pip - base)
    away = ring.vertices - base
    s = away @ along
    assert (s > 0.4 * np.linalg.norm(pip - base)).all()
    assert (s < 0.9 * np.linalg.norm(pip - base)).all()
    distance = np.linalg.norm(away - s[:, None] * along, axis=1)
    assert distance.min() > 0.006
    assert distance.max() < 0.018
    assert ring.part == PART_OF_BONE[kinematics.bone(finger, 0)]


def test_a_ring_moves_with_its_finger(model: HandModel) -> None:
    worn = dataclasses.replace(BARE, rings=((2, 0.002, RED),))
    angles = kinematics.rest_angles(model.joints)
    angles[2, 0, FLEXION] += 1.0
    bent = kinematics.bone_matrices(model.joints, angles)
    (before,), (after,) = (accessories.shape(worn, model, pose) for pose in (still(model), bent))
    turn = bent[kinematics.bone(2, 0)]
    assert after.vertices == pytest.approx(before.vertices @ turn[:3, :3].T + turn[:3, 3], abs=1e-6)


def test_watch_and_sleeve_are_on_the_arm(model: HandModel) -> None:
    worn = dataclasses.replace(BARE, watch=RED, sleeve=RED, sleeve_at=-0.06, cuff=(0.0, 0.0, 0.5))
    things = accessories.shape(worn, model, still(model))
    assert len(things) == 5  # strap, case, dial, sleeve, cuff
    assert all(thing.part == PERSON for thing in things)
    sleeve, cuff = things[-2:]
    assert sleeve.vertices[:, 1].max() == pytest.approx(-0.06, abs=0.012)
    assert cuff.vertices[:, 1].max() > sleeve.vertices[:, 1].max()
    # It hides the arm: no skin stands out of it.
    arm = model.vertices[(model.vertices[:, 1] < -0.08) & (model.vertices[:, 1] > -0.12)]
    cloth = sleeve.vertices[(sleeve.vertices[:, 1] < -0.08) & (sleeve.vertices[:, 1] > -0.12)]
    assert np.abs(cloth[:, 0]).max() > np.abs(arm[:, 0]).max()
    assert cloth[:, 2].max() > arm[:, 2].max()


def test_what_is_asked_for_is_chosen() -> None:
    always, never = (Accessories(polish=p, rings=p, watch=p, sleeve=p) for p in (1.0, 0.0))
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert all(accessories.choose(always, rng).attrs().values())
        assert not any(accessories.choose(never, rng).attrs().values())


def test_one_probability_does_not_change_what_another_draws() -> None:
    with_rings = accessories.choose(Accessories(rings=1.0, sleeve=1.0), np.random.default_rng(4))
    without = accessories.choose(Accessories(rings=0.0, sleeve=1.0), np.random.default_rng(4))
    assert with_rings.sleeve == without.sleeve
    assert with_rings.sleeve_at == without.sleeve_at
