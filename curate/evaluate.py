"""`curate evaluate`: predictions to disk, then figures from them, then a page of pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.basics import files
from curate.basics import keypoints as kp
from curate.basics.errors import InputError, SchemaError
from curate.basics.settings import require_options
from curate.basics.version import VERSION
from curate.basics.wording import already, counted
from curate.data import contents
from curate.data.dataset import Dataset
from curate.data.given_predictions import Given, read_given
from curate.data.grouping import values_of
from curate.data.predictions import PREDICTIONS, Predictions, read_predictions, write_predictions
from curate.data.sideless import sideless, taken_for_right
from curate.options.evaluate import EvaluateOptions
from curate.scoring import against, slices
from curate.scoring.figures import FIGURES, Figure, Scored, finite, measure, summary
from curate.scoring.mask_figures import MASK_FIGURES, ScoredMasks
from curate.scoring.mask_page import ShownMasks, render_mask_page
from curate.scoring.page import Shown, render_page
from curate.taggers.run import found_by_looks, looks_of
from curate.training.record import WEIGHTS, require_finished, starts_of
from curate.training.trained_on import seen_in_training

if TYPE_CHECKING:
    from curate.networks.answer import Answer
    from curate.training.examples import Examples
    from curate.training.run import Run

METRICS = "metrics.json"
PAGE = "evaluation.html"
MASKS = "masks.npy"  # of a run that finds masks: (N, S, S) uint8, 255 times the probability of the hand


@dataclass(frozen=True)
class Evaluation:
    """The folder of an evaluation, and its figures (the content of metrics.json).

    Attributes
    ----------
    seen: how many samples, photographs, subjects and clips of the split the run was trained on; None: not
        known.
    unknown: the names of those initial weights whose training data are not known.
    reused: it was finished before.
    """

    out: Path
    figures: dict[str, Any]
    seen: dict[str, int] | None = None
    unknown: tuple[str, ...] = ()
    reused: bool = False

    @property
    def rows(self) -> tuple[Figure, ...]:
        """What was measured: points, or masks."""
        return MASK_FIGURES if "mask_iou" in self.figures else FIGURES

    @property
    def fair(self) -> bool:
        """Whether all of it is new to the run, as far as is known, or the train split was asked for."""
        return self.figures["split"] == "train" or not any((self.seen or {}).values())

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            **self.figures,
            "out": os.fspath(self.out),
            "seen_in_training": self.seen,
            "first_weights_not_known": list(self.unknown),
            "reused": self.reused,
        }

    def __str__(self) -> str:
        f, page = self.figures, f"{self.out / PAGE}{already(self.reused)}"
        if not f["n"]:
            return f"no labelled image in split {f['split']}; see {page}"
        head = f"{counted(f['n'], 'image')} of split {f['split']}, {f['size']} px:"
        lines = [line for line in summary(f, self.rows) if line]
        lines += [*slices.told(f.get("by", {})), *against.told(f.get("against"))]
        return "\n".join([head, *(f"  {line}" for line in lines), *self._warnings(), f"see {page}"])

    def _warnings(self) -> list[str]:
        told = []
        if count := self.figures.get("taken_for_right"):
            told.append(taken_for_right(count, "image"))
        if count := self.figures.get("wrists_left_out"):
            told.append(f"left out, as no wrist is predicted: {counted(count, 'labelled wrist')}")
        if self.seen is None:
            told.append("it is not known whether the run was trained on these images")
        elif not self.fair:
            seen = ", ".join(
                counted(count, kind.removesuffix("s")) for kind, count in self.seen.items() if count
            )
            told.append(f"these figures flatter the run: it was trained on {seen} of this split")
        if self.unknown and self.figures["split"] != "train":
            told.append(f"it is not known what its first weights were trained on: {', '.join(self.unknown)}")
        return [f"  {line}" for line in told]


def evaluate(
    run: str | os.PathLike[str] | None,
    training_set: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    options: EvaluateOptions = EvaluateOptions(),
    *,
    overwrite: bool = False,
    quiet: bool = False,
) -> Evaluation:
    """Predict a split of a training set, and measure the predictions.

    First writes predictions.parquet, or masks.npy if the network finds masks but no points; from it,
    metrics.json (curate.scoring.figures, curate.scoring.mask_figures); and last, evaluation.html.

    Parameters
    ----------
    run: a finished run of a network that finds points or masks; None with `options.predictions`
        (curate.data.given_predictions). out: default RUN/evaluation-SPLIT.

    Raises
    ------
    SchemaError: not a finished run, or not a dataset.
    InputError: no such split, images of another size or kind than the run was trained on, a set without masks
        for a run that finds masks, predictions that cannot be read, both a run and predictions or neither, or
        a folder at `out` that curate did not make.
    ConfigChanged: `out` holds the evaluation of other weights, another set or another split, and `overwrite`
        is not set.
    """
    require_options(options, EvaluateOptions)
    dataset = Dataset(training_set)
    origin = _origin(run, dataset, options, quiet)
    values = {name: values_of(dataset, options.split, name) for name in options.by}
    other = _other(options, origin.examples)
    folder = Path(out) if out is not None else origin.out
    if folder is None:
        raise InputError("--out", "not given", allowed="a folder, as predictions have none of their own")
    identity = {
        "stage": "evaluate",
        "version": VERSION,
        "options": options.record(),
        "inputs": [origin.content, dataset.fingerprint],
    }
    with contents.claimed(folder, identity, [dataset], reads=origin.reads, overwrite=overwrite) as claim:
        if claim.result is not None:
            return Evaluation(folder, claim.result, origin.seen, origin.unknown, reused=True)
        names, found = (origin.name, dataset.name), origin.predict()
        about = {**origin.about(options.split, names[1]), **_looked_at(options)}
        if origin.of_points:
            scored = _scored(folder, found, origin, options, dataset.fingerprint)
            figures = {**about, **measure(scored)}
            figures |= {"by": finite(slices.sliced(scored, values))} if values else {}
            if other is not None:
                figures["against"] = finite(against.compared(scored, other, os.fspath(options.against or "")))
            page = render_page(Shown(*names, figures, scored, origin.examples.pixels))
        else:
            figures, page = _measure_masks(folder, found, origin.examples, about, names)
        files.write(folder / METRICS, (json.dumps(figures, indent=1) + "\n").encode())
        files.write(folder / PAGE, page.encode())
        claim.finish(figures)
    return Evaluation(folder, figures, origin.seen, origin.unknown)


@dataclass(frozen=True)
class _Origin:
    """The origin of predictions: a run, or a file of another tool.

    Attributes
    ----------
    content: hash of the weights or the file. of_points: it gives points, else masks. out: the default folder.
    seen, unknown: as in Evaluation. given: the content of the file; None for a run.
    taken_for_right: how many images of unknown side a network for right hands takes for right ones.
    wrists: how many labelled wrists are left out of `examples`, since no wrist is predicted.
    """

    name: str
    content: str
    of_points: bool
    reads: tuple[Path, ...]
    out: Path | None
    seen: dict[str, int] | None
    examples: Examples
    predict: Callable[[], Answer]
    given: Given | None = None
    unknown: tuple[str, ...] = ()
    taken_for_right: int = 0
    wrists: int = 0

    def about(self, split: str, training_set: str) -> dict[str, Any]:
        """What the figures begin with."""
        told = {"split": split, "training_set": training_set, "seen_in_training": self.seen}
        counts = {"taken_for_right": self.taken_for_right, "wrists_left_out": self.wrists}
        return told | {name: count for name, count in counts.items() if count}


def _origin(
    run: str | os.PathLike[str] | None, dataset: Dataset, options: EvaluateOptions, quiet: bool
) -> _Origin:
    if (run is None) == (options.predictions is None):
        found = "neither" if run is None else "both"
        raise InputError("evaluate", f"{found} of a run and --predictions", allowed="one of them")
    if run is None:
        assert options.predictions is not None
        return _of_file(options.predictions, dataset, options)
    require_finished(Path(run))
    # torch, which none of the refusals above waits for
    from curate.training.examples import Examples
    from curate.training.predicting import predict, require_fit
    from curate.training.run import open_run

    opened = open_run(run)
    of_points = "points" in opened.gives
    if not of_points:
        opened.require("mask")
        if options.by or options.against:
            found = "--by or --against with a run that finds masks"
            raise InputError("evaluate", found, allowed="with one that finds points")
    require_fit(opened, dataset, masks=not of_points)
    examples = Examples(dataset, options.split, opened.spec.keypoints)
    lacks_wrist = opened.spec.keypoints < kp.COUNT
    return _Origin(
        name=opened.name,
        content=files.sha256(opened.root / WEIGHTS),
        of_points=of_points,
        reads=(opened.root,),
        out=opened.root / f"evaluation-{options.split}",
        seen=seen_in_training(opened.root, dataset, options.split),
        examples=examples,
        predict=partial(predict, _looks(opened, options), examples, quiet=quiet),
        unknown=tuple(start.name for start in starts_of(opened.info) if not start.known),
        taken_for_right=sideless(dataset, options.split) if opened.right_hands else 0,
        wrists=_wrists(Examples(dataset, options.split)) if of_points and lacks_wrist else 0,
    )


def _looks(opened: Run, options: EvaluateOptions) -> Callable[..., Answer]:
    """How a run looks at images. Raises InputError."""
    if options.looks == 1:
        return partial(opened.predict, turns=options.turns)
    if options.turns:
        raise InputError("--looks", "given with --turns", allowed="one of them")
    return partial(found_by_looks, opened, looks_of(options.looks))


def _of_file(path: Path, dataset: Dataset, options: EvaluateOptions) -> _Origin:
    for name, asked in (("--turns", options.turns), ("--looks", options.looks > 1)):
        if asked:
            raise InputError(name, "given with --predictions", allowed="with a run")
    from curate.networks.answer import Answer
    from curate.training.examples import Examples
    from curate.training.predicting import beside_labels

    examples, wrists = Examples(dataset, options.split), 0
    given = read_given(path, examples.sample_ids)
    there = np.asarray(np.isfinite(given.points).all(axis=2).any(axis=0))
    if there.any() and not there[kp.WRIST]:  # as of a run that finds none
        wrists, examples = _wrists(examples), Examples(dataset, options.split, kp.COUNT - 1)
    found = Answer(given.points, given.scores)
    _refuse_another_cut(path, beside_labels(examples, found))
    return _Origin(
        name=path.name,
        content=files.sha256(path),
        of_points=True,
        reads=(),
        out=None,
        seen=None,
        examples=examples,
        predict=lambda: found,
        given=given,
        wrists=wrists,
    )


def _wrists(examples: Examples) -> int:
    """How many wrists of a split are labelled."""
    return int((examples.all_keypoints(np.arange(len(examples)))[1][:, kp.WRIST] > 0).sum())


def _looked_at(options: EvaluateOptions) -> dict[str, Any]:
    """How images were looked at, unless it was once and as they are."""
    turned, looks = {"turns": True}, {"looks": options.looks}
    return (turned if options.turns else {}) | (looks if options.looks > 1 else {})


def _looked(options: EvaluateOptions) -> str:
    """The same in words."""
    return "--turns" if options.turns else f"--looks {options.looks}" if options.looks > 1 else "one look"


def _other(options: EvaluateOptions, examples: Examples) -> Predictions | None:
    """The predictions to compare with. Raises as `against.require_alike`, before an evaluation is begun."""
    if options.against is None:
        return None
    other = read_predictions(options.against)
    against.require_alike(_unpredicted(examples), other, os.fspath(options.against))
    return other


def _unpredicted(examples: Examples) -> Predictions:
    """The labels of a split, with no predictions yet."""
    from curate.networks.answer import Answer
    from curate.training.predicting import beside_labels

    nowhere = np.full((len(examples), kp.COUNT, 2), np.nan, np.float32)
    return beside_labels(examples, Answer(nowhere, np.zeros(nowhere.shape[:2], np.float32)))


def _refuse_another_cut(path: Path, here: Predictions) -> None:
    """Compare the labels that predictions of ours hold. Raises InputError as `against.paired`."""
    try:
        told = read_predictions(path)
    except SchemaError:  # another tool's, which hold no labels
        return
    against.paired(here, told, os.fspath(path))


def _scored(
    folder: Path, found: Answer, origin: _Origin, options: EvaluateOptions, training_set: str
) -> Scored:
    """Points beside their labels, read back from the file, which is written first."""
    from curate.training.predicting import beside_labels

    about = {"weights_sha256": origin.content, "training_set": training_set}
    given = origin.given
    made = beside_labels(origin.examples, found)
    if given is None:
        made = replace(made, looked=_looked(options))
    write_predictions(folder / PREDICTIONS, made, split=options.split, **about)
    predictions = read_predictions(folder / PREDICTIONS)
    if given is None:
        return Scored(predictions)
    return Scored(predictions, given.unmatched, given.outdone, given.beyond, given.unscored, given.totals)


def _measure_masks(
    folder: Path, found: Answer, examples: Examples, about: dict[str, Any], names: tuple[str, str]
) -> tuple[dict[str, Any], str]:
    """Figures and page of masks, which are read back from their file, too."""
    truth = examples.masks(np.arange(len(examples)))
    assert truth is not None  # require_fit
    assert found.masks is not None  # the network's row in the table
    with files.writing(folder / MASKS) as file:
        np.save(file, found.masks, allow_pickle=False)
    scored = ScoredMasks(np.load(folder / MASKS, allow_pickle=False), truth)
    figures = {**about, **measure(scored, MASK_FIGURES)}
    shown = ShownMasks(*names, figures, scored, examples.sample_ids, examples.pixels)
    return figures, render_mask_page(shown)
