"""Fitting a network to a training set and keeping the result as a run; the loop is Lightning's."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import threading
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import lightning
import msgspec
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader

from curate.basics.errors import InputError, SchemaError
from curate.basics.memory import keep_freed_memory
from curate.basics.numerals import is_digits
from curate.basics.settings import known
from curate.basics.unwarned import unwarned
from curate.basics.version import VERSION
from curate.data.dataset import INFO, Dataset
from curate.data.training_set import form_of
from curate.networks import table
from curate.networks.construct import build, build_on_meta
from curate.networks.hand_shape import HandShape
from curate.networks.network import Network, Spec
from curate.networks.recipe import Recipe
from curate.options.train import TrainOptions
from curate.training.checkpoints import AtomicCheckpoints
from curate.training.confidence import CONFIDENCE, fit_confidence
from curate.training.epoch_end import EpochEnd
from curate.training.examples import Examples, Shuffled
from curate.training.module import TrainingModule
from curate.training.record import CHECKPOINT, STARTS, WEIGHTS, Crop, read_epochs, write_info
from curate.training.run import finish_run, start_from
from curate.training.stored import reason
from curate.training.trained_on import DATA, NEW, Before, data_of, of_weights, write_trained_on

_ONE_ALONE = "more than 1 value per channel"  # as torch tells of a batch that cannot be normalised


@dataclass(frozen=True)
class Plan:
    """A training that is asked for.

    name: of the network, in the table. options: of its constructor. recipe: in pixels of the set's images.
    epochs: at most. max_minutes: no further than the end of the epoch that passes this. batch: images a
    step on each device. training_set: the set's fingerprint. start: hash of the file of first weights.
    before: what these were trained on.
    """

    name: str
    spec: Spec
    options: Mapping[str, Any]
    preset: str
    recipe: Recipe
    epochs: int
    max_minutes: float | None
    batch: int
    seed: int
    training_set: str
    start: str | None
    right_hands: bool
    before: Before = NEW

    @property
    def network(self) -> dict[str, Any]:
        """What run.json says of the network."""
        return {"name": self.name, **asdict(self.spec), **self.options}

    @property
    def config(self) -> dict[str, Any]:
        """What else run.json says was asked for."""
        names = ("preset", "epochs", "max_minutes", "batch", "seed", "training_set", "start")
        return {**{name: getattr(self, name) for name in names}, "recipe": asdict(self.recipe)}

    @property
    def identity(self) -> dict[str, Any]:
        """What two trainings must share to give the same weights."""
        config = self.config
        inputs = [config.pop("training_set")]
        if (beside := self.before.identity) is not None:
            config["start_trained_on"] = beside
        asked = {"network": self.network, "options": config, "inputs": inputs}
        return {"stage": "train", "version": VERSION, **asked}


def plan(dataset: Dataset, network: str, options: TrainOptions, *, box: Container[str] = ()) -> Plan:
    """What it means to train a network on this set.

    Parameters
    ----------
    box: hashes of the box's files.

    Raises
    ------
    InputError: no such network, preset, devices or option of the network, no file of first weights or none of
        this network, no training set, or one without the sides that a network of right hands needs.
    SchemaError: what lies beside the first weights, and tells what these were trained on, is broken.
    MissingExtra: as `start_from`.
    """
    presets = table.load(network).presets
    name = next(iter(presets)) if options.preset is None else options.preset
    if name not in presets:
        raise InputError("--preset", repr(name), allowed=", ".join(presets))
    # All that is asked for is tried here: what is refused must not leave a run that was begun.
    _several(options.devices)
    chosen, form = presets[name], form_of(dataset)
    spec = Spec(form.size, form.channels, form.keypoints, chosen.recipe.loss)
    own = _own_options(network, chosen.options, options.set)
    right_hands = _tried(network, spec, own, chosen.options).right_hands
    if right_hands and dataset.is_empty("side"):
        raise InputError(dataset.root, "no sample has side", remedy=f"needed for right hands, {network}")
    rate = chosen.recipe.rate if options.learning_rate is None else options.learning_rate
    start, before = None, NEW
    if options.start is not None:
        start = options.record()["start_sha256"]
        with torch.random.fork_rng(devices=()):  # who calls us from Python has seeds of their own
            start_from(build(network, spec, own), options.start)
        before = of_weights(options.start, start, box)
    return Plan(
        name=network,
        spec=spec,
        options=own,
        preset=name,
        recipe=replace(chosen.recipe, rate=rate).for_size(form.size, float(form.sigma)),
        epochs=options.epochs or chosen.epochs,
        max_minutes=options.max_minutes,
        batch=options.batch,
        seed=options.seed,
        training_set=dataset.fingerprint,
        start=start,
        right_hands=right_hands,
        before=before,
    )


def _own_options(network: str, preset: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """The options of a network: the preset's, with those that `--set` changes."""
    own, given = dict(preset), set[str]()
    for word in words:
        name, _, value = word.partition("=")
        known("--set", f"option of {network}", name, preset)
        if name in given:
            raise InputError("--set", f"{name}, given twice, the second time as {value}", allowed="once")
        given.add(name)
        try:
            own[name] = json.loads(value)
        except ValueError:
            own[name] = value
    return own


