"""What a run predicts for a split of a training set."""

from __future__ import annotations

import numpy as np

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


def predict(run: Run, examples: Examples, *, quiet: bool) -> Predictions:
    """What a run that finds points predicts, beside the labels; of a split with `run.spec.keypoints`."""
    count = len(examples)
    found = []
    with progress.bar("predict", count, quiet=quiet) as advance:
        for first in range(0, count, _BATCH):
            rows = np.arange(first, min(first + _BATCH, count))
            found.append(run.predict(examples.pixels(rows), examples.left[rows]))
            advance(len(rows))
    points, scores = (
        np.concatenate([getattr(part, name) for part in found]) for name in ("points", "scores")
    )
    truth, visibility = examples.all_keypoints(np.arange(count))
    return Predictions(examples.sample_ids, truth, visibility, points, scores, examples.size)
