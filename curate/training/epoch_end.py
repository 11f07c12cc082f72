"""What an epoch's end brings: figures, a picture, a checkpoint, and the decision to stop."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import lightning
import numpy as np
from lightning.pytorch.callbacks import Checkpoint
from numpy.typing import NDArray

from curate.basics import files, images, progress, streams
from curate.basics.errors import InputError
from curate.data.training_set import HAND
from curate.hands.comparison import draw_prediction
from curate.hands.overlay import contact_sheet
from curate.networks import inference
from curate.scoring import metrics
from curate.training.examples import Examples
from curate.training.module import TrainingModule
from curate.training.record import CHECKPOINT, EPOCHS, describe_epoch

_REPORTED = 1024  # images an epoch is reported on at most
_SHOWN = 16


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
        gives: Sequence[str],
        epochs: int,
        max_minutes: float | None,
        quiet: bool,
        identity: Mapping[str, Any],
    ) -> None:
        """identity: what two trainings must share for one to go on from a checkpoint of the other."""
        self.folder, self.examples, self.split, self.gives = folder, examples, split, gives
        self.epochs, self.max_minutes, self.quiet = epochs, max_minutes, quiet
        self.identity = json.dumps(identity, sort_keys=True)
        self.history: list[dict[str, Any]] = []
        self.seconds = 0.0  # of training so far, over all sittings
        self.started = False  # then the checkpoint, if there is one, has been read
        self._since = 0.0
        self._screen: ExitStack | None = None

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history, "seconds": self.seconds, "identity": self.identity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["identity"] != self.identity:
            raise ValueError("one of another training")
        self.history, self.seconds = state["history"], state["seconds"]

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.started = True
        self._since = time.monotonic()
        self._screen = ExitStack()
        quiet = self.quiet or not trainer.is_global_zero
        steps = int(trainer.num_training_batches)
        bar = progress.bar("train", self.epochs * steps, quiet=quiet)
        self._advance = self._screen.enter_context(bar)
        self._advance(len(self.history) * steps, new=False)

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, TrainingModule)
        planned = _epochs_that_fit(self.epochs, self.max_minutes, len(self.history), self.seconds)
        module.planned_epochs = trainer.strategy.broadcast(planned)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._advance(1)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, TrainingModule)
        loss = float(trainer.callback_metrics["loss_epoch"])
        entry: dict[str, Any] = {"epoch": len(self.history) + 1, "loss": loss, "split": self.split}
        if not math.isfinite(loss):
            remedy = "begin with other weights, where it was given some, or with another --seed"
            raise InputError(self.folder, f"a loss of {loss}", field=f"epoch {entry['epoch']}", remedy=remedy)
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
            files.write(self.folder / EPOCHS, text.encode())
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

    def _look(self, module: TrainingModule, epoch: int) -> dict[str, float | int]:
        """Figures of some of the reported split, and a picture of a few."""
        network, examples = module.result(), self.examples
        rows = _spread(len(examples), _REPORTED)
        pixels = examples.pixels(rows)
        found = inference.predict(network, pixels, examples.left[rows])
        masks = examples.masks(rows) if "mask" in self.gives else None
        truth, visibility = examples.all_keypoints(rows)
        pictures = [
            draw_prediction(
                pixels[i],
                found.points[i],
                truth[i],
                visibility[i],
                size=240,
                mask=None if found.masks is None else found.masks[i],
                outline=None if masks is None else masks[i],
            )
            for i in _spread(len(rows), _SHOWN)
        ]
        sheet = contact_sheet(pictures, columns=4, cell=240)
        images.write(self.folder / "epochs" / f"epoch-{epoch:03d}.png", sheet)
        figures: dict[str, float | int] = {"n": len(rows)}
        if "points" in self.gives:
            labelled = visibility > 0
            figures["n"] = int(labelled.any(1).sum())
            if figures["n"]:
                table = metrics.distances(found.points, truth, labelled)
                limit = metrics.right_within(network.spec.size)
                figures["all_points_9px"] = metrics.all_points_within(table, limit)
                figures["epe_mean"] = metrics.epe_mean(table)
        if found.masks is not None and masks is not None:
            figures["mask_iou"] = float(metrics.mask_iou(found.masks > HAND // 2, masks > HAND // 2).mean())
        return figures

    def _tell(self, entry: dict[str, Any]) -> None:
        if not self.quiet:
            streams.tell(f"epoch {entry['epoch']:3d} of {self.epochs}: {describe_epoch(entry)}")


def _spread(count: int, most: int) -> NDArray[np.intp]:
    """At most `most` rows of `count`, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.intp))


def _epochs_that_fit(epochs: int, max_minutes: float | None, done: int, seconds: float) -> int:
    """How many epochs there will have been when the time is up, judging by those done."""
    if max_minutes is None or not done:
        return epochs
    return max(done + 1, min(epochs, math.ceil(60 * max_minutes * done / max(seconds, 1e-9))))
