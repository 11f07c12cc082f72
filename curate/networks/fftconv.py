"""Convolution with a large kernel by way of the Fourier transform.

A k x k kernel on n x n maps costs n^2 k^2 products a channel pair when done directly. Done as a product
of spectra it costs a few a frequency, and a circular transform of length n + k // 2 is already long
enough for 'same' padding: what wraps around falls on the zero padding (36 for k = 24 on 24 x 24 maps).

The transforms here are matrix products with cosine and sine tables, not calls to an FFT: the axes are
short, the tables leave every result in the order the next product needs, so nothing is transposed
between them, and they cost less than moving their operands through memory. The products of spectra
are one batched matrix product over [images, channels in] x [channels in, channels out] a frequency.
Only half of the frequencies of the first axis are kept: the maps are real.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class _Tables:
    """Real matrices of the transforms; `re`/`im` rows and columns lie side by side as named.

    H = length // 2 + 1 frequencies of the first axis (rows), `length` of the second (columns).
    """

    half: int
    length: int
    kernel_rows: Tensor  # (H re/im, k): kernel rows to frequencies, conjugated for cross-correlation
    kernel_re: Tensor  # (length, re/im k): real part of the spectrum along columns
    kernel_im: Tensor  # (length, re/im k): imaginary part
    image_rows: Tensor  # (H re/im, n)
    image_columns: Tensor  # (length (-im, re, im), re/im n): -im again, to multiply by i without a copy
    image_adjoint: Tensor  # (re/im n, length (re, im))
    map_columns: Tensor  # (re/im n, length re/im): back to map columns
    map_rows: Tensor  # (n, H re/im): back to map rows, with the weights of the half spectrum


@lru_cache(maxsize=8)
def _tables(n: int, k: int, dtype: torch.dtype, device: torch.device) -> _Tables:
    before, after = (k - 1) // 2, k // 2
    length = n + after
    length += length % 2
    half = length // 2 + 1

    def waves(rows: int, columns: int, shift: int = 0) -> tuple[Tensor, Tensor]:
        turns = torch.outer(torch.arange(rows), torch.arange(columns) - shift) % length
        angle = turns.double() * (2 * math.pi / length)
        return angle.cos(), angle.sin()

    def rows_of(*parts: Tensor) -> Tensor:
        """Interleave matrices row by row."""
        return torch.stack(parts, 1).flatten(0, 1)

    tables: dict[str, Tensor] = {}
    # Kernel: e^{+i f (offset)}, offset = index - before: the conjugate turns convolution into
    # the cross-correlation that networks call convolution.
    cos, sin = waves(half, k, before)
    tables["kernel_rows"] = rows_of(cos, sin)
    cos, sin = waves(length, k, before)
    tables["kernel_re"] = torch.cat([cos, -sin], 1)
    tables["kernel_im"] = torch.cat([sin, cos], 1)
    # Image: e^{-i f x}.
    cos, sin = waves(half, n)
    tables["image_rows"] = rows_of(cos, -sin)
    cos, sin = waves(length, n)
    real, imag = torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)
    tables["image_columns"] = rows_of(-imag, real, imag)
    tables["image_adjoint"] = rows_of(real, imag).T
    # Map: e^{+i f x}; frequencies other than 0 and length / 2 stand for their conjugates, too.
    cos, sin = waves(n, length)
    tables["map_columns"] = torch.cat(
        [torch.stack([cos, -sin], 2).flatten(1), torch.stack([sin, cos], 2).flatten(1)]
    )
    cos, sin = waves(n, half)
    share = torch.full((half,), 2.0 / length**2, dtype=torch.float64)
    share[0] = share[-1] = 1.0 / length**2
    tables["map_rows"] = torch.stack([cos * share, -sin * share], 2).flatten(1)
    return _Tables(half, length, **{name: t.to(device, dtype).contiguous() for name, t in tables.items()})


def _kernel_spectrum(weight: Tensor, t: _Tables) -> tuple[Tensor, Tensor]:
    """(k, k, in, out) to the real and the imaginary part, each (H * length, in, out)."""
    k, _, channels, maps = weight.shape
    rows = (t.kernel_rows @ weight.reshape(k, -1)).view(t.half, 2 * k, channels * maps)
    shape = (t.half * t.length, channels, maps)
    return (t.kernel_re @ rows).view(shape), (t.kernel_im @ rows).view(shape)


def _kernel_adjoint(real: Tensor, imag: Tensor, t: _Tables, shape: torch.Size) -> Tensor:
    """Gradient of the kernel from that of its spectrum."""
    real, imag = real.view(t.half, t.length, -1), imag.view(t.half, t.length, -1)
    rows = t.kernel_re.T @ real
    rows.baddbmm_(t.kernel_im.T.expand(t.half, -1, -1), imag)
    return (t.kernel_rows.T @ rows.view(2 * t.half, -1)).view(shape)


def _image_spectrum(images: Tensor, t: _Tables) -> Tensor:
    """(n, n, B, C) to (H * length, (-im, re, im) * B, C)."""
    n, _, batch, channels = images.shape
    rows = (t.image_rows @ images.reshape(n, -1)).view(t.half, 2 * n, batch * channels)
    return (t.image_columns @ rows).view(t.half * t.length, 3 * batch, channels)


def _multiply(images: Tensor, real: Tensor, imag: Tensor, t: _Tables) -> Tensor:
    """Spectra of images times those of the kernel, back to maps (n, n, B, out)."""
    batch, maps = images.shape[1] // 3, real.shape[2]
    # (re, im) * real + (-im, re) * imag: complex products as two real ones over overlapping views.
    product = torch.bmm(images[:, batch:], real)
    product.baddbmm_(images[:, : 2 * batch], imag)
    rows = t.map_columns @ product.view(t.half, 2 * t.length, batch * maps)
    n = t.map_rows.shape[0]
    return (t.map_rows @ rows.view(2 * t.half, -1)).view(n, n, batch, maps)


class _SpectralProduct(torch.autograd.Function):
    """Maps of (n, n, B, in) images under a (k, k, in, out) kernel, both of one dtype."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor) -> Tensor:
        t = _tables(images.shape[0], weight.shape[0], images.dtype, images.device)
        real, imag = _kernel_spectrum(weight, t)
        spectrum = _image_spectrum(images, t)
        ctx.tables, ctx.kernel_shape = t, weight.shape
        ctx.save_for_backward(spectrum, real, imag)
        return _multiply(spectrum, real, imag, t)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        spectrum, real, imag = ctx.saved_tensors
        t: _Tables = ctx.tables
        n, _, batch, maps = grad.shape
        rows = (t.map_rows.T @ grad.reshape(n, -1)).view(t.half, 2 * n, batch * maps)
        grad = (t.map_columns.T @ rows).view(t.half * t.length, 2 * batch, maps)
        of_images = of_kernel = None
        if ctx.needs_input_grad[1]:
            of_kernel = _kernel_adjoint(
                torch.bmm(spectrum[:, batch:].mT, grad),
                torch.bmm(spectrum[:, : 2 * batch].mT, grad),
                t,
                ctx.kernel_shape,
            )
        if ctx.needs_input_grad[0]:
            turned = torch.cat([grad[:, batch:], -grad[:, :batch]], 1)
            of_spectrum = torch.bmm(grad, real.mT)
            of_spectrum.baddbmm_(turned, imag.mT)
            rows = t.image_adjoint @ of_spectrum.view(t.half, 2 * t.length, -1)
            of_images = (t.image_rows.T @ rows.view(2 * t.half, -1)).view(n, n, batch, -1)
        return of_images, of_kernel


