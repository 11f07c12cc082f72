"""What a run predicts for a split of a training set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from curate.basics import progress
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.predictions import Predictions
from curate.data.training_set import form_of
from curate.networks.answer import Answer, joined
from curate.training.examples import Examples
from curate.training.run import Run

_BATCH = 32
Find = Callable[[NDArray[np.uint8], NDArray[np.bool_]], Answer]


def require_fit(run: Run, training_set: Dataset, *, masks: bool = False) -> None:
    """Raise InputError where a training set's images are not as those that a run was trained on, or where it
    holds none of the `masks` that are asked for."""
    form = form_of(training_set)
    colour = "with --colour" if run.spec.channels == 3 else "without --colour"
    for name, how in (("size", f"with --size {run.spec.size}"), ("channels", colour)):
        wanted = getattr(run.spec, name)
        if getattr(form, name) != wanted:
            raise InputError(
                training_set.root,
                f"{getattr(form, name)}",
                field=f"training.{name}",
                allowed=f"{wanted}, as the run was trained on",
                remedy=f"build a set {how}",
            )
    if masks and not form.masks:
        raise InputError(training_set.root, "a training set without masks", remedy="build it with --masks")


def predict(find: Find, examples: Examples, *, quiet: bool) -> Answer:
    """What is found in a split.

    find: gives what a run finds in some images, of which the second argument tells those of left hands.
    examples: with the run's `spec.keypoints`.
    """
    parts = []
    with progress.bar("predict", len(examples), quiet=quiet) as advance:
        for first in range(0, len(examples), _BATCH):
            rows = np.arange(first, min(first + _BATCH, len(examples)))
            parts.append(find(examples.pixels(rows), examples.left[rows]))
            advance(len(rows))
    return joined(parts)


def beside_labels(examples: Examples, found: Answer) -> Predictions:
    """Points that were predicted for a split, by whatever, beside its labels."""
    truth, visibility = examples.all_keypoints(np.arange(len(examples)))
    return Predictions(examples.sample_ids, truth, visibility, found.points, found.scores, examples.size)
