"""3 x 3 convolutions in fewer products, for processors on which products are what costs.

Four by four pixels of a map depend on six by six of the image: 144 products, or 36 by the minimal filtering
F(4 x 4, 3 x 3) of Lavin & Gray 2016 (arXiv:1509.09308), which takes the tile and the kernel to where the
convolution is one product a place, and sums back. Here each step is a matrix product over a few images, so
that what lies between stays in the processor's cache; the 36 places are products of [tiles, channels in] x
[channels in, channels out]. The steps back are the adjoints of these.

In float32 the result differs from the direct one by some 1e-6 of its largest value. Where products are fast
(AVX-512, bfloat16), moving the tiles costs what is saved.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_TILE, _OUT = 6, 4
_PLACES = _TILE**2
# Interpolation at 0, 1, -1, 2, -2 and infinity: of the image, the kernel and the map, by one axis.
_IMAGE = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_MAP = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
_FEWEST = 48  # channels, below which the transforms cost more than the products
_HELD = 40_000  # numbers of a place that are worked on at once: 6 MB in all


def _both_axes(matrix: Tensor, tiles: Tensor) -> Tensor:
    """(r, k) by each of the first two axes of (k, k, ...), to (r, r, N)."""
    rows, before = matrix.shape
    first = (matrix @ tiles.reshape(before, -1)).view(rows, before, -1)
    return torch.bmm(matrix.expand(rows, -1, -1), first)


class _Tiles:
    """The tiles of maps (B, n, m, C), a few images at a time, as (6, 6, images, rows, columns, C)."""

    def __init__(self, images: Tensor) -> None:
        self.batch, n, m, self.channels = images.shape
        self.rows, self.columns = -(-n // _OUT), -(-m // _OUT)
        self.a_picture = self.rows * self.columns
        self.at_once = max(1, _HELD // (self.a_picture * self.channels))

    def groups(self) -> range:
        """The first image of each group."""
        return range(0, self.batch, self.at_once)

    def cut(self, images: Tensor) -> Tensor:
        """The tiles of some images, which overlap by two pixels."""
        count, n, m, channels = images.shape
        height, width = _OUT * self.rows + 2, _OUT * self.columns + 2
        padded = images.new_zeros(count, height, width, channels)
        padded[:, 1 : n + 1, 1 : m + 1] = images
        image, row, column, _ = padded.stride()
        shape = (_TILE, _TILE, count, self.rows, self.columns, channels)
        return padded.as_strided(shape, (row, column, image, _OUT * row, _OUT * column, 1))

    def joined(self, tiles: Tensor, n: int, m: int) -> Tensor:
        """The adjoint of `cut`: where tiles overlap, their sum."""
        tiles = tiles.view(_TILE, _TILE, -1, self.rows, self.columns, self.channels).permute(2, 3, 0, 4, 1, 5)
        padded = tiles.new_zeros(len(tiles), self.rows + 1, _OUT, self.columns + 1, _OUT, self.channels)
        padded[:, :-1, :, :-1] = tiles[:, :, :_OUT, :, :_OUT]
        padded[:, 1:, :2, :-1] += tiles[:, :, _OUT:, :, :_OUT]
        padded[:, :-1, :, 1:, :2] += tiles[:, :, :_OUT, :, _OUT:]
        padded[:, 1:, :2, 1:, :2] += tiles[:, :, _OUT:, :, _OUT:]
        height, width = _OUT * (self.rows + 1), _OUT * (self.columns + 1)
        return padded.view(-1, height, width, self.channels)[:, 1 : n + 1, 1 : m + 1]


def _blocks(maps: Tensor, tiles: _Tiles) -> Tensor:
    """Maps (B, n, m, C), padded to whole tiles, as (B, rows, 4, columns, 4, C)."""
    batch, n, m, channels = maps.shape
    height, width = _OUT * tiles.rows, _OUT * tiles.columns
    if (n, m) != (height, width):
        maps = nn.functional.pad(maps, (0, 0, 0, width - m, 0, height - n))
    return maps.reshape(batch, tiles.rows, _OUT, tiles.columns, _OUT, channels)


class _Winograd(torch.autograd.Function):
    """Images (B, n, m, in) under kernels (out, in, 3, 3) to maps (B, n, m, out)."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor) -> Tensor:
        of_image, of_kernel, of_map = (images.new_tensor(rows) for rows in (_IMAGE, _KERNEL, _MAP))
        batch, n, m, channels = images.shape
        maps, tiles = len(weight), _Tiles(images)
        kernel = _both_axes(of_kernel, weight.permute(2, 3, 1, 0)).view(_PLACES, channels, maps)
        keep = ctx.needs_input_grad[1]
        kept = images.new_empty(batch, _PLACES, tiles.a_picture * channels if keep else 0)
        made = images.new_empty(batch, tiles.rows, _OUT, tiles.columns, _OUT, maps)
        for start in tiles.groups():
            some = slice(start, start + tiles.at_once)
            spectrum = _both_axes(of_image, tiles.cut(images[some])).view(_PLACES, -1, channels)
            if keep:
                kept[some] = spectrum.view(_PLACES, -1, kept.shape[2]).transpose(0, 1)
            product = torch.bmm(spectrum, kernel).view(_TILE, _TILE, -1)
            block = _both_axes(of_map, product).view(_OUT, _OUT, -1, tiles.rows, tiles.columns, maps)
            made[some] = block.permute(2, 3, 0, 4, 1, 5)
        ctx.tiles, ctx.shape = tiles, images.shape
        ctx.save_for_backward(kept, kernel, of_image, of_kernel, of_map)
        whole = made.view(batch, _OUT * tiles.rows, _OUT * tiles.columns, maps)
        return whole[:, :n, :m]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        kept, kernel, of_image, of_kernel, of_map = ctx.saved_tensors
        tiles: _Tiles = ctx.tiles
        _, n, m, channels = ctx.shape
        maps = kernel.shape[2]
        blocks = _blocks(grad, tiles)
        images = grad.new_empty(ctx.shape) if ctx.needs_input_grad[0] else None
        of_spectrum = torch.zeros_like(kernel)
        for start in tiles.groups():
            some = slice(start, start + tiles.at_once)
            block = _both_axes(of_map.T, blocks[some].permute(2, 4, 0, 1, 3, 5)).view(_PLACES, -1, maps)
            if ctx.needs_input_grad[1]:
                spectrum = kept[some].transpose(0, 1).reshape(_PLACES, -1, channels)
                of_spectrum.baddbmm_(spectrum.mT, block)
            if images is not None:
                product = torch.bmm(block, kernel.mT).view(_TILE, _TILE, -1)
                images[some] = tiles.joined(_both_axes(of_image.T, product), n, m)
        weight = None
        if ctx.needs_input_grad[1]:
            found = _both_axes(of_kernel.T, of_spectrum.view(_TILE, _TILE, -1))
            weight = found.view(3, 3, channels, maps).permute(3, 2, 0, 1)
        return images, weight


