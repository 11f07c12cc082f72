"""Rules of mirroring and skeletons against the hands that they are of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converters.parts.config_advice import of_flip, of_skeleton
from curate.basics import keypoints as kp
from curate.hands.drawn_hands import Person, draw_hand

OURS = list(range(kp.COUNT))
PUBLISHED = [0, 1, 2, 4, 3, 10, 11, 12, 13, 14, 5, 6, 7, 8, 9, 15, 16, 17, 18, 19, 20]
LINE = f"write there: flip_idx: {OURS}"
BONES = [[a + 1, b + 1] for a, b in kp.BONES]
# As RHD has it: each finger from its tip to the palm.
TIP_FIRST = (0, *(base + i for base in kp.BASES for i in (3, 2, 1, 0)))


@pytest.fixture(scope="module")
def hands() -> Any:
    rng = np.random.default_rng(0)
    person = Person.sample(np.random.default_rng(1))
    return np.stack([draw_hand(rng, person, "left", width=160, height=160)[1] for _ in range(3)])


def test_the_identity_is_the_rule_of_one_hand(hands: Any) -> None:
    assert of_flip(OURS, "flip_idx of data.yaml", hands) == ""


def test_the_published_rule_is_told_with_its_line(hands: Any) -> None:
    advice = of_flip(PUBLISHED, "flip_idx of hand-keypoints.yaml", hands)
    assert advice.startswith(
        "flip_idx of hand-keypoints.yaml exchanges thumb_ip and thumb_tip, index_mcp and middle_pip and 4"
    )
    assert "its bones become 1." in advice
    assert advice.endswith(LINE)


def test_how_much_longer_bones_become() -> None:
    """Points on a line, 1 px apart along each finger: wrist to thumb tip, then the others, far away."""
    points = np.full((1, kp.COUNT, 2), np.nan)
    points[0, :5] = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0]]  # bones: 4 px
    swapped = [0, 4, 2, 3, 1, *range(5, 21)]  # 0-4, 4-2, 2-3, 3-1: 9 px
    assert "(its bones become 2.2 times as long)" in of_flip(swapped, "a.yaml", points)
    assert "its bones" not in of_flip(swapped, "a.yaml", np.full((1, kp.COUNT, 2), np.nan))


@pytest.mark.parametrize("flip", [[0, 1], "none", [0] * 21, [0.5] * 21, None, [*range(1, 22)]])
def test_what_is_no_order_is_told(flip: Any, hands: Any) -> None:
    assert of_flip(flip, "flip_idx of a.yaml", hands) == (
        f"flip_idx of a.yaml is no order of 21 points, and was not used; {LINE}"
    )


@pytest.mark.parametrize(
    "links", [BONES, [[b, a] for a, b in BONES], [*BONES, [6, 10], [10, 14], [14, 18], [2, 6]], [], None]
)
def test_bones_and_links_of_the_palm_are_sound(links: Any, hands: Any) -> None:
    assert of_skeleton(links, "skeleton of 'hand' in a.json", hands) == ""


def test_a_skeleton_that_exchanges_joints_is_told(hands: Any) -> None:
    links = [[3, 5] if link == [3, 4] else link for link in BONES]
    advice = of_skeleton(links, "skeleton of 'hand' in a.json", hands)
    assert advice.startswith(
        "skeleton of 'hand' in a.json links thumb_mcp and thumb_tip, which no bone does (up"
    )
    assert advice.endswith(f'it was not used; write there: "skeleton": {BONES}')


def test_a_skeleton_is_read_in_the_order_of_its_file(hands: Any) -> None:
    """What would be bones in our order links the wrist with the tips where fingers run from their tips."""
    advice = of_skeleton(BONES, "a", hands, TIP_FIRST)
    assert "links wrist and thumb_tip, wrist and index_tip and 3 more pairs" in advice
    line = advice.partition('"skeleton": ')[2]
    assert line.startswith("[[1, 5], [5, 4], [4, 3], [3, 2], [1, 9]")
    assert of_skeleton([[1, 5], [5, 4], [4, 3], [3, 2]], "a", hands, TIP_FIRST) == ""


@pytest.mark.parametrize("links", [[[0, 1]], [[1, 22]], [[1]], ["x"], [[1, True]], [[1, 2.0]]])
def test_links_that_are_none_are_told(links: Any, hands: Any) -> None:
    assert of_skeleton(links, "a", hands).startswith("a has links that are no pairs of its points")
