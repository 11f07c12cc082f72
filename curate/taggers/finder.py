"""A trained run as a finder of hands: one that finds masks gives a box for each hand that it sees in a
photograph, one that finds points in whole photographs a box for one hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curate.basics import files, geometry
from curate.basics.errors import InputError
from curate.basics.paths import real
from curate.hands.finding import Finder, Found
from curate.hands.frame import Frame
from curate.hands.outlines import outlines
from curate.hands.photograph import Photograph
from curate.training.record import WEIGHTS

if TYPE_CHECKING:
    from curate.networks.answer import Answer
    from curate.taggers.model import Model
    from curate.training.run import Run

_SEEN = 0.5  # from this mean score of its points on there is a hand


@dataclass(frozen=True, slots=True)
class RunFinder:
    """Finds hands by a run: little enough to be handed to every worker, which opens it once.

    Attributes
    ----------
    where: the run's folder. content: hash of its weights.
    """

    where: str
    content: str

    @property
    def name(self) -> str:
        """After the run's folder."""
        return f"run:{real(self.where).name}"

    def __call__(self, photograph: Photograph) -> Found | None:
        """The hand, the largest of several. Raises UnreadableImage."""
        return next(iter(self.all(photograph)), None)

    def all(self, photograph: Photograph) -> list[Found]:
        """Each hand, the largest first. Raises UnreadableImage."""
        run = _opened(self.where, self.content)
        if "mask" in run.gives:
            return outlined(run, photograph, self.name)
        return [hand for hand in pointed(run, photograph, self.name) if hand.sureness >= _SEEN]


def outlined(
    model: Model, photograph: Photograph, name: str, part: NDArray[np.floating] | None = None
) -> list[Found]:
    """Each hand that a network of masks sees, the largest first; hands that touch are one.

    It looks at a square, `part`, or at the whole photograph, padded to one as `curate build` does.
    Raises UnreadableImage.
    """
    answer, back = _look(model, photograph, part)
    likely = answer.masks
    assert likely is not None  # such a network
    boxes = [(_moved(hand.box, back, photograph), hand.score) for hand in outlines(likely[0])]
    return [Found(box, name, score) for box, score in boxes if min(box[2:]) > 0]


def pointed(
    model: Model, photograph: Photograph, name: str, part: NDArray[np.floating] | None = None
) -> list[Found]:
    """The hand whose points a network finds in all that it looks at, a square as in `outlined`, if it finds
    any; its score is the mean of theirs. Raises UnreadableImage."""
    answer, back = _look(model, photograph, part)
    box = geometry.bounding_box(geometry.apply(back, answer.points[0]))
    there = np.isfinite(answer.points[0]).all(1)
    return [] if box is None else [Found(box, name, float(answer.scores[0][there].mean()))]


def _look(
    model: Model, photograph: Photograph, part: NDArray[np.floating] | None
) -> tuple[Answer, geometry.Affine]:
    """What it finds there, and the map from what it is shown to the photograph."""
    size, channels = model.form
    square = photograph.square if part is None else part
    frame = Frame.around(photograph.info, np.floor(square), size, enlarge=True)
    shown = frame.of(photograph.read(frame.shrink, grey=channels == 1))
    return model.predict(shown[None]), geometry.invert(frame.affine)


def finder_of(where: str) -> Finder:
    """A run's row in the table of finders.

    Raises
    ------
    SchemaError: no finished run. InputError: its network finds points in crops of hands.
    """
    run = _opened(where, "")  # refused here, where it is of no use
    crop = run.info.get("crop")
    if "mask" not in run.gives and crop is not None:
        found = f"a run that finds points in crops by {crop.get('by')}"
        allowed = "one that finds masks, or one that learnt points in whole photographs"
        raise InputError(where, found, allowed=allowed, remedy="build the training set without --crop")
    find = RunFinder(where, files.sha256(Path(where) / WEIGHTS))
    return Finder(find.name, labels=False, pixels=True, find=find, find_all=find.all, content=find.content)


@lru_cache(maxsize=2)
def _opened(where: str, _content: str) -> Run:
    from curate.training.run import open_run  # torch, which the other finders do without

    return open_run(where)


def _moved(box: NDArray[np.floating], affine: geometry.Affine, photograph: Photograph) -> NDArray[np.float64]:
    """A box in the photograph's pixels, as far as it lies on it."""
    corners = geometry.apply(affine, np.stack([box[:2], box[:2] + box[2:]]))
    low, high = np.clip(corners, 0, photograph.whole[2:])
    return np.concatenate([low, high - low])
