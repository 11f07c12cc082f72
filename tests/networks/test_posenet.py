"""The U-Net that finds keypoints; and why its original found corners."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch

from curate.hands.drawn_hands import Person, draw_hand
from curate.networks.network import Spec, Targets
from curate.networks.posenet import PoseNet, decode_largest, one_hot_cross_entropy

SIZE, HANDS = 32, 8


def test_the_loss_of_a_flat_map_is_that_of_its_cells() -> None:
    keypoints = torch.tensor([[[1.5, 2.9], [40.0, 1.0], [torch.nan, 1.0]]])
    logits = torch.zeros(1, 3, 4, 4)
    weights = torch.ones(1, 3)
    assert one_hot_cross_entropy(logits, keypoints, weights).item() == pytest.approx(math.log(2))
    logits[0, 0, 2, 1] = 50.0  # the cell that (1.5, 2.9) lies in; the other two points have none
    expected = 15 / 16 * math.log(2)
    assert one_hot_cross_entropy(logits, keypoints, weights).item() == pytest.approx(expected)


def test_an_empty_map_is_nearly_worth_a_right_one() -> None:
    """At 128 px: of the loss that training begins with, being flat takes away all but a thousandth."""
    cells, keypoint = 128**2, torch.tensor([[[64.5, 64.5]]])
    flat = torch.full((1, 1, 128, 128), -math.log(cells - 1))  # the best of all constants
    first = one_hot_cross_entropy(torch.zeros_like(flat), keypoint, torch.ones(1, 1)).item()
    empty = one_hot_cross_entropy(flat, keypoint, torch.ones(1, 1)).item()
    assert first == pytest.approx(math.log(2))
    assert empty == pytest.approx((math.log(cells) + 1) / cells, rel=1e-3)  # 0.00065
    assert empty / first < 1e-3


def test_what_is_left_pulls_at_one_cell_and_at_none_of_its_neighbours() -> None:
    flat = torch.full((1, 1, 128, 128), -math.log(128**2 - 1), requires_grad=True)
    one_hot_cross_entropy(flat, torch.tensor([[[64.5, 64.5]]]), torch.ones(1, 1)).backward()
    assert flat.grad is not None
    pull = flat.grad[0, 0]
    assert pull[64, 64].item() == pytest.approx(-1 / 128**2, rel=1e-3)
    assert pull[64, 65] == pull[0, 0]
    assert pull[64, 65] > 0


def test_the_largest_cell_of_a_flat_map_is_the_corner() -> None:
    points, scores = decode_largest(torch.full((1, 21, 128, 128), -9.7))
    torch.testing.assert_close(points, torch.full((1, 21, 2), 0.5))
    assert scores.max() < 1e-4
    maps = torch.full((1, 1, 8, 8), torch.nan)
    points, scores = decode_largest(maps)
    assert points.isnan().all()
    assert (scores == 0).all()


@pytest.fixture(scope="module")
def hands() -> tuple[torch.Tensor, Targets]:
    """Drawn hands as images (8, 3, 32, 32), and their points."""
    rng = np.random.default_rng(0)
    drawn = [draw_hand(rng, Person.sample(rng), "right", width=160, height=160) for _ in range(HANDS)]
    small = [cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for picture, _ in drawn]
    points = torch.tensor(np.stack([points for _, points in drawn]) * SIZE / 160, dtype=torch.float32)
    seen = torch.full(points.shape[:2], 2, dtype=torch.uint8)
    images = torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float() / 255
    return images, Targets(points, seen, torch.ones(HANDS))


def error_after(preset: str, hands: tuple[torch.Tensor, Targets], steps: int) -> tuple[float, float, float]:
    """The loss before and after some steps on the same hands, and the mean error then, px of 32."""
    recipe = PoseNet.presets[preset].recipe.for_size(SIZE, 5.0)
    torch.manual_seed(0)
    network = PoseNet(Spec(SIZE, 3, 21, recipe.loss), width=4, folded=False).train()
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    images, targets = hands
    losses = []
    for _ in range(steps):
        loss = network.loss(network(images), targets, recipe)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    with torch.no_grad():
        found = network.eval().decode(network(images)).points
    assert found is not None
    return losses[0], losses[-1], (found - targets.keypoints).norm(dim=-1).mean().item()


def test_the_papers_settings_lose_their_loss_and_find_nothing_where_others_find_all(
    hands: tuple[torch.Tensor, Targets],
) -> None:
    """Both are given the same hands, seen often enough to be known by heart."""
    before, after, lost = error_after("paper", hands, 90)
    assert after < before / 15
    assert lost > 8
    _, _, found = error_after("reference", hands, 90)
    assert found < lost / 2


def test_where_no_hand_is_flat_maps_cost_nothing_and_sure_ones_much() -> None:
    preset = PoseNet.presets["renders"].recipe.for_size(SIZE, 5.0)
    network = PoseNet(Spec(SIZE, 3, 21, preset.loss), width=4, folded=False)
    nothing = Targets(
        torch.full((2, 21, 2), torch.nan), torch.zeros(2, 21, dtype=torch.uint8), torch.ones(2),
        empty=torch.tensor([True, False]),
    )  # fmt: skip
    flat, sure = torch.zeros(2, 21, SIZE, SIZE), torch.zeros(2, 21, SIZE, SIZE)
    sure[:, :, 3, 4] = 20.0
    assert network.loss(flat, nothing, preset).item() == pytest.approx(0, abs=1e-6)
    # The one cell has e^20 of what 1,023 others have 1: -log(p) is 20 in all but one, of 1,024 cells.
    cost = preset.empty_weight * (20 * (1 - 1 / SIZE**2) - np.log(SIZE**2))
    assert network.loss(sure, nothing, preset).item() == pytest.approx(cost, rel=1e-4)
    # The other is without labels alone.
    sure[1] *= -1
    assert network.loss(sure, nothing, preset).item() == pytest.approx(cost, rel=1e-4)
    assert network.loss(sure, nothing._replace(empty=None), preset).item() == 0
