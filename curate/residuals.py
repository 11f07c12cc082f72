"""Predictions for `curate qa` by networks that never saw the people: a run's, or those trained for it.

OUT/predictions.parquet   what was predicted, beside the labels (curate.data.predictions)
OUT/set                   the training set, where one had to be built
OUT/fold-1 ...            runs, where networks were trained
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curate.basics import files
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.paths import paths_of
from curate.basics.settings import require_options
from curate.basics.version import VERSION
from curate.basics.wording import counted, verb
from curate.build import build
from curate.data import contents
from curate.data.dataset import Dataset
from curate.data.predictions import PREDICTIONS, Predictions, write_predictions
from curate.data.resplit import Resplit
from curate.data.split import folds
from curate.options.build import BuildOptions
from curate.options.residuals import EPOCHS, STEPS, ResidualOptions
from curate.options.train import TrainOptions
from curate.training.record import WEIGHTS

_SIZE, _MARGIN = 96, 0.25  # wide enough for a hand whose labels lie beside it


@dataclass(frozen=True)
class Unseen:
    """Predictions for people that the network did not know.

    Attributes
    ----------
    predictions: the file. samples: how many were asked for. judged: how many were predicted; the others could
        not be cut out, have no label, or were seen in training.
    reused: it was finished before.
    """

    predictions: Path
    samples: int
    judged: int
    reused: bool = False

    def __str__(self) -> str:
        left = self.samples - self.judged
        rest = f"; {left:,} {verb(left, 'was', 'were')} trained on, or could not be cut out" if left else ""
        judged = f"{self.judged:,} of {counted(self.samples, 'sample')}"
        return f"{judged} predicted by networks that never saw them{rest}"


def predict_unseen(
    datasets: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: ResidualOptions,
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Unseen:
    """Predict samples by a run, or by networks trained for it, that never saw their people.

    A sample that a run was trained on, or its photograph, subject or clip, is not predicted by that run.
    With `crossfit`, people are dealt into parts, and each part is predicted by a network that was trained on
    the others. A killed command goes on from its last epoch. Where a source does not name its people,
    photographs and clips stand for them.

    Parameters
    ----------
    datasets: one training set, or datasets, whose hands are cut out as the run's were, else by keypoints.
    options: `run` or `crossfit`.

    Raises
    ------
    InputError: no dataset at all; neither or both of these, or an option of `crossfit` without it; a run that
        was trained on all of the samples, that does not say on what it was trained, or on images of another
        kind; fewer people than parts; several training sets.
    SchemaError: no dataset, or no finished run. ConfigChanged: `out` was begun otherwise.
    """
    require_options(options, ResidualOptions)
    _refuse_idle(options)
    if (options.run is None) == (options.crossfit is None):
        raise InputError("--run, --crossfit", "both or neither", allowed="one of them")
    if not (opened := [Dataset(path) for path in paths_of(datasets)]):
        raise InputError("datasets", "none given", allowed="one or more dataset folders")
    if len(opened) > 1 and any(dataset.training is not None for dataset in opened):
        raise InputError("datasets", "several training sets", allowed="one training set, or datasets")
    weights = None if options.run is None else files.sha256(_finished(options.run))
    identity = {
        "stage": "residuals",
        "version": VERSION,
        "options": {**asdict(options), "run": weights},
    }
    reads = [] if options.run is None else [options.run]
    with contents.claimed(out, identity, opened, reads=reads, engine=engine, overwrite=overwrite) as claim:
        if claim.result is None:
            make = _Maker(opened, claim.out / "set", engine, quiet)
            found = _by_run(options.run, make) if options.run else _by_folds(options, make, claim.out)
            predictions = claim.out / PREDICTIONS
            write_predictions(predictions, found.predictions, split="unseen", **found.about)
            claim.finish({"samples": sum(map(len, opened)), "judged": len(found.predictions.sample_ids)})
            return Unseen(predictions, sum(map(len, opened)), len(found.predictions.sample_ids))
    return Unseen(claim.out / PREDICTIONS, **claim.result, reused=True)


def _refuse_idle(options: ResidualOptions) -> None:
    """Raise InputError where an option of the networks of `crossfit` is given, and none is trained."""
    if options.crossfit is not None:
        return
    changed = options.changed()
    for name in ("network", "epochs"):
        if name in changed:
            found = f"{changed[name]}, without --crossfit"
            raise InputError(f"--{name}", found, remedy="leave it out, or give --crossfit 3")


@dataclass(frozen=True)
class _Found:
    predictions: Predictions
    about: dict[str, str]


@dataclass(frozen=True)
class _Maker:
    """Makes the training set that is predicted, where it is none already."""

    datasets: Sequence[Dataset]
    folder: Path
    engine: Engine
    quiet: bool

    def __call__(self, size: int, keypoints: int, channels: int, by: str | None, margin: float) -> Dataset:
        first = self.datasets[0]
        if first.training is not None:
            return first
        cut = all(None not in d.table(["parent_id"]).column(0).to_pylist() for d in self.datasets)
        options = BuildOptions(
            size=size,
            keypoints=keypoints,
            colour=channels == 3,
            split="subject",
            crop=None if cut else by,
            margin=margin,
        )
        roots = [dataset.root for dataset in self.datasets]
        build(roots, self.folder, options, engine=self.engine, quiet=self.quiet)
        return Dataset(self.folder)


def _finished(run: Path) -> Path:
    """The weights of a finished run. Raises SchemaError: it is none."""
    from curate.training.run import open_run  # torch, which no refusal before waits for

    open_run(run, gives="points")
    return run / WEIGHTS


def _by_run(run: Path, make: _Maker) -> _Found:
    from curate.training.run import open_run
    from curate.training.trained_on import seen_rows

    opened = open_run(run, gives="points")
    crop = opened.info.get("crop") or {}
    spec = opened.spec
    by, margin = crop.get("by"), float(crop.get("margin", _MARGIN))
    training_set = make(spec.size, spec.keypoints, spec.channels, by, margin)
    seen = seen_rows(run, training_set)
    if seen is None:
        found = "a run of an earlier version, which does not say whom it was trained on"
        raise InputError(run, found, remedy="train again, or give --crossfit 3")
    if all(seen):
        raise InputError(
            run,
            f"trained on all of {counted(len(seen), 'sample')}, or on their people",
            allowed="a run that never saw them",
            remedy="give --crossfit 3",
        )
    predictions = _predicted(run, training_set, [not was for was in seen], make.quiet)
    about = {"weights_sha256": files.sha256(run / WEIGHTS), "training_set": training_set.fingerprint}
    return _Found(predictions, about)


def _by_folds(options: ResidualOptions, make: _Maker, out: Path) -> _Found:
    from curate.training import fit

    training_set = make(_SIZE, 20, 1, "keypoints", _MARGIN)
    part = _parts(training_set, options.crossfit or 0)
    parts, weights = [], []
    for number in range(options.crossfit or 0):
        own = part == number
        folder = out / f"fold-{number + 1}"
        resplit = Resplit(training_set, np.where(own, "test", "train").tolist())
        train = TrainOptions()
        steps = -(-int((~own).sum()) // train.batch)
        epochs = options.epochs or max(EPOCHS, -(-STEPS // steps))
        plan = fit.plan(resplit, options.network, TrainOptions(epochs=epochs))
        fit.fill(folder, resplit, plan, start=None, devices=train.devices, quiet=make.quiet)
        parts.append(_predicted(folder, resplit, own.tolist(), make.quiet))
        weights.append(files.sha256(folder / WEIGHTS))
    about = {"weights_sha256": " ".join(weights), "training_set": training_set.fingerprint}
    return _Found(_joined(parts), about)


def _parts(training_set: Dataset, count: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """The part of the people that each sample belongs to. Raises InputError: there are too few."""
    columns = training_set.table(["subject_id", "clip"]).columns
    subjects, clips = (column.to_pylist() for column in columns)
    part = np.array(folds(subjects, training_set.photos(), clips, count), np.intp)
    there = len(set(part.tolist()))
    if there < count:
        found, allowed = (
            f"{counted(there, 'person', 'people')}, or {verb(there, 'photograph', 'photographs')}",
            f"{count} or more",
        )
        raise InputError(training_set.root, found, allowed=allowed, remedy="a smaller --crossfit")
    return part


def _predicted(run: Path, training_set: Dataset, wanted: Sequence[bool], quiet: bool) -> Predictions:
    from curate.training.examples import Examples
    from curate.training.predicting import beside_labels, predict, require_fit
    from curate.training.run import open_run

    opened = open_run(run)
    require_fit(opened, training_set)
    chosen = Resplit(training_set, ["test" if want else None for want in wanted])
    examples = Examples(chosen, "test", opened.spec.keypoints)
    return beside_labels(examples, predict(opened.predict, examples, quiet=quiet))


def _joined(parts: Sequence[Predictions]) -> Predictions:
    """All parts as one, by the samples' names."""
    ids = [name for part in parts for name in part.sample_ids]
    order = sorted(range(len(ids)), key=ids.__getitem__)

    def all_of(values: Callable[[Predictions], Any]) -> Any:
        return np.concatenate([values(part) for part in parts])[order]

    return Predictions(
        [ids[i] for i in order],
        all_of(lambda part: part.truth),
        all_of(lambda part: part.visibility),
        all_of(lambda part: part.predicted),
        all_of(lambda part: part.score),
        parts[0].size,
    )
