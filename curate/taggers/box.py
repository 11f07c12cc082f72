"""The tagger in the box, and its finder, which need no torch: two networks propose where hands are, another
looks for keypoints there, and where it is not sure of them there is no hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.basics import files, geometry
from curate.basics.errors import InputError
from curate.hands.finding import FINDERS, Finder, Found
from curate.hands.photograph import Photograph
from curate.scoring import metrics
from curate.taggers.finder import outlined
from curate.taggers.looks import View
from curate.taggers.opencv import BOX, FINDER, FOLDER, INFO, LOCALISER, OVERVIEW, network, told
from curate.taggers.run import RunTagger, looks_of

_LOOKS = 3  # at each proposal at most, each closer around the points of the one before
_STAYS = 0.8  # overlap (IoU) of two squares from which another look would tell nothing new
_SAME = 0.5  # of their area: boxes that share so much are of one hand


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
        ("keypoints", told().margin),
        order=("bbox", BOX),
        finders={**FINDERS, BOX: finder()},
        settled=frozenset({BOX}),
    )


def finder() -> Finder:
    """The box's row in the table of finders."""
    find = BoxFinder()
    return Finder(BOX, False, True, find, find.all, content(""))


@dataclass(frozen=True, slots=True)
class BoxFinder:
    """Finds hands by what is in the box."""

    def __call__(self, photograph: Photograph) -> Found | None:
        """The hand that is surest. Raises UnreadableImage."""
        return next(iter(self.all(photograph)), None)

    def all(self, photograph: Photograph) -> list[Found]:
        """Each hand, the surest first: the box of its keypoints, and their mean score in the last two looks,
        which tells hands from the rest better than that of the last one.

        Raises UnreadableImage.
        """
        places = [place.box for place in outlined(network(FINDER), photograph, BOX)]
        found = [self._looked_at(photograph, box) for box in [*_in_overview(photograph), *places]]
        kept: list[Found] = []
        for hand in sorted(found, key=lambda hand: -(hand.score or 0.0)):
            if (hand.score or 0.0) >= told().trusted and all(
                metrics.box_iou(hand.box, other.box) < _SAME for other in kept
            ):
                kept.append(hand)
        return kept

    def _looked_at(self, photograph: Photograph, place: NDArray[np.floating]) -> Found:
        view, localiser = View(photograph, told().margin, ()), network(LOCALISER)
        view.close_in(np.stack([place[:2], place[:2] + place[2:]]))
        box, scores = place, list[float]()
        for _ in range(_LOOKS):
            shown = view.show(localiser.size)
            answer = localiser.predict(shown.pixels[None])
            points, before = shown.back(answer.points[0]), view.square
            view.close_in(points)
            bounds = geometry.bounding_box(points)
            box = place if bounds is None else bounds
            scores.append(float(answer.scores.mean()))
            if metrics.box_iou(view.square, before) >= _STAYS:
                break
        return Found(box, BOX, float(np.mean(scores[-2:])))


def _in_overview(photograph: Photograph) -> list[NDArray[np.floating]]:
    """Where a hand would be if there were one: the box of keypoints in the whole photograph.

    An outline also holds the arm, and a face behind the hand; this tells the hand from both, but one alone.
    """
    overview = network(OVERVIEW)
    shown = View(photograph, 0.0, ()).show(overview.size)
    box = geometry.bounding_box(shown.back(overview.predict(shown.pixels[None]).points[0]))
    return [] if box is None else [box]
