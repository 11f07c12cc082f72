"""Weights are put into a module whole, or it is told how they differ from its own."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn

from curate.networks.weights import put


def module() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def weights() -> dict[str, Tensor]:
    return {name: torch.ones_like(value) for name, value in module().state_dict().items()}


def test_all_are_put() -> None:
    taken = module()
    put(taken, weights())
    assert all(torch.equal(value, weights()[name]) for name, value in taken.state_dict().items())


def test_the_earliest_weights_lack_how_many_batches_were_seen() -> None:
    given = weights()
    del given["1.num_batches_tracked"]
    put(module(), given)
    with pytest.raises(ValueError, match=r"^without '1.bias' of the network's$"):
        put(module(), {name: value for name, value in given.items() if name != "1.bias"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"0.bias": None}, "without '0.bias' of the network's"),
        ({"0.bias": None, "0.weight": None}, "without '0.weight' and 1 more of the network's"),
        ({"x" * 70: torch.zeros(1), "y": torch.zeros(1)}, f"with '{'x' * 60}' and 1 more that it has not"),
        ({"0.weight": torch.zeros(2, 4)}, "'0.weight' of another shape: (2, 4), not (2, 3)"),
        (
            {"0.weight": torch.zeros(2, 4), "0.bias": torch.zeros(1), "1.bias": None, "z": torch.zeros(1)},
            "without '1.bias' of the network's; with 'z' that it has not; "
            "'0.weight' and 1 more of another shape: (2, 4), not (2, 3)",
        ),
    ],
)
def test_what_differs_is_told_the_first_and_how_many(change: dict[str, Tensor | None], told: str) -> None:
    given = {name: value for name, value in {**weights(), **change}.items() if value is not None}
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        put(module(), given)
