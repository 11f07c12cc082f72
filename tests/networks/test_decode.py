"""Decoding maps that were drawn from known points."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from curate.networks.decode import decode_heights, decode_sigmoid, decode_softmax, local_expectation
from curate.networks.losses import gaussians

SIZE = 48


def gaussian(x: float, y: float, sigma: float) -> Tensor:
    """(1, 1, SIZE, SIZE) peak-1 map."""
    return gaussians(torch.tensor([[[x, y]]]), sigma, SIZE)


def test_a_single_cell_decodes_to_its_centre() -> None:
    maps = torch.zeros(1, 1, 20, 30)
    maps[0, 0, 4, 17] = 1.0
    points, mass = local_expectation(maps)
    assert points.tolist() == [[[17.5, 4.5]]]
    assert mass.item() == 1.0


def test_two_cells_decode_to_their_centre_of_mass() -> None:
    # Cells 17 and 18 of row 4 with weights 3 and 1: x = 17.5 + 1 / 4.
    maps = torch.zeros(1, 1, 20, 30)
    maps[0, 0, 4, 17], maps[0, 0, 4, 18] = 3.0, 1.0
    points, mass = local_expectation(maps)
    assert points.tolist() == [[[17.75, 4.5]]]
    assert mass.item() == 4.0


def test_cells_outside_the_window_do_not_pull() -> None:
    maps = torch.zeros(1, 1, 40, 40)
    maps[0, 0, 20, 20], maps[0, 0, 20, 28] = 3.0, 1.0
    points, mass = local_expectation(maps, radius=7)
    assert points.tolist() == [[[20.5, 20.5]]]
    assert mass.item() == 3.0


def test_cells_of_heights_count_by_what_they_have_above_half_of_the_peak() -> None:
    # Above half of 0.8, the three cells have 0.4, 0.2 and nothing: x = 10.5 + 0.2 / 0.6.
    maps = torch.full((1, 1, 20, 20), 0.1)
    maps[0, 0, 10, 10], maps[0, 0, 10, 11], maps[0, 0, 10, 12] = 0.8, 0.6, 0.3
    points, score = decode_heights(maps)
    assert points[0, 0].tolist() == pytest.approx([10.5 + 1 / 3, 10.5])
    assert score.item() == pytest.approx(0.8)


inner = st.floats(12, SIZE - 12)


@given(x=inner, y=inner)
@settings(max_examples=60, deadline=None)
def test_softmax_maps_give_their_point_back(x: float, y: float) -> None:
    points, score = decode_softmax(gaussian(x, y, 2.5).log().clamp(min=-60))
    assert points[0, 0].tolist() == pytest.approx([x, y], abs=0.05)
    assert 0.9 < score.item() <= 1.00001


@given(x=inner, y=inner)
@settings(max_examples=60, deadline=None)
def test_sigmoid_maps_over_a_background_give_their_point_back(x: float, y: float) -> None:
    maps = gaussian(x, y, 5.0).clamp(min=0.01, max=1 - 1e-4)
    points, score = decode_sigmoid(torch.logit(maps))
    assert points[0, 0].tolist() == pytest.approx([x, y], abs=0.03)
    assert score.item() > 0.98


@given(x=st.floats(0.1, SIZE - 0.1), y=st.floats(0.1, SIZE - 0.1))
@settings(max_examples=60, deadline=None)
def test_near_the_frame_no_point_is_pulled_inward_by_more_than_half_a_cell(x: float, y: float) -> None:
    points, _ = decode_softmax(gaussian(x, y, 2.5).log().clamp(min=-60))
    assert points[0, 0].tolist() == pytest.approx([x, y], abs=0.51)


@pytest.mark.parametrize("decode", [decode_softmax, decode_sigmoid])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf], ids=["nan", "inf"])
def test_a_map_that_is_not_finite_gives_a_nan_point_and_spares_the_others(decode, bad: float) -> None:
    logits = torch.logit(gaussian(20.5, 24.5, 2.5).clamp(1e-6, 1 - 1e-6)).repeat(1, 2, 1, 1)
    logits[0, 0, 3, 3] = bad
    points, score = decode(logits)
    assert points[0, 0].isnan().all()
    assert score[0, 0] == 0
    assert points[0, 1].tolist() == pytest.approx([20.5, 24.5], abs=0.1)


def test_half_precision_maps_decode_as_float() -> None:
    logits = gaussian(20.5, 24.5, 2.5).log().clamp(min=-30)
    points, _ = decode_softmax(logits.bfloat16())
    assert points.dtype == torch.float32
    assert points[0, 0].tolist() == pytest.approx([20.5, 24.5], abs=0.2)
