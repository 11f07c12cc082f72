"""Losses against target maps drawn in full, and their known floors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from curate.networks.losses import (
    binary_cross_entropy,
    gaussians,
    point_weights,
    profiles,
    softmax_cross_entropy,
)
from curate.networks.network import Targets

SIZE = 24


def drawn(keypoints: Tensor, sigma: float, size: int = SIZE) -> Tensor:
    """Peak-1 Gaussian maps, cell by cell."""
    at = torch.arange(size) + 0.5
    dx = at[None, None, None, :] - keypoints[..., 0, None, None]
    dy = at[None, None, :, None] - keypoints[..., 1, None, None]
    return torch.exp(-(dx**2 + dy**2) / (2 * sigma**2))


@pytest.fixture
def logits() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 3, SIZE, SIZE)


@pytest.fixture
def keypoints() -> Tensor:
    torch.manual_seed(1)
    return torch.rand(2, 3, 2) * SIZE


def test_point_weights_by_coco_code_and_sample() -> None:
    targets = Targets(torch.zeros(2, 3, 2), torch.tensor([[0, 1, 2]] * 2), torch.tensor([1.0, 2.0]))
    assert point_weights(targets, hidden=0.25).tolist() == [[0.0, 0.25, 1.0], [0.0, 0.5, 2.0]]


def test_gaussians_are_those_drawn_cell_by_cell(keypoints: Tensor) -> None:
    torch.testing.assert_close(gaussians(keypoints, 2.5, SIZE), drawn(keypoints, 2.5))


def test_profile_peaks_at_the_cell_whose_centre_is_the_point() -> None:
    # Cell 3 is at 3.5; one cell away exp(-1 / (2 * 4)).
    profile = profiles(torch.tensor(3.5), sigma=2.0, size=8)
    assert profile[3] == 1.0
    assert profile[4] == pytest.approx(math.exp(-1 / 8))
    assert profile[2] == profile[4]


def test_softmax_loss_is_the_cross_entropy_with_the_drawn_target(logits: Tensor, keypoints: Tensor) -> None:
    weights = torch.tensor([[1.0, 0.5, 0.0], [1.0, 1.0, 0.5]])
    target = drawn(keypoints, 2.5)
    target = target / target.sum((-2, -1), keepdim=True)
    each = functional.cross_entropy(logits.flatten(0, 1).flatten(1), target.flatten(0, 1).flatten(1),
                                    reduction="none").view(2, 3)  # fmt: skip
    expected = (each * weights).sum() / weights.sum()
    assert softmax_cross_entropy(logits, keypoints, weights, 2.5).item() == pytest.approx(
        expected.item(), rel=1e-5
    )


def test_sigmoid_loss_is_the_cross_entropy_with_the_drawn_target(logits: Tensor, keypoints: Tensor) -> None:
    expected = functional.binary_cross_entropy_with_logits(logits, drawn(keypoints, 5.0))
    loss = binary_cross_entropy(logits, keypoints, torch.ones(2, 3), 5.0)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_sigmoid_loss_of_the_perfect_answer_is_the_papers_training_loss() -> None:
    # Arslanova et al. 2020 report 0.0279; pi^3 sigma^2 / (3 S^2) = 0.0280 at sigma 5 on 96 x 96.
    middle = torch.full((1, 1, 2), 48.0)
    logits = torch.logit(drawn(middle, 5.0, 96).double(), eps=1e-12).float()
    floor = math.pi**3 * 25 / (3 * 96**2)
    loss = binary_cross_entropy(logits, middle, torch.ones(1, 1), 5.0).item()
    assert loss == pytest.approx(floor, rel=2e-3)
    assert round(floor, 4) == 0.0280


def test_softmax_loss_of_the_perfect_answer_is_the_entropy_of_the_gaussian() -> None:
    middle = torch.full((1, 1, 2), 24.0)
    logits = drawn(middle, 2.5, 48).double().log().float()
    loss = softmax_cross_entropy(logits, middle, torch.ones(1, 1), 2.5).item()
    assert loss == pytest.approx(1 + math.log(2 * math.pi * 2.5**2), rel=1e-4)


LOSSES = pytest.mark.parametrize("loss", [softmax_cross_entropy, binary_cross_entropy])


@LOSSES
def test_unlabelled_points_change_neither_loss_nor_gradient(loss, logits: Tensor, keypoints: Tensor) -> None:
    weights = torch.ones(2, 3)
    weights[0, 1] = 0
    keypoints[0, 1] = torch.nan
    logits.requires_grad_()
    value = loss(logits, keypoints, weights, 2.5)
    value.backward()
    assert logits.grad[0, 1].abs().max() == 0
    assert logits.grad.isfinite().all()
    others = [(0, 0), (0, 2), (1, 0), (1, 1), (1, 2)]
    alone = [loss(logits[b : b + 1, k : k + 1], keypoints[b : b + 1, k : k + 1], torch.ones(1, 1), 2.5)
             for b, k in others]  # fmt: skip
    assert value.item() == pytest.approx(torch.stack(alone).mean().item(), rel=1e-5)


@LOSSES
def test_a_batch_in_which_nothing_is_labelled_costs_nothing(loss, logits: Tensor) -> None:
    value = loss(logits.requires_grad_(), torch.full((2, 3, 2), torch.nan), torch.zeros(2, 3), 2.5)
    value.backward()
    assert value.item() == 0
    assert logits.grad.abs().max() == 0


@LOSSES
def test_autocast_does_not_coarsen_the_sums(loss, logits: Tensor, keypoints: Tensor) -> None:
    plain = loss(logits, keypoints, torch.ones(2, 3), 2.5)
    with torch.autocast("cpu", torch.bfloat16):
        assert loss(logits, keypoints, torch.ones(2, 3), 2.5).item() == pytest.approx(plain.item(), rel=1e-6)


def test_a_point_outside_the_frame_has_no_cell_to_be_likely_in(logits: Tensor, keypoints: Tensor) -> None:
    weights = torch.ones(2, 3)
    inside = softmax_cross_entropy(logits[:, :2], keypoints[:, :2], weights[:, :2], 2.5)
    keypoints[:, 2] = torch.tensor([-3.0, 10.0])
    assert softmax_cross_entropy(logits, keypoints, weights, 2.5).item() == pytest.approx(
        inside.item(), rel=1e-5
    )


def test_a_point_outside_the_frame_still_casts_its_tail_for_the_sigmoid_loss(logits: Tensor) -> None:
    keypoints = torch.full((2, 3, 2), -3.0)
    expected = functional.binary_cross_entropy_with_logits(logits, drawn(keypoints, 5.0))
    loss = binary_cross_entropy(logits, keypoints, torch.ones(2, 3), 5.0)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@given(
    x=st.floats(0, SIZE, exclude_max=True), y=st.floats(0, SIZE, exclude_max=True), sigma=st.floats(0.7, 8)
)
@settings(max_examples=50, deadline=None)
def test_softmax_loss_is_never_below_the_drawn_targets_entropy(x: float, y: float, sigma: float) -> None:
    keypoint = torch.tensor([[[x, y]]])
    target = drawn(keypoint, sigma).double()
    target = target / target.sum()
    entropy = -torch.xlogy(target, target).sum().item()
    torch.manual_seed(0)
    for logits in (torch.randn(1, 1, SIZE, SIZE), target.clamp(min=1e-30).log().float()):
        loss = softmax_cross_entropy(logits, keypoint, torch.ones(1, 1), sigma).item()
        assert math.isfinite(loss)
        assert loss >= entropy - 1e-4
    assert loss == pytest.approx(entropy, abs=1e-3)
