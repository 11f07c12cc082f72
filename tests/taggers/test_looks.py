"""Several looks at one hand: what is shown, the way back, and what they say together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.basics import geometry, images
from curate.data.sample import Sample
from curate.hands.photograph import Photograph
from curate.taggers.looks import UPRIGHT, Look, View, together

LOOKS = [
    UPRIGHT,
    Look(mirrored=True),
    Look(upended=True),
    Look(zoom=1.2),
    Look(zoom=0.8, mirrored=True, upended=True),
    Look(turn=15),
    Look(turn=-90, mirrored=True),
]


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_what_is_shown_leads_back_to_the_photograph(look: Look, tmp_path: Path) -> None:
    """A bright spot off the middle is found where it is, to a pixel of the picture that is shown."""
    y, x = np.mgrid[:120, :160] + 0.5
    spot = np.array([90.0, 50.0])
    light = 255 * np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / 30)
    images.write(tmp_path / "a.png", np.repeat(light.astype(np.uint8)[..., None], 3, 2))
    box = np.array([40, 20, 80, 80], np.float32)
    view = View(Photograph(tmp_path, Sample("s/a", "s", "a.png", bbox=box)), 0.0, ("bbox",))
    shown = view.show(64, look)
    assert shown.pixels.shape == (64, 64, 3)
    row, column = np.unravel_index(shown.pixels[..., 0].argmax(), (64, 64))
    found = shown.back(np.array([[column + 0.5, row + 0.5]]))[0]
    np.testing.assert_allclose(found, spot, atol=2.0)


def test_a_quarter_turn_is_clockwise() -> None:
    """What was on the right of the middle comes to lie below it."""
    np.testing.assert_allclose(
        geometry.apply(Look(turn=90).affine(10), [[9.0, 5.0]]), [[5.0, 9.0]], atol=1e-9
    )
    assert Look(mirrored=True).other_side
    assert not Look(mirrored=True, upended=True).other_side


def test_one_look_speaks_for_itself() -> None:
    points, scores = np.arange(42.0).reshape(21, 2), np.linspace(0, 1, 21)
    said = together([points], [scores])
    assert said.keypoints is points
    assert said.scores is scores
    assert said.apart is None


def test_looks_are_put_together_by_their_median_and_their_distance_from_it() -> None:
    """Keypoint 5 at (0, 0), (3, 4) and (0, 0), in a hand of 100 px: within a tenth of it places are averaged,
    to (1, 4/3) less a little, as what is farther off pulls less."""
    looks = [np.zeros((21, 2)) for _ in range(3)]
    for look in looks:
        look[20] = (100, 0)
        look[8] = np.nan
    looks[1][5] = (3, 4)
    looks[0][7] = looks[1][7] = np.nan
    said = together(looks, [np.full(21, 0.5)] * 3)
    assert said.apart is not None
    x, y = said.keypoints[5]
    assert 0.9 < x < 1
    assert y == pytest.approx(4 / 3 * x)
    assert said.apart[5] == pytest.approx(np.sqrt((2 * (x * x + y * y) + (3 - x) ** 2 + (4 - y) ** 2) / 3))
    assert said.apart[6] == 0
    assert said.keypoints[7].tolist() == [0, 0]
    assert np.isnan(said.apart[[7, 8]]).all()
    assert np.isnan(said.keypoints[8]).all()
    np.testing.assert_allclose(said.scores, 0.5)


def test_one_look_that_is_far_off_counts_for_little() -> None:
    looks = [np.zeros((21, 2)) for _ in range(5)]
    for look in looks:
        look[20] = (100, 0)
    looks[3][5] = (80, 60)
    middle = together(looks, [np.ones(21)] * 5).keypoints[5]
    assert np.hypot(*middle) < 4  # the mean is 20 px off


def test_surer_looks_count_for_more() -> None:
    """Scores of 0.2 and 0.8: weights of 1 and 16, so 16/17 of the way for places that are near each other."""
    looks = [np.zeros((21, 2)), np.zeros((21, 2))]
    looks[0][20] = looks[1][20] = (100, 0)
    looks[1][5] = (1, 0)
    middle = together(looks, [np.full(21, 0.2), np.full(21, 0.8)]).keypoints[5]
    assert middle[0] == pytest.approx(16 / 17, abs=0.01)


def test_looks_of_no_score_are_put_together_too() -> None:
    looks = [np.zeros((21, 2)), np.full((21, 2), 2.0)]
    said = together(looks, [np.zeros(21), np.zeros(21)])
    np.testing.assert_allclose(said.keypoints, 1.0)


def test_looks_that_find_nothing_say_nothing() -> None:
    nothing = np.full((21, 2), np.nan)
    said = together([nothing, nothing], [np.zeros(21), np.zeros(21)])
    assert np.isnan(said.keypoints).all()
    assert (said.scores == 0).all()
    assert said.apart is not None
    assert np.isnan(said.apart).all()
