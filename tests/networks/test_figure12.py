"""The reference network: its size, its layers, and what it accepts."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from curate.networks.figure12 import Figure12


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_has_the_papers_number_of_parameters_layer_by_layer() -> None:
    network = Figure12()
    counts = [parameters(layer) for layer in network.convolutions]
    counts += [parameters(layer) for layer in (network.bottleneck_1, network.bottleneck_2, network.up)]
    assert counts == [640, 36_928, 73_856, 147_584, 11_796_640, 25_760, 51_200]
    assert parameters(network) == 12_132_608


@pytest.mark.parametrize(
    ("keypoints", "channels", "size"), [(20, 1, 96), (21, 3, 128)], ids=["paper", "21 points, colour, 128 px"]
)
def test_gives_one_full_size_map_a_keypoint(keypoints: int, channels: int, size: int) -> None:
    network = Figure12(keypoints, channels).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, channels, size, size)).shape == (2, keypoints, size, size)


def test_equals_the_network_written_with_direct_convolutions() -> None:
    torch.manual_seed(0)
    network = Figure12().eval()
    images = torch.randn(1, 1, 96, 96)
    x = images
    for number, layer in enumerate(network.convolutions):
        x = functional.relu(functional.conv2d(x, layer.weight, layer.bias, padding=1))
        x = functional.max_pool2d(x, 2) if number in (1, 3) else x
    large = network.bottleneck_1
    x = functional.pad(x, (11, 12, 11, 12))
    x = functional.relu(functional.conv2d(x, large.weight.permute(3, 2, 0, 1), large.bias))
    x = functional.relu(functional.conv2d(x, network.bottleneck_2.weight, network.bottleneck_2.bias))
    expected = functional.conv_transpose2d(x, network.up.weight, stride=4)
    with torch.no_grad():
        torch.testing.assert_close(network(images), expected, atol=1e-4, rtol=0)


def test_one_seed_gives_one_network() -> None:
    torch.manual_seed(3)
    first = Figure12()
    torch.manual_seed(3)
    second = Figure12()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize("shape", [(96, 92), (98, 98)])
def test_refuses_sides_it_cannot_halve_twice(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"multiple of 4, got \\({shape[0]}, {shape[1]}\\)"):
        Figure12()(torch.zeros(1, 1, *shape))
