"""The order of 21 points by the list of their names, as in COCO's categories and YOLO's kpt_names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from converters.parts import labels
from converters.parts.named_counts import quoted
from curate.basics import keypoints as kp
from curate.basics.wording import counted

_ANATOMICAL = ("cmc", "mcp", "pip", "ip", "dip", "tip", "")
# From the palm to the tip. A finger's bare name is its tip where its joints are counted (MANO, SMPL-X).
_FROM_PALM = {
    "0": 0,
    "cmc": 1,
    "1": 2,
    "mcp": 2,
    "2": 3,
    "pip": 3,
    "ip": 4,
    "3": 5,
    "dip": 5,
    "4": 6,
    "tip": 7,
    "": 7,
}
_INITIALS = {"t": "thumb", "i": "index", "m": "middle", "r": "ring", "l": "little", "p": "little"}
_BY_INITIAL = re.compile(r"([timrlp])[-_. ]?(cmc|tmc|mcp|pip|dip|tip)$|(t)[-_. ]?(ip)$")
_NUMBER = re.compile(r"\D*(\d+)\D*")
_HAND = frozenset({"hand", "hands", "palm", "palms", "fist", "finger", "fingers", "thumb", "wrist"})
_OTHER_PARTS = frozenset({
    "head", "face", "foot", "feet", "nose", "eye", "eyes", "ear", "ears", "eyebrow", "eyebrows", "brow",
    "mouth", "lip", "lips", "jaw", "chin", "cheek", "forehead", "neck", "shoulder", "elbow", "chest",
    "torso", "spine",
    "pelvis", "hip", "hips", "knee", "ankle", "toe", "toes", "heel", "tail", "paw", "snout", "hoof",
    "withers", "wing", "beak",
})  # fmt: skip
_OTHERS = _OTHER_PARTS | frozenset({
    "person", "people", "human", "man", "woman", "male", "female", "child", "body", "pose", "skeleton",
    "animal", "dog", "cat", "horse", "bird", "car",
})  # fmt: skip

ASSUMED = "keypoint_names_unknown_order_assumed"  # a note that counts hands whose names tell no order


@dataclass(frozen=True, slots=True)
class Order:
    """What the names of 21 points say.

    Attributes
    ----------
    refusal: why these are not the points of a hand, or cannot be told apart; empty if they can.
    places: (21,) the index of each of our keypoints among theirs; None: the same order as ours.
    known: the names tell the order; otherwise it is taken to be ours.
    anatomical: the names are those of joints, not numbers, so that they settle the direction of a finger.
    placed: the one name that is not understood, and gets the place that is left; or empty.
    side: of all hands with these names.
    """

    refusal: str = ""
    places: tuple[int, ...] | None = None
    known: bool = False
    anatomical: bool = False
    placed: str = ""
    side: kp.Side | None = None


UNTOLD = Order()


def by_the_rest(name: str) -> str:
    """The note that counts hands with one point whose name is not understood."""
    return f"hand whose point {name!r} has the place that the others left"


def order_of(names: Sequence[object] | None, category: object = None) -> Order:
    """The order of 21 points.

    Parameters
    ----------
    names: of the points, in their order; None if the file has none.
    category: the name of what has these points.
    """
    texts = [str(name) for name in names or ()]
    alien = next((text for text in texts if not _OTHER_PARTS.isdisjoint(labels.words(text))), None)
    if alien is not None:
        return Order(f"{quoted(alien)} is no point of a hand")
    found, anatomical = _understood(texts)
    known = [point for point in found if point is not None]
    if not known and _is_no_hand(category):
        return Order(f"{quoted(str(category))} is no hand")
    if len(set(known)) < len(known):
        twice = next(point for point in known if known.count(point) > 1)
        return Order(f"two points are called {kp.NAMES[twice]}")
    side = _side(texts)
    if len(texts) == kp.COUNT and len(known) >= kp.COUNT - 1:
        placed = "".join(text for text, point in zip(texts, found, strict=True) if point is None)
        left = (set(range(kp.COUNT)) - set(known)).pop() if placed or len(known) < kp.COUNT else None
        whole = [left if point is None else point for point in found]
        places = tuple(whole.index(point) for point in range(kp.COUNT))
        return Order("", places, True, anatomical, placed, side)
    for at, point in enumerate(found):
        if point not in (None, at):
            ours = kp.NAMES[at] if at < kp.COUNT else "nothing"
            odd = ", ".join(quoted(text) for text, p in zip(texts, found, strict=True) if p is None)
            missing = (
                f"; not understood: {odd[:120]}" if odd else f"; {counted(len(texts), 'name')} for 21 points"
            )
            return Order(f"{quoted(texts[at])} stands where {ours} would{missing}")
    return Order("", _counted(texts) if not known else None, side=side)


def _understood(texts: list[str]) -> tuple[list[int | None], bool]:
    """The keypoint of each name, or None; and whether any joint is named, not only counted."""
    spoken = [_spoken(text) for text in texts]
    joints: dict[str, list[str]] = defaultdict(list)
    for finger, joint in spoken:
        joints[finger or ""].append(joint)
    points: list[int | None] = []
    for finger, joint in spoken:
        ranks = sorted(_FROM_PALM[other] for other in joints[finger or ""])
        if finger in kp.FINGERS and _is_whole(finger, joints[finger]):
            points.append(kp.BASES[kp.FINGERS.index(finger)] + ranks.index(_FROM_PALM[joint]))
        else:
            points.append(labels.point(finger, joint))
    return points, any(joint in _ANATOMICAL for finger, joint in spoken if finger in kp.FINGERS)


def _spoken(text: str) -> tuple[str | None, str]:
    """Finger and joint of a name, also of one with only the finger's initial (TMCP, r_pip)."""
    short = _BY_INITIAL.fullmatch(text.lower())
    if short:
        initial, joint = (short[1], short[2]) if short[1] else (short[3], short[4])
        return _INITIALS[initial], "cmc" if joint == "tmc" else joint
    return labels.place([word for word in labels.words(text) if not labels.is_side(word)])


def _is_whole(finger: str, joints: list[str]) -> bool:
    """Whether four names of a finger stand for its four points, from the palm to the tip."""
    ranks = {_FROM_PALM[joint] for joint in joints}
    ends = 7 in ranks or all(joint.isdigit() for joint in joints)
    return len(joints) == len(ranks) == 4 and ends and (finger == "thumb" or "cmc" not in joints)


def _counted(texts: list[str]) -> tuple[int, ...] | None:
    """The index of each point, if the names are the numbers from 0 or from 1; else None."""
    numbers = [
        int(match[1]) if (match := _NUMBER.fullmatch(text)) and len(match[1]) < 3 else -1 for text in texts
    ]
    first = min(numbers, default=-1)
    if first not in (0, 1) or sorted(numbers) != list(range(first, first + kp.COUNT)):
        return None
    return tuple(numbers.index(number) for number in range(first, first + kp.COUNT))


def _side(texts: list[str]) -> kp.Side | None:
    whole = [text for text in texts if not _BY_INITIAL.fullmatch(text.lower())]
    return labels.agreed(labels.parse(text).side for text in whole)


def _is_no_hand(category: object) -> bool:
    found = set(labels.words(category)) if isinstance(category, str) else set()
    return not found.isdisjoint(_OTHERS) and found.isdisjoint(_HAND)
