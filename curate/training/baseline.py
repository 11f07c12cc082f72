"""The reference CNN in training: one step, and what an epoch's end brings. The loop is Lightning's."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from curate.basics import files, images, progress
from curate.basics import keypoints as kp
from curate.hands.comparison import draw_prediction
from curate.hands.overlay import contact_sheet
from curate.networks import losses
from curate.networks.figure12 import Figure12
from curate.scoring import metrics
from curate.training.augment import Ranges, augment, draw, to_float
from curate.training.examples import Batch, Examples
from curate.training.run import CHECKPOINT, NetworkInput

_LOSSES = {"softmax": losses.softmax_cross_entropy, "sigmoid": losses.binary_cross_entropy}
_RECIPE_SIZE = 96  # pixels a side that a recipe's sigma is meant for
_WARM_UP = 0.1  # of all steps, but at most an epoch
_SLOWEST_AVERAGE = 0.999
_REPORTED = 1024  # images an epoch is reported on at most
_SHOWN = 16


@dataclass(frozen=True)
class Recipe:
    """How the network is trained.

    loss: "softmax" or "sigmoid". sigma: of the targets, pixels; None: the training set's. optimiser:
    "adam" or "adamw". cosine: warm the rate up and let it fall to 0. average: the result is a moving
    average of the weights. hidden_weight: what a hidden point counts, a visible one counting 1.
    """

    loss: str
    sigma: float | None
    optimiser: str
    rate: float
    weight_decay: float
    cosine: bool
    average: bool
    hidden_weight: float
    ranges: Ranges

    def for_size(self, size: int, sigma: float) -> Recipe:
        """This recipe with its sigma in pixels of images of `size`, or else the training set's."""
        return replace(self, sigma=sigma if self.sigma is None else self.sigma * size / _RECIPE_SIZE)


class Baseline(lightning.LightningModule):
    """Figure 12 under a recipe.

    Attributes
    ----------
    planned_epochs: that the learning rate is laid out over; EpochEnd shortens it where time runs out.
    """

    def __init__(self, made_for: NetworkInput, recipe: Recipe, seed: int) -> None:
        super().__init__()
        self.made_for, self.recipe, self.seed = made_for, recipe, seed
        self.network = Figure12(made_for.keypoints, made_for.channels)
        self.averaged: AveragedModel | None = None
        if recipe.average:
            self.averaged = AveragedModel(self.network, multi_avg_fn=_average).requires_grad_(False)
        self.planned_epochs = 1
        self._bfloat16 = {"cpu": _cpu_multiplies_bfloat16(), "cuda": _gpu_multiplies_bfloat16()}

    def result(self) -> Figure12:
        """The network as it would be delivered now."""
        network = self.network if self.averaged is None else self.averaged.module
        assert isinstance(network, Figure12)
        return network

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of a batch of raw samples, augmented by (seed, epoch, row)."""
        drawn = draw(
            self.recipe.ranges, self.made_for.size, self.seed, self.current_epoch, batch.row.tolist()
        )
        floats, keypoints = augment(to_float(batch.pixels), batch.keypoints, drawn)
        kind = self.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self._bfloat16.get(kind, False)):
            logits = self.network(self.made_for.prepare(floats))
        weights = losses.visibility_weights(batch.visibility, self.recipe.hidden_weight)
        assert self.recipe.sigma is not None
        loss = _LOSSES[self.recipe.loss](logits, keypoints, weights, self.recipe.sigma)
        self.log("loss", loss, on_step=True, on_epoch=True, sync_dist=True, batch_size=len(batch.row))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam or AdamW."""
        kind: type[torch.optim.Adam] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[
            self.recipe.optimiser
        ]
        weights = self.network.parameters()
        return kind(weights, self.recipe.rate, weight_decay=self.recipe.weight_decay, fused=True)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate of this step."""
        if not self.recipe.cosine:
            return
        steps = int(self.trainer.num_training_batches)
        rate = self.recipe.rate * _schedule(self.global_step, steps, self.planned_epochs * steps)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Take the new weights into the average."""
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)


