"""Drawn hands: anatomy, determinism, and keypoints that lie on the hand."""

import numpy as np
import pytest

from curate.basics import keypoints as kp
from curate.hands.drawn_hands import Person, draw_hand


def _one(seed: int, side: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return draw_hand(rng, Person.sample(rng), side, width=320, height=240)


def test_the_same_seed_draws_the_same_hand() -> None:
    (first, points), (second, again) = _one(3, "left"), _one(3, "left")
    assert np.array_equal(first, second)
    assert np.array_equal(points, again)


@pytest.mark.parametrize(("side", "sign"), [("right", 1), ("left", -1)])
def test_handedness_follows_the_anatomy(side: str, sign: int) -> None:
    # The back of a right hand: from the wrist, index to little finger turns clockwise on the screen.
    for seed in range(5):
        _, points = _one(seed, side)
        index, little = points[5] - points[0], points[17] - points[0]
        assert np.sign(index[0] * little[1] - index[1] * little[0]) == sign


def test_keypoints_lie_on_skin_not_on_the_ground() -> None:
    for seed in range(5):
        image, points = _one(seed, "right")
        ground = np.median(image[-20:, :20].reshape(-1, 3), axis=0)
        for joint in (5, 6, 9, 10, 13, 14, 17):
            x, y = points[joint].astype(int)
            assert np.abs(image[y, x] - ground).max() > 25, (seed, kp.NAMES[joint])


def test_every_finger_runs_from_base_to_tip() -> None:
    _, points = _one(1, "right")
    reach = np.linalg.norm(points - points[0], axis=1)
    assert all(reach[tip] > reach[base] for base, tip in zip(kp.BASES, kp.TIPS, strict=True))
