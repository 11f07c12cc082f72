"""A trained run that finds masks, as a finder of hands: a box for each hand that it sees in a photograph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curate.basics import files, geometry
from curate.basics.paths import real
from curate.hands.cropping import Frame
from curate.hands.finding import Finder, Found
from curate.hands.outlines import outlines
from curate.hands.photograph import Photograph
from curate.training.record import WEIGHTS

if TYPE_CHECKING:
    from curate.taggers.model import Model


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
        """The largest hand. Raises UnreadableImage."""
        return next(iter(self.all(photograph)), None)

    def all(self, photograph: Photograph) -> list[Found]:
        """Each hand, the largest first. Raises UnreadableImage."""
        return outlined(_opened(self.where, self.content), photograph, self.name)


def outlined(
    model: Model, photograph: Photograph, name: str, part: NDArray[np.floating] | None = None
) -> list[Found]:
    """Each hand that a network of masks sees, the largest first; hands that touch are one.

    It looks at a square, `part`, or at the whole photograph, padded to one as `curate build` does.
    Raises UnreadableImage.
    """
    size, channels = model.form
    square = photograph.square if part is None else part
    frame = Frame.around(photograph.info, np.floor(square), size, enlarge=True)
    likely = model.predict(frame.of(photograph.read(frame.shrink, grey=channels == 1))[None]).masks
    assert likely is not None  # such a network
    back = geometry.invert(frame.affine)
    boxes = [(_moved(hand.box, back, photograph), hand.score) for hand in outlines(likely[0])]
    return [Found(box, name, score) for box, score in boxes if min(box[2:]) > 0]


def finder_of(where: str) -> Finder:
    """A run's row in the table of finders.

    Raises
    ------
    SchemaError: no finished run. InputError: its network finds no mask.
    """
    _opened(where, "")  # refused here, where it is of no use
    find = RunFinder(where, files.sha256(Path(where) / WEIGHTS))
    return Finder(find.name, False, True, find, find.all, find.content)


@lru_cache(maxsize=2)
def _opened(where: str, _content: str) -> Model:
    from curate.training.run import open_run  # torch, which the other finders do without

    return open_run(where, gives="mask")


def _moved(box: NDArray[np.floating], affine: geometry.Affine, photograph: Photograph) -> NDArray[np.float64]:
    """A box in the photograph's pixels, as far as it lies on it."""
    corners = geometry.apply(affine, np.stack([box[:2], box[:2] + box[2:]]))
    low, high = np.clip(corners, 0, photograph.whole[2:])
    return np.concatenate([low, high - low])
