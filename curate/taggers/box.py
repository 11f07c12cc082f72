"""The tagger in the box, and its finder, which need no torch: two networks propose where hands are, another
looks for keypoints there, and says how likely it is shown a hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.basics import files, geometry
from curate.basics.errors import InputError
from curate.basics.images import Pixels
from curate.hands.finding import FINDERS, Finder, Found
from curate.hands.photograph import Photograph
from curate.scoring import metrics
from curate.taggers.box_networks import BOX, FINDER, FOLDER, INFO, LOCALISER, OVERVIEW, box_info, network
from curate.taggers.finder import outlined, pointed
from curate.taggers.looks import TURN, UPRIGHT, Look, Square, View, together
from curate.taggers.run import RunTagger, looks_of

_LOOKS = 3  # at each proposal at most, each closer around the points of the one before
COUNTED = 2  # the last of them, by which a place is a hand or none
# How likely a place must be a hand, by these, to be looked at turned as well; from the second number on it is
# sure enough. Chosen on train clips of webcams.
_DOUBTED = (0.3, 0.9)
_TURNED = (Look(turn=TURN), Look(turn=-TURN))
_STAYS = 0.8  # overlap (IoU) of two squares from which another look would tell nothing new
_SURE = 0.7  # how likely a hand must be for no smaller parts to be looked at, and to count in the smallest
# Parts of a photograph, smaller ones, and places glanced at: the side, as a share of its longer one, and how
# far one lies from the next at most, as a share of that.
_PART, _SMALL, _GLANCE = (0.6, 0.7), (0.35, 0.7), (0.5, 0.5)
_GLANCES = 4  # of the latter how many are looked at closer
_LARGE = 0.4  # of the side: beside a hand of this size or more none are looked for in what is smaller
_SAME = 0.6  # of the smaller one: boxes that share so much are of one hand, or of a part of it


def content(where: str) -> str:
    """Hash of all that the box holds. Raises InputError: something was named behind it."""
    if where:
        raise InputError(f"{BOX}:{where}", "a name behind the box", allowed=f"{BOX} alone")
    return files.sha256(FOLDER / INFO)  # which holds the hashes of the others


def open_tagger(where: str, looks: int) -> RunTagger:
    """The tagger in the box. Raises as `content` does."""
    content(where)
    return RunTagger(
        network(LOCALISER),
        looks_of(looks),
        ("keypoints", box_info().margin),
        order=("bbox", BOX),
        finders={**FINDERS, BOX: finder()},
        settled=frozenset({BOX}),
    )


def finder() -> Finder:
    """The box's row in the table of finders."""
    find = BoxFinder()
    return Finder(BOX, labels=False, pixels=True, find=find, find_all=find.all, content=content(""))


class Looked(NamedTuple):
    """A look at a place that may be a hand's.

    pixels: what was shown, (S, S, 3). points: found there, (21, 2) in pixels of the photograph, with scores
    (21,). box: of these. likely: how likely there is a hand.
    """

    pixels: Pixels
    points: NDArray[np.float64]
    scores: NDArray[np.float32]
    box: NDArray[np.floating]
    likely: float


