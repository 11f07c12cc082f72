"""The hands of a video, followed from frame to frame: each keeps its number and is looked for where it was.

A hand that was seen in the last frame is looked for in the square around its points there. A finder is asked
where no hand is followed, where one is in doubt or lost, and now and then for hands that came in. A hand that
is lost keeps its number for a second, should a hand be found again where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry
from curate.basics.errors import InputError
from curate.hands.finding import WHOLE, FindAll
from curate.hands.photograph import Still
from curate.hands.smoothing import OneEuro, Smoothed, hand_size, smooth
from curate.hands.tracking import apart, matched, same_hand
from curate.taggers.tagger import Tagged, Tagger, ask

FOLLOWED = "last frame"  # what a hand was found by whose square was that of the last frame
_REMEMBERED = 1.0  # seconds for which a lost hand keeps its number
_LEAVE = 0.5  # of the score from which a hand is one: below, one that is followed is lost


@dataclass(frozen=True, slots=True)
class Settings:
    """How hands are followed.

    Attributes
    ----------
    sure: score from which a hand that no finder saw is one; one that is followed is in doubt below.
    find_every: frames after which a finder is asked for hands that came in.
    smoothing: of each frame by those before it; None: points stay as they are found.
    """

    sure: float
    find_every: int
    smoothing: OneEuro | None


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A hand that is followed, or was lost not long ago.

    Attributes
    ----------
    number: from 1 on, in the order in which they came. box: around its points when last seen, (4,) pixels.
    seconds: when that was. seen: in the last frame. smoothed: what the filter remembers.
    """

    number: int
    box: NDArray[np.float64]
    seconds: float
    seen: bool = True
    smoothed: Smoothed | None = None


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What is remembered from frame to frame: the tracks, how many there were, and frames since a finder was
    asked for further hands."""

    tracks: tuple[Track, ...] = ()
    count: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Follower:
    """Follows hands by a tagger and a finder; `find` None: one hand, by colour, else by the tagger alone.

    settled: the tagger asks the same finder itself, and need not where that saw none.
    """

    tagger: Tagger
    find: FindAll | None
    settings: Settings
    settled: bool = False

    def step(self, frame: Still, seconds: float, before: State) -> tuple[list[tuple[int, Tagged]], State]:
        """The hands of the next frame with their numbers, in their order, and what is remembered.

        Raises
        ------
        InputError: the frame cannot be looked at.
        """
        known = {t.number: t for t in before.tracks if t.seen or seconds - t.seconds <= _REMEMBERED}
        held = self._followed(frame, [track for track in known.values() if track.seen])
        sure = {number for number, tagged in held.items() if tagged.score >= self.settings.sure}
        all_sure = bool(held) and sure >= known.keys()
        since, count = before.since + 1, before.count
        if not all_sure or (self.find is not None and since >= self.settings.find_every):
            count = self._find_again(frame, known, held, sure, count)
            since = 0
        tracks, result = [], []
        for number, tagged in sorted(held.items()):
            track = self._continued(number, tagged, seconds, known.get(number))
            tracks.append(track)
            smoothed = tagged.keypoints if track.smoothed is None else track.smoothed.points
            result.append((number, replace(tagged, keypoints=smoothed)))
        lost = [replace(track, seen=False) for number, track in known.items() if number not in held]
        return result, State((*tracks, *lost), count, since)

    def _followed(self, frame: Still, tracks: Sequence[Track]) -> dict[int, Tagged]:
        """What the tagger finds where the hands were in the last frame; without those that it lost."""
        said = self._tagged([frame.around(track.box) for track in tracks])
        least = _LEAVE * self.settings.sure
        held = {
            track.number: replace(tagged, found_by=FOLLOWED)
            for track, tagged in zip(tracks, said, strict=True)
            if tagged.found_by == "bbox" and tagged.found.any() and tagged.score >= least
        }
        moved = {t.number: apart(t.box, _box(held[t.number])) for t in tracks if t.number in held}
        for one, other in combinations(moved, 2):  # of two on one hand, the one that left its own is lost
            if one in held and other in held and same_hand(held[one].keypoints, held[other].keypoints):
                del held[max((one, other), key=lambda number: (moved[number], number))]
        return held

    def _find_again(
        self, frame: Still, known: dict[int, Track], held: dict[int, Tagged], sure: set[int], count: int
    ) -> int:
        """Put the hands that a finder sees, without those that are sure, into `held`.

        Returns how many hands there have been: `count`, and the new ones.
        """
        found = self._found(frame, [_box(held[number]) for number in sorted(sure)])
        open_ones = [number for number in known if number not in sure]
        boxes = [_box(held[n]) if n in held else known[n].box for n in open_ones]
        pairs = matched(boxes, [_box(tagged) for tagged in found])
        if self.find is None and found and boxes:  # there is one hand, wherever it went
            pairs = {0: 0}
        for row, tagged in enumerate(found):
            number = open_ones[pairs[row]] if row in pairs else None
            others = [other.keypoints for n, other in held.items() if n != number]
            if any(same_hand(other, tagged.keypoints) for other in others):
                continue
            if number is None:
                number = count = count + 1
            if number not in held or held[number].score < tagged.score:
                held[number] = tagged
        return count

    def _found(self, frame: Still, apart_from: Sequence[NDArray[np.float64]]) -> list[Tagged]:
        """The hands that a finder sees outside these boxes. If it sees none and there are no boxes, the hand
        that the tagger sees by itself."""
        seen = [] if self.find is None else self.find(frame)
        near = matched(apart_from, [hand.box for hand in seen])
        new = [hand for row, hand in enumerate(seen) if row not in near]
        said = self._tagged([frame.around(hand.box) for hand in new])
        result = [replace(tagged, found_by=hand.by) for hand, tagged in zip(new, said, strict=True)]
        if not seen and not apart_from and not self.settled:
            (own,) = self._tagged([frame])
            if own.found_by != WHOLE or own.score >= self.settings.sure:
                result.append(own)
        return [tagged for tagged in result if tagged.found.any()]

    def _tagged(self, views: Sequence[Still]) -> list[Tagged]:
        answers = ask(self.tagger, views) if views else []
        for answer in answers:
            if isinstance(answer, InputError):
                raise answer
        return [answer for answer in answers if isinstance(answer, Tagged)]

    def _continued(self, number: int, tagged: Tagged, seconds: float, before: Track | None) -> Track:
        box = _box(tagged)
        if self.settings.smoothing is None:
            return Track(number, box, seconds)
        past = before.smoothed if before is not None and before.seen else None
        size = hand_size(tagged.keypoints)
        smoothed = smooth(past, tagged.keypoints, seconds, size, self.settings.smoothing)
        return Track(number, box, seconds, smoothed=smoothed)


def _box(tagged: Tagged) -> NDArray[np.float64]:
    box = geometry.bounding_box(tagged.keypoints)
    assert box is not None  # what found nothing is no hand
    return box


def to_json(state: State) -> dict[str, Any]:
    """A state as JSON values; `from_json` gives back the same, to the last bit."""
    return asdict(state, dict_factory=lambda pairs: {key: _plain(value) for key, value in pairs})


def from_json(told: dict[str, Any]) -> State:
    """See `to_json`."""
    tracks = []
    for track in told["tracks"]:
        past = track["smoothed"]
        if past is not None:
            past = Smoothed(np.array(past["points"]), np.array(past["speeds"]), past["seconds"])
        tracks.append(Track(track["number"], np.array(track["box"]), track["seconds"], track["seen"], past))
    return State(tuple(tracks), told["count"], told["since"])


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
