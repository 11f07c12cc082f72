"""A finished run, opened: its network with its weights."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curate.basics import files
from curate.basics.errors import InputError, SchemaError
from curate.basics.paths import real
from curate.data.training_set import Form
from curate.networks import inference, table
from curate.networks.answer import Answer
from curate.networks.construct import build
from curate.networks.hand_shape import HandShape
from curate.networks.network import Network, Spec
from curate.networks.weights import put
from curate.scoring import calibration
from curate.scoring.precision import Threshold
from curate.training import stored
from curate.training.confidence import CONFIDENCE, temperature_of, threshold_of
from curate.training.record import INFO, WEIGHTS, require_finished, write_info

# What torch raises on files that are no weights, or not of this network.
_BROKEN = (
    *(OSError, EOFError, RuntimeError, NotImplementedError, pickle.UnpicklingError),
    *(ValueError, TypeError, AttributeError, LookupError),
)


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, the content of run.json, and the network with its weights.

    temperature, threshold: of its scores, see curate.training.confidence.
    """

    root: Path
    info: dict[str, Any]
    network: Network
    temperature: float = 1.0
    threshold: Threshold | None = None

    @property
    def name(self) -> str:
        """What people call it: its folder's name."""
        return real(self.root).name

    @property
    def spec(self) -> Spec:
        """What the network is made for."""
        return self.network.spec

    @property
    def form(self) -> tuple[int, int]:
        """Pixels a side of its images, and their channels."""
        return self.spec.size, self.spec.channels

    @property
    def right_hands(self) -> bool:
        """Whether it is only ever shown right hands, see Network."""
        return self.network.right_hands

    @property
    def gives(self) -> tuple[str, ...]:
        """What the network finds, of "points", "mask", "xyz"."""
        return table.row(self.info["network"]["name"]).gives

    def require(self, found: str) -> None:
        """Raise InputError where the network does not find this."""
        if found not in self.gives:
            name = self.info["network"]["name"]
            what = f"a run whose network {name} finds {' and '.join(self.gives)}"
            raise InputError(self.root, what, allowed=f"one that finds {found}")

    def predict(
        self, pixels: NDArray[np.uint8], left: NDArray[np.bool_] | None = None, *, turns: bool = False
    ) -> Answer:
        """What the network finds in images, or in the mean of four `turns`, its scores tempered; see
        curate.networks.inference."""
        find = inference.predict_turned if turns else inference.predict
        found = find(self.network, pixels, left)
        if self.temperature == 1:
            return found
        return found._replace(scores=calibration.tempered(found.scores, self.temperature))


def open_run(root: str | os.PathLike[str], *, gives: str | None = None) -> Run:
    """Open a finished run; nothing in it is executed.

    Parameters
    ----------
    gives: "points", "mask" or "xyz", where the network must find these.

    Raises
    ------
    SchemaError: no run, an unfinished one, one of another version, or broken files.
    InputError: its network does not find what it must.
    """
    folder = Path(root)
    info = require_finished(folder)
    network = _build(folder / INFO, info.get("network"))
    try:
        temperature, threshold = temperature_of(info), threshold_of(info)
    except (ValueError, KeyError) as error:
        raise SchemaError(folder / INFO, f"{error}", field=CONFIDENCE, remedy="train again") from None
    run = Run(folder, info, network, temperature, threshold)
    if gives is not None:
        run.require(gives)
    _load_weights(folder / WEIGHTS, network, info.get("weights_sha256"))
    network.eval()
    return run


def start_from(network: Network, file: Path) -> None:
    """Give a network its first weights, of any file of torch's or of the box's; nothing in it is executed.

    Raises
    ------
    InputError: a file that holds none of this network's.
    MissingExtra: a file of the box's, which ONNX's package reads, and it is not installed.
    """
    try:
        weights = _of_onnx(file, network) if file.suffix == ".onnx" else _by_name(stored.read_any(file))
        HandShape.taken(weights, network.spec.keypoints)  # a new training has hands of its own
        network.start_from(weights)
    except (*_BROKEN, stored.Damaged) as error:
        raise InputError(file, _no_weights(error)) from None


def finish_run(folder: Path, network: Network, described: dict[str, Any], info: dict[str, Any]) -> None:
    """Write run.json with the hash of the weights, then weights.pt, without which a run is unfinished.

    described, info: as `curate.training.record.write_info` takes them.
    """
    shape = {} if network.shape is None else network.shape.named()
    parts = {**network.state_dict(), **shape}
    weights = {name: value.detach().cpu().contiguous() for name, value in parts.items()}
    with files.writing(folder / WEIGHTS) as file:
        stored.save(file, weights)
        write_info(folder, described, {**info, "weights_sha256": files.sha256(file.name)})


def _load_weights(path: Path, network: Network, sha256: str | None) -> None:
    """Raise SchemaError where the weights are not those that the training wrote, or not of this network."""
    try:
        if sha256 is not None and files.sha256(path) != sha256:
            raise stored.Damaged(f"not as the training wrote it, whose SHA-256 is in {INFO}")
        weights = _by_name(stored.read(path))
        network.shape = HandShape.taken(weights, network.spec.keypoints)
        for name, own in network.state_dict().items():
            if name in weights and weights[name].dtype != own.dtype:
                raise stored.Damaged(f"{name} is of {weights[name].dtype}, not {own.dtype}")
        put(network, weights)
    except (*_BROKEN, stored.Damaged) as error:
        remedy = "copy the run's folder once more, or train again"
        raise SchemaError(path, _no_weights(error), remedy=remedy) from None


def _of_onnx(file: Path, network: Network) -> dict[str, Tensor]:
    """The file's weights, and the network's own counts of batches, which the file lacks: prediction does
    without them."""
    own = {name: value for name, value in network.state_dict().items() if not value.is_floating_point()}
    return {**own, **stored.read_onnx(file)}


def _by_name(weights: Any) -> dict[str, Tensor]:
    if not isinstance(weights, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()
    ):
        raise stored.Damaged("no tensors by name")
    return dict(weights)


def _no_weights(error: Exception) -> str:
    return f"no weights of this network ({stored.reason(error)})"


def _build(where: Path, described: Any) -> Network:
    """The network that run.json describes, with no weights yet."""
    try:
        options = dict(described)
        name = options.pop("name")
        spec = Spec(**{field.name: options.pop(field.name) for field in fields(Spec)})
        Form(spec.size, spec.channels, spec.keypoints, sigma=1.0).check(where, "network.")
        with torch.random.fork_rng(devices=()):  # its first weights are drawn: that is not to be noticed
            return build(name, spec, options)
    except InputError as error:
        field = error.field or "network.name"
        raise SchemaError(where, error.found, field=field, allowed=error.allowed) from None
    except (KeyError, TypeError, ValueError, RuntimeError, MemoryError) as error:
        raise SchemaError(where, f"does not describe a network ({error!r})") from None
