"""What a run predicts for a split of a training set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.basics import progress
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.predictions import Predictions
from curate.data.training_set import form_of
from curate.training.examples import Examples
from curate.training.run import Run

_BATCH = 32


def require_fit(run: Run, training_set: Dataset) -> None:
    """Raise InputError where a training set's images are not as those that a run was trained on."""
    form = form_of(training_set)
    for name in ("size", "channels"):
        wanted = getattr(run.spec, name)
        if getattr(form, name) != wanted:
            raise InputError(
                training_set.root,
                f"{getattr(form, name)}",
                field=f"training.{name}",
                allowed=f"{wanted}, as the run was trained on",
            )


def predict(run: Run, examples: Examples, *, turns: bool = False, quiet: bool) -> Predictions:
    """What a run that finds points predicts, or the mean of its four `turns`, beside the labels.

    examples: of a split, with `run.spec.keypoints`.
    """
    found = []
    with progress.bar("predict", len(examples), quiet=quiet) as advance:
        for first in range(0, len(examples), _BATCH):
            rows = np.arange(first, min(first + _BATCH, len(examples)))
            found.append(run.predict(examples.pixels(rows), examples.left[rows], turns=turns))
            advance(len(rows))
    points, scores = (
        np.concatenate([getattr(part, name) for part in found]) for name in ("points", "scores")
    )
    return beside_labels(examples, points, scores)


def beside_labels(
    examples: Examples, points: NDArray[np.float32], scores: NDArray[np.float32]
) -> Predictions:
    """Points that were predicted for a split, by whatever, beside its labels."""
    truth, visibility = examples.all_keypoints(np.arange(len(examples)))
    return Predictions(examples.sample_ids, truth, visibility, points, scores, examples.size)
