"""The U-Net: its shapes, its size, and what it refuses."""

import pytest
import torch

from curate.networks.unet import STRIDE, UNet


@pytest.mark.parametrize(("folded", "side"), [(False, 48), (True, 24)])
def test_gives_maps_as_large_as_the_image_or_half_as_large(folded: bool, side: int) -> None:
    body = UNet(3, 21, width=2, folded=folded).eval()
    with torch.no_grad():
        assert body(torch.rand(2, 3, 3 * STRIDE, 3 * STRIDE)).shape == (2, 21, side, side)
    assert side * body.cell == 48


def test_is_the_original_in_levels_and_widths() -> None:
    body = UNet(1, 2, width=64, folded=False)
    inner = [layer.weight.shape[0] for level in body.down for layer in level if hasattr(layer, "stride")]
    assert inner == [64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024]
    # 31,030,658 weights in the usual form, with biases before the ReLUs; the norms hold a scale each more.
    assert sum(weight.numel() for weight in body.parameters()) == 31_036_546


def test_does_not_see_exposure() -> None:
    torch.manual_seed(0)
    body, images = UNet(1, 1, width=2, folded=True).eval(), torch.rand(2, 1, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(body(images), body(0.5 * images + 0.2), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("width", "folded"), [(0, True), (10**9, True), (True, True), ("8", True), (8, 1)])
def test_refuses_options_that_no_run_has(width: object, folded: object) -> None:
    with pytest.raises(
        ValueError, match=r"no U-Net is made with width.*; width: 1 to 256, folded: true or false"
    ):
        UNet(1, 1, width=width, folded=folded)  # type: ignore[arg-type]
