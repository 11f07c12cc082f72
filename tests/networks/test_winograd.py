"""3 x 3 convolutions in fewer products: the same maps and gradients as torch's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from curate.networks.winograd import Conv3x3

CHANNELS, MAPS = 48, 64


@pytest.fixture(autouse=True)
def _avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


def _farthest(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).detach().abs().max() / wanted.detach().abs().max())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 21), st.integers(1, 21), st.booleans(), st.integers(0, 99))
def test_equals_the_direct_convolution_and_its_gradients(
    batch: int, height: int, width: int, bias: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    layer = Conv3x3(CHANNELS, MAPS, bias=bias)
    images = torch.randn(batch, CHANNELS, height, width, requires_grad=True)
    maps = layer(images)
    exact = nn.functional.conv2d(
        images.double(), layer.weight.double(), layer.bias.double() if bias else None, padding=1
    )
    slope = torch.randn_like(maps)
    leaves = (images, *layer.parameters())
    assert _farthest(maps, exact) < 3e-5
    for found, wanted in zip(
        torch.autograd.grad(maps, leaves, slope),
        torch.autograd.grad(exact, leaves, slope.double()),
        strict=True,
    ):
        assert _farthest(found, wanted.float()) < 3e-5


def test_of_a_sum_of_pixels_by_hand() -> None:
    layer = Conv3x3(CHANNELS, MAPS)
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    maps = layer(torch.ones(1, CHANNELS, 5, 5)).detach()
    # In the middle nine pixels of each channel, at an edge six, in a corner four.
    rows = torch.tensor([2.0, 3, 3, 3, 2])
    torch.testing.assert_close(maps[0, 7], CHANNELS * torch.outer(rows, rows))


def test_the_short_way_is_taken() -> None:
    maps = Conv3x3(CHANNELS, MAPS, bias=False)(torch.randn(1, CHANNELS, 8, 8))
    assert "Winograd" in str(maps.grad_fn.next_functions)


def test_what_has_learnt_goes_the_direct_way() -> None:
    layer, images = Conv3x3(CHANNELS, MAPS), torch.randn(2, CHANNELS, 8, 8)
    with torch.no_grad():
        assert torch.equal(layer(images), nn.functional.conv2d(images, layer.weight, layer.bias, padding=1))


def test_takes_the_weights_of_a_plain_convolution() -> None:
    plain, ours = nn.Conv2d(CHANNELS, MAPS, 3, padding=1), Conv3x3(CHANNELS, MAPS)
    ours.load_state_dict(plain.state_dict())
    images = torch.randn(2, CHANNELS, 8, 8)
    torch.testing.assert_close(ours(images), plain(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("capability", "channels"), [("AVX512", CHANNELS), ("DEFAULT", CHANNELS), ("AVX2", 3)]
)
def test_leaves_to_torch_what_that_does_as_fast(
    monkeypatch: pytest.MonkeyPatch, capability: str, channels: int
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    torch.manual_seed(0)
    plain, ours = nn.Conv2d(channels, MAPS, 3, padding=1), Conv3x3(channels, MAPS)
    ours.load_state_dict(plain.state_dict())
    images = torch.randn(2, channels, 8, 8)
    assert torch.equal(ours(images), plain(images))
