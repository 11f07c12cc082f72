"""`curate evaluate`: predictions to disk, then metrics from them, then a page of pictures."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import files, progress
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.predictions import PREDICTIONS, Predictions, read_predictions, write_predictions
from curate.data.training_set import form_of
from curate.scoring import metrics
from curate.scoring.page import Shown, render_page
from curate.training.examples import Examples
from curate.training.record import WEIGHTS
from curate.training.run import Run, open_run

METRICS = "metrics.json"
PAGE = "evaluation.html"

_PCK_PX = (1, 2, 3, 5, 9, 15, 30)
_PCK_BOX = (0.05, 0.1, 0.2)
_BATCH = 32


@dataclass(frozen=True)
class Evaluation:
    """Where an evaluation lies, and its figures (the content of metrics.json)."""

    out: Path
    figures: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {**self.figures, "out": os.fspath(self.out)}

    def __str__(self) -> str:
        f = self.figures
        if not f["n"]:
            return f"no labelled image in split {f['split']}; see {self.out / PAGE}"
        lines = [
            f"{f['n']} images of split {f['split']}, {f['size']} px:",
            f"  all points within {f['right_within_px']:g} px: {f['all_points_9px']:.1%} of images",
            f"  wrong in 1-2 points only: {f['wrong_1_2_of_all']:.1%} of images"
            + (f", {f['wrong_1_2_of_failures']:.1%} of failures" if f["wrong_1_2_of_failures"] else ""),
            f"  error: mean {f['epe_mean']:.2f} px, median {f['epe_median']:.2f} px"
            if f["epe_mean"] is not None
            else "  no point was predicted",
            f"see {self.out / PAGE}",
        ]
        return "\n".join(lines)


def evaluate(
    run: str | os.PathLike[str],
    training_set: str | os.PathLike[str],
    *,
    split: str = "test",
    out: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Evaluation:
    """Predict a split of a training set and measure.

    Writes predictions.parquet first, then metrics.json from it (`figures`), then evaluation.html.

    Parameters
    ----------
    run: a finished run. split: "train", "val" or "test".
    out: default RUN/evaluation-SPLIT; earlier files of these names there are replaced.

    Raises
    ------
    SchemaError: no finished run, or no dataset.
    InputError: no such split, or images of another size or kind than the run was trained on.
    """
    opened, dataset = open_run(run, gives="points"), Dataset(training_set)
    _check_fit(opened, dataset)
    folder = Path(out) if out is not None else opened.root / f"evaluation-{split}"
    examples = Examples(dataset, split, opened.spec.keypoints)
    write_predictions(
        folder / PREDICTIONS,
        _predict(opened, examples, quiet),
        split=split,
        weights_sha256=files.sha256(opened.root / WEIGHTS),
        training_set=dataset.fingerprint,
    )
    predictions = read_predictions(folder / PREDICTIONS)
    figures = {"split": split, **measure(predictions)}
    files.write(folder / METRICS, (json.dumps(figures, indent=1) + "\n").encode())
    shown = Shown(
        run=opened.root.resolve().name,
        training_set=dataset.root.resolve().name,
        split=split,
        figures=figures,
        table=_distances(predictions),
        sample_ids=predictions.sample_ids,
        predicted=predictions.predicted,
        truth=predictions.truth,
        visibility=predictions.visibility,
        pixels=examples.pixels,
    )
    files.write(folder / PAGE, render_page(shown).encode())
    return Evaluation(folder, figures)


def measure(predictions: Predictions) -> dict[str, Any]:
    """Every figure, as JSON values; None where there is nothing to measure.

    Pixel thresholds are those of the images, but "all_points_9px" and the two "wrong_1_2" scale the
    paper's 9 px at 96 px with the image's size ("right_within_px"). "n" counts images that have a label.
    """
    table = _distances(predictions)
    labelled = predictions.visibility > 0
    sides, areas = metrics.box_sizes(predictions.truth, labelled)
    limit = metrics.right_within(predictions.size)
    few_of_all, few_of_failures = metrics.few_wrong(table, limit)
    similarity = metrics.oks(table, areas, metrics.HAND_SIGMAS)
    known = labelled.any(1)
    joints = metrics.per_joint(table)
    figures: dict[str, Any] = {
        "n": int(known.sum()),
        "points": int(labelled.sum()),
        "unpredicted": int(np.isinf(table).sum()),
        "size": predictions.size,
        "right_within_px": limit,
        "all_points_9px": metrics.all_points_within(table, limit),
        "wrong_1_2_of_all": few_of_all,
        "wrong_1_2_of_failures": few_of_failures,
        "epe_mean": metrics.epe_mean(table),
        "epe_mean_of_joints": metrics.epe_mean_of_joints(table),
        "epe_median": metrics.epe_median(table),
        "mse": metrics.mean_squared_error(table),
        "pck": {str(px): metrics.pck(table, px) for px in _PCK_PX},
        "pck_box": {str(part): metrics.pck_normalised(table, sides, part) for part in _PCK_BOX},
        "auc_0_30": metrics.auc_hand3d(table, 0, 30),
        "auc_0_30_mmpose": metrics.auc_mmpose(table, 30),
        "auc_20_50": metrics.auc_hand3d(table, 20, 50),
        "oks_mean": float(similarity[known].mean()) if known.any() else math.nan,
        "ap": metrics.average_precision(similarity, _confidence(predictions)),
        "per_keypoint_epe": {
            name: float(joints[i]) for i, name in enumerate(kp.NAMES) if labelled[:, i].any()
        },
    }
    if labelled[:, kp.WRIST].any():
        aligned = metrics.root_aligned_distances(predictions.predicted, predictions.truth, labelled)
        figures["epe_mean_root_aligned"] = metrics.epe_mean(aligned)
    return {name: _finite(value) for name, value in figures.items()}


def _check_fit(run: Run, dataset: Dataset) -> None:
    form = form_of(dataset)
    for name in ("size", "channels"):
        wanted = getattr(run.spec, name)
        if getattr(form, name) != wanted:
            raise InputError(
                dataset.root,
                f"{getattr(form, name)}",
                field=f"training.{name}",
                allowed=f"{wanted}, as the run was trained on",
            )


def _predict(run: Run, examples: Examples, quiet: bool) -> Predictions:
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


def _distances(predictions: Predictions) -> NDArray[np.float64]:
    """(N, 21) as in curate.scoring.metrics."""
    return metrics.distances(predictions.predicted, predictions.truth, predictions.visibility > 0)


def _confidence(predictions: Predictions) -> NDArray[np.float64]:
    """(N,) mean score of the points that the network was made for."""
    made = np.isfinite(predictions.predicted).all(2)
    total = np.where(made, predictions.score, 0).sum(1, dtype=np.float64)
    return np.asarray(total / np.maximum(made.sum(1), 1))


def _finite(value: Any) -> Any:
    """JSON has no NaN: None stands for it."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
