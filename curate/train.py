"""`curate train`: a network trained on a training set; a killed training resumes from its run folder."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from curate.basics.errors import InputError
from curate.basics.settings import require_options
from curate.basics.wording import already, counted, percent
from curate.data import contents
from curate.data.dataset import INFO, Dataset
from curate.data.sideless import sideless, taken_for_right
from curate.data.training_set import form_of, read_split
from curate.networks import compiler, table
from curate.networks.table import Needs
from curate.options.train import TrainOptions
from curate.scoring.precision import PRECISION, Threshold
from curate.taggers import box_networks
from curate.training.record import WEIGHTS, describe_epoch, read_info

_FAR_OFF = 0.1  # mean error of scores from which on they cannot be relied on
_FEW = 20  # hands: with fewer, a single one is more than the 5 % that a threshold for 95 % may get wrong


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes
    ----------
    last: the figures after its last epoch. reused: it was finished before.
    taken_for_right: how many images of the train split, of unknown side, a network for right hands was
        trained on as right hands.
    taught_nothing: how many images of the train split have no labelled point, if the network learns from
        points alone.
    threshold: the score from which its hands can be trusted, and how many hands of that split it rests on.
    score_error: how far the scores are off, on average, on the split that they were fitted to; None if they
        were not fitted, or by an earlier version.
    """

    out: Path
    epochs: int
    planned: int
    last: dict[str, Any] = field(default_factory=dict)
    reused: bool = False
    taken_for_right: int = 0
    taught_nothing: int = 0
    score_error: float | None = None
    threshold: Threshold | None = None

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "out": os.fspath(self.out)}

    def __str__(self) -> str:
        told = [f"{self.epochs} of {counted(self.planned, 'epoch')} in {self.out}{already(self.reused)}"]
        told += [f"\n{line}" for line in [describe_epoch(self.last)] if self.last]
        if self.taken_for_right:
            told.append(f"\n  note: {taken_for_right(self.taken_for_right, 'image')}")
        if self.taught_nothing:
            nothing = "images without a labelled point, from which this network learns nothing"
            told.append(f"\n  note: {nothing}: {self.taught_nothing:,}")
        if self.score_error is not None and self.score_error > _FAR_OFF:
            off = f"off by {self.score_error:.2f} on average"
            told.append(
                f"\n  note: do not rely on its scores: although fitted to split val, they are {off} there"
            )
        known = self.threshold
        if known is None and self.score_error is not None:
            right = f"from none on are {percent(PRECISION)} of the points of split val right"
            told.append(f"\n  note: its scores do not tell which hands can be trusted: {right}")
        if known is not None and known.hands < _FEW:
            rests = f"rests on only {known.hands} of {counted(known.of, 'hand')} of split val"
            told.append(f"\n  note: the score from which its hands can be trusted, {known.score:g}, {rests}")
        return "".join(told)


