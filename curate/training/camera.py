"""What light, lenses and cameras do to a picture of a hand, and things before it. Nothing in it moves.

A network that learns from renders or from a few photographs meets others: greyer, coarser, under other lamps.
Every draw depends on (seed, epoch, index) only, as those of `curate.training.augment`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from curate.networks.recipe import Camera

Random = np.random.Generator

_COVERS = (0.02, 0.12)  # share of the picture
_KERNELS = (1, 3, 5)  # pixels a side
_FILTERED = 0.3  # at least, of what is seen through a filter
_SEED = 1  # the augmentation has (seed, epoch, index) alone


def taken(images: Tensor, camera: Camera, seed: int, epoch: int, indices: Sequence[int]) -> Tensor:
    """Images as a camera would have taken them.

    Parameters
    ----------
    images: (B, C, S, S) float in [0, 1]. indices: of the samples, (B,).

    Returns
    -------
    The same shape and range.
    """
    pictures = [
        _taken(image, camera, np.random.default_rng((seed, epoch, int(index), _SEED)))
        for image, index in zip(images, indices, strict=True)
    ]
    return torch.stack(pictures)


def _taken(image: Tensor, camera: Camera, rng: Random) -> Tensor:
    # All chances are drawn first: an effect more leaves the others with the pictures that they had.
    shaded, cast, grey, covered, filtered, coarse, blurred, noisy = rng.random(8)
    if shaded < 0.5:
        image = image * _light(image, camera.shade, rng)
    if cast < 0.5:
        gains = np.exp(np.log(camera.cast) * rng.uniform(-1, 1, len(image)))
        image = image * _like(gains, image)[:, None, None]
    if grey < camera.grey:
        image = image.mean(0, keepdim=True).expand_as(image)
    if covered < camera.covered:
        image = _covered(image, rng)
    if filtered < camera.filtered:
        image = _filtered(image, rng)
    side = image.shape[-1]
    small = round(side / rng.uniform(1, camera.coarse)) if coarse < 0.5 else side
    image = _resized(image, small)
    if blurred < 0.25 and camera.blur:
        image = _blurred(image, camera.blur * small, rng)
    if noisy < 0.5:
        noise = rng.standard_normal(tuple(image.shape), np.float32)
        image = image + rng.uniform(0, camera.noise) * _like(noise, image)
    return _resized(image, side).clamp(0, 1)


def _like(values: np.ndarray, image: Tensor) -> Tensor:
    return torch.as_tensor(values).to(image)


def _resized(image: Tensor, side: int) -> Tensor:
    if side == image.shape[-1]:
        return image
    return functional.interpolate(image[None], (side, side), mode="bilinear", antialias=True)[0]


def _light(image: Tensor, spread: float, rng: Random) -> Tensor:
    """(1, S, S): how much brighter or darker each place is; smooth."""
    field = _like(rng.normal(0, spread, (1, 1, 3, 3)), image)
    light: Tensor = functional.interpolate(field, image.shape[-1], mode="bicubic", align_corners=True)[0]
    return light.exp()


def _covered(image: Tensor, rng: Random) -> Tensor:
    """With a patch before it, of the colour of some other place."""
    side = image.shape[-1]
    area, shape = rng.uniform(*_COVERS) * side**2, math.exp(rng.uniform(-1.2, 1.2))
    high, wide = (min(side - 1, round(math.sqrt(area * by))) for by in (shape, 1 / shape))
    y, x = rng.integers(0, [side - high, side - wide])
    row, column = rng.integers(0, side, 2)
    image = image.clone()
    image[:, y : y + high, x : x + wide] = image[:, row, column, None, None].clone()
    return image


def _filtered(image: Tensor, rng: Random) -> Tensor:
    """Mixed with what a random filter makes of it: other colours and textures, the same shapes.

    Xu et al., Robust and generalizable visual representation learning via random convolutions, ICLR 2021.
    """
    channels, size = len(image), int(rng.choice(_KERNELS))
    kernel = rng.normal(0, 1 / math.sqrt(channels * size**2), (channels, channels, size, size))
    seen = functional.conv2d(_padded(image, size // 2), _like(kernel, image))[0]
    mean, spread = image.mean((1, 2), keepdim=True), image.std((1, 2), keepdim=True)
    seen = (seen - seen.mean((1, 2), keepdim=True)) / (seen.std((1, 2), keepdim=True) + 1e-5)
    share = rng.uniform(_FILTERED, 1)
    return torch.lerp(image, seen * spread + mean, share)


def _blurred(image: Tensor, most: float, rng: Random) -> Tensor:
    """Out of focus, or moved along a line; by `most` pixels at most."""
    reach = max(1, math.ceil(most))
    place = torch.arange(-reach, reach + 1)
    if rng.random() < 0.5:
        row = torch.exp(-0.5 * (place / max(0.1, rng.uniform(0, most / 2))) ** 2)
        kernel = row[:, None] * row
    else:
        length, angle = rng.uniform(0, 2 * most), rng.uniform(0, math.pi)
        along = place[None] * math.cos(angle) + place[:, None] * math.sin(angle)
        across = place[:, None] * math.cos(angle) - place[None] * math.sin(angle)
        kernel = (1 - across.abs()).clamp(0) * (0.5 * length + 1 - along.abs()).clamp(0, 1)
    kernel = (kernel / kernel.sum()).to(image)[None, None].expand(len(image), 1, -1, -1)
    return functional.conv2d(_padded(image, reach), kernel, groups=len(image))[0]


def _padded(image: Tensor, by: int) -> Tensor:
    return functional.pad(image[None], [by] * 4, mode="replicate")
