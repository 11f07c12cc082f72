"""Checks of points are not misled by fists, and by hands that are seen from any side."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qa_sets import hits

from curate.basics import keypoints as kp
from curate.hands import articulated
from curate.hands.articulated import DIFFERENCES, JOINTS
from qa.view import View
from render import angles

CHECKS = ("handedness", "finger-order", "finger-order-set", "mcp-fan", "fold-back", "stretched-hand")


@pytest.fixture(scope="module")
def gestures(many: View) -> View:
    """150 hands from open to closed, turned every way, their points up to half a pixel off."""
    rng = np.random.default_rng(3)
    points, sides, aspects = [], [], []
    for number in range(len(many)):
        side, aspect = ("left", "right")[number % 2], ("dorsal", "palmar")[number // 2 % 2]
        bent = rng.uniform(0.0, 75.0)
        held = np.radians([[joint.mean + bent * joint.free for joint in JOINTS]])
        person = rng.normal(0, 0.7, (1, DIFFERENCES))
        body = articulated.keypoints(held, person, np.array([float(aspect == "palmar")]))[0][0]
        turn = angles.turn(rng.uniform(-85, 85), rng.uniform(0, 360), rng.uniform(-75, 75), aspect)
        x, y, z = ((body - body.mean(axis=0)) * [-1 if side == "left" else 1, 1, 1] @ turn.T).T
        near = 600 / (500 - z)
        seen = np.stack([240 + x * near, 180 - y * near], axis=1)
        points.append(seen + rng.uniform(-0.5, 0.5, seen.shape))
        sides.append(side)
        aspects.append(aspect)
    return dataclasses.replace(
        many,
        keypoints=np.array(points, np.float32),
        side=np.array(sides, object),
        aspect=np.array(aspects, object),
    )


@pytest.mark.parametrize("check", CHECKS)
def test_no_gesture_is_taken_for_an_error(gestures: View, check: str) -> None:
    assert [(hit.row, hit.severity) for hit in hits(check, gestures)] == []


def test_short_bones_of_gestures_are_foreshortened(gestures: View) -> None:
    assert hits("bone-length", gestures) == []
    points = gestures.points
    points[5, 8] += 40 * (points[5, 8] - points[5, 7])
    assert [hit.row for hit in hits("bone-length", moved(gestures, points))] == [5]


def test_errors_are_found_among_gestures(gestures: View) -> None:
    """Each in 20 hands; a tenth and more of them are closed, or seen from the edge, where nothing is told."""
    rows = np.arange(20)
    points = gestures.points

    backward = points.copy()
    backward[rows] = points[rows][:, [0, *(tip - joint for tip in kp.TIPS for joint in range(4))]]
    assert share_found("finger-order", moved(gestures, backward), rows) >= 0.6

    swapped = points.copy()
    swapped[:20, 5:13] = points[:20, [9, 10, 11, 12, 5, 6, 7, 8]]
    assert share_found("mcp-fan", moved(gestures, swapped), rows) >= 0.7

    joints = points.copy()
    joints[:20, [10, 11]] = points[:20, [11, 10]]
    assert share_found("fold-back", moved(gestures, joints), rows) >= 0.7

    other = gestures.side.copy()
    other[rows] = ["right" if side == "left" else "left" for side in gestures.side[rows]]
    assert share_found("handedness", dataclasses.replace(gestures, side=other), rows) >= 0.7


def moved(view: View, points: np.ndarray) -> View:
    return dataclasses.replace(view, keypoints=points.astype(np.float32))


def share_found(check: str, view: View, rows: np.ndarray) -> float:
    """The share of the rows that the check finds; of others it finds none."""
    found = {hit.row for hit in hits(check, view)}
    assert found <= set(rows.tolist())
    return len(found) / len(rows)
