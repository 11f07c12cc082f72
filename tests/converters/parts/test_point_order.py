"""The order of 21 points by their names: whose names are understood, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.parts.point_order import order_of
from curate.basics import keypoints as kp

SMPL_ORDER = ("index", "middle", "pinky", "ring", "thumb")
OURS = tuple(range(21))
# wrist, then index, middle, little, ring, thumb from the palm, then the tips from thumb to little
MANO = (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20)


def fingers(*joints: str, names: tuple[str, ...] = kp.FINGERS[1:]) -> list[str]:
    return [f"{finger}{joint}" for finger in names for joint in joints]


@pytest.mark.parametrize(("names", "places", "side"), [
    (list(kp.NAMES), OURS, None),
    (["left_hand_root", *fingers("1", "2", "3", "4",
      names=("left_thumb", "left_forefinger", "left_middle_finger", "left_ring_finger", "left_pinky"))],
     OURS, "left"),
    (["RWrist", "RThumb1CMC", "RThumb2Knuckles", "RThumb3IP", "RThumb4FingerTip",
      *fingers("1Knuckles", "2PIP", "3DIP", "4FingerTip", names=("RIndex", "RMiddle", "RRing", "RPinky"))],
     OURS, "right"),
    (["Wrist", *fingers("1", "2", "3", names=SMPL_ORDER),
      *fingers("_tip", names=("thumb", "index", "middle", "ring", "pinky"))], MANO, None),
    (["left_wrist", *fingers("1", "2", "3", names=tuple(f"left_{finger}" for finger in SMPL_ORDER)),
      "left_thumb", "left_index", "left_middle", "left_ring", "left_pinky"], MANO, "left"),
    (["Wrist", *fingers("MCP", "PIP", "DIP", "TIP", names=tuple("TIMRP"))], OURS, None),
    (["wrist", "thumb_mcp", "thumb_pip", "thumb_dip", "thumb_tip", *fingers("_mcp", "_pip", "_dip", "_tip")],
     OURS, None),
    (["wrist", "thumb-metacarpal", "thumb-phalanx-proximal", "thumb-phalanx-distal", "thumb-tip",
      *fingers("-finger-phalanx-proximal", "-finger-phalanx-intermediate", "-finger-phalanx-distal",
               "-finger-tip")], OURS, None),
    (["WRIST", *fingers("_CMC", "_MCP", "_IP", "_TIP", names=("THUMB",)),
      *fingers("_FINGER_MCP", "_FINGER_PIP", "_FINGER_DIP", "_FINGER_TIP", names=("INDEX", "MIDDLE", "RING")),
      *fingers("_MCP", "_PIP", "_DIP", "_TIP", names=("PINKY",))], OURS, None),
])  # fmt: skip
def test_names_that_tools_use(names: list[str], places: tuple[int, ...], side: str | None) -> None:
    order = order_of(names, "hand")
    assert (order.refusal, order.places, order.side, order.known) == ("", places, side, True)


@given(st.permutations(range(21)), st.integers(0, 20))
def test_twenty_names_in_any_order_place_the_last(shuffled: list[int], odd: int) -> None:
    names = [kp.NAMES[i] if i != odd else "qq" for i in shuffled]
    order = order_of(names)
    assert order.places is not None
    assert [shuffled[place] for place in order.places] == list(range(21))
    assert order.placed == "qq"


@pytest.mark.parametrize("first", [0, 1])
def test_points_that_are_numbered_go_by_their_numbers(first: int) -> None:
    numbers = [str(i) for i in range(first, first + 21)]
    assert order_of(numbers).places == OURS
    assert order_of(numbers[::-1]).places == OURS[::-1]
    assert not order_of(numbers).known


@pytest.mark.parametrize(("names", "category", "refusal"), [
    (["nose", "left_eye", *(f"p{i}" for i in range(19))], "hand", "'nose' is no point of a hand"),
    ([f"left_eyebrow_{i}" for i in range(21)], None, "'left_eyebrow_0' is no point of a hand"),
    (None, "person", "'person' is no hand"),
    ([f"{i}" for i in range(21)], "Face", "'Face' is no hand"),
    (["wrist", "wrist", *kp.NAMES[2:]], "hand", "two points are called wrist"),
    ([*kp.NAMES[:2:-1], "a", "b", "wrist"], "hand",
     "'little_tip' stands where wrist would; not understood: 'a', 'b'"),
    (kp.NAMES[1:], "hand", "'thumb_cmc' stands where wrist would; 20 names for 21 points"),
])  # fmt: skip
def test_what_is_no_hand_or_contradicts_our_order(
    names: list[str] | None, category: str | None, refusal: str
) -> None:
    assert order_of(names, category).refusal == refusal


@pytest.mark.parametrize(("names", "category"), [
    (None, None),
    ([], "person hand"),
    ([f"Daumen {i}a{i}" for i in range(21)], "hand"),
    (["wrist", "a", "b", *kp.NAMES[3:]], "hand"),
])  # fmt: skip
def test_our_order_is_assumed_where_nothing_speaks_against_it(names: list[str], category: str | None) -> None:
    order = order_of(names, category)
    assert (order.refusal, order.places, order.known) == ("", None, False)
