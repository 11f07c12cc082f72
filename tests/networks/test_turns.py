"""The mean of four quarter turns."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from curate.networks import inference
from curate.networks.network import Decoded, Network, Spec, Targets
from curate.networks.recipe import Preset, Recipe

SIZE = 32


class Brightest(Network):
    """Says that every keypoint is at the brightest pixel, moved by `off`; the mask is the image."""

    presets: ClassVar = {"plain": Preset(Recipe(loss="none"), epochs=1)}

    def __init__(self, spec: Spec, off: tuple[float, float] = (0, 0)) -> None:
        super().__init__(spec)
        self.off = nn.Parameter(torch.tensor(off, dtype=torch.float32))

    def forward(self, images: Tensor) -> Tensor:
        return images

    def loss(self, outputs: Tensor, targets: Targets, recipe: Recipe) -> Tensor:
        return self.off.sum()

    def decode(self, outputs: Tensor) -> Decoded:
        place = outputs[:, 0].flatten(1).argmax(1)
        points = torch.stack([place % SIZE + 0.5, place // SIZE + 0.5], 1) + self.off
        points = torch.where(points > 0, points, torch.nan)[:, None].repeat(1, 21, 1)
        xyz = torch.cat([points - SIZE / 2, torch.ones(len(points), 21, 1)], 2)
        return Decoded(points, None, outputs[:, 0], xyz)


def spot(x: int, y: int) -> np.ndarray:
    image = np.zeros((1, SIZE, SIZE), np.uint8)
    image[0, y, x] = 255
    return image


def test_what_is_right_at_each_turn_stays_as_it_is() -> None:
    network = Brightest(Spec(SIZE, 1, 21, "none"))
    plain, turned = (find(network, spot(5, 20)) for find in (inference.predict, inference.predict_turned))
    assert plain.points[0, 3].tolist() == [5.5, 20.5]
    assert plain.hands is turned.hands is None
    for one, other in zip(plain[:4], turned[:4], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_leaning_to_one_side_is_cancelled() -> None:
    network = Brightest(Spec(SIZE, 1, 21, "none"), off=(3, 1))
    assert inference.predict(network, spot(5, 20)).points[0, 3].tolist() == [8.5, 21.5]
    turned = inference.predict_turned(network, spot(5, 20))
    assert turned.points[0, 3].tolist() == pytest.approx([5.5, 20.5])


def test_a_turn_without_an_answer_is_left_out_and_lowers_the_score() -> None:
    network = Brightest(Spec(SIZE, 1, 21, "none"), off=(-6, 0))
    # At (5, 20) and in the half turn, (26, 11), two and four px from the frame: one of four has no answer.
    turned = inference.predict_turned(network, spot(5, 20))
    assert np.isfinite(turned.points).all()
    assert turned.scores[0, 0] == 0.75