class EpochEnd(Checkpoint):
    """After each epoch: measure, show, record, save, and stop where the time is up.

    Being a Checkpoint, it runs after everything else that an epoch's end sets in motion. Only the first
    of several devices does the work.
    """

    def __init__(
        self,
        folder: Path,
        examples: Examples,
        split: str,
        epochs: int,
        max_minutes: float | None,
        quiet: bool,
    ) -> None:
        self.folder, self.examples, self.split = folder, examples, split
        self.epochs, self.max_minutes, self.quiet = epochs, max_minutes, quiet
        self.history: list[dict[str, Any]] = []
        self.seconds = 0.0  # of training so far, over all sittings
        self._since = 0.0
        self._screen: ExitStack | None = None

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.history, self.seconds = state["history"], state["seconds"]

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._since = time.monotonic()
        self._screen = ExitStack()
        quiet = self.quiet or not trainer.is_global_zero
        steps = int(trainer.num_training_batches)
        bar = progress.bar("train", self.epochs * steps, quiet=quiet)
        self._advance = self._screen.enter_context(bar)
        self._advance(len(self.history) * steps, new=False)

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, Baseline)
        planned = _epochs_that_fit(self.epochs, self.max_minutes, len(self.history), self.seconds)
        module.planned_epochs = trainer.strategy.broadcast(planned)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._advance(1)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, Baseline)
        loss = float(trainer.callback_metrics["loss_epoch"])
        entry: dict[str, Any] = {"epoch": len(self.history) + 1, "loss": loss, "split": self.split}
        if trainer.is_global_zero:
            entry |= self._look(module, entry["epoch"])
            trainer.logger.log_metrics(  # type: ignore[union-attr]
                {f"{self.split}/{name}": value for name, value in entry.items() if isinstance(value, float)},
                step=trainer.global_step,
            )
            self._tell(entry)
        self.history.append(entry)
        now = time.monotonic()
        self.seconds, self._since = self.seconds + now - self._since, now
        if trainer.is_global_zero:
            text = json.dumps(self.history, indent=1) + "\n"
            files.write(self.folder / "epochs.json", text.encode())
        trainer.save_checkpoint(self.folder / CHECKPOINT, weights_only=False)
        over = self.max_minutes is not None and self.seconds >= 60 * self.max_minutes
        trainer.should_stop = trainer.strategy.reduce_boolean_decision(over, all=False)

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._close()

    def on_exception(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, exception: BaseException
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._screen is not None:
            self._screen.close()
            self._screen = None

    def _look(self, module: Baseline, epoch: int) -> dict[str, float | int]:
        """Figures of some of the reported split, and a picture of a few."""
        count = len(self.examples)
        rows = np.unique(np.linspace(0, count - 1, min(count, _REPORTED)).astype(int))
        pixels = self.examples.pixels(rows)
        points, _ = module.made_for.predict(module.result(), pixels)
        truth = np.full((len(rows), kp.COUNT, 2), np.nan, np.float32)
        visibility = np.zeros((len(rows), kp.COUNT), np.uint8)
        subset = kp.subset(module.made_for.keypoints)
        truth[:, subset], visibility[:, subset] = (
            self.examples.keypoints[rows],
            self.examples.visibility[rows],
        )
        shown = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _SHOWN)).astype(int))
        pictures = [draw_prediction(pixels[i], points[i], truth[i], visibility[i], size=240) for i in shown]
        sheet = contact_sheet(pictures, columns=4, cell=240)
        images.write(self.folder / "epochs" / f"epoch-{epoch:03d}.png", sheet)
        table = metrics.distances(points, truth, visibility > 0)
        limit = metrics.right_within(module.made_for.size)
        return {
            "n": len(rows),
            "all_points_9px": metrics.all_points_within(table, limit),
            "epe_mean": metrics.epe_mean(table),
        }

    def _tell(self, entry: dict[str, Any]) -> None:
        if not self.quiet:
            sys.stderr.write(f"epoch {entry['epoch']:3d} of {self.epochs}: {describe_epoch(entry)}\n")
            sys.stderr.flush()


class AtomicCheckpoints(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all, and that are read without unpickling code."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write beside `path`, then rename."""
        temporary = Path(path).with_name(f".{Path(path).name}.tmp")
        torch.save(checkpoint, temporary)
        os.replace(temporary, path)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: Any = None
    ) -> dict[str, Any]:
        """Tensors and plain values only, whatever the caller says."""
        checkpoint: dict[str, Any] = torch.load(path, map_location=map_location or "cpu", weights_only=True)
        return checkpoint


def describe_epoch(entry: dict[str, Any]) -> str:
    """An epoch's figures in one line."""
    return (
        f"loss {entry['loss']:.4f}; {entry['split']} ({entry['n']} images): all points right in "
        f"{entry['all_points_9px']:.1%}, mean error {entry['epe_mean']:.2f} px"
    )


def _epochs_that_fit(epochs: int, max_minutes: float | None, done: int, seconds: float) -> int:
    """How many epochs there will have been when the time is up, judging by those done."""
    if max_minutes is None or not done:
        return epochs
    return max(done + 1, min(epochs, math.ceil(60 * max_minutes * done / max(seconds, 1e-9))))


def _schedule(step: int, epoch_steps: int, total_steps: int) -> float:
    """Share of the full learning rate: a straight line up, then half a cosine down."""
    warm = min(max(1, round(_WARM_UP * total_steps)), epoch_steps)
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - warm) / max(1, total_steps - warm)))


def _average(averaged: Any, current: Any, count: Any) -> None:
    # Young averages forget fast: of the first steps nothing should be left.
    share = 1 - min(_SLOWEST_AVERAGE, (1 + float(count)) / (10 + float(count)))
    for mean, new in zip(averaged, current, strict=True):
        mean.lerp_(new, share)


def _cpu_multiplies_bfloat16() -> bool:
    # Without the instructions, bfloat16 is emulated and slower than float32.
    features: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))


def _gpu_multiplies_bfloat16() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()
