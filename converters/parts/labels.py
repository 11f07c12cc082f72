"""What people call the 21 keypoints: labels of many styles -> our names, with side and visibility.

Understood: our own names; `pinky` for little, `forefinger` for index, `hand_root` for wrist; `-`, `_`, `.`,
blanks or camelCase between the words; any letter case; `thumb1` .. `thumb4` counted from the palm, also with
the joint (OpenPose's `RThumb2Knuckles`); the long names of joints and bones; a side (`left_index_tip`,
`R-thumb-ip`); a word on visibility (`wrist-occluded`, `thumb_tip_hidden`, `index_pip_visible`).
Names that are understood only as a whole list are read in `converters.parts.point_order`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise

from curate.basics import keypoints as kp

HIDDEN_WORDS = frozenset({"hidden", "occluded", "invisible"})
_VISIBLE_WORD = "visible"
_SIDES: dict[str, kp.Side] = {
    **dict.fromkeys(("left", "l", "lefthand", "lhand", "lh"), "left"),
    **dict.fromkeys(("right", "r", "righthand", "rhand", "rh"), "right"),
}
_SIDE_KEYS = frozenset({"side", "hand", "handedness", "hand_side", "hand_type", "laterality"})
# "swipe_left" is about where a hand moves, not about which hand it is.
_MOVES = frozenset({"swipe", "turn", "move", "point", "pointing", "slide", "scroll", "arrow", "go", "look"})
_FINGERS = {
    **{finger: finger for finger in kp.FINGERS},
    "pinky": "little",
    "pinkie": "little",
    "small": "little",
    "forefinger": "index",
    "pointer": "index",
    "fore": "index",
}
_JOINTS = {
    **{joint: joint for joint in ("cmc", "mcp", "pip", "ip", "dip", "tip", "0", "1", "2", "3", "4")},
    **dict.fromkeys(("tmc", "trapeziometacarpal", "carpometacarpal", "metacarpal"), "cmc"),
    **dict.fromkeys(("knuckle", "knuckles", "metacarpophalangeal", "proximal"), "mcp"),
    "intermediate": "pip",
    "distal": "dip",
    "interphalangeal": "ip",
    "fingertip": "tip",
}
_PHRASES = {"mcp ip": "pip", "dip ip": "dip"}  # proximal and distal interphalangeal
_WRISTS = frozenset({"wrist", "carpus", "root"})
_FILLERS = frozenset({"finger", "hand", "joint", "phalanx"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SEPARATOR = re.compile(r"([-_. ]+)")
_STATED = re.compile(r"\bv(?:isibility)?\s*[=:]\s*([012])\b")


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says: the keypoint's index (None: not one of the 21); side and visibility, if stated."""

    keypoint: int | None
    side: kp.Side | None = None
    visibility: int | None = None


@lru_cache(maxsize=8192)
def parse(label: str, hidden: frozenset[str] = HIDDEN_WORDS) -> Label:
    """Read a label. `hidden`: the words that mark a hidden point, lower case."""
    side: kp.Side | None = None
    visibility: int | None = None
    rest = []
    for word in words(label):
        if word in _SIDES and side in (None, _SIDES[word]):
            side = _SIDES[word]
        elif word in hidden:
            visibility = kp.HIDDEN
        elif word == _VISIBLE_WORD:
            visibility = kp.VISIBLE if visibility is None else visibility
        else:
            rest.append(word)
    finger, joint = place(rest)
    return Label(point(finger, joint), side, visibility)


