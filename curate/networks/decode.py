"""Maps back to points: the expectation in a window around the argmax.

Coordinates are (x, y) in map pixels with cell (j, i) standing for (i + 0.5, j + 0.5).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from curate.networks.hand_shape import HandShape

RADIUS = 7  # cells; three sigma of the reference preset's targets


def as_distributions(logits: Tensor) -> Tensor:
    """(B, K, H, W) logits to distributions over the cells of each map, float32."""
    return logits.float().flatten(2).softmax(-1).view(logits.shape)


def decode_softmax(
    logits: Tensor, radius: int = RADIUS, shape: HandShape | None = None
) -> tuple[Tensor, Tensor]:
    """Points of maps trained with softmax cross-entropy.

    Parameters
    ----------
    logits: (B, K, H, W). radius: of the window, in cells, as in local_expectation.
    shape: of the hands trained on; of several peaks it tells the one that fits the other keypoints. None:
        each map's highest.

    Returns
    -------
    (B, K, 2) points in map pixels and (B, K) scores in [0, 1]: the probability within the window.
    A map with a NaN or an infinity gives a NaN point and score 0.
    """
    maps = as_distributions(logits)
    return local_expectation(maps, radius, cell=None if shape is None else shape.cells(maps))


def decode_peaks(logits: Tensor, threshold: float, radius: int) -> tuple[Tensor, Tensor]:
    """Points of maps trained with softmax cross-entropy: of several peaks, the one nearest to the middle.

    A peak is a cell that no neighbour exceeds, of at least `threshold` times the map's highest. The point
    is the centre of mass around it, no farther than `radius` cells.

    Parameters and returns: as decode_softmax.
    """
    maps = as_distributions(logits)
    height, width = maps.shape[-2:]
    tops = (functional.max_pool2d(maps, 3, 1, 1) == maps) & (maps >= threshold * maps.amax((2, 3), True))
    y = torch.arange(height, device=maps.device)[:, None]
    x = torch.arange(width, device=maps.device)
    away = (y + 0.5 - height / 2) ** 2 + (x + 0.5 - width / 2) ** 2
    nearest = torch.where(tops, away, torch.inf).flatten(2).argmin(-1)
    return local_expectation(maps, radius, cell=nearest)


def decode_sigmoid(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Points of maps trained with binary cross-entropy on peak-1 Gaussians.

    As decode_softmax, but cells count by what they exceed half of the peak by (a background of 0.01 over
    thousands of cells would pull every point to the middle), and the score is the peak.
    """
    # The sigmoid would make an infinity look like an answer.
    maps = torch.where(logits.isfinite(), logits.float().sigmoid(), torch.nan)
    return decode_heights(maps)


def decode_heights(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Points of maps of height 1 at the point, (B, K, H, W), by the cells near the peak of more than half of
    it; and these peaks. Returns: as decode_softmax."""
    peaks = maps.amax((2, 3), keepdim=True).clamp(min=0)
    # A cell counts by what it has above the half, so that one which just comes in or drops out moves nothing:
    # counted whole, such cells pull a point towards the middle of its cell or away from it.
    points, _ = local_expectation((maps - peaks / 2).clamp(min=0))
    return points, torch.nan_to_num(peaks[..., 0, 0].clamp(max=1), nan=0.0)


def expectation(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Centre of mass of whole maps, (B, K, H, W), as if they were distributions, and their peaks.

    The background counts, and pulls every point to the middle. Negative cells do not count; a map of nothing
    gives the middle. Returns: as decode_softmax.
    """
    height, width = maps.shape[-2:]
    finite = maps.flatten(2).isfinite().all(-1)
    mass = torch.where(finite[..., None, None], maps, 0.0).clamp(min=torch.finfo(torch.float32).eps)
    mass = mass / mass.sum((2, 3), keepdim=True)
    x = (mass.sum(2) * (torch.arange(width, device=maps.device) + 0.5)).sum(-1)
    y = (mass.sum(3) * (torch.arange(height, device=maps.device) + 0.5)).sum(-1)
    points = torch.where(finite[..., None], torch.stack([x, y], -1), torch.nan)
    return points, torch.where(finite, maps.flatten(2).amax(-1).clamp(0, 1), 0.0)


def local_expectation(
    maps: Tensor, radius: int = RADIUS, cell: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Centre of mass in a window around each map's largest cell.

    The window shrinks near the frame so as to stay symmetric: a lopsided one pulls points inward.

    Parameters
    ----------
    maps: (B, K, H, W), not negative.
    radius: half of the window's side, in cells, without the middle one.
    cell: (B, K), row * W + column of another cell to look around.

    Returns
    -------
    (B, K, 2) points in map pixels and (B, K) the mass within the window. Where a map is not finite
    the point is NaN and the mass 0.
    """
    height, width = maps.shape[-2:]
    flat = maps.flatten(2)
    finite = flat.isfinite().all(-1)
    flat = torch.where(finite[..., None], flat, 0.0)
    cell = flat.argmax(-1) if cell is None else cell
    x, y = cell % width, cell // width
    reach_x = torch.minimum(x, width - 1 - x).clamp(max=radius)[..., None]
    reach_y = torch.minimum(y, height - 1 - y).clamp(max=radius)[..., None]

    offsets = torch.arange(-radius, radius + 1, device=maps.device)
    columns = (x[..., None] + offsets).clamp(0, width - 1)
    rows = (y[..., None] + offsets).clamp(0, height - 1)
    cells = rows[..., :, None] * width + columns[..., None, :]
    window = flat.gather(2, cells.flatten(2)).view(cells.shape)
    inside = (offsets.abs() <= reach_y)[..., :, None] & (offsets.abs() <= reach_x)[..., None, :]
    window = torch.where(inside, window, 0.0)

    mass = window.sum((-2, -1))
    scale = mass.clamp(min=torch.finfo(window.dtype).tiny)
    dx = (window.sum(-2) * offsets).sum(-1) / scale
    dy = (window.sum(-1) * offsets).sum(-1) / scale
    points = torch.stack([x + 0.5 + dx, y + 0.5 + dy], -1)
    return torch.where(finite[..., None], points, torch.nan), mass