def train(
    training_set: str | os.PathLike[str],
    out: str | os.PathLike[str],
    network: str,
    options: TrainOptions = TrainOptions(),
    *,
    overwrite: bool = False,
    quiet: bool = False,
) -> Trained:
    """Train a network on the train split of a training set.

    A killed training resumes from its last complete epoch when called again with the same configuration; a
    finished one is not repeated. After each epoch, the figures on split `val` are reported, or on `test` if
    there is no `val`. Nothing is ever selected by them: the weights after the last epoch are the result.
    The same training set, configuration, precision and number of threads and devices give the same weights.

    Parameters
    ----------
    training_set: made by `curate build`. out: the run's folder.
    network: its name in `curate.networks.table`.

    Raises
    ------
    InputError: an unknown network or preset, a training set that does not fit the network, initial weights
        of another network, no labelled point to learn from, or a folder at `out` that curate did not make.
    SchemaError: the record beside the initial weights of what they were trained on is broken.
    ConfigChanged: `out` was begun with another configuration, and `overwrite` is not set.
    """
    require_options(options, TrainOptions)
    needs, dataset, folder = table.row(network).needs, Dataset(training_set), Path(out)
    _require_fit(dataset, network, needs)
    options = _begun(options, network)
    compiler.load()  # before Lightning does
    from curate.training import fit  # torch, which no refusal above waits for
    from curate.training.confidence import score_error_of, threshold_of

    box = box_networks.box_info().sha256.values() if options.start is not None else ()
    plan = fit.plan(dataset, network, options, box=box)
    unlabelled = _unlabelled(dataset, network, needs)
    reads = [] if options.start is None else [options.start]
    with contents.claimed(folder, plan.identity, [dataset], reads=reads, overwrite=overwrite) as claim:
        result = claim.result
        if result is None:
            result = fit.fill(
                folder, dataset, plan, start=options.start, devices=options.devices, quiet=quiet
            )
            claim.finish(result)
    before, info = claim.result is not None, read_info(folder)
    return Trained(
        folder,
        result["epochs"],
        plan.epochs,
        result["last"],
        reused=before,
        taken_for_right=sideless(dataset, "train") if plan.right_hands else 0,
        taught_nothing=0 if plan.recipe.empty_weight else unlabelled,
        score_error=score_error_of(info),
        threshold=threshold_of(info),
    )


def _begun(options: TrainOptions, network: str) -> TrainOptions:
    """The options, with the file of weights as `start` if it is the folder of a run, or the box.

    Raises InputError: the box has no weights for the network or the preset; a folder that is not a run.
    """
    start = options.start
    if os.fspath(start or "") != box_networks.BOX:
        if start is None or not start.is_dir():
            return options
        if not (start / WEIGHTS).is_file():
            allowed = "a file of weights, or the folder of a finished run"
            raise InputError(start, f"a folder without {WEIGHTS}", field="--start", allowed=allowed)
        return replace(options, start=start / WEIGHTS)
    if network not in box_networks.LEARNT_BY:
        raise InputError(
            "--start box", f"nothing of the network {network}", allowed=", ".join(box_networks.LEARNT_BY)
        )
    learnt = box_networks.LEARNT_BY[network]
    if options.preset not in learnt:
        found = "no preset" if options.preset is None else f"--preset {options.preset}"
        raise InputError("--start box", found, allowed=" or ".join(f"--preset {name}" for name in learnt))
    return replace(options, start=box_networks.FOLDER / learnt[options.preset])


def _require_fit(dataset: Dataset, network: str, needs: Needs) -> None:
    """Raise InputError if a dataset is not a training set, or not one that a network can be trained on."""
    form, who = form_of(dataset), f"for the network {network}"
    colour = "with --colour" if 3 in needs.channels else "without --colour"
    allowed = {
        "size": (form.size % needs.stride == 0, f"a multiple of {needs.stride}", "with --size"),
        "channels": (form.channels in needs.channels, " or ".join(map(str, needs.channels)), colour),
        "keypoints": (
            form.keypoints in needs.keypoints,
            " or ".join(map(str, needs.keypoints)),
            "with --keypoints",
        ),
    }
    for name, (fits, text, how) in allowed.items():
        if not fits:
            found, field = repr(getattr(form, name)), f"training.{name}"
            remedy = f"build the set {how}"
            raise InputError(dataset.root / INFO, found, field=field, allowed=f"{text}, {who}", remedy=remedy)
    for label in needs.labels:
        given = form.masks if label == "mask" else not dataset.is_empty(label)
        if not given:
            raise InputError(dataset.root, f"no sample has {label}", remedy=f"needed {who}")


def _unlabelled(dataset: Dataset, network: str, needs: Needs) -> int:
    """How many images of the train split have no labelled point; 0 for a network that learns from masks.

    Raises InputError: none has a labelled point.
    """
    if "mask" in needs.labels:
        return 0
    labelled = read_split(dataset, "train").visibility.any(1)
    if not labelled.any():
        found, remedy = "no labelled keypoint in split train", f"needed for the network {network}"
        raise InputError(dataset.root, found, remedy=remedy)
    return int((~labelled).sum())
