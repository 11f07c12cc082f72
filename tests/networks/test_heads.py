"""The three heads: their ResNet, their losses and how each is read; and why a score map failed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from curate.networks import losses
from curate.networks.decode import decode_sigmoid, decode_softmax, expectation
from curate.networks.heads import HEADS, Outputs, ThreeHeads
from curate.networks.losses import gaussians
from curate.networks.network import Spec, Targets
from curate.networks.resnet import ResNet

SIZE = 128


def make(preset: str = "reference", **options: Any) -> ThreeHeads:
    torch.manual_seed(0)
    chosen = ThreeHeads.presets[preset]
    small = {**chosen.options, "depth": 18, "width": 0.125}
    return ThreeHeads(Spec(SIZE, 3, 21, chosen.recipe.loss), **{**small, **options}).eval()


def gaussian(x: float, y: float, sigma: float, size: int = SIZE) -> Tensor:
    """(1, 1, size, size), of height 1."""
    return gaussians(torch.tensor([[[x, y]]]), sigma, size)


@pytest.mark.parametrize(
    ("depth", "parameters"), [(18, 11_176_512), (50, 23_508_032), (152, 58_143_808)], ids=str
)
def test_the_trunk_is_torchvisions_resnet_without_its_classes(depth: int, parameters: int) -> None:
    # torchvision's have 11,689,512, 25,557,032 and 60,192,808; 1000 classes take 513,000 or 2,049,000.
    with torch.device("meta"):
        trunk = ResNet(depth)
    assert sum(weight.numel() for weight in trunk.parameters()) == parameters
    shapes = {name: tuple(value.shape) for name, value in trunk.state_dict().items()}
    assert shapes["layer2.0.downsample.0.weight"] == ((128, 64, 1, 1) if depth == 18 else (512, 256, 1, 1))
    assert shapes["layer3.1.conv2.weight"] == (256, 256, 3, 3)
    assert "layer1.0.bn2.running_mean" in shapes


def test_maps_come_from_the_third_stage_and_coordinates_from_the_fourth() -> None:
    third, fourth = ResNet(18, 0.125)(torch.rand(1, 3, SIZE, SIZE))
    assert third.shape == (1, 32, 8, 8)
    assert fourth.shape == (1, 64, 4, 4)
    found = make()(torch.rand(2, 3, SIZE, SIZE))
    assert [tuple(head.shape) for head in found] == [(2, 21, 2), (2, 21, 32, 32), (2, 21, 32, 32)]


def test_weights_of_torchvision_are_taken_over_whole_or_refused() -> None:
    network = make()
    torch.manual_seed(1)
    trained = ResNet(18, 0.125).state_dict()
    network.start_from({**trained, "fc.weight": torch.zeros(1000, 64), "fc.bias": torch.zeros(1000)})
    assert all(torch.equal(value, network.trunk.state_dict()[name]) for name, value in trained.items())
    del trained["bn1.weight"]
    with pytest.raises(ValueError, match=r"without 'bn1.weight' of the network's"):
        network.start_from(trained)
    again = make()
    again.start_from(network.state_dict())
    assert torch.equal(again.regression.weight, network.regression.weight)


@pytest.mark.parametrize("wrong", [{"depth": 19}, {"width": "1"}, {"head": "votes"}])
def test_what_it_is_not_made_for_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**wrong)


@pytest.mark.parametrize("preset", ["reference", "paper"])
@pytest.mark.parametrize("head", HEADS)
def test_each_head_reads_its_own_output(preset: str, head: str) -> None:
    points = {"regression": (20.0, 96.0), "disks": (40.0, 80.0), "scores": (56.0, 72.0)}
    x, y = points["regression"]
    flat = torch.tensor([x / SIZE - 0.5, y / SIZE - 0.5]).expand(1, 21, 2)
    disk = torch.full((1, 21, 32, 32), -30.0)
    x, y = (value / 4 for value in points["disks"])
    cells = torch.arange(32) + 0.5
    disk[:, :, (cells[:, None] - y) ** 2 + (cells - x) ** 2 <= 16] = 30.0
    x, y = (value / 4 for value in points["scores"])
    score = gaussian(x, y, 2.5, 32).expand(1, 21, 32, 32)
    score = score.log().clamp(min=-60) if preset == "reference" else score
    decoded = make(preset, head=head).decode(Outputs(flat, disk, score))
    assert decoded.points is not None
    assert decoded.points[0, 5].tolist() == pytest.approx(points[head], abs=0.1)


def test_losses_are_least_for_what_they_ask_for() -> None:
    targets = Targets(torch.full((1, 21, 2), 50.0), torch.full((1, 21), 2, dtype=torch.uint8), torch.ones(1))
    right = torch.full((1, 21, 2), 50 / SIZE - 0.5)
    flat = torch.zeros(1, 21, 32, 32)
    network, recipe = make(), ThreeHeads.presets["reference"].recipe.for_size(SIZE, 5.0)
    # Where the points are right, flat maps cost log 2 a cell and log 1024 a map.
    loss = network.loss(Outputs(right, flat, flat), targets, recipe)
    assert loss.item() == pytest.approx(math.log(2) + math.log(1024), rel=1e-5)
    # 0.1 of the side too far on both axes, times 10.
    loss = network.loss(Outputs(right + 0.1, flat, flat), targets, recipe)
    assert loss.item() == pytest.approx(2 + math.log(2) + math.log(1024), rel=1e-5)
    network, recipe = make("paper"), ThreeHeads.presets["paper"].recipe.for_size(SIZE, 5.0)
    perfect = gaussian(12.5, 12.5, 2.5, 32).expand(1, 21, 32, 32)
    loss = network.loss(Outputs(right + 0.1, flat, perfect), targets, recipe)
    assert loss.item() == pytest.approx(0.2 + math.log(2), rel=1e-5)


def test_the_disks_loss_counts_cells_within_the_radius() -> None:
    # Around the corner of four cells, a radius of 1 holds these four: their centres are .71 away.
    logits = torch.full((1, 1, 8, 8), -30.0)
    logits[0, 0, 3:5, 2:4] = 30.0
    keypoint, one = torch.tensor([[[3.0, 4.0]]]), torch.ones(1, 1)
    assert losses.disk_cross_entropy(logits, keypoint, one, 1.0).item() < 1e-10
    assert losses.disk_cross_entropy(-logits, keypoint, one, 1.0).item() == pytest.approx(30)
    assert losses.disk_cross_entropy(logits, keypoint * torch.nan, one, 1.0).item() == 0


def test_why_the_score_map_failed_a_background_of_a_hundredth_moves_a_point_by_seven_pixels() -> None:
    # A Gaussian of sigma 10 has a mass of 628, the background 0.01 * 128^2 = 164: the middle weighs 21 %.
    height = gaussian(100.5, 64.5, 10)
    seen = height + 0.01
    share = 0.01 * SIZE**2 / (0.01 * SIZE**2 + height.sum().item())
    points, _ = expectation(seen)
    assert points[0, 0, 0].item() == pytest.approx(100.5 + share * (64 - 100.5), abs=0.1)
    # By itself that is a squared error of 57, more than all of theirs by regression (48).
    assert (100.5 - points[0, 0, 0].item()) ** 2 == pytest.approx(57, abs=2)
    # The same map near its peak, and a map that is a distribution, give the point.
    near, _ = decode_sigmoid(torch.logit(seen / 1.02))
    assert near[0, 0].tolist() == pytest.approx([100.5, 64.5], abs=0.1)
    normal, _ = decode_softmax(height.log().clamp(min=-60))
    assert normal[0, 0].tolist() == pytest.approx([100.5, 64.5], abs=0.1)


def test_the_expectation_of_nothing_is_the_middle_and_of_no_number_none() -> None:
    assert expectation(-torch.ones(1, 1, 8, 8))[0].tolist() == [[[4.0, 4.0]]]
    points, scores = expectation(torch.full((1, 1, 8, 8), torch.nan))
    assert points.isnan().all()
    assert scores.item() == 0
