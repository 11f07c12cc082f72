"""A trained run as a tagger: each photograph is cut as the run's training set was, and looked at.

A network that was trained on crops around keypoints looks twice: the second time around those it found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import files, geometry
from curate.basics.errors import InputError
from curate.hands.finding import ANY_HAND, FINDERS, FOUND_BY, NONE, WHOLE, Finder
from curate.hands.photograph import Photograph
from curate.networks.answer import Answer
from curate.scoring.precision import Threshold
from curate.taggers.looks import TURN, UPRIGHT, Look, Said, Shown, View, together
from curate.taggers.model import Model
from curate.taggers.tagger import Tagged, nothing
from curate.training.record import WEIGHTS, require_finished

if TYPE_CHECKING:
    from curate.training.run import Run

_MARGIN = 0.1  # where the run does not know how its crops were cut
_LOOKS = tuple(Look(mirrored=mirrored, turn=turn) for turn in (0, TURN, -TURN) for mirrored in (False, True))


def content(where: str) -> str:
    """Hash of the run's weights. Raises SchemaError: no finished run; InputError: it finds no points."""
    return files.sha256(_opened(where).root / WEIGHTS)


def open_tagger(where: str, looks: int) -> RunTagger:
    """The run as a tagger. Raises as `content` does."""
    run = _opened(where)
    crop = run.info.get("crop") or {}
    return RunTagger(run, looks_of(looks), (crop.get("by", "colour"), crop.get("margin", _MARGIN)))


def looks_of(count: int) -> tuple[Look, ...]:
    """How a hand is looked at, so many times."""
    return _LOOKS[:count]


def found_by_looks(
    model: Model, looks: Sequence[Look], pixels: NDArray[np.uint8], left: NDArray[np.bool_]
) -> Answer:
    """The points that several looks at each of some images give, and the mean of their masks, in its pixels.

    pixels, left: as `Model.predict` takes them.
    """
    answers = list[tuple[NDArray[np.float64], NDArray[np.float32]]]()
    masks = list[NDArray[np.uint8]]()
    for look in looks:
        answer = model.predict(np.stack([look.of(image) for image in pixels]), left != look.other_side)
        back = geometry.invert(look.affine(model.form[0]))
        answers.append((geometry.apply(back, answer.points), answer.scores))
        if answer.masks is not None:
            masks.append(np.stack([look.undone(mask) for mask in answer.masks]))
    said = _together(answers)
    points, scores = [one.keypoints for one in said], [one.scores for one in said]
    return Answer(
        np.stack(points).astype(np.float32),
        np.stack(scores).astype(np.float32),
        np.rint(np.mean(masks, 0)).astype(np.uint8) if masks else None,
    )


def _together(answers: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> list[Said]:
    """What looks say together of each image: of each look (N, 21, 2) points and (N, 21) scores."""
    return [
        together([points[row] for points, _ in answers], [scores[row] for _, scores in answers])
        for row in range(len(answers[0][0]))
    ]


def _opened(where: str) -> Run:
    require_finished(Path(where))
    from curate.training.run import open_run  # torch, which what is no run does not wait for

    return open_run(where, gives="points")


@dataclass(frozen=True)
class RunTagger:
    """See Tagger.

    Attributes
    ----------
    cut_by: what the crops that the network was trained on were cut by, and the margin left around.
    order, finders: who is asked where a hand is, see `curate.hands.finding.first`. Where the order does not
        end with the whole photograph, there is no hand in one in which nobody sees any.
    settled: those of them whose boxes lie around points of this network: it need not look for them once more.
    """

    model: Model
    looks: tuple[Look, ...]
    cut_by: tuple[str, float]
    order: tuple[str, ...] = ANY_HAND
    finders: Mapping[str, Finder] = field(default_factory=lambda: FINDERS)
    settled: frozenset[str] = frozenset()

    @property
    def label_source(self) -> str:
        """After the run's folder."""
        return f"auto:{self.model.name.replace(' ', '-')}"

    @property
    def threshold(self) -> Threshold | None:
        """The network's."""
        return self.model.threshold

    def tag(self, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
        """See Tagger."""
        views = [self._view(photograph) for photograph in photographs]
        usable = [view for view in views if isinstance(view, View)]
        tagged = iter(self._look(usable))
        return [next(tagged) if isinstance(view, View) else view for view in views]

    def _view(self, photograph: Photograph) -> View | InputError:
        try:
            view = View(photograph, self.cut_by[1], self.order, self.finders)
            self._show(view, UPRIGHT)  # decodes: what does not is found out here
        except InputError as error:
            return error
        return view

    def _look(self, views: Sequence[View]) -> list[Tagged]:
        if not views:
            return []
        far = [view for view in views if self.cut_by[0] == "keypoints" and not self._is_settled(view)]
        if far:
            for view, found in zip(far, self._predict(far, UPRIGHT)[0], strict=True):
                view.close_in(found)
        answers = [self._predict(views, look) for look in self.looks]
        return [self._tagged(view, said) for view, said in zip(views, _together(answers), strict=True)]

    def _is_settled(self, view: View) -> bool:
        by = view.photograph.sample.attrs.get(FOUND_BY) if view.found_by == "bbox" else view.found_by
        return by in self.settled

    def _tagged(self, view: View, said: Said) -> Tagged:
        unseen = view.found_by == WHOLE and view.photograph.sample.transform is None
        if unseen and WHOLE not in self.order:
            return nothing(NONE, view.square)
        for_right = self.model.right_hands and view.photograph.sample.side is None
        seen = (said.keypoints, said.scores, view.found_by, view.square, said.apart)
        return Tagged(*seen, taken_for_right=for_right)

    def _predict(self, views: Sequence[View], look: Look) -> tuple[NDArray[Any], NDArray[Any]]:
        """(N, 21, 2) points in pixels of each photograph and (N, 21) scores."""
        shown = [self._show(view, look) for view in views]
        left = np.array([(view.photograph.sample.side == "left") != look.other_side for view in views])
        answer = self.model.predict(np.stack([one.pixels for one in shown]), left)
        points = [one.back(found) for one, found in zip(shown, answer.points, strict=True)]
        return np.stack(points), answer.scores

    def _show(self, view: View, look: Look) -> Shown:
        size, channels = self.model.form
        return view.show(size, look, grey=channels == 1)