@dataclass(frozen=True, slots=True)
class BoxFinder:
    """Finds hands by what is in the box, or in another folder made as it is."""

    folder: Path = FOLDER

    def __call__(self, photograph: Photograph) -> Found | None:
        """The surest hand in the whole photograph; while none is sure, its parts, its smaller parts, and at
        last the likeliest of many places are looked at, too.

        Raises UnreadableImage.
        """
        seen = list[Found]()
        for found in (self._in_whole, self._in_parts, self._in_small_parts, self._glanced):
            seen += found(photograph)
            if any(hand.sureness >= _SURE for hand in seen):
                break
        return next(iter(_told_apart(seen)), None)

    def all(self, photograph: Photograph) -> list[Found]:
        """Each hand, the surest first: the box of its keypoints, and how likely it is a hand: the mean over
        the last two looks and, if these are in doubt, two turned ones.

        Parts of the photograph are looked at if no large hand is seen in the whole, since beside a small one
        there may be others; smaller parts if none is seen that is large for a part. If no hand is seen at
        all, the whole photograph is glanced over. Raises UnreadableImage.
        """
        seen, side = self._in_whole(photograph), photograph.whole[2:].max()
        for closer, found in ((1.0, self._in_parts), (_PART[0], self._in_small_parts)):
            if any(hand.box[2:].max() >= _LARGE * closer * side for hand in seen):
                break
            seen += found(photograph)
        return _told_apart(seen or self._glanced(photograph))

    def looks(self, photograph: Photograph, part: Square) -> list[list[Looked]]:
        """At each place in a part of a photograph that may be a hand's, the looks at it, each closer around
        the points of the one before. Raises UnreadableImage."""
        # An outline also holds the arm, and a face behind the hand; the overview tells the hand from both,
        # but one alone: where it would be if there were one.
        overview = pointed(network(OVERVIEW, self.folder), photograph, BOX, part)
        outlines = outlined(network(FINDER, self.folder), photograph, BOX, part)
        return [self._closer(photograph, place.box) for place in (*overview, *outlines)]

    def _in_whole(self, photograph: Photograph) -> list[Found]:
        return self._likely(photograph, self.looks(photograph, photograph.square))

    def _in_parts(self, photograph: Photograph) -> list[Found]:
        return self._within(photograph, _squares(photograph, *_PART))

    def _in_small_parts(self, photograph: Photograph) -> list[Found]:
        """Only hands that are sure, as most of so many parts show none. No part is looked at if it has fewer
        pixels than the localiser is shown."""
        if _SMALL[0] * photograph.whole[2:].max() < network(LOCALISER, self.folder).size:
            return []
        found = self._within(photograph, _squares(photograph, *_SMALL))
        return [hand for hand in found if hand.sureness >= _SURE]

    def _within(self, photograph: Photograph, parts: Sequence[Square]) -> list[Found]:
        return self._likely(photograph, [looks for part in parts for looks in self.looks(photograph, part)])

    def _glanced(self, photograph: Photograph) -> list[Found]:
        """The hands at the likeliest of many places that cover the photograph; no network proposed them."""
        view = View(photograph, 0.0, ())
        glances = list[Looked]()
        for view.square in _squares(photograph, *_GLANCE):
            glances.append(self._look(view, view.square))
        likeliest = sorted(glances, key=lambda glance: -glance.likely)[:_GLANCES]
        return self._likely(photograph, [self._closer(photograph, glance.box) for glance in likeliest])

    def _likely(self, photograph: Photograph, places: Sequence[Sequence[Looked]]) -> list[Found]:
        """The places that are likely enough a hand; one hand may be among them several times."""
        found = [self._concluded(photograph, looks) for looks in places]
        return [hand for hand in found if hand.sureness >= box_info(self.folder).trusted]

    def _closer(self, photograph: Photograph, place: NDArray[np.floating]) -> list[Looked]:
        view = self._around(photograph, np.stack([place[:2], place[:2] + place[2:]]))
        looks = list[Looked]()
        for _ in range(_LOOKS):
            looks.append(self._look(view, place))
            before = view.square
            view.close_in(looks[-1].points)
            if metrics.box_iou(view.square, before) >= _STAYS:
                break
        return looks

    def _around(self, photograph: Photograph, points: NDArray[np.floating]) -> View:
        view = View(photograph, box_info(self.folder).margin, ())
        view.close_in(points)
        return view

    def _look(self, view: View, place: NDArray[np.floating], look: Look = UPRIGHT) -> Looked:
        """place: its box, where no points are found."""
        localiser = network(LOCALISER, self.folder)
        shown = view.show(localiser.size, look)
        answer = localiser.predict(shown.pixels[None])
        assert answer.hands is not None
        points = shown.back(answer.points[0])
        box = geometry.bounding_box(points)
        likely = float(answer.hands[0])
        return Looked(shown.pixels, points, answer.scores[0], place if box is None else box, likely)

    def _concluded(self, photograph: Photograph, looks: Sequence[Looked]) -> Found:
        last = looks[-1]
        box, likely = last.box, [look.likely for look in looks[-COUNTED:]]
        if _DOUBTED[0] <= np.mean(likely) < _DOUBTED[1]:
            view = self._around(photograph, last.points)
            turned = [self._look(view, box, look) for look in _TURNED]
            points, scores = zip(*((look.points, look.scores) for look in (last, *turned)), strict=True)
            bounds = geometry.bounding_box(together(points, scores).keypoints)
            box = box if bounds is None else bounds
            likely += [look.likely for look in turned]
        return Found(box, BOX, float(np.mean(likely)))


def _squares(photograph: Photograph, share: float, apart: float) -> list[Square]:
    """Squares that cover a photograph, row by row.

    share: their side, of the photograph's longer one; where it is longer than the other, they lie in the
    middle there. apart: how far one lies from the next at most, as a share of their side.
    """
    size = photograph.whole[2:]
    side = max(2.0, share * size.max())  # in whole pixels, a narrower one could miss a line of them
    across, down = (_along(length, side, apart * side) for length in size)
    return [np.array([left, top, side, side]) for top in down for left in across]


def _along(length: float, side: float, apart: float) -> NDArray[np.float64]:
    """Where pieces of `side` begin along a length, to cover it."""
    if length <= side:
        return np.array([(length - side) / 2])
    return np.linspace(0, length - side, int(np.ceil((length - side) / apart)) + 1)


def _told_apart(found: Sequence[Found]) -> list[Found]:
    """Each hand once, by its surest box, the surest first."""
    kept: list[Found] = []
    for hand in sorted(found, key=lambda hand: -hand.sureness):
        if not any(metrics.box_share(hand.box, other.box) >= _SAME for other in kept):
            kept.append(hand)
    return kept
