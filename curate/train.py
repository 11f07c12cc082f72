"""Training the reference CNN on a training set: a run folder, which a killed training goes on from."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

import curate
from curate.basics.errors import ConfigChanged, InputError
from curate.data.dataset import Dataset
from curate.data.training_set import form_of
from curate.training.augment import Ranges
from curate.training.baseline import AtomicCheckpoints, Baseline, EpochEnd, Recipe, describe_epoch
from curate.training.examples import Examples, Shuffled
from curate.training.memory import keep_freed_memory
from curate.training.run import CHECKPOINT, INFO, WEIGHTS, NetworkInput, read_info, write_info, write_weights


@dataclass(frozen=True)
class Preset:
    """How to train; see PRESETS for what each value does."""

    recipe: Recipe
    epochs: int
    standardised: bool


PRESETS: dict[str, Preset] = {
    # Arslanova et al. 2020 as far as they say; what they leave silent is Keras's default or, for the
    # loss, what their figures imply (curate.networks.losses).
    "paper": Preset(
        Recipe(
            loss="sigmoid",  # binary cross-entropy with Gaussians of height 1
            sigma=None,  # the training set's own: 5 px unless it was built otherwise
            optimiser="adam",
            rate=1e-3,
            weight_decay=0.0,
            cosine=False,  # the rate stays
            average=False,  # the last weights are the result
            hidden_weight=1.0,
            ranges=Ranges(gamma=1.0, contrast=1.0),  # flips and affine maps only
        ),
        epochs=300,
        standardised=False,  # grey values from 0 to 1
    ),
    # The same network, trained with what has been learnt since. The default.
    "reference": Preset(
        Recipe(
            loss="softmax",  # cross-entropy of each map with formula (1)
            sigma=2.5,  # px at 96 px; narrower targets than the paper's give sharper points
            optimiser="adamw",
            rate=1e-3,
            weight_decay=1e-4,
            cosine=True,  # a warm-up of at most an epoch, then down to 0 over the epochs planned
            average=True,  # the result is an exponential moving average of the weights
            hidden_weight=0.5,  # a hidden point labelled by hand is a guess
            ranges=Ranges(),
        ),
        epochs=15,
        standardised=True,  # each image to mean 0 and deviation 1
    ),
}


@dataclass(frozen=True)
class Trained:
    """What a training gave. `last`: the figures after its last epoch; `reused`: it was finished before."""

    out: Path
    epochs: int
    planned: int
    last: dict[str, Any] = field(default_factory=dict)
    reused: bool = False

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "out": os.fspath(self.out)}

    def __str__(self) -> str:
        told = [f"{self.epochs} of {self.planned} epochs in {self.out}"]
        told += [" (was finished before)"] if self.reused else []
        told += [f"\n{line}" for line in [describe_epoch(self.last)] if self.last]
        return "".join(told)


def train(
    training_set: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    preset: str = "reference",
    epochs: int | None = None,
    max_minutes: float | None = None,
    batch: int = 32,
    seed: int = 0,
    devices: str | int = "auto",
    overwrite: bool = False,
    quiet: bool = False,
) -> Trained:
    """Train figure 12 of Arslanova et al. 2020 on the train split of a training set.

    A training that was killed goes on from its last complete epoch when called again with the same
    configuration; a finished one is not repeated. After each epoch the figures on split `val`, or
    `test` where there is none, are reported; nothing is ever selected by them: the weights after the
    last epoch are the result. Same training set, configuration, precision and number of threads and
    devices: same weights.

    Parameters
    ----------
    training_set: made by `curate build`. out: the run's folder.
    preset: "reference" or "paper". epochs: default: the preset's.
    max_minutes: train no further than the end of the epoch that passes this; the learning rate is
        planned for the epochs that fit.
    batch: images a step on each device. devices: as Lightning understands them.

    Raises
    ------
    InputError: an unknown preset, a training set that does not fit, or a foreign folder at `out`.
    ConfigChanged: `out` was begun with another configuration, and `overwrite` is not set.
    """
    if preset not in PRESETS:
        raise InputError("preset", repr(preset), allowed=", ".join(PRESETS))
    chosen = PRESETS[preset]
    dataset = Dataset(training_set)
    form = form_of(dataset)
    made_for = NetworkInput(form.size, form.channels, form.keypoints, chosen.standardised, chosen.recipe.loss)
    recipe = chosen.recipe.for_size(form.size, float(form.sigma))
    config = {
        "preset": preset,
        "epochs": epochs or chosen.epochs,
        "max_minutes": max_minutes,
        "batch": batch,
        "seed": seed,
        "recipe": json.loads(json.dumps(asdict(recipe))),
        "training_set": dataset.fingerprint,
    }
    with _claimed(Path(out), config, overwrite) as finished:
        return finished or _train(dataset, Path(out), made_for, recipe, config, devices, quiet)


def _train(
    dataset: Dataset,
    folder: Path,
    made_for: NetworkInput,
    recipe: Recipe,
    config: dict[str, Any],
    devices: str | int,
    quiet: bool,
) -> Trained:
    """Fill a run's folder that is held and is new, or unfinished with this configuration."""
    info = {
        "config": config,
        "crop": _crop_of(dataset),
        "curate": curate.__version__,
        "torch": torch.__version__,
    }
    write_info(folder, made_for, info)
    module = _fit(dataset, folder, made_for, recipe, config, devices, quiet)
    result = _result(folder, config)
    write_info(folder, made_for, {**info, "result": {"epochs": result.epochs, "last": result.last}})
    write_weights(folder, module.result())
    return result


