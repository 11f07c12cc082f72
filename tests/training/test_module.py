"""A step of training: the learning rate and the average; the order of an epoch, and how many fit."""

from __future__ import annotations

import pytest
import torch

from curate.training.epoch_end import _epochs_that_fit
from curate.training.examples import Shuffled
from curate.training.module import _average, _schedule


def test_an_epochs_order_depends_on_seed_and_epoch_and_misses_nothing() -> None:
    order = Shuffled(50, seed=1)
    first = list(order)
    assert sorted(first) == list(range(50))
    assert list(order) == first
    order.set_epoch(1)
    assert sorted(order) == list(range(50))
    assert list(order) != first
    assert list(Shuffled(50, seed=2)) != first


def test_the_learning_rate_rises_for_an_epoch_at_most_and_falls_to_0() -> None:
    # 10 epochs of 4 steps: up over 10 % = 4 steps.
    rates = [_schedule(step, 4, 40) for step in range(41)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[22] == pytest.approx(0.5)
    assert rates[40] == pytest.approx(0.0)
    assert _schedule(99, 4, 40) == pytest.approx(0.0)


def test_epochs_are_planned_by_the_time_that_those_done_took() -> None:
    assert _epochs_that_fit(15, None, 3, 1e9) == 15
    assert _epochs_that_fit(15, 10.0, 0, 0.0) == 15
    assert _epochs_that_fit(15, 10.0, 2, 240.0) == 5
    assert _epochs_that_fit(15, 10.0, 5, 601.0) == 6
    assert _epochs_that_fit(15, 1000.0, 1, 1.0) == 15


def test_the_average_forgets_its_beginning() -> None:
    # After the first copy: share of the new weights 1 - 2/11 = 9/11.
    mean = torch.zeros(1)
    _average([mean], [torch.ones(1)], torch.tensor(1))
    assert mean.item() == pytest.approx(9 / 11)
    _average([mean], [torch.zeros(1)], torch.tensor(10**9))
    assert mean.item() == pytest.approx(9 / 11 * 0.999)