def place(found: list[str]) -> tuple[str | None, str]:
    """The finger (or "wrist") and the joint that words name. The joint is its short name, its number if it is
    only counted, or empty. The finger is None if there is none, or if a word is not understood."""
    rest = [word for word in found if word not in _FILLERS]
    if len(rest) == 1 + ("0" in rest) and not _WRISTS.isdisjoint(rest):
        return "wrist", ""
    fingers = [_FINGERS[word] for word in rest if word in _FINGERS]
    joints = [_JOINTS[word] for word in rest if word in _JOINTS]
    if len(fingers) != 1 or len(fingers) + len(joints) != len(rest):
        return None, ""
    named = [joint for joint in joints if not joint.isdigit()]
    numbers = [joint for joint in joints if joint.isdigit()]
    joint = _PHRASES.get(" ".join(named), " ".join(named))
    if len(numbers) > 1 or " " in joint:
        return None, ""
    if named and numbers and point(fingers[0], joint) != point(fingers[0], numbers[0]):
        return None, ""
    return fingers[0], joint or "".join(numbers)


def side_of(text: object) -> kp.Side | None:
    """The side in the name of a hand or a class: `left_hand`, `Right-Hand`, `L`, `hand_r`."""
    found = words(text) if isinstance(text, str) else []
    side = agreed(_SIDES[word] for word in found if word in _SIDES)
    return side if _MOVES.isdisjoint(found) else None


def side_among(attributes: object) -> kp.Side | None:
    """The side in the attributes of CVAT and other tools: {"side": "left"}, {"handedness": "Right"}."""
    if not isinstance(attributes, dict):
        return None
    return agreed(side_of(value) for key, value in attributes.items() if key.lower() in _SIDE_KEYS)


def agreed(sides: Iterable[kp.Side | None]) -> kp.Side | None:
    """The side, if all that are not None are the same; else None."""
    found = set(sides) - {None}
    return found.pop() if len(found) == 1 else None


def said(text: str, hidden: frozenset[str] = HIDDEN_WORDS) -> Label:
    """Side and visibility in free text: `occluded`, `not visible`, `v=1`, `left hand`."""
    found = words(text)
    side = agreed(_SIDES[word] for word in found if word in _SIDES and len(word) > 1)
    stated = _STATED.search(text.lower())
    if stated:
        return Label(None, side, int(stated[1]))
    denied = any(a == "not" and b == _VISIBLE_WORD for a, b in pairwise(found))
    if denied or not hidden.isdisjoint(found):
        return Label(None, side, kp.HIDDEN)
    return Label(None, side, kp.VISIBLE if _VISIBLE_WORD in found else None)


def is_side(word: str) -> bool:
    """Whether a lower-case word is a side."""
    return word in _SIDES


def words(text: str) -> list[str]:
    """The words of a label or a remark, lower case: "leftIndexTIP_2" -> left, index, tip, 2."""
    return [word.lower() for word in _WORD.findall(text)]


def bare(label: str, hidden: frozenset[str] = HIDDEN_WORDS) -> str:
    """A label without words on side or visibility at its ends: "left-P0_occluded" -> "P0"."""
    parts = _SEPARATOR.split(label)

    def is_state(part: str) -> bool:
        word = part.lower()
        return word in hidden or word in _SIDES or word == _VISIBLE_WORD

    while len(parts) > 1 and is_state(parts[-1]):
        del parts[-2:]
    while len(parts) > 1 and is_state(parts[0]):
        del parts[:2]
    return "".join(parts)


def nearest(label: str, among: tuple[str, ...] = kp.NAMES) -> str | None:
    """The name most similar to a label that is not one; None if none is similar."""
    text = "_".join(_FINGERS.get(word, word) for word in words(label) if word not in _FILLERS)
    found = get_close_matches(text, among, n=1, cutoff=0.6)
    return found[0] if found else None


def point(finger: str | None, joint: str) -> int | None:
    """The keypoint of a finger and a joint as `place` gives them, or None."""
    if finger is None or finger == "wrist":
        return kp.WRIST if finger else None
    if joint in ("1", "2", "3", "4"):
        return kp.BASES[kp.FINGERS.index(finger)] + int(joint) - 1
    if (finger, joint) == ("thumb", "dip"):  # the thumb has one interphalangeal joint
        joint = "ip"
    return kp.INDEX.get(f"{finger}_{joint}")
