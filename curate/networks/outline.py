"""Making a network of the table, of no more weights than there is a use for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from curate.basics.unwarned import unwarned
from curate.networks import compiler, table
from curate.networks.network import Network, Spec

MOST_WEIGHTS = 250_000_000  # 1 GB, and five times as much to train them


def outline(name: str, spec: Spec, options: Mapping[str, Any]) -> Network:
    """A network that has shapes and takes no memory.

    Raises
    ------
    InputError: there is no network of this name.
    TypeError, ValueError, RuntimeError: none is made like this, a layer of it has no weights, or all of them
    have more than MOST_WEIGHTS.
    """
    compiler.load()
    with torch.device("meta"), unwarned():  # of tensors without elements: told below, as an error
        network = table.load(name)(spec, **options)
    count = sum(value.numel() for value in network.state_dict().values())
    if count > MOST_WEIGHTS:
        raise ValueError(f"{count / 1e6:,.0f} million weights; at most {MOST_WEIGHTS / 1e6:,.0f} million")
    if any(not weights.numel() for weights in network.parameters()):
        raise ValueError("a layer without weights")
    return network


def build(name: str, spec: Spec, options: Mapping[str, Any]) -> Network:
    """A network with new weights. Raises as `outline`, before memory is taken for them."""
    outline(name, spec, options)
    return table.load(name)(spec, **options)