class Conv3x3(nn.Conv2d):
    """`torch.nn.Conv2d` with a kernel of 3, stride 1 and padding 1, its weights and all; it learns the short
    way, in float32 on a processor with AVX2 alone.

    What has learnt goes the direct way, whose results are the same for any number of threads.
    """

    def __init__(self, channels: int, maps: int, *, bias: bool = True) -> None:
        super().__init__(channels, maps, 3, padding=1, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, n, m) to (B, maps, n, m)."""
        if not self._is_shorter(images):
            return super().forward(images)
        maps: Tensor = _Winograd.apply(  # type: ignore[no-untyped-call]
            images.permute(0, 2, 3, 1).contiguous(), self.weight
        )
        if self.bias is not None:
            maps = maps + self.bias
        return maps.permute(0, 3, 1, 2)

    def _is_shorter(self, images: Tensor) -> bool:
        return (
            torch.is_grad_enabled()
            and images.device.type == "cpu"
            and images.dtype == self.weight.dtype == torch.float32
            and min(self.in_channels, self.out_channels) >= _FEWEST
            and torch.backends.cpu.get_cpu_capability() == "AVX2"
            and not torch.is_autocast_enabled("cpu")
            and not torch.onnx.is_in_onnx_export()
            and not torch.compiler.is_compiling()
        )