def _product_dtype(images: Tensor) -> torch.dtype:
    """bfloat16 where autocast asks for it; never float16, whose range a spectrum's sums can leave."""
    device = images.device.type
    if torch.is_autocast_enabled(device):
        asked = torch.get_autocast_dtype(device)
        return torch.bfloat16 if asked == torch.bfloat16 else torch.float32
    return images.dtype


class FFTConv2d(nn.Module):
    """A 'same' convolution of square maps with one large kernel, computed by Fourier transform.

    Equal to torch's direct convolution of the maps padded by ((k - 1) // 2, k // 2) on both axes
    (Keras 'same') to the rounding of the dtype. Under bfloat16 autocast the products run in bfloat16,
    as those of other layers do. In evaluation without gradients the kernel's spectrum is kept between
    calls, until the weights change.

    Parameters
    ----------
    channels, maps: number of input and of output channels.
    kernel_size: k.

    Attributes
    ----------
    weight: (k, k, channels, maps), the order of Keras: it is the one the transform reads in sequence.
    bias: (maps,).
    """

    def __init__(self, channels: int, maps: int, kernel_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(kernel_size, kernel_size, channels, maps))
        self.bias = nn.Parameter(torch.zeros(maps))
        self._kept: tuple[tuple[object, ...], tuple[Tensor, Tensor]] | None = None
        nn.init.normal_(self.weight, std=math.sqrt(2 / (kernel_size**2 * channels)))

    def extra_repr(self) -> str:
        k, _, channels, maps = self.weight.shape
        return f"{channels}, {maps}, kernel_size={k}"

    def train(self, mode: bool = True) -> FFTConv2d:
        self._kept = None
        return super().train(mode)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, n, n) to (B, maps, n, n), laid out channels last.

        Raises
        ------
        ValueError: the maps are not square.
        """
        if images.shape[2] != images.shape[3]:
            raise ValueError(f"FFTConv2d needs square maps, got {tuple(images.shape[2:])}")
        dtype = _product_dtype(images)
        with torch.autocast(images.device.type, enabled=False):
            spatial = images.permute(2, 3, 0, 1).to(dtype).contiguous()
            maps: Tensor
            if torch.is_grad_enabled() or self.training:
                maps = _SpectralProduct.apply(spatial, self.weight.to(dtype))  # type: ignore[no-untyped-call]
            else:
                maps = self._infer(spatial)
            maps = maps + self.bias.to(dtype)
        return maps.permute(2, 3, 0, 1).contiguous(memory_format=torch.channels_last)

    def _infer(self, spatial: Tensor) -> Tensor:
        t = _tables(spatial.shape[0], self.weight.shape[0], spatial.dtype, spatial.device)
        if self.weight.is_inference():  # has no version to tell a change by
            real, imag = _kernel_spectrum(self.weight.to(spatial.dtype), t)
        else:
            key = (self.weight.data_ptr(), self.weight._version, t.length, spatial.dtype, spatial.device)
            kept = self._kept  # which another thread may forget at any moment
            if kept is None or kept[0] != key:
                kept = self._kept = key, _kernel_spectrum(self.weight.to(spatial.dtype), t)
            real, imag = kept[1]
        return _multiply(_image_spectrum(spatial, t), real, imag, t)
