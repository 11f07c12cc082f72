"""Hand against ground: its loss by hand, its answer, and that it learns what a hand is."""

import math

import numpy as np
import pytest
import torch

from curate.networks import inference
from curate.networks.handseg import HandSeg
from curate.networks.network import Spec, Targets
from curate.networks.posenet import PoseNet
from curate.scoring.metrics import mask_iou

RECIPE = HandSeg.presets["reference"].recipe


def made(size: int = 32) -> HandSeg:
    torch.manual_seed(0)
    return HandSeg(Spec(size, 3, 21, "cross_entropy"), width=4, folded=True)


def targets(mask: torch.Tensor, weight: list[float]) -> Targets:
    count = len(mask)
    return Targets(
        torch.full((count, 21, 2), torch.nan),
        torch.zeros(count, 21, dtype=torch.uint8),
        torch.tensor(weight),
        mask,
    )


def test_the_loss_is_the_cross_entropy_of_the_pixels_that_count() -> None:
    mask = torch.zeros(2, 32, 32)
    mask[0, :, :16] = 1
    logits = torch.zeros(2, 32, 32)
    logits[0] = math.log(3)  # a probability of 3/4: right in one half, wrong in the other
    expected = (math.log(4 / 3) + math.log(4)) / 2
    assert made().loss(logits, targets(mask, [1, 0]), RECIPE).item() == pytest.approx(expected)
    both = (3 * expected + math.log(2)) / 4
    assert made().loss(logits, targets(mask, [3, 1]), RECIPE).item() == pytest.approx(both)


def test_it_begins_with_what_a_network_of_keypoints_as_wide_has_learnt_but_for_its_last_layer() -> None:
    spec = Spec(32, 3, 21, PoseNet.presets["reference"].recipe.loss)
    torch.manual_seed(1)
    keypoints = PoseNet(spec, width=4, folded=True).state_dict()
    network, fresh = made(), made().state_dict()
    network.start_from(keypoints)
    for name, value in network.state_dict().items():
        expected = fresh if name.startswith("body.last.") else keypoints
        assert torch.equal(value, expected[name]), name
    again = made()
    again.start_from(network.state_dict())
    assert torch.equal(again.body.last.weight, fresh["body.last.weight"])
    with pytest.raises(ValueError, match=r"of another shape: \(8, 12, 3, 3\), not \(4, 12, 3, 3\)"):
        made().start_from(PoseNet(spec, width=8, folded=True).state_dict())


def test_the_answer_is_a_probability() -> None:
    decoded = made().decode(torch.tensor([[[0.0, 100.0], [-100.0, math.log(3)]]]))
    assert decoded.mask is not None
    torch.testing.assert_close(decoded.mask, torch.tensor([[[0.5, 1.0], [0.0, 0.75]]]))
    assert decoded.points is None


def test_it_learns_a_shape_from_a_few_pictures() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (12, 32, 32, 3), np.uint8)
    masks = np.zeros((12, 32, 32), bool)
    for picture, mask, (x, y) in zip(pixels, masks, rng.integers(2, 16, (12, 2)), strict=True):
        mask[y : y + 14, x : x + 14] = True
        picture[mask] = 255 - picture[mask] // 2
    network = made().train()
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    taught = targets(torch.from_numpy(masks[:8].astype(np.float32)), [1.0] * 8)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        network.loss(network(images[:8]), taught, RECIPE).backward()
        optimiser.step()
    found = inference.predict(network, pixels[8:])
    assert found.masks is not None
    assert mask_iou(found.masks > 127, masks[8:]).mean() > 0.7
