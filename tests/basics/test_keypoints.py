"""The 21 names, their bones, and the flip rule."""

import pytest

from curate.basics import keypoints as kp


def test_order_is_wrist_thumb_then_fingers_base_to_tip() -> None:
    assert kp.NAMES[:5] == ("wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip")
    assert kp.NAMES[5:9] == ("index_mcp", "index_pip", "index_dip", "index_tip")
    assert kp.NAMES[17:] == ("little_mcp", "little_pip", "little_dip", "little_tip")
    assert len(set(kp.NAMES)) == kp.COUNT == 21


def test_bones_form_a_tree_from_the_wrist_through_all_keypoints() -> None:
    parents = {child: parent for parent, child in kp.BONES}
    assert len(parents) == 20
    for tip in kp.TIPS:
        path = [tip]
        while path[-1] != kp.WRIST:
            path.append(parents[path[-1]])
        assert path == [tip, tip - 1, tip - 2, tip - 3, kp.WRIST]


def test_the_twenty_points_are_all_but_the_wrist() -> None:
    assert kp.subset(20).tolist() == list(range(1, 21))
    assert kp.subset(21).tolist() == list(range(21))
    with pytest.raises(ValueError, match="no keypoint set of 16"):
        kp.subset(16)


@pytest.mark.parametrize(("side", "mirrored"), [("left", "right"), ("right", "left"), (None, None)])
def test_a_mirror_swaps_the_side(side: kp.Side | None, mirrored: kp.Side | None) -> None:
    assert kp.flip_side(side) == mirrored


@pytest.mark.parametrize(("point", "finger"), [(0, 0), (1, 0), (4, 0), (5, 1), (8, 1), (17, 4), (20, 4)])
def test_finger_of(point: int, finger: int) -> None:
    assert kp.finger_of(point) == finger
