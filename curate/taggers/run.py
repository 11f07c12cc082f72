"""A trained run as a tagger: each photograph is cut as the run's training set was, and looked at.

A network that was trained on crops around keypoints looks twice: the second time around those it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import files, geometry
from curate.basics.errors import InputError
from curate.basics.images import Pixels
from curate.hands import finding
from curate.hands.cropping import Frame
from curate.hands.photograph import Photograph
from curate.taggers.tagger import Tagged
from curate.training.record import WEIGHTS
from curate.training.run import Run, open_run

_MARGIN = 0.1  # where the run does not know how its crops were cut


def content(where: str) -> str:
    """Hash of the run's weights. Raises SchemaError: no finished run; InputError: it finds no points."""
    return files.sha256(open_run(where, gives="points").root / WEIGHTS)


def open_tagger(where: str) -> RunTagger:
    """The run as a tagger. Raises as `content` does."""
    return RunTagger(open_run(where, gives="points"))


@dataclass(frozen=True)
class RunTagger:
    """See Tagger."""

    run: Run

    @property
    def label_source(self) -> str:
        """After the run's folder."""
        return f"auto:{self.run.root.resolve().name.replace(' ', '-')}"

    def tag(self, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
        """See Tagger."""
        views = [self._view(photograph) for photograph in photographs]
        usable = [view for view in views if isinstance(view, _View)]
        tagged = iter(self._look(usable))
        return [next(tagged) if isinstance(view, _View) else view for view in views]

    def _view(self, photograph: Photograph) -> _View | InputError:
        try:
            view = _View(photograph, self._cut_by[1])
            self._pixels(view)  # decodes: what does not is found out here
        except InputError as error:
            return error
        return view

    def _look(self, views: Sequence[_View]) -> list[Tagged]:
        if not views:
            return []
        points, scores = self._predict(views)
        if self._cut_by[0] == "keypoints":
            for view, found in zip(views, points, strict=True):
                view.close_in(found)
            points, scores = self._predict(views)
        return [
            Tagged(found, sure, view.found_by, view.square)
            for view, found, sure in zip(views, points, scores, strict=True)
        ]

    def _predict(self, views: Sequence[_View]) -> tuple[NDArray[Any], NDArray[Any]]:
        """(N, 21, 2) points in pixels of each photograph and (N, 21) scores."""
        cuts = [self._pixels(view) for view in views]
        left = np.array([view.photograph.sample.side == "left" for view in views])
        answer = self.run.predict(np.stack([pixels for pixels, _ in cuts]), left)
        back = [
            geometry.apply(geometry.invert(affine), found)
            for (_, affine), found in zip(cuts, answer.points, strict=True)
        ]
        return np.stack(back), answer.scores

    def _pixels(self, view: _View) -> tuple[Pixels, geometry.Affine]:
        """The square at the network's size, and the map from the photograph to it."""
        size, grey = self.run.spec.size, self.run.spec.channels == 1
        frame = Frame.around(view.photograph.info, view.square, size, enlarge=True)
        return frame.of(view.photograph.read(frame.shrink, grey=grey)), frame.affine

    @property
    def _cut_by(self) -> tuple[str, float]:
        """What the crops that the run was trained on were cut by, and the margin left around."""
        said = self.run.info.get("crop") or {}
        return said.get("by", "colour"), said.get("margin", _MARGIN)


class _View:
    """A photograph and the square of it that the network looks at: around the hand, or all of it."""

    def __init__(self, photograph: Photograph, margin: float) -> None:
        """A sample that was cut from another image is looked at whole. Raises UnreadableImage."""
        self.photograph, self.margin = photograph, margin
        self.square, self.found_by = geometry.square_around(photograph.whole, 0.0), finding.WHOLE
        cut_before = photograph.sample.transform is not None
        found = None if cut_before else finding.first(photograph, finding.ANY_HAND)
        if found is not None and found.by != finding.WHOLE and self._move_to(found.box):
            self.found_by = found.by

    def close_in(self, points: NDArray[Any]) -> None:
        """Look again, at a square around these points, where they can be a hand's."""
        box = geometry.bounding_box(points)
        if box is not None:
            self._move_to(box)

    def _move_to(self, box: NDArray[np.floating]) -> bool:
        """Look at a square around a box, if it is of a hand's size and its centre lies on the photograph."""
        square = geometry.square_around(box, self.margin)
        x, y, side, _ = square
        across, down = x + side / 2, y + side / 2
        info = self.photograph.info
        seen = 0 <= across <= info.width and 0 <= down <= info.height
        usable = bool(seen and 8 <= side <= 2 * max(info.width, info.height))
        if usable:
            self.square = square
        return usable
