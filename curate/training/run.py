"""A run: a training's folder.

    run.json       what was asked for (config), on what, and, once it is finished, how it went
    weights.pt     the result: the network's weights, loadable without unpickling code
    last.ckpt      state after the last complete epoch, to go on from; removed when finished
    epochs.json    one entry an epoch: losses and metrics
    epochs/        a picture of predictions an epoch
    tensorboard/   the same figures as curves

A run without weights.pt is unfinished.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curate.basics import files
from curate.basics import keypoints as kp
from curate.basics.errors import SchemaError
from curate.networks.decode import decode_sigmoid, decode_softmax
from curate.networks.figure12 import Figure12
from curate.training.augment import standardise, to_float

INFO = "run.json"
WEIGHTS = "weights.pt"
CHECKPOINT = "last.ckpt"
_FORMAT, _VERSION = "hand-curate run", 1
_BATCH = 32  # images predicted at a time
# What torch raises on files that are no weights, or not of this network.
_BROKEN = (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class NetworkInput:
    """What a network was made for, and how its input and output are to be read.

    size: pixels a side. channels: 1 or 3. keypoints: 20 or 21. standardised: each image to mean 0 and
    deviation 1, instead of [0, 1]. loss: "softmax" or "sigmoid", which decides the decoding.
    """

    size: int
    channels: int
    keypoints: int
    standardised: bool
    loss: str

    def prepare(self, floats: Tensor) -> Tensor:
        """Images (B, C, S, S) in [0, 1] to what the network takes."""
        return standardise(floats) if self.standardised else floats

    def decode(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, K, S, S) to points (B, K, 2) in pixels and scores (B, K)."""
        return decode_softmax(logits) if self.loss == "softmax" else decode_sigmoid(logits)

    def predict(self, network: Figure12, pixels: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Points of images.

        Computed in float32 on the network's device, a few images at a time.

        Parameters
        ----------
        pixels: (N, S, S) or (N, S, S, 3) uint8.

        Returns
        -------
        (N, 21, 2) float32 points in pixels, NaN where the network has no such keypoint (the wrist of
        20) or its map was not finite, and (N, 21) float32 scores, 0 there.
        """
        points = np.full((len(pixels), kp.COUNT, 2), np.nan, np.float32)
        scores = np.zeros((len(pixels), kp.COUNT), np.float32)
        subset = kp.subset(self.keypoints)
        device = next(network.parameters()).device
        was_training = network.training
        network.eval()
        with torch.no_grad():
            for part in _parts(len(pixels), _BATCH):
                batch = torch.from_numpy(np.ascontiguousarray(pixels[part])).to(device)
                found, sure = self.decode(network(self.prepare(to_float(batch))))
                points[part, subset], scores[part, subset] = found.cpu().numpy(), sure.cpu().numpy()
        network.train(was_training)
        return points, scores


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, the content of run.json, and the network with its weights."""

    root: Path
    info: dict[str, Any]
    input: NetworkInput
    network: Figure12

    def predict(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
        """See NetworkInput.predict."""
        return self.input.predict(self.network, pixels)


def open_run(root: str | os.PathLike[str]) -> Run:
    """Open a finished run; nothing in it is executed.

    Raises
    ------
    SchemaError: no run, an unfinished one, one of another version, or broken files.
    """
    folder = Path(root)
    info = read_info(folder)
    if not (folder / WEIGHTS).exists():
        remedy = "give its train-baseline command again to finish it"
        raise SchemaError(folder, "an unfinished run", remedy=remedy)
    try:
        made_for = NetworkInput(**{f.name: info["network"][f.name] for f in fields(NetworkInput)})
        network = Figure12(made_for.keypoints, made_for.channels)
    except (KeyError, TypeError, ValueError) as error:
        raise SchemaError(folder / INFO, f"does not describe a network ({error!r})") from None
    try:
        weights = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
        network.load_state_dict(weights)
    except _BROKEN as error:
        line = (str(error) or type(error).__name__).splitlines()[0]
        raise SchemaError(folder / WEIGHTS, f"no weights of this network ({line})") from None
    return Run(folder, info, made_for, network.eval())


def read_info(folder: Path) -> dict[str, Any]:
    """The content of run.json. Raises SchemaError where there is none, or of another version."""
    path = folder / INFO
    if not path.exists():
        remedy = "make one with: curate train-baseline"
        raise SchemaError(folder, f"no run (it holds no {INFO})", remedy=remedy)
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        version = info["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise SchemaError(path, f"does not parse ({error!r})", remedy="train again") from None
    if info.get("format") != _FORMAT or version != _VERSION:
        found = f"{info.get('format')!r} version {version!r}"
        raise SchemaError(path, found, allowed=f"{_FORMAT!r} version {_VERSION}", remedy="train again")
    return dict(info)


def write_info(folder: Path, made_for: NetworkInput, info: dict[str, Any]) -> None:
    """Write run.json atomically."""
    head = {"format": _FORMAT, "version": _VERSION, "network": {"name": "figure12", **asdict(made_for)}}
    text = json.dumps({**head, **info}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    files.write(folder / INFO, text.encode())


def write_weights(folder: Path, network: Figure12) -> None:
    """Write weights.pt atomically; it marks the run as finished."""
    temporary = folder / f".{WEIGHTS}.tmp"
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    torch.save(weights, temporary)
    os.replace(temporary, folder / WEIGHTS)


def _parts(count: int, size: int) -> Iterator[slice]:
    yield from (slice(first, first + size) for first in range(0, count, size))
