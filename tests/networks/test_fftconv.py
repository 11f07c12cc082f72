"""The Fourier convolution against torch's direct one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from curate.networks.fftconv import FFTConv2d


def direct(layer: FFTConv2d, images: torch.Tensor) -> torch.Tensor:
    k = layer.weight.shape[0]
    before, after = (k - 1) // 2, k // 2
    padded = functional.pad(images, (before, after, before, after))
    return functional.conv2d(padded, layer.weight.permute(3, 2, 0, 1), layer.bias)


def make(channels: int, maps: int, k: int, dtype: torch.dtype = torch.float32) -> FFTConv2d:
    torch.manual_seed(0)
    layer = FFTConv2d(channels, maps, k).to(dtype)
    torch.nn.init.normal_(layer.bias)
    return layer


@pytest.mark.parametrize("n", [24, 32], ids=["96 px", "128 px"])
def test_equals_the_direct_convolution_forward_and_backward(n: int) -> None:
    layer = make(8, 6, 24)
    images = torch.randn(3, 8, n, n, requires_grad=True)
    grad = torch.randn(3, 6, n, n)
    inputs = (images, layer.weight, layer.bias)

    ours, reference = layer(images), direct(layer, images)

    torch.testing.assert_close(ours, reference, atol=1e-4, rtol=0)
    ours_grads = torch.autograd.grad(ours, inputs, grad)
    reference_grads = torch.autograd.grad(reference, inputs, grad)
    for mine, theirs in zip(ours_grads, reference_grads, strict=True):
        error = (mine - theirs).norm() / theirs.norm()
        assert error < 1e-4


@given(n=st.integers(1, 9), k=st.integers(1, 10), batch=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_equals_the_direct_convolution_for_any_side_and_kernel(n: int, k: int, batch: int) -> None:
    layer = make(2, 3, k, torch.float64)
    images = torch.randn(batch, 2, n, n, dtype=torch.float64)
    torch.testing.assert_close(layer(images), direct(layer, images), atol=1e-10, rtol=0)


def test_gradients_are_those_of_finite_differences() -> None:
    layer = make(2, 2, 4, torch.float64)
    images = torch.randn(2, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, weight: torch.func.functional_call(layer, {"weight": weight}, (x,)),
        (images, layer.weight),
    )


def test_an_impulse_shows_the_padding_of_keras_same() -> None:
    # Output (y, x) reads input (y + row - 11, x + column - 11): weight (11, 11) copies the input,
    # weight (12, 11) reads one row below.
    layer = FFTConv2d(1, 1, 24)
    torch.nn.init.zeros_(layer.weight)
    with torch.no_grad():
        layer.weight[12, 11] = 1.0
    images = torch.zeros(1, 1, 24, 24)
    images[0, 0, 7, 5] = 1.0
    expected = torch.zeros(1, 1, 24, 24)
    expected[0, 0, 6, 5] = 1.0
    torch.testing.assert_close(layer(images), expected, atol=1e-6, rtol=0)


def test_inference_keeps_the_spectrum_only_while_the_weights_stay() -> None:
    layer = make(2, 2, 6).eval()
    images = torch.randn(1, 2, 6, 6)
    with torch.no_grad():
        first = layer(images)
        assert torch.equal(layer(images), first)
        layer.weight.mul_(2)
        torch.testing.assert_close(layer(images), direct(layer, images), atol=1e-5, rtol=0)
        layer.load_state_dict(make(2, 2, 6).state_dict())
        torch.testing.assert_close(layer(images), first)


def test_inference_follows_a_change_of_map_size() -> None:
    layer = make(2, 2, 6).eval()
    with torch.no_grad():
        for n in (6, 8, 6):
            images = torch.randn(1, 2, n, n)
            torch.testing.assert_close(layer(images), direct(layer, images), atol=1e-5, rtol=0)


def test_inference_mode_weights_are_not_taken_from_a_stale_spectrum() -> None:
    with torch.inference_mode():
        layer = make(2, 2, 6).eval()
        images = torch.randn(1, 2, 6, 6)
        layer(images)
        layer.weight.mul_(-3)
        torch.testing.assert_close(layer(images), direct(layer, images), atol=1e-5, rtol=0)


def test_training_goes_on_after_validation_in_inference_mode() -> None:
    layer = make(2, 2, 7).eval()
    images = torch.randn(1, 2, 11, 11)  # a side that no other test uses: its tables are made here
    with torch.inference_mode():
        validated = layer(images)
    trained = layer.train()(images)
    trained.sum().backward()
    torch.testing.assert_close(trained, validated.clone())
    assert layer.weight.grad is not None


def test_under_bfloat16_autocast_products_are_bfloat16_and_gradients_float32() -> None:
    layer = make(8, 6, 24)
    images = torch.randn(2, 8, 24, 24, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        maps = layer(images)
    maps.float().sum().backward()
    assert maps.dtype == torch.bfloat16
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == images.grad.dtype == torch.float32
    reference = direct(layer, images)
    assert (maps - reference).norm() / reference.norm() < 0.02


def test_refuses_maps_that_are_not_square() -> None:
    with pytest.raises(ValueError, match=r"needs square maps, got \(6, 8\)"):
        make(1, 1, 3)(torch.zeros(1, 1, 6, 8))


def test_what_another_thread_forgets_is_not_missed() -> None:
    class Forgotten(FFTConv2d):
        """As where another thread calls `eval()` at each moment."""

        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, None if name == "_kept" else value)

    torch.manual_seed(0)
    layer, forgotten = FFTConv2d(2, 3, 4).eval(), Forgotten(2, 3, 4).eval()
    forgotten.load_state_dict(layer.state_dict())
    images = torch.rand(1, 2, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(forgotten(images), layer(images))