def _tried(name: str, spec: Spec, options: Mapping[str, Any], preset: Mapping[str, Any]) -> Network:
    """The network, built without memory. Raises InputError: it cannot be built with these options."""
    try:
        return build_on_meta(name, spec, options)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, TypeError):  # its words are Python's
            _refuse_other_kinds(options, preset)
        usual = " ".join(f"{option}={json.dumps(value)}" for option, value in preset.items())
        remedy = f"the preset has {usual}" if usual else ""
        raise InputError(f"the network {name}", str(error), remedy=remedy) from None


def _refuse_other_kinds(options: Mapping[str, Any], preset: Mapping[str, Any]) -> None:
    """Raise InputError for an option of another kind than the preset has, such as text for a number."""
    for option, usual in preset.items():
        given = options[option]
        kind = (int, float) if isinstance(usual, int | float) else type(usual)
        if not isinstance(given, kind):
            told = f"{option}={given if isinstance(given, str) else json.dumps(given)}"
            allowed = f"a value such as the preset's {option}={json.dumps(usual)}"
            raise InputError("--set", told, allowed=allowed)


def fill(
    folder: Path, dataset: Dataset, plan: Plan, *, start: Path | None, devices: str, quiet: bool
) -> dict[str, Any]:
    """Fill a run's folder that is held, and is new or was begun with this plan.

    Parameters
    ----------
    start: the file of first weights that the plan names.

    Returns
    -------
    The number of epochs, and the figures after the last.
    """
    info = {
        "config": plan.config,
        "crop": _crop_of(dataset),
        DATA: data_of(dataset, plan.before),
        "curate": VERSION,
        "torch": torch.__version__,
    }
    if plan.before.starts:
        info[STARTS] = msgspec.to_builtins(plan.before.starts)
    if not (folder / WEIGHTS).exists():
        write_info(folder, plan.network, info)
        write_trained_on(folder, dataset, plan.before)
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            network = _fit(folder, dataset, plan, start, devices, quiet)
        told = {"result": _result(folder), CONFIDENCE: _confidence(network, dataset, plan)}
        finish_run(folder, network, plan.network, {**info, **told})
    return _result(folder)


def _confidence(network: Network, dataset: Dataset, plan: Plan) -> dict[str, Any] | None:
    """What the run's scores mean, by split val alone: figures on another are to be reported."""
    if "points" not in table.row(plan.name).gives or _reported_split(dataset) != "val":
        return None
    return fit_confidence(network, Examples(dataset, "val"), "val")


def _result(folder: Path) -> dict[str, Any]:
    history = read_epochs(folder)
    return {"epochs": len(history), "last": history[-1]}


