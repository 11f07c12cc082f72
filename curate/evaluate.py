"""`curate evaluate`: predictions to disk, then figures from them, then a page of pictures."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curate.basics import files
from curate.basics.settings import Options, choice
from curate.basics.version import VERSION
from curate.data.dataset import Dataset
from curate.data.predictions import PREDICTIONS, read_predictions, write_predictions
from curate.scoring.figures import Scored, measure, summary
from curate.scoring.page import Shown, render_page
from curate.training.examples import Examples
from curate.training.predicting import predict, require_fit
from curate.training.record import WEIGHTS
from curate.training.run import open_run
from curate.training.trained_on import seen_in_training

METRICS = "metrics.json"
PAGE = "evaluation.html"


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
        return "\n".join([head, *(f"  {line}" for line in summary(f)), *self._warnings(), f"see {page}"])

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

    Writes predictions.parquet first, then metrics.json from it (curate.scoring.figures), then
    evaluation.html.

    Parameters
    ----------
    run: a finished run, of a network that finds points. out: default RUN/evaluation-SPLIT.

    Raises
    ------
    SchemaError: no finished run, or no dataset.
    InputError: no such split, images of another size or kind than the run was trained on, a run of another
        network, or a foreign folder at `out`.
    ConfigChanged: `out` holds the evaluation of other weights, another set or another split, and `overwrite`
        is not set.
    """
    opened, dataset = open_run(run, gives="points"), Dataset(training_set)
    require_fit(opened, dataset)
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
        write_predictions(
            folder / PREDICTIONS,
            predict(opened, examples, quiet=quiet),
            split=options.split,
            weights_sha256=weights,
            training_set=dataset.fingerprint,
        )
        scored = Scored(read_predictions(folder / PREDICTIONS))
        figures = {"split": options.split, **measure(scored)}
        files.write(folder / METRICS, (json.dumps(figures, indent=1) + "\n").encode())
        names = (opened.root.resolve().name, dataset.root.resolve().name)
        shown = Shown(*names, figures, scored, examples.pixels)
        files.write(folder / PAGE, render_page(shown).encode())
        claim.finish(figures)
    return Evaluation(folder, figures, seen)
