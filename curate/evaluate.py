"""`curate evaluate`: predictions to disk, then figures from them, then a page of pictures."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curate.basics import files, progress
from curate.basics.errors import InputError
from curate.basics.settings import Options, choice
from curate.basics.version import VERSION
from curate.data.dataset import Dataset
from curate.data.predictions import PREDICTIONS, Predictions, read_predictions, write_predictions
from curate.data.training_set import form_of
from curate.networks.inference import Found, joined
from curate.scoring.figures import FIGURES, Figure, Scored, measure, summary
from curate.scoring.mask_figures import MASK_FIGURES, ScoredMasks
from curate.scoring.mask_page import ShownMasks, render_mask_page
from curate.scoring.page import Shown, render_page
from curate.training.examples import Examples
from curate.training.record import WEIGHTS
from curate.training.run import Run, open_run
from curate.training.trained_on import seen_in_training

METRICS = "metrics.json"
PAGE = "evaluation.html"
MASKS = "masks.npy"  # of a run that finds masks: (N, S, S) uint8, 255 times the probability of the hand
_BATCH = 32


@dataclass(frozen=True, slots=True)
class EvaluateOptions(Options):
    """What `curate evaluate` evaluates on."""

    split: str = choice("test", ("train", "val", "test"), "of the training set")


@dataclass(frozen=True)
class Evaluation:
    """Where an evaluation lies, and its figures (the content of metrics.json).

    Attributes
    ----------
    seen: how many samples, photographs and subjects of the split the run was trained on; None: not known.
    reused: it was finished before.
    """

    out: Path
    figures: dict[str, Any]
    seen: dict[str, int] | None = None
    reused: bool = False

    @property
    def rows(self) -> tuple[Figure, ...]:
        """What was measured: points, or masks."""
        return MASK_FIGURES if "mask_iou" in self.figures else FIGURES

    @property
    def fair(self) -> bool:
        """Whether all of it is new to the run, as far as is known; or it is the train split, as asked."""
        return self.figures["split"] == "train" or not any((self.seen or {}).values())

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            **self.figures,
            "out": os.fspath(self.out),
            "seen_in_training": self.seen,
            "reused": self.reused,
        }

    def __str__(self) -> str:
        f, page = self.figures, f"{self.out / PAGE}{' (was finished before)' if self.reused else ''}"
        if not f["n"]:
            return f"no labelled image in split {f['split']}; see {page}"
        head = f"{f['n']} images of split {f['split']}, {f['size']} px:"
        lines = summary(f, self.rows)
        return "\n".join([head, *(f"  {line}" for line in lines if line), *self._warnings(), f"see {page}"])

    def _warnings(self) -> list[str]:
        if self.seen is None:
            return [
                "  whether the run was trained on some of these is not known: it is of an earlier version"
            ]
        if self.fair:
            return []
        seen = ", ".join(f"{count} {kind}" for kind, count in self.seen.items() if count)
        return [f"  these figures flatter: the run was trained on {seen} of this split"]


def evaluate(
    run: str | os.PathLike[str],
    training_set: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    options: EvaluateOptions = EvaluateOptions(),
    *,
    overwrite: bool = False,
    quiet: bool = False,
) -> Evaluation:
    """Predict a split of a training set and measure.

    Writes predictions.parquet first, or masks.npy of a network that finds masks and no points; then
    metrics.json from it (curate.scoring.figures, curate.scoring.mask_figures), then evaluation.html.

    Parameters
    ----------
    run: a finished run, of a network that finds points or masks. out: default RUN/evaluation-SPLIT.

    Raises
    ------
    SchemaError: no finished run, or no dataset.
    InputError: no such split, images of another size or kind than the run was trained on, a set without masks
        for a run that finds these, a run of another network, or a foreign folder at `out`.
    ConfigChanged: `out` holds the evaluation of other weights, another set or another split, and `overwrite`
        is not set.
    """
    opened, dataset = open_run(run), Dataset(training_set)
    of_points = "points" in opened.gives
    if not of_points:
        opened.require("mask")
    _check_fit(opened, dataset, masks=not of_points)
    examples = Examples(dataset, options.split, opened.spec.keypoints)
    folder = Path(out) if out is not None else opened.root / f"evaluation-{options.split}"
    weights = files.sha256(opened.root / WEIGHTS)
    identity = {
        "stage": "evaluate",
        "version": VERSION,
        "options": asdict(options),
        "inputs": [weights, dataset.fingerprint],
    }
    reads = [opened.root, dataset.root]
    seen = seen_in_training(opened.root, dataset, options.split)
    with files.claimed(folder, identity, reads=reads, overwrite=overwrite) as claim:
        if claim.result is not None:
            return Evaluation(folder, claim.result, seen, reused=True)
        found = _predict(opened, examples, quiet)
        names = (opened.root.resolve().name, dataset.root.resolve().name)
        if of_points:
            about = {"weights_sha256": weights, "training_set": dataset.fingerprint}
            figures, page = _measure_points(folder, found, examples, options.split, names, about)
        else:
            figures, page = _measure_masks(folder, found, examples, options.split, names)
        files.write(folder / METRICS, (json.dumps(figures, indent=1) + "\n").encode())
        files.write(folder / PAGE, page.encode())
        claim.finish(figures)
    return Evaluation(folder, figures, seen)


def _measure_points(
    folder: Path,
    found: Found,
    examples: Examples,
    split: str,
    names: tuple[str, str],
    about: dict[str, str],
) -> tuple[dict[str, Any], str]:
    """Figures and page of points, from the file that is written first."""
    truth, visibility = examples.all_keypoints(np.arange(len(examples)))
    made = Predictions(examples.sample_ids, truth, visibility, found.points, found.scores, examples.size)
    write_predictions(folder / PREDICTIONS, made, split=split, **about)
    scored = Scored(read_predictions(folder / PREDICTIONS))
    figures = {"split": split, **measure(scored)}
    return figures, render_page(Shown(*names, figures, scored, examples.pixels))


def _measure_masks(
    folder: Path, found: Found, examples: Examples, split: str, names: tuple[str, str]
) -> tuple[dict[str, Any], str]:
    """Figures and page of masks, the same way."""
    truth = examples.masks(np.arange(len(examples)))
    assert truth is not None  # _check_fit
    assert found.masks is not None  # the network's row in the table
    with files.writing(folder / MASKS) as file:
        np.save(file, found.masks, allow_pickle=False)
    scored = ScoredMasks(np.load(folder / MASKS, allow_pickle=False), truth)
    figures = {"split": split, **measure(scored, MASK_FIGURES)}
    shown = ShownMasks(*names, figures, scored, examples.sample_ids, examples.pixels)
    return figures, render_mask_page(shown)


def _check_fit(run: Run, dataset: Dataset, *, masks: bool) -> None:
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
    if masks and not form.masks:
        raise InputError(dataset.root, "a training set without masks", remedy="build it with --masks")


def _predict(run: Run, examples: Examples, quiet: bool) -> Found:
    count = len(examples)
    parts = []
    with progress.bar("predict", count, quiet=quiet) as advance:
        for first in range(0, count, _BATCH):
            rows = np.arange(first, min(first + _BATCH, count))
            parts.append(run.predict(examples.pixels(rows), examples.left[rows]))
            advance(len(rows))
    return joined(parts)
