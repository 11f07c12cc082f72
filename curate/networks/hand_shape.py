"""How the keypoints of a hand lie to each other, so that no map is read as if it were alone.

A map may have two peaks: one at the base of the thumb, one on the other edge of the wrist. The other
keypoints tell which of them belongs to a hand. Once place, size, turn and mirror image are taken out, shapes
of hands are taken for normally distributed (a point distribution model; Cootes et al. 1995, "Active Shape
Models"). Where the others let a keypoint be expected is a Student's t distribution, whose logarithm is added
to that of its map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curate.networks.open_hand import FREEDOM, ROUNDS, SETTLED, OpenHand

# Lengths are of a hand whose keypoints lie 1 from their middle (root mean square). Chosen on photographs of
# half of the people of 11k Hands, see docs/decisions/0021-hand-shapes.md.
_WIDER = 1.5  # as training sets have fewer hands than the world: times the deviations seen
_NOISE = 0.05  # of keypoints found, deviation
_FLOOR = 0.02  # deviation of what never varies
_FEWEST = 40  # hands, of which a shape can be told
_ALIKE = 0.3  # deviation up to which a normal distribution fits: 0.12 to 0.15 of open hands, 0.8 of gestures
_ALIGNED = 5  # rounds
_SMALL = 1e-6
_PREFIX = "shape."


def _forms(count: int) -> dict[str, tuple[int, ...]]:
    return {"mean": (count, 2), "pull": (2 * count, 2 * count), "precision": (count, 2, 2)}


@dataclass(frozen=True)
class HandShape:
    """The shape of K keypoints: what each is expected to be, when the others are known.

    mean: (K, 2) float32, a hand of size 1 around 0. pull: (2 K, 2 K) float32, moves of the others from their
    mean to the move expected of each keypoint. precision: (K, 2, 2) float32, the inverse of the covariance
    of what is expected.
    """

    mean: Tensor
    pull: Tensor
    precision: Tensor

    @classmethod
    def of(cls, points: NDArray[np.floating]) -> HandShape | None:
        """The shape of hands of which all points are known.

        Parameters
        ----------
        points: (N, K, 2) in any unit; hands with a NaN do not count.

        Returns
        -------
        None where there are too few hands, or where they are too unlike each other, as gestures are.
        """
        hands = points[np.isfinite(points).all((1, 2))].astype(np.float64)
        hands = hands[np.ptp(hands, axis=1).max(-1, initial=0) > 0]
        if len(hands) < _FEWEST:
            return None
        mean, moves = _aligned(torch.from_numpy(hands))
        if moves.square().sum(-1).mean().sqrt() > _ALIKE:
            return None
        covariance = _WIDER**2 * _shrunk(moves.flatten(1).numpy())
        covariance += _FLOOR**2 * np.eye(len(covariance))
        return cls(mean.float(), *_left_out(covariance))

    @classmethod
    def taken(cls, weights: dict[str, Tensor], count: int) -> HandShape | None:
        """Take the shape of `count` keypoints, or None, out of weights, where it lies as `named` names it.

        Raises ValueError: a part is missing, or of another kind.
        """
        found = {name: weights.pop(_PREFIX + name, None) for name in _forms(count)}
        if all(value is None for value in found.values()):
            return None
        for name, form in _forms(count).items():
            value = found[name]
            if value is None or value.dtype != torch.float32 or value.shape != form:
                raise ValueError(f"{_PREFIX}{name} is not of {form} float32")
        return cls(**found)  # type: ignore[arg-type]

    def without_torch(self) -> OpenHand:
        """The same, to read maps where there is no torch."""
        return OpenHand(*(part.numpy().astype(np.float64) for part in (self.mean, self.pull, self.precision)))

    def named(self) -> dict[str, Tensor]:
        """The parts by the names under which they lie among a network's weights."""
        return {_PREFIX + name: getattr(self, name) for name in _forms(len(self.mean))}

    def cells(self, maps: Tensor) -> Tensor:
        """The cell of each map that map and shape together make most likely.

        Parameters
        ----------
        maps: (B, K, H, W), distributions over their cells.

        Returns
        -------
        (B, K), row * W + column.
        """
        height, width = maps.shape[-2:]
        x = torch.arange(width, device=maps.device) + 0.5
        y = (torch.arange(height, device=maps.device) + 0.5)[:, None]
        told = maps.clamp(min=torch.finfo(maps.dtype).tiny).log()
        cells = maps.flatten(2).argmax(-1)
        weights = torch.ones_like(maps[..., 0, 0])
        for _ in range(ROUNDS):
            points = torch.stack([cells % width + 0.5, cells.div(width, rounding_mode="floor") + 0.5], -1)
            expected, precision, weights = self._expected(points, weights)
            dx, dy = (x - expected[..., 0, None, None], y - expected[..., 1, None, None])
            p = precision[..., None, None]
            away = p[..., 0, 0, :, :] * dx**2 + 2 * p[..., 0, 1, :, :] * dx * dy + p[..., 1, 1, :, :] * dy**2
            cells = (told - (FREEDOM + 2) / 2 * torch.log1p(away / FREEDOM)).flatten(2).argmax(-1)
        return cells

    def _expected(self, points: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where each of the points (B, K, 2) is expected by the others, and with what precision, in the frame
        of the points; and new weights (B, K), by how well each is where it is expected."""
        mean, pull, precision = (t.to(points.device) for t in (self.mean, self.pull, self.precision))
        placed = _place(mean, points, weights)
        moves = placed.back(points) - mean
        expected = _pulled(moves, pull)
        for _ in range(SETTLED):
            off = moves - expected
            away = (off[..., None, :] @ precision @ off[..., :, None])[..., 0, 0]
            weights = 1 / (1 + away / FREEDOM)
            expected = _pulled(expected + off * weights[..., None], pull)
        turned = placed.turn[:, None] @ precision @ placed.turn[:, None].transpose(-1, -2)
        return placed.there(mean + expected), turned / placed.size[:, None, None, None] ** 2, weights


def _pulled(moves: Tensor, pull: Tensor) -> Tensor:
    """The move expected of each keypoint, (B, K, 2), given those of the others."""
    return (moves.flatten(1) @ pull.T).view_as(moves)


@dataclass(frozen=True)
class _Place:
    """How shapes lie in pictures. turn: (B, 2, 2), orthogonal, a mirror image among them. size: (B,).
    origin, middle: (B, 1, 2), a point of the shape and where it lies."""

    turn: Tensor
    size: Tensor
    origin: Tensor
    middle: Tensor

    def there(self, shapes: Tensor) -> Tensor:
        """(B, K, 2) of shapes in the pictures."""
        return (shapes - self.origin) @ self.turn.transpose(1, 2) * self.size[:, None, None] + self.middle

    def back(self, points: Tensor) -> Tensor:
        """(B, K, 2) of pictures in the frame of the shape."""
        return (points - self.middle) @ self.turn / self.size[:, None, None] + self.origin


def _place(shape: Tensor, points: Tensor, weights: Tensor) -> _Place:
    """The similarity that brings a shape (K, 2) nearest to points (B, K, 2), by weighted least squares.

    Of a hand and its mirror image the nearer one is taken.
    """
    w = weights[..., None]
    total = w.sum(1, keepdim=True)
    origin, middle = (w * shape).sum(1, keepdim=True) / total, (w * points).sum(1, keepdim=True) / total
    m, d = shape - origin, points - middle
    scatter = (w * m**2).sum((1, 2)).clamp(min=_SMALL)
    # Turned and scaled by a complex number; of the mirrored shape, whose y is -y, by another one.
    dots = (w * m).transpose(1, 2) @ d  # (B, 2, 2): of x and y of the shape with x and y of the points
    xx, xy, yx, yy = dots[:, 0, 0], dots[:, 0, 1], dots[:, 1, 0], dots[:, 1, 1]
    real, imaginary = (xx + yy) / scatter, (xy - yx) / scatter
    real_m, imaginary_m = (xx - yy) / scatter, (xy + yx) / scatter
    mirrored = real_m**2 + imaginary_m**2 > real**2 + imaginary**2
    a, b = torch.where(mirrored, real_m, real), torch.where(mirrored, imaginary_m, imaginary)
    size = (a**2 + b**2).sqrt().clamp(min=_SMALL)
    sign = torch.where(mirrored, -1.0, 1.0).to(a.dtype)
    turn = torch.stack([torch.stack([a, -b * sign], -1), torch.stack([b, a * sign], -1)], -2)
    return _Place(turn / size[:, None, None], size, origin, middle)


def _aligned(hands: Tensor) -> tuple[Tensor, Tensor]:
    """The mean shape (K, 2) of hands (N, K, 2), and how far each hand (N, K, 2) is from it."""
    mean = _normal(hands[0])
    weights = torch.ones_like(hands[..., 0])
    for _ in range(_ALIGNED):
        shapes = _place(mean, hands, weights).back(hands)
        mean = _normal(shapes.mean(0))
    return mean, shapes - mean


def _normal(hand: Tensor) -> Tensor:
    centred = hand - hand.mean(0)
    return centred / centred.square().sum(-1).mean().sqrt()


def _shrunk(moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance of moves (N, D), with less of what a few hands have in common by chance."""
    count, size = moves.shape
    seen: NDArray[np.float64] = moves.T @ moves / count
    share = count / (count + size)
    shrunk: NDArray[np.float64] = share * seen + (1 - share) * np.diag(np.diag(seen))
    return shrunk


def _left_out(covariance: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """`pull` and `precision` of HandShape, of a covariance (2 K, 2 K) without noise.

    Each keypoint is left out once and told by the others; Rasmussen & Williams 2006, section 5.4.2.
    """
    size = len(covariance)
    noise = _NOISE**2 * np.eye(size)
    inverse = np.linalg.inv(covariance + noise)
    pull, precision = np.zeros((size, size)), np.zeros((size // 2, 2, 2))
    for k in range(size // 2):
        mine = slice(2 * k, 2 * k + 2)
        spread = np.linalg.inv(inverse[mine, mine])
        pull[mine] = -spread @ inverse[mine]
        pull[mine, mine] = 0
        precision[k] = np.linalg.inv(spread - noise[mine, mine])
    return torch.from_numpy(pull).float(), torch.from_numpy(precision).float()