def _fit(
    dataset: Dataset,
    folder: Path,
    made_for: NetworkInput,
    recipe: Recipe,
    config: dict[str, Any],
    devices: str | int,
    quiet: bool,
) -> Baseline:
    keep_freed_memory()
    torch.manual_seed(config["seed"])
    examples = Examples(dataset, "train")
    order = Shuffled(len(examples), config["seed"])
    # One worker would cost more than it saves: a batch is a copy from a memory map.
    loader = DataLoader(examples, config["batch"], sampler=order, collate_fn=_as_is)
    module = Baseline(made_for, recipe, config["seed"])
    reported = _reported_split(dataset)
    epoch_end = EpochEnd(
        folder, Examples(dataset, reported), reported, config["epochs"], config["max_minutes"], quiet
    )
    with _quiet_lightning():
        trainer = lightning.Trainer(
            max_epochs=config["epochs"],
            devices=devices,
            strategy="ddp_spawn" if _several(devices) else "auto",
            logger=TensorBoardLogger(folder, name="tensorboard", version=""),
            callbacks=[epoch_end],
            plugins=[AtomicCheckpoints()],
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        handler = signal.getsignal(signal.SIGINT)
        try:
            trainer.fit(module, loader, ckpt_path=_existing(folder / CHECKPOINT), weights_only=True)
        except SystemExit:
            # Lightning turns Ctrl-C into an exit of its own, and leaves the process deaf to the next one.
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt from None
    return module


def _result(folder: Path, config: dict[str, Any], *, reused: bool = False) -> Trained:
    history = json.loads((folder / "epochs.json").read_text(encoding="utf-8"))
    return Trained(folder, len(history), config["epochs"], history[-1], reused)


def _reported_split(dataset: Dataset) -> str:
    """The split that epochs are reported on: val, else test, else the training images themselves."""
    there = set(dataset.table(["split"]).column("split").to_pylist())
    return next((name for name in ("val", "test") if name in there), "train")


def _crop_of(dataset: Dataset) -> dict[str, Any] | None:
    """How the training images were cut from their photos, so that `curate predict` can do the same.

    Where some were cut by colour that counts, as it needs no labels.
    """
    history = dataset.info["history"]
    crops = [entry["options"] for entry in history if entry["stage"] == "crop"]
    crops += [entry["options"]["crop"] for entry in history if "crop" in entry["options"]]
    crops.sort(key=lambda options: options["by"] != "colour")
    return {name: crops[0][name] for name in ("by", "margin")} if crops else None


def _several(devices: str | int) -> bool:
    if str(devices) in ("auto", "-1"):
        return torch.cuda.device_count() > 1
    listed = [part for part in str(devices).split(",") if part.strip()]
    return len(listed) > 1 or (len(listed) == 1 and "," not in str(devices) and int(listed[0]) > 1)


@contextlib.contextmanager
def _claimed(folder: Path, config: dict[str, Any], overwrite: bool) -> Iterator[Trained | None]:
    """Hold the run's folder; gives the result of the same training where it is finished."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / INFO).exists() and not (folder / ".lock").exists():
        raise InputError(folder, "a folder with other files in it", allowed="a new folder, or a run")
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(folder, "another training is writing here") from None
        finished = None
        if (folder / INFO).exists():
            before = read_info(folder).get("config", {})
            done = (folder / WEIGHTS).exists()
            if not overwrite:
                _require_same(folder, before, config)
                finished = _result(folder, config, reused=True) if done else None
            elif done or before != config:  # else it was an overwrite that was killed: go on with it
                _clear(folder)
        yield finished


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == ".lock":
            continue
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _require_same(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    old, new = ({**config, **config.get("recipe", {})} for config in (before, now))
    changed = []
    for name in sorted((set(old) | set(new)) - {"recipe"}):
        if name == "training_set" and old.get(name) != new.get(name):
            changed.append("the training set is another")
        elif old.get(name) != new.get(name):
            changed.append(f"{name} was {old.get(name)}, now {new.get(name)}")
    if changed:
        raise ConfigChanged(
            folder,
            "begun with another configuration (" + "; ".join(changed) + ")",
            remedy="choose another --out, or add --overwrite",
        )


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None


def _as_is(batch: Any) -> Any:
    return batch


@contextlib.contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Lightning's advice is for people who write training loops."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
