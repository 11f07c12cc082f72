"""Constructing a network of the table by its name, with at most MOST_WEIGHTS weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from curate.basics.unwarned import unwarned
from curate.networks import compiler, table
from curate.networks.network import Network, Spec

MOST_WEIGHTS = 250_000_000  # 1 GB, and five times as much to train them


def build_on_meta(name: str, spec: Spec, options: Mapping[str, Any]) -> Network:
    """A network on torch's device "meta": its weights have shapes and take no memory.

    Raises
    ------
    InputError: there is no network of this name.
    TypeError, ValueError, RuntimeError: the network cannot be built with these options, one of its layers has
    no weights, or together they have more than MOST_WEIGHTS.
    """
    compiler.load()
    with torch.device("meta"), unwarned():  # torch's warning of tensors without elements is an error below
        network = table.load(name)(spec, **options)
    count = sum(value.numel() for value in network.state_dict().values())
    if count > MOST_WEIGHTS:
        raise ValueError(f"{count / 1e6:,.0f} million weights; at most {MOST_WEIGHTS / 1e6:,.0f} million")
    if any(not weights.numel() for weights in network.parameters()):
        raise ValueError("a layer without weights")
    return network


def build(name: str, spec: Spec, options: Mapping[str, Any]) -> Network:
    """A network with new weights. Raises as `build_on_meta`, before memory is taken for them."""
    build_on_meta(name, spec, options)
    return table.load(name)(spec, **options)
