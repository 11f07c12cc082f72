"""A network in training: what one step does. The loop is Lightning's."""

from __future__ import annotations

import math
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from curate.basics.errors import InputError
from curate.networks.network import Network, told_as
from curate.networks.pixels import to_float
from curate.networks.recipe import Recipe
from curate.training.augment import augment, draw
from curate.training.camera import taken
from curate.training.examples import Batch

_WARM_UP = 0.1  # of all steps, but at most an epoch
_SLOWEST_AVERAGE = 0.999


class TrainingModule(lightning.LightningModule):
    """A network under a recipe.

    Attributes
    ----------
    planned_epochs: that the learning rate is laid out over; EpochEnd shortens it where time runs out.
    """

    def __init__(self, network: Network, recipe: Recipe, seed: int) -> None:
        super().__init__()
        self.network, self.recipe, self.seed = network, recipe, seed
        self.averaged: AveragedModel | None = None
        if recipe.average:
            self.averaged = AveragedModel(network, multi_avg_fn=_average).requires_grad_(False)
        self.planned_epochs = 1
        self._bfloat16 = {"cpu": _cpu_multiplies_bfloat16(), "cuda": _gpu_multiplies_bfloat16()}

    def result(self) -> Network:
        """The network as it would be delivered now."""
        network = self.network if self.averaged is None else self.averaged.module
        assert isinstance(network, Network)
        return network

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of a batch of raw samples, augmented by (seed, epoch, row)."""
        mirrored = np.array(batch.left.tolist(), bool) if self.network.right_hands else None
        drawn = draw(
            self.recipe.ranges,
            self.network.spec.size,
            self.seed,
            self.current_epoch,
            batch.row.tolist(),
            mirrored,
        )
        images, targets = augment(to_float(batch.pixels), batch.targets, drawn)
        if self.recipe.camera is not None:
            rows = batch.row.tolist()
            images = taken(images, self.recipe.camera, self.seed, self.current_epoch, rows)
        kind = self.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self._bfloat16.get(kind, False)):
            outputs = self.network(images)
        loss = self.network.loss(outputs, targets, self.recipe)
        if loss.ndim:  # torch would not say whose it is
            raise InputError(
                told_as(self.network), f"shape {tuple(loss.shape)}", field="loss", allowed="a scalar"
            )
        self.log("loss", loss, on_step=True, on_epoch=True, sync_dist=True, batch_size=len(batch.row))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, AdamW or RMSProp."""
        weights, rate, decay = self.network.parameters(), self.recipe.rate, self.recipe.weight_decay
        if self.recipe.optimiser == "rmsprop":
            return torch.optim.RMSprop(weights, rate, weight_decay=decay)
        kind: type[torch.optim.Adam] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[
            self.recipe.optimiser
        ]
        return kind(weights, rate, weight_decay=decay, fused=True)

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
