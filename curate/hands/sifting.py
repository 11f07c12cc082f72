"""Which of the hands that a program labelled are to be trusted, and why the others are not.

Each check measures one thing of a hand and holds it against a limit. How near it comes to the limit is its
strain: 1 at the limit, more beyond it. A hand with a strain above 1 is sifted out, with every reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics import settings
from curate.basics.settings import Options, number, whole
from curate.hands import shape

# In a sample's attrs: the reasons, and what a Verdict says beside them.
SIFTED, HARDNESS, CERTAIN = "sifted", "hardness", "certain"
LOOKS_APART, TAGGERS_APART = "looks_apart", "taggers_apart"  # likewise: shares of the hand's longer side
_HEAD = """\
# The limits of curate autotag: a hand beyond any of them is sifted out. Keep the lines that you change,
# and give the file with --limits. A limit of 1 on shares, or of 0 on scores, switches its check off.
"""
_FINGERS = np.arange(1, kp.COUNT)
_BEYOND, _HARDEST = 2.0, 99.0  # least hardness of what fails a check that has no grades; the largest


@dataclass(frozen=True, slots=True)
class Limits(Options):
    """What a hand that is labelled by a program must keep to."""

    missing: int = whole(
        0,
        0,
        20,
        "finger points that may be missing; the wrist, often outside the picture, does not count",
    )
    point_score: float = number(0.3, 0, 1, "lowest score of a point that was found")
    hand_score: float = number(0.7, 0, 1, "lowest mean score of the points")
    looks_apart: float = number(
        0.05,
        0,
        1,
        "how far the looks of one tagger may differ on a point, as a share of the hand's longer side",
    )
    taggers_apart: float = number(
        0.1, 0, 1, "how far several taggers may differ on a point, as a share of the hand's longer side"
    )
    fan: float = number(6.0, 0, 180, "degrees by which two neighbouring fingers may be in the wrong order")
    joint: float = number(
        20.0,
        0,
        180,
        "smallest angle inside a finger's joint, degrees; below it, the joint folds back on itself",
    )
    backward: int = whole(1, 0, 5, "fingers that may run from the tip to the palm")
    turn: float = number(
        0.1, 0, 1, "a palm turned by more (a sine) must be turned as the known side and aspect imply"
    )
    smallest: float = number(
        40.0, 0, 100_000, "how long the longer side of the points' box must be, in pixels of the photograph"
    )
    cut_off: int = whole(
        0,
        0,
        20,
        "finger points that may lie outside the photograph by more than a fiftieth of the hand's longer side",
    )


def read_limits(path: str | os.PathLike[str] | None, base: Limits | None = None) -> Limits:
    """The limits in a YAML file, as `explain_limits` prints it; what is not given is as in `base`, or the
    default.

    Raises
    ------
    InputError: no such file, or not such limits.
    """
    if path is None:
        return base or Limits()
    given = settings.load(path, allowed="limit: number", remedy="start from: curate autotag --explain")
    return settings.parse(Limits, given, path, base=base)


def explain_limits(limits: Limits, origin: str = "") -> str:
    """Limits as YAML, each under what it means; `origin`: lines on what they were chosen on."""
    told = "".join(f"# {line}\n" for line in origin.splitlines())
    return f"{_HEAD}{told}\n{settings.explain(limits)}\n"


def tightened(limits: Limits, hardness: float) -> Limits:
    """Limits that a hand keeps to whose hardness under the given ones is at most so much (see `Verdict`)."""
    scores = {name: max(0.0, 1 - hardness * (1 - getattr(limits, name))) for name in _SCORES}
    shares = {name: min(1.0, hardness * getattr(limits, name)) for name in _SHARES}
    return replace(limits, **{name: round(value, _DIGITS) for name, value in {**scores, **shares}.items()})


@dataclass(frozen=True, slots=True)
class Judged:
    """A hand that a tagger labelled, and what is known of it.

    Attributes
    ----------
    points: (21, 2) pixels, NaN where none was found. scores: (21,). frame: (2,) width and height, pixels.
    side, aspect: what is known otherwise. looks_apart, taggers_apart: (21,) pixels; None: not known.
    """

    points: NDArray[np.floating]
    scores: NDArray[np.floating]
    frame: tuple[float, float]
    side: str | None = None
    aspect: str | None = None
    looks_apart: NDArray[np.floating] | None = None
    taggers_apart: NDArray[np.floating] | None = None

    @property
    def found(self) -> NDArray[np.bool_]:
        """(21,) which points were found."""
        return np.asarray(np.isfinite(self.points).all(axis=1))

    @property
    def longer(self) -> float:
        """Longer side of the points' box, pixels; 0 where fewer than two were found."""
        known = self.points[self.found]
        return float(np.ptp(known, axis=0).max()) if len(known) > 1 else 0.0

    @property
    def turn(self) -> float:
        """See `shape.palm_turn`."""
        return float(shape.palm_turn(np.asarray(self.points, np.float64)[None])[0])

    def share(self, apart: NDArray[np.floating] | None) -> float | None:
        """The largest of some distances, of the hand's longer side; None: none is known."""
        known = np.empty(0) if apart is None else apart[np.isfinite(apart)]
        return float(known.max() / self.longer) if len(known) and self.longer else None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a hand is sifted out: the limit, what was found, what is allowed, and the points it is about."""

    limit: str
    found: float | None
    allowed: float
    points: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As a sample's attrs hold it."""
        found = None if self.found is None else round(self.found, 4)
        told = {"limit": self.limit, "found": found, "allowed": self.allowed}
        return {**told, "points": list(self.points)} if self.points else told


