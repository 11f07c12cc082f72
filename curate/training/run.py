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
from curate.networks import inference, table
from curate.networks.inference import Found
from curate.networks.network import Network, Spec
from curate.training.record import INFO, WEIGHTS, read_info

# What torch raises on files that are no weights, or not of this network.
_BROKEN = (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, the content of run.json, and the network with its weights."""

    root: Path
    info: dict[str, Any]
    network: Network

    @property
    def spec(self) -> Spec:
        """What the network is made for."""
        return self.network.spec

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
    ) -> Found:
        """What the network finds in images, or in the mean of four `turns`; see curate.networks.inference."""
        find = inference.predict_turned if turns else inference.predict
        return find(self.network, pixels, left)


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
    info = read_info(folder)
    if not (folder / WEIGHTS).exists():
        remedy = "give the command that began it again to finish it"
        raise SchemaError(folder, "an unfinished run", remedy=remedy)
    run = Run(folder, info, _build(folder / INFO, info.get("network")))
    if gives is not None:
        run.require(gives)
    try:
        run.network.load_state_dict(_weights(folder / WEIGHTS))
    except _BROKEN as error:
        raise SchemaError(folder / WEIGHTS, _no_weights(error)) from None
    run.network.eval()
    return run


def start_from(network: Network, file: Path) -> None:
    """Give a network its first weights. Raises InputError: a file that holds none of this network's."""
    try:
        network.start_from(_weights(file))
    except _BROKEN as error:
        raise InputError(file, _no_weights(error)) from None


def _weights(file: Path) -> Mapping[str, Tensor]:
    weights = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise ValueError("no table of weights")
    return weights


def _no_weights(error: Exception) -> str:
    line = (str(error) or type(error).__name__).splitlines()[0]
    return f"no weights of this network ({line})"


def write_weights(folder: Path, network: Network) -> None:
    """Write weights.pt, without which a run is unfinished."""
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    with files.writing(folder / WEIGHTS) as file:
        torch.save(weights, file)


def _build(where: Path, described: Any) -> Network:
    """The network that run.json describes, with no weights yet."""
    try:
        options = dict(described)
        name = options.pop("name")
        spec = Spec(**{field.name: options.pop(field.name) for field in fields(Spec)})
        return table.load(name)(spec, **options)
    except InputError as error:
        raise SchemaError(where, error.found, field="network.name", allowed=error.allowed) from None
    except (KeyError, TypeError, ValueError, RuntimeError, MemoryError) as error:
        raise SchemaError(where, f"does not describe a network ({error!r})") from None
