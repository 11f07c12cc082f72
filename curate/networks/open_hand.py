"""The shape of an open hand, by which its maps are read, in numpy: see `curate.networks.hand_shape`.

That is for batches, in torch; this does the same for one image, where there is no torch. It also tells
whether a hand is open at all: of a fist such a shape knows nothing.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Points = NDArray[np.complex128]  # (K,) as x + iy

# Of `hand_shape`, too.
FREEDOM = 20.0  # of the t distribution: how far from being normal
ROUNDS, SETTLED = 2, 2
# A hand is open if this share of its keypoints lies within 3 standard deviations (squared: 9) of where the
# others let expect them. Chosen on people of half 0 of 11k Hands and on train clips; 0.7 serves as well.
_OPEN, _FAR = 0.5, 9.0


@dataclass(frozen=True)
class OpenHand:
    """The parts of a `HandShape` of K keypoints. mean: (K, 2). pull: (2 K, 2 K). precision: (K, 2, 2)."""

    mean: Floats
    pull: Floats
    precision: Floats

    @classmethod
    def read(cls, path: Path) -> OpenHand:
        """What `content` was written to."""
        with np.load(path, allow_pickle=False) as parts:
            return cls(**{name: parts[name].astype(np.float64) for name in ("mean", "pull", "precision")})

    def content(self) -> bytes:
        """An .npz file of float32: the same for the same shape."""
        file = io.BytesIO()
        np.savez(file, **{name: values.astype(np.float32) for name, values in asdict(self).items()})
        return file.getvalue()

    def cells(self, maps: Floats) -> NDArray[np.intp]:
        """The cell of each map that map and shape together make most likely; if the hand is not open, each
        map's highest.

        Parameters
        ----------
        maps: (K, s, s), distributions over their cells.

        Returns
        -------
        (K,), row * s + column.
        """
        side = maps.shape[-1]
        alone: NDArray[np.intp] = maps.reshape(len(maps), -1).argmax(1)
        if not self._is_open(_middles(alone, side)):
            return alone
        told = np.log(np.maximum(maps, np.finfo(np.float32).tiny)).reshape(len(maps), -1)
        everywhere = _middles(np.arange(side * side), side)
        cells, weights = alone, np.ones(len(maps))
        for _ in range(ROUNDS):
            placed = _Place.of(self._model, _middles(cells, side), weights)
            expected, weights = self._expected(placed.back(_middles(cells, side)))
            away = self._away(placed.back(everywhere) - expected[:, None])
            cells = (told - (FREEDOM + 2) / 2 * np.log1p(away / FREEDOM)).argmax(1)
        return cells

    @property
    def _model(self) -> Points:
        return self.mean[:, 0] + 1j * self.mean[:, 1]

    def _is_open(self, points: Points) -> bool:
        weights = np.ones(len(points))
        for _ in range(ROUNDS):
            _, weights = self._expected(_Place.of(self._model, points, weights).back(points))
        return bool((FREEDOM * (1 / weights - 1) < _FAR).mean() >= _OPEN)

    def _expected(self, points: Points) -> tuple[Points, Floats]:
        """Where each of the points is expected by the others, all in the frame of the shape; and how far each
        is to be trusted, by how well it is where it is expected."""
        moves = points - self._model
        expected = self._pulled(moves)
        for _ in range(SETTLED):
            off = moves - expected
            weights = 1 / (1 + self._away(off[:, None])[:, 0] / FREEDOM)
            expected = self._pulled(expected + off * weights)
        return self._model + expected, weights

    def _pulled(self, moves: Points) -> Points:
        """The move expected of each keypoint, given those of the others."""
        both = self.pull @ np.stack([moves.real, moves.imag], 1).reshape(-1)
        return np.asarray(both[::2] + 1j * both[1::2])

    def _away(self, off: NDArray[np.complex128]) -> Floats:
        """Squared distances of each keypoint, (K, n), in standard deviations."""
        p, x, y = self.precision[:, :, :, None], off.real, off.imag
        return np.asarray(p[:, 0, 0] * x**2 + 2 * p[:, 0, 1] * x * y + p[:, 1, 1] * y**2)


@dataclass(frozen=True)
class _Place:
    """How the shape lies in a picture: mirrored or not, then turned and scaled by a factor about its origin,
    which comes to lie at `middle`."""

    mirrored: bool
    factor: complex
    origin: complex
    middle: complex

    @classmethod
    def of(cls, shape: Points, points: Points, weights: Floats) -> _Place:
        """The similarity that brings the shape nearest to points, by weighted least squares."""
        origin, middle = (complex(np.average(places, weights=weights)) for places in (shape, points))
        m, d = shape - origin, points - middle
        scatter = max(float((weights * np.abs(m) ** 2).sum()), 1e-6)
        plain, mirrored = (complex((weights * f * d).sum() / scatter) for f in (np.conj(m), m))
        return cls(abs(mirrored) > abs(plain), max(plain, mirrored, key=abs) or 1e-6, origin, middle)

    def back(self, points: Points) -> Points:
        """Points of the picture in the frame of the shape."""
        turned = (points - self.middle) / self.factor
        return (np.conj(turned) if self.mirrored else turned) + self.origin


def _middles(cells: NDArray[np.intp], side: int) -> Points:
    rows, columns = np.divmod(cells, side)
    return (columns + 0.5) + 1j * (rows + 0.5)
