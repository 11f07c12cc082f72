"""The reference network: its size, its layers, and what it accepts."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from curate.networks.figure12 import Figure12
from curate.networks.network import Spec, Targets

PRESETS = Figure12.presets


def made(size: int = 96, channels: int = 1, keypoints: int = 20) -> Figure12:
    return Figure12(Spec(size, channels, keypoints, "softmax"), standardised=False)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_has_the_papers_number_of_parameters_layer_by_layer() -> None:
    network = made()
    counts = [parameters(layer) for layer in network.convolutions]
    counts += [parameters(layer) for layer in (network.bottleneck_1, network.bottleneck_2, network.up)]
    assert counts == [640, 36_928, 73_856, 147_584, 11_796_640, 25_760, 51_200]
    assert parameters(network) == 12_132_608


@pytest.mark.parametrize(
    ("keypoints", "channels", "size"), [(20, 1, 96), (21, 3, 128)], ids=["paper", "21 points, colour, 128 px"]
)
def test_gives_one_full_size_map_a_keypoint(keypoints: int, channels: int, size: int) -> None:
    network = made(size, channels, keypoints).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, channels, size, size)).shape == (2, keypoints, size, size)


def test_equals_the_network_written_with_direct_convolutions() -> None:
    torch.manual_seed(0)
    network = made().eval()
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
    first = made()
    torch.manual_seed(3)
    second = made()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize(
    ("spec", "standardised"),
    [
        (Spec(98, 1, 20, "softmax"), True),
        (Spec(96, 1, 20, "softmax"), "yes"),
    ],
    ids=["a side it cannot halve twice", "no truth value"],
)
def test_refuses_what_it_is_not_made_for(spec: Spec, standardised: object) -> None:
    with pytest.raises(ValueError, match="figure 12 is not made for Spec"):
        Figure12(spec, standardised=standardised)  # type: ignore[arg-type]


def test_a_standardised_network_does_not_see_brightness() -> None:
    torch.manual_seed(0)
    network = Figure12(Spec(32, 1, 20, "softmax"), standardised=True).eval()
    images = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(images), network(0.5 * images + 0.2))


def test_sigma_follows_the_size_or_the_set() -> None:
    assert PRESETS["reference"].recipe.for_size(128, 5.0).sigma == pytest.approx(2.5 * 128 / 96)
    assert PRESETS["paper"].recipe.for_size(128, 6.5).sigma == 6.5


@pytest.mark.parametrize("preset", PRESETS)
def test_a_step_trains_every_weight_and_leaves_out_what_does_not_count(preset: str) -> None:
    torch.manual_seed(0)
    chosen = PRESETS[preset]
    network = Figure12(Spec(32, 1, 20, chosen.recipe.loss), **chosen.options)
    keypoints, visibility = torch.rand(3, 20, 2) * 32, torch.full((3, 20), 2, dtype=torch.uint8)
    recipe = chosen.recipe.for_size(32, 5.0)
    outputs = network(torch.rand(3, 1, 32, 32))
    loss = network.loss(outputs, Targets(keypoints, visibility, torch.tensor([1.0, 1.0, 0.0])), recipe)
    alone = network.loss(outputs[:2], Targets(keypoints[:2], visibility[:2], torch.ones(2)), recipe)
    torch.testing.assert_close(loss, alone)
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize("loss", ["softmax", "sigmoid"])
def test_decodes_a_peak_to_its_place(loss: str) -> None:
    network = Figure12(Spec(32, 1, 20, loss), standardised=True)
    maps = torch.full((1, 20, 32, 32), -20.0)
    maps[:, :, 9, 21] = 20.0
    decoded = network.decode(maps)
    torch.testing.assert_close(decoded.points, torch.tensor([21.5, 9.5]).expand(1, 20, 2))
    torch.testing.assert_close(decoded.scores, torch.ones(1, 20))
