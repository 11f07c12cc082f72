"""Tilt, rotation and roll, and which hand it is, from keypoints of hands that are turned by known angles."""

from __future__ import annotations

import numpy as np
import pytest

from curate.hands import articulated, orientation
from curate.hands.articulated import DIFFERENCES, JOINTS
from curate.hands.orientation import angles_of, orientations
from render import angles

DISTANCE = 500.0  # mm
TURN = ("tilt", "rotation", "roll")


def hand(bent: float = 0.0, person: float = 0.0, palm: float = 0.0) -> np.ndarray:
    """Keypoints of a right hand, hand frame, mm; `bent`: of its flexion, `person`: of its differences."""
    held = np.radians([[joint.mean + bent * 60 * joint.free for joint in JOINTS]])
    differences = np.full((1, DIFFERENCES), person)
    return articulated.keypoints(held, differences, np.array([palm]))[0][0]


def seen(
    body: np.ndarray, tilt: float, rotation: float, roll: float, aspect: str = "dorsal", side: str = "right"
) -> np.ndarray:
    """Its pixels, y down, before a camera that looks straight at the middle of its points."""
    mirrored = (body - body.mean(axis=0)) * ([-1, 1, 1] if side == "left" else [1, 1, 1])
    x, y, z = (mirrored @ angles.turn(tilt, rotation, roll, aspect).T).T
    near = 400 / (DISTANCE - z)
    return np.stack([x * near + 90, 120 - y * near], axis=1)


@pytest.mark.parametrize("aspect", ["dorsal", "palmar"])
@pytest.mark.parametrize(TURN, [(0, 0, 0), (35, 120, -20), (-50, 300, 10), (60, 45, 40)])
def test_angles_are_those_that_render_turns_by(tilt: int, rotation: int, roll: int, aspect: str) -> None:
    told = angles_of(angles.turn(tilt, rotation, roll, aspect)[None])
    assert [float(value[0]) for value in told[:3]] == pytest.approx([tilt, rotation, roll], abs=1e-9)
    assert bool(told[3][0]) == (aspect == "palmar")


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(TURN, [(40, 20, 0), (-40, 200, 15), (55, 90, -35), (-25, 310, 30)])
def test_a_mean_hand_is_found_as_it_is_turned(tilt: int, rotation: int, roll: int, side: str) -> None:
    points = seen(hand(), tilt, rotation, roll, side=side)
    found = orientations(points[None], [side])
    assert found.tilt[0] == pytest.approx(tilt, abs=3)
    assert found.rotation[0] == pytest.approx(rotation, abs=1.5)
    assert found.roll[0] == pytest.approx(roll, abs=3)
    assert found.aspect == ("dorsal",)


def test_to_and_fro_are_told_apart_for_others_than_the_mean_hand() -> None:
    bodies = [hand(bent, person) for bent in (0.0, 0.7) for person in (-0.7, 0.7)]
    tilts = [30.0, -30.0, 50.0, -50.0]
    points = np.stack([seen(body, tilt, 70, 0) for tilt in tilts for body in bodies])
    found = orientations(points, ["right"] * len(points))
    wanted = np.repeat(tilts, len(bodies))
    assert (np.sign(found.tilt) == np.sign(wanted)).all()
    assert np.median(np.abs(found.tilt - wanted)) < 5


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("aspect", ["dorsal", "palmar"])
def test_which_hand_it_is_shows_in_a_tilted_hand(side: str, aspect: str) -> None:
    found = orientations(
        seen(hand(0.7, palm=float(aspect == "palmar")), -30, 20, 0, aspect, side)[None], [None]
    )
    assert (found.side, found.aspect) == ((side,), (aspect,))


def test_scale_and_place_change_nothing() -> None:
    points = seen(hand(), 40, 30, 10)
    found = orientations(np.stack([points, points * 3 + 500]), ["right", "right"])
    assert found.tilt[0] == pytest.approx(found.tilt[1], abs=1e-3)
    assert found.rotation[0] == pytest.approx(found.rotation[1], abs=1e-3)


def test_a_mirrored_picture_shows_the_other_hand_turned_the_other_way() -> None:
    points = seen(hand(), 40, 30, 20)
    found = orientations(np.stack([points, points * [-1, 1]]), ["right", "left"])
    assert found.tilt[1] == pytest.approx(found.tilt[0], abs=1e-3)
    assert found.rotation[1] == pytest.approx(360 - found.rotation[0], abs=1e-3)
    assert found.roll[1] == pytest.approx(-found.roll[0], abs=1e-3)


def test_a_hand_of_twenty_points_is_told() -> None:
    points = seen(hand(), -35, 10, 0)
    points[0] = np.nan
    assert orientations(points[None], ["right"]).tilt[0] == pytest.approx(-35, abs=4)


def test_too_few_points_and_points_of_no_hand_tell_nothing() -> None:
    few = seen(hand(), 40, 0, 0)
    few[6:] = np.nan
    scattered = np.random.default_rng(0).uniform(0, 200, (21, 2))
    same = np.full((21, 2), 7.0)
    found = orientations(np.stack([few, scattered, same]), [None, None, "left"])
    for values in (found.tilt, found.rotation, found.roll):
        assert np.isnan(values).all()
    assert found.side == (None, None, "left")
    assert found.aspect == (None, None, None)


def test_no_hands() -> None:
    assert orientations(np.empty((0, 21, 2)), []).side == ()


def test_slopes_are_those_of_the_points() -> None:
    rng = np.random.default_rng(1)
    held = np.radians([[joint.mean + 20 for joint in JOINTS]])
    differences, palm = rng.normal(size=(1, DIFFERENCES)), np.array([0.3])
    points, slopes = articulated.keypoints(held, differences, palm)
    for column in range(articulated.COUNT):
        step = np.zeros(articulated.COUNT)
        step[column] = 1e-6
        moved, _ = articulated.keypoints(held + step[: len(JOINTS)], differences + step[len(JOINTS) :], palm)
        assert np.allclose((moved - points) / 1e-6, slopes[..., column], atol=1e-3)


def test_the_hand_bends_as_kinematics_bends_it() -> None:
    from curate.hands import anatomy, kinematics

    rest = articulated._rest(np.zeros(DIFFERENCES)) / 1000
    bent = np.zeros((5, 3, 3))
    held = np.radians([[joint.mean + 15 for joint in JOINTS]])
    for column, joint in enumerate(JOINTS):
        bent[joint.finger, joint.joint, joint.kind] = held[0, column]
        if joint.follows:
            bent[joint.finger, 2, joint.kind] += joint.follows * bent[joint.finger, 1, joint.kind]
    motions = kinematics.bone_matrices(rest, bent)
    labels = kinematics.labelled(rest, anatomy.LABELS)
    own = motions[[kinematics.bone_of_keypoint(point) for point in range(21)]]
    wanted = np.einsum("kij,kj->ki", own[:, :3, :3], labels) + own[:, :3, 3]
    found = articulated.keypoints(held, np.zeros((1, DIFFERENCES)), np.zeros(1))[0][0] / 1000
    assert np.allclose(found - found[0], wanted - wanted[0], atol=1e-9)


def test_the_scale_of_what_cannot_be_far_off_is_of_long_bones() -> None:
    points = seen(hand(), 0, 0, 0)[None]
    assert orientation._scale(points)[0] == pytest.approx(400 / DISTANCE, rel=0.1)