def reasons_in(attrs: Mapping[str, Any]) -> list[str]:
    """What a sample's attrs say of why it was sifted out, a line a reason; what is no reason is left out."""
    given = attrs.get(SIFTED)
    lines = []
    for reason in given if isinstance(given, list) else ():
        if isinstance(reason, dict) and "limit" in reason:
            points = reason.get("points")
            where = f" ({', '.join(map(str, points))})" if isinstance(points, list) and points else ""
            found, allowed = reason.get("found"), reason.get("allowed")
            lines.append(f"sifted out for {reason['limit']}: {found}, allowed {allowed}{where}")
    return lines


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks say of a hand.

    Attributes
    ----------
    hardness: the largest strain of its scores and disagreements; above 1 where another check fails.
    certain: no other check fails: stricter or looser limits of the former alone decide.
    reasons: none where it is kept.
    """

    hardness: float
    certain: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Measured:
    """What a check found: the value, its strain, and the points that are beyond the limit."""

    value: float | None
    strain: float
    points: tuple[str, ...] = ()


_Check = Callable[[Judged, float], "_Measured | None"]  # None: there is nothing to judge


def judge(hand: Judged, limits: Limits) -> Verdict:
    """Hold a hand against the limits."""
    reasons, hardness, certain = [], 0.0, True
    for name, check in _CHECKS.items():
        allowed = float(getattr(limits, name))
        measured = check(hand, allowed)
        if measured is None:
            continue
        if name in _GRADED:
            hardness = max(hardness, measured.strain)
        if measured.strain > 1:
            reasons.append(Reason(name, measured.value, allowed, measured.points))
            certain = certain and name in _GRADED
    hardness = hardness if certain else max(hardness, _BEYOND)
    return Verdict(min(hardness, _HARDEST), certain, tuple(reasons))


def _most(value: float, limit: float) -> float:
    """Strain of a value that may be at most `limit`."""
    return value / limit if limit else (0.0 if value <= 0 else np.inf)


def _least(value: float, limit: float, best: float) -> float:
    """Strain of a value that must be at least `limit` and is at best `best`."""
    return (best - value) / (best - limit) if limit < best else (0.0 if value >= best else np.inf)


def _missing(hand: Judged, limit: float) -> _Measured:
    gone = ~hand.found[_FINGERS]
    return _Measured(float(gone.sum()), _most(float(gone.sum()), limit), _named(_FINGERS[gone]))


def _point_score(hand: Judged, limit: float) -> _Measured | None:
    if not hand.found.any():
        return None
    low = hand.found & (hand.scores < limit)
    value = float(hand.scores[hand.found].min())
    return _Measured(value, _least(value, limit, 1.0), _named(np.flatnonzero(low)))


def _hand_score(hand: Judged, limit: float) -> _Measured | None:
    if not hand.found.any():
        return None
    value = float(hand.scores[hand.found].mean())
    return _Measured(value, _least(value, limit, 1.0))


def _looks_apart(hand: Judged, limit: float) -> _Measured | None:
    return _apart(hand, hand.looks_apart, limit)


def _taggers_apart(hand: Judged, limit: float) -> _Measured | None:
    return _apart(hand, hand.taggers_apart, limit)


def _apart(hand: Judged, apart: NDArray[np.floating] | None, limit: float) -> _Measured | None:
    value = hand.share(apart)
    if value is None or apart is None:
        return None
    far = np.nan_to_num(apart) > limit * hand.longer
    # Points may lie farther apart than the hand is long: a limit of 1 allows that, too.
    return _Measured(value, _most(min(value, 1.0), limit), _named(np.flatnonzero(far)))


def _fan(hand: Judged, limit: float) -> _Measured | None:
    back = -float(np.min(shape.fan_angles(np.asarray(hand.points, np.float64)[None])))
    # Fingers may seem to stand in any order there.
    edge_on = not abs(hand.turn) > shape.EDGE_ON
    return None if np.isnan(back) or edge_on else _Measured(back, _most(max(back, 0.0), limit))


def _joint(hand: Judged, limit: float) -> _Measured | None:
    angles = shape.joint_angles(np.asarray(hand.points, np.float64)[None])[0]
    known = np.where(np.isfinite(angles), angles, np.inf)
    if not np.isfinite(known.min()):
        return None
    folded = np.flatnonzero(known < limit)
    points = np.array([5 + 4 * (place // 2) + 1 + place % 2 for place in folded], int)
    return _Measured(float(known.min()), _least(float(known.min()), limit, 180.0), _named(points))


def _backward(hand: Judged, limit: float) -> _Measured | None:
    backward, judged = shape.backward_fingers(np.asarray(hand.points, np.float64)[None])
    return _Measured(float(backward[0]), _most(float(backward[0]), limit)) if judged[0] else None


def _turn(hand: Judged, limit: float) -> _Measured | None:
    told = shape.turn_told(hand.side, hand.aspect)
    if not told or not abs(hand.turn) > limit:
        return None
    return _Measured(hand.turn, 0.0 if np.sign(hand.turn) == told else np.inf)


def _smallest(hand: Judged, limit: float) -> _Measured | None:
    if not hand.found.any():
        return None
    return _Measured(hand.longer, _most(limit, hand.longer))


def _cut_off(hand: Judged, limit: float) -> _Measured:
    reach = hand.longer / 50
    beyond = (hand.points < -reach) | (hand.points > np.array(hand.frame) + reach)
    outside = _FINGERS[(hand.found & beyond.any(axis=1))[_FINGERS]]
    return _Measured(float(len(outside)), _most(float(len(outside)), limit), _named(outside))


def _named(points: Sequence[int] | NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(kp.NAMES[int(point)] for point in points)


# By the limit that each holds a hand against.
_CHECKS: dict[str, _Check] = {
    "missing": _missing,
    "point_score": _point_score,
    "hand_score": _hand_score,
    "looks_apart": _looks_apart,
    "taggers_apart": _taggers_apart,
    "fan": _fan,
    "joint": _joint,
    "backward": _backward,
    "turn": _turn,
    "smallest": _smallest,
    "cut_off": _cut_off,
}
_SCORES, _SHARES = ("point_score", "hand_score"), (LOOKS_APART, TAGGERS_APART)
_GRADED = frozenset({*_SCORES, *_SHARES})
_DIGITS = 6  # of a limit
