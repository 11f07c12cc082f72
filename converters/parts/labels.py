"""What people call the 21 keypoints: labels of many styles -> our names, with side and visibility.

Understood: our own names; `pinky` for little, `forefinger` for index; `-`, `_`, `.`, blanks or camelCase
between the words; any letter case; `thumb1` .. `thumb4` counted from the palm; a side (`left_index_tip`,
`R-thumb-ip`); a word on visibility (`wrist-occluded`, `thumb_tip_hidden`, `index_pip_visible`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from typing import cast

from curate.basics import keypoints as kp

HIDDEN_WORDS = frozenset({"hidden", "occluded", "invisible"})
_VISIBLE_WORD = "visible"
_SIDES = {
    "left": "left",
    "l": "left",
    "lefthand": "left",
    "right": "right",
    "r": "right",
    "righthand": "right",
}
_FINGERS = {
    **{finger: finger for finger in kp.FINGERS},
    "pinky": "little",
    "pinkie": "little",
    "small": "little",
    "forefinger": "index",
    "pointer": "index",
}
_FILLERS = frozenset({"finger", "hand"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SEPARATOR = re.compile(r"([-_. ]+)")
_STATED = re.compile(r"\bv(?:isibility)?\s*[=:]\s*([012])\b")


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says: the keypoint's index (None: none of the 21), side and visibility where stated."""

    keypoint: int | None
    side: kp.Side | None = None
    visibility: int | None = None


@lru_cache(maxsize=8192)
def parse(label: str, hidden: frozenset[str] = HIDDEN_WORDS) -> Label:
    """Read a label. `hidden`: the words that mark a hidden point, lower case."""
    side, visibility = None, None
    rest = []
    for word in words(label):
        if word in _SIDES and side in (None, _SIDES[word]):
            side = cast(kp.Side, _SIDES[word])
        elif word in hidden:
            visibility = kp.HIDDEN
        elif word == _VISIBLE_WORD:
            visibility = kp.VISIBLE if visibility is None else visibility
        elif word not in _FILLERS:
            rest.append(word)
    return Label(_keypoint(rest), side, visibility)


def said(text: str, hidden: frozenset[str] = HIDDEN_WORDS) -> Label:
    """Side and visibility told by free text: `occluded`, `not visible`, `v=1`, `left hand`."""
    found = words(text)
    sides = {_SIDES[w] for w in found if w in _SIDES and len(w) > 1}
    side = cast(kp.Side, sides.pop()) if len(sides) == 1 else None
    stated = _STATED.search(text.lower())
    if stated:
        return Label(None, side, int(stated[1]))
    denied = any(a == "not" and b == _VISIBLE_WORD for a, b in pairwise(found))
    if denied or not hidden.isdisjoint(found):
        return Label(None, side, kp.HIDDEN)
    return Label(None, side, kp.VISIBLE if _VISIBLE_WORD in found else None)


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
    """The name most like a label that is none, or None where nothing is like it."""
    text = "_".join(_FINGERS.get(word, word) for word in words(label) if word not in _FILLERS)
    found = get_close_matches(text, among, n=1, cutoff=0.6)
    return found[0] if found else None


def _keypoint(parts: list[str]) -> int | None:
    if parts == ["wrist"]:
        return kp.WRIST
    if len(parts) != 2:
        return None
    first, second = parts if parts[0] in _FINGERS else parts[::-1]
    finger = _FINGERS.get(first)
    if finger is None:
        return None
    if second in ("1", "2", "3", "4"):
        return kp.BASES[kp.FINGERS.index(finger)] + int(second) - 1
    return kp.INDEX.get(f"{finger}_{second}")