def _fit(
    folder: Path, dataset: Dataset, plan: Plan, start: Path | None, devices: str, quiet: bool
) -> Network:
    keep_freed_memory()
    torch.manual_seed(plan.seed)
    row = table.row(plan.name)
    examples = Examples(dataset, "train", labels=row.needs.labels)
    order = Shuffled(len(examples), plan.seed)
    # One worker would cost more than it saves: a batch is a copy from a memory map.
    loader = DataLoader(examples, plan.batch, sampler=order, collate_fn=_as_is)
    network = build(plan.name, plan.spec, plan.options)
    if start is not None:
        start_from(network, start)
    if "points" in row.gives:
        network.shape = HandShape.of(examples.keypoints)
    module = TrainingModule(network, plan.recipe, plan.seed)
    split = _reported_split(dataset)
    reported = Examples(dataset, split)
    epoch_end = EpochEnd(
        folder, reported, split, row.gives, plan.epochs, plan.max_minutes, quiet, plan.identity
    )
    with _quiet_lightning():
        trainer = lightning.Trainer(
            max_epochs=plan.epochs,
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
        checkpoint = folder / CHECKPOINT if (folder / CHECKPOINT).exists() else None
        try:
            trainer.fit(module, loader, ckpt_path=checkpoint, weights_only=True)
        except Exception as error:
            if _ONE_ALONE in str(error):
                found = f"of {len(examples)} pictures, batches of {plan.batch} leave one alone"
                raise InputError(dataset.root, found, remedy="give another --batch") from None
            if checkpoint is None or epoch_end.started or isinstance(error, OSError) or _several(devices):
                raise
            found = f"no checkpoint of this training ({type(error).__name__}: {reason(error)})"
            remedy = "delete it, and the same command begins again; or add --overwrite"
            raise InputError(checkpoint, found, remedy=remedy) from None
        except SystemExit:
            # Lightning turns Ctrl-C into an exit of its own, and leaves the process deaf to the next one.
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt from None
    return module.result()


def _reported_split(dataset: Dataset) -> str:
    """The split that epochs are reported on: val, else test, else the training images themselves."""
    there = set(dataset.table(["split"]).column("split").to_pylist())
    return next((name for name in ("val", "test") if name in there), "train")


def _crop_of(dataset: Dataset) -> dict[str, Any] | None:
    """How the training images were cut from their photos, so that `curate predict` can do the same.

    If they were cut in several ways, colour comes first, as it needs no labels.
    """
    made = [(entry["stage"], entry.get("options", {})) for entry in dataset.info["history"]]
    told = [options for stage, options in made if stage == "crop"]
    told += [options["crop"] for _, options in made if "crop" in options]
    try:
        crops = msgspec.convert(told, list[Crop])
    except msgspec.ValidationError as error:
        remedy = "build the training set again"
        raise SchemaError(dataset.root / INFO, f"damaged ({error})", field="history", remedy=remedy) from None
    crops.sort(key=lambda crop: crop.by != "colour")
    return msgspec.to_builtins(crops[0]) if crops else None


def _several(devices: str) -> bool:
    """Whether to train on more than one device. Raises InputError: not a way to say on which."""
    if devices in ("auto", "-1"):
        return torch.cuda.device_count() > 1
    numbers = [part for part in devices.split(",") if part.strip()]
    if not numbers or not all(is_digits(part.strip()) for part in numbers) or devices.strip() == "0":
        allowed = "auto, a number of devices, or the numbers of some, such as 0,1"
        raise InputError("--devices", repr(devices), allowed=allowed)
    return len(numbers) > 1 or ("," not in devices and int(devices) > 1)


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
        with unwarned(), _untold_by_threads():
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _untold_by_threads() -> Iterator[None]:
    """Silence the thread that writes TensorBoard's file: its OSError is raised in this thread, too."""
    before = threading.excepthook

    def tell(failed: threading.ExceptHookArgs) -> None:
        if not isinstance(failed.exc_value, OSError):
            before(failed)

    threading.excepthook = tell
    try:
        yield
    finally:
        threading.excepthook = before
