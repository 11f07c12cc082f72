"""Every network of the table, under each of its presets, keeps the contract of curate.networks.network."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch

from curate.basics import keypoints as kp
from curate.networks import inference, table
from curate.networks.network import Network, Spec, Targets
from curate.networks.recipe import Preset
from tests.toy_networks import TOYS

ROWS = {**table.TABLE, **TOYS}
SMALL = {"mobile": {"width": 0.25, "decoder": 40}, "heads": {"depth": 18, "width": 0.125}}


@pytest.fixture(autouse=True)
def _all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "TABLE", ROWS)


def cases() -> list[Any]:
    """(network, preset) for all that there is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "TABLE", ROWS)
        return [pytest.param(name, preset) for name in ROWS for preset in table.load(name).presets]


def preset_of(name: str, preset: str) -> Preset:
    """A preset, with options that make the network small."""
    chosen = table.load(name).presets[preset]
    return replace(chosen, options={**chosen.options, **SMALL.get(name, {})})


def make(name: str, preset: str, *, largest: bool = False) -> Network:
    """A network of the smallest size that training sets have too, for fewest or most channels and points."""
    needs, chosen = table.row(name).needs, preset_of(name, preset)
    step = math.lcm(needs.stride, 16)
    size = -(-32 // step) * step
    pick = max if largest else min
    torch.manual_seed(0)
    spec = Spec(size, pick(needs.channels), pick(needs.keypoints), chosen.recipe.loss)
    return table.load(name)(spec, **chosen.options)


def batch(network: Network, name: str, *, count: int = 3) -> tuple[torch.Tensor, Targets]:
    """Images and all the targets that the network asks for, of which the last sample has no label."""
    spec, labels = network.spec, table.row(name).needs.labels
    rng = torch.Generator().manual_seed(1)
    keypoints = spec.size * torch.rand(count, spec.keypoints, 2, generator=rng)
    visibility = torch.randint(1, 3, (count, spec.keypoints), generator=rng, dtype=torch.uint8)
    xyz = torch.rand(count, spec.keypoints, 3, generator=rng)
    K = torch.tensor([[90.0, 0, spec.size / 2], [0, 90, spec.size / 2], [0, 0, 1]]).repeat(count, 1, 1)
    keypoints[-1], visibility[-1], xyz[-1], K[-1] = torch.nan, 0, torch.nan, torch.nan
    mask = (torch.rand(count, spec.size, spec.size, generator=rng) > 0.5).float()
    targets = Targets(
        keypoints,
        visibility,
        torch.ones(count),
        mask if "mask" in labels else None,
        xyz if "xyz" in labels else None,
        K if "xyz" in labels else None,
    )
    return torch.rand(count, spec.channels, spec.size, spec.size, generator=rng), targets


@pytest.mark.parametrize(("name", "preset"), cases())
def test_what_run_json_keeps_makes_the_same_network_again(name: str, preset: str) -> None:
    network = make(name, preset)
    kept = json.loads(json.dumps({**asdict(network.spec), **preset_of(name, preset).options}))
    spec = Spec(*(kept.pop(key) for key in asdict(network.spec)))
    torch.manual_seed(0)
    again = table.load(name)(spec, **kept)
    assert again.state_dict().keys() == network.state_dict().keys()
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in network.state_dict().items())
    with pytest.raises(ValueError, match="no preset is trained with the loss 'no such loss'"):
        table.load(name)(Spec(spec.size, spec.channels, spec.keypoints, "no such loss"), **kept)


@pytest.mark.parametrize(("name", "preset"), cases())
def test_a_step_moves_the_weights_whatever_is_unlabelled(name: str, preset: str) -> None:
    network = make(name, preset, largest=True).train()
    images, targets = batch(network, name)
    recipe = preset_of(name, preset).recipe.for_size(network.spec.size, 5.0)
    loss = network.loss(network(images), targets, recipe)
    assert (loss.dtype, loss.shape) == (torch.float32, ())
    loss.backward()
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize(("name", "preset"), cases())
@pytest.mark.parametrize("largest", [False, True])
def test_it_finds_what_its_row_says_in_the_right_shapes(name: str, preset: str, largest: bool) -> None:
    network, gives = make(name, preset, largest=largest), table.row(name).gives
    spec = network.spec
    shape = (2, spec.size, spec.size) if spec.channels == 1 else (2, spec.size, spec.size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = inference.predict(network, pixels)
    subset = kp.subset(spec.keypoints)
    assert np.isfinite(found.points[:, subset]).all() == ("points" in gives)
    assert np.isnan(np.delete(found.points, subset, 1)).all()
    assert found.scores.min() >= 0
    assert found.scores.max() <= 1
    assert (found.masks is not None) == ("mask" in gives)
    assert (found.xyz is not None) == ("xyz" in gives)
    again = inference.predict(network, pixels)
    np.testing.assert_array_equal(again.points, found.points)


@pytest.mark.parametrize(("name", "preset"), cases())
def test_broken_weights_give_no_answer_instead_of_an_error(name: str, preset: str) -> None:
    network = make(name, preset)
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(torch.nan)
    spec = network.spec
    shape = (1, spec.size, spec.size) if spec.channels == 1 else (1, spec.size, spec.size, 3)
    found = inference.predict(network, np.full(shape, 128, np.uint8))
    assert np.isnan(found.points).all()
    assert (found.scores == 0).all()


@pytest.mark.parametrize("name", ["posenet", "heads", "mobile"])
def test_left_hands_are_mirrored_where_that_is_asked_for(name: str) -> None:
    chosen = preset_of(name, "reference")
    spec = Spec(64, 3, 21, chosen.recipe.loss)
    torch.manual_seed(0)
    network = table.load(name)(spec, **{**chosen.options, "right_hands": True})
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    ours = inference.predict(network, pixels, np.array([False, False])).points
    mirrored = inference.predict(network, pixels[:, :, ::-1], np.array([True, True])).points
    np.testing.assert_allclose(mirrored[..., 0], 64 - ours[..., 0], rtol=1e-6)
    np.testing.assert_array_equal(mirrored[..., 1], ours[..., 1])
    with pytest.raises(ValueError, match="right_hands='yes': true or false"):
        table.load(name)(spec, **{**chosen.options, "right_hands": "yes"})
