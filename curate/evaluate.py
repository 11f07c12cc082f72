"""`curate evaluate`: predictions to disk, then figures from them, then a page of pictures."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.basics import files, progress
from curate.basics.errors import InputError
from curate.basics.settings import Options, choice, flag, known, path, texts
from curate.basics.version import VERSION
from curate.data import contents
from curate.data.dataset import Dataset
from curate.data.predictions import PREDICTIONS, Predictions, read_predictions, write_predictions
from curate.data.sample import SCHEMA
from curate.data.training_set import form_of
from curate.scoring import against, slices
from curate.scoring.figures import Scored, finite, measure, summary
from curate.scoring.page import Shown, render_page
from curate.training.examples import Examples
from curate.training.record import WEIGHTS
from curate.training.run import Run, open_run
from curate.training.trained_on import seen_in_training

METRICS = "metrics.json"
PAGE = "evaluation.html"
_BATCH = 32
_PLAIN = (str, int, float, bool)  # what samples are told apart by


@dataclass(frozen=True, slots=True)
class EvaluateOptions(Options):
    """What `curate evaluate` evaluates on."""

    split: str = choice("test", ("train", "val", "test"), "of the training set")
    turns: bool = flag(False, "take the mean of four quarter turns of each image")
    by: tuple[str, ...] = texts(
        (),
        "names of columns or attrs",
        "also tell the error by what is known about the samples, such as side or skinTone; may be given "
        "several times",
        metavar="NAME",
    )
    against: Path | None = path(
        "also compare with another evaluation of the same images, by its predictions.parquet", metavar="FILE"
    )


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
        told = [*summary(f), *slices.told(f.get("by", {})), *against.told(f.get("against"))]
        return "\n".join([head, *(f"  {line}" for line in told), *self._warnings(), f"see {page}"])

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
    _check_fit(opened, dataset)
    examples = Examples(dataset, options.split, opened.spec.keypoints)
    values = {name: _known_of(dataset, options.split, name) for name in options.by}
    other = None if options.against is None else read_predictions(options.against)
    folder = Path(out) if out is not None else opened.root / f"evaluation-{options.split}"
    weights = files.sha256(opened.root / WEIGHTS)
    identity = {
        "stage": "evaluate",
        "version": VERSION,
        "options": options.record(),
        "inputs": [weights, dataset.fingerprint],
    }
    seen = seen_in_training(opened.root, dataset, options.split)
    with contents.claimed(folder, identity, [dataset], reads=[opened.root], overwrite=overwrite) as claim:
        if claim.result is not None:
            return Evaluation(folder, claim.result, seen, reused=True)
        write_predictions(
            folder / PREDICTIONS,
            _predict(opened, examples, options.turns, quiet),
            split=options.split,
            weights_sha256=weights,
            training_set=dataset.fingerprint,
        )
        scored = Scored(read_predictions(folder / PREDICTIONS))
        figures: dict[str, Any] = {"split": options.split, **measure(scored)}
        figures |= {"turns": True} if options.turns else {}
        figures |= {"by": finite(slices.sliced(scored, values))} if values else {}
        if other is not None:
            figures["against"] = finite(against.compared(scored, other, os.fspath(options.against or "")))
        files.write(folder / METRICS, (json.dumps(figures, indent=1) + "\n").encode())
        names = (opened.root.resolve().name, dataset.root.resolve().name)
        shown = Shown(*names, figures, scored, examples.pixels)
        files.write(folder / PAGE, render_page(shown).encode())
        claim.finish(figures)
    return Evaluation(folder, figures, seen)


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


def _known_of(dataset: Dataset, split: str, name: str) -> list[Any]:
    """What a column, or an entry of attrs, says of each sample of a split, in the order of the table.

    Raises
    ------
    InputError: no sample has it, or it is no word and no number.
    """
    columns = [one for one in SCHEMA.names if _is_plain(SCHEMA.field(one).type) and one != "attrs"]
    table = dataset.table(["split", "attrs", *columns])
    here = [place for place, one in enumerate(table.column("split").to_pylist()) if one == split]
    attrs = [json.loads(text) if text else {} for text in table.column("attrs").take(here).to_pylist()]
    there = sorted({key for one in attrs for key, value in one.items() if isinstance(value, _PLAIN)})
    there += [one for one in columns if table.column(one).null_count < len(table)]
    known(dataset.root, "column or attr", name, there)
    found = table.column(name).take(here).to_pylist() if name in columns else [one.get(name) for one in attrs]
    return [value if isinstance(value, _PLAIN) else None for value in found]


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _predict(run: Run, examples: Examples, turns: bool, quiet: bool) -> Predictions:
    count = len(examples)
    found = []
    with progress.bar("predict", count, quiet=quiet) as advance:
        for first in range(0, count, _BATCH):
            rows = np.arange(first, min(first + _BATCH, count))
            found.append(run.predict(examples.pixels(rows), examples.left[rows], turns=turns))
            advance(len(rows))
    points, scores = (
        np.concatenate([getattr(part, name) for part in found]) for name in ("points", "scores")
    )
    truth, visibility = examples.all_keypoints(np.arange(count))
    return Predictions(examples.sample_ids, truth, visibility, points, scores, examples.size)
