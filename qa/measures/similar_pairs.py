"""The search for similar thumbnails: all pairs above a correlation, without comparing all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from curate.basics.images import Pixels
from qa.measures.arrays import Flags, Floats, Rows
from qa.measures.image_look import THUMB

Vectors = NDArray[np.float32]

_AXES = 24  # principal components compared first; they hold 94 % of the variance of hands
_TAUGHT = 4096  # thumbnails that the components are fitted to, at most
_LEAF = 128
_BLOCK = 1 << 12
_ROUNDING = 1e-4  # more than the rounding error of float32 products of vectors of length one


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows (first < second), and whether the second is the first's mirror image."""

    first: Rows
    second: Rows
    mirrored: Flags

    def __len__(self) -> int:
        return len(self.first)

    def where(self, keep: Flags) -> Pairs:
        """The pairs marked in `keep` (n,)."""
        return Pairs(self.first[keep], self.second[keep], self.mirrored[keep])

    def __add__(self, other: Pairs) -> Pairs:
        """These, then the others."""
        return Pairs(
            np.concatenate([self.first, other.first]),
            np.concatenate([self.second, other.second]),
            np.concatenate([self.mirrored, other.mirrored]),
        )


def similar_pairs(thumbs: Pixels, likeness: float, at_most: int) -> tuple[Pairs, Rows]:
    """Every pair of thumbnails with a correlation of at least `likeness`, as they are or with one mirrored.

    A few pairs with less are among them; `correlations` says which. Vectors of length one with the
    correlation c are sqrt(2 - 2c) apart, and in their first principal components no farther. Rows are cut
    into leaves at the median of the component that varies most (a k-d tree, Bentley 1975); leaves whose boxes
    are near each other are compared by one product of matrices.

    Parameters
    ----------
    thumbs: (n, 16, 16). One of a single tone is in no pair.
    at_most: how many others a row is paired with at most; they are those next to it in the tree.

    Returns
    -------
    pairs: sorted. crowded: rows that were near more than `at_most` others.
    """
    rows: Rows = np.flatnonzero(thumbs.min(axis=(1, 2)) < thumbs.max(axis=(1, 2)))
    radius = 2 - 2 * likeness + _ROUNDING
    here, there = _components(thumbs, rows)
    leaves = _leaves(here, np.arange(len(rows)))
    order = np.concatenate([np.zeros(0, np.intp), *leaves])
    ends = np.cumsum([0, *map(len, leaves)])
    found, crowded = [np.zeros(0, np.int64)], np.zeros(len(thumbs), bool)
    for mirrored, asked in enumerate((here, there)):
        for one, other, full in _near(asked[order], here[order], ends, radius, at_most):
            one, other = rows[order[one]], rows[order[other]]
            low, high = np.minimum(one, other), np.maximum(one, other)
            found.append((low * len(thumbs) + high) * 2 + mirrored)
            crowded[rows[order[full]]] = True
    keys = np.sort(np.concatenate(found))
    first, second = np.divmod(keys >> 1, max(len(thumbs), 1))
    return Pairs(first, second, (keys & 1).astype(bool)), np.flatnonzero(crowded)


def correlations(thumbs: Pixels, pairs: Pairs) -> Floats:
    """Correlation of each pair of the thumbnails (n, 16, 16), -1 to 1; 0 if one is of a single tone."""
    alike = np.zeros(len(pairs))
    for start in range(0, len(alike), _BLOCK):
        part = slice(start, start + _BLOCK)
        second = thumbs[pairs.second[part]]
        second = np.where(pairs.mirrored[part, None, None], second[:, :, ::-1], second)
        alike[part] = np.einsum("ij,ij->i", _unit(thumbs[pairs.first[part]]), _unit(second))
    return alike


def _unit(thumbs: Pixels) -> Vectors:
    """Thumbnails as vectors (n, 256) of mean 0 and length 1: the product of two is their correlation."""
    flat = thumbs.reshape(-1, THUMB * THUMB).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat


def _components(thumbs: Pixels, rows: Rows) -> tuple[Vectors, Vectors]:
    """Principal components of thumbnails and of their mirror images, (n, _AXES) each."""
    here, there = np.zeros((2, len(rows), _AXES), np.float32)
    if not len(rows):
        return here, there
    some = _unit(thumbs[rows[:: -(-len(rows) // _TAUGHT)]])
    # The mean stays in: where all are alike, it is what distinguishes them from their mirror images.
    axes = np.linalg.eigh(some.T @ some)[1][:, : -_AXES - 1 : -1]
    # A mirrored vector along an axis is the vector along the mirrored axis.
    turned = axes.reshape(THUMB, THUMB, _AXES)[:, ::-1].reshape(-1, _AXES)
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        unit = _unit(thumbs[rows[part]])
        here[part], there[part] = unit @ axes, unit @ turned
    return here, there


def _leaves(places: Vectors, rows: Rows) -> list[Rows]:
    """The rows in groups of at most _LEAF that are near each other."""
    if len(rows) <= _LEAF:
        return [rows] if len(rows) else []
    axis = places[rows].var(axis=0).argmax()  # not the widest range: it depends on outliers
    ordered = rows[np.argsort(places[rows, axis], kind="stable")]
    half = len(ordered) // 2
    return [*_leaves(places, ordered[:half]), *_leaves(places, ordered[half:])]


def _near(
    asked: Vectors, places: Vectors, ends: Rows, radius: float, at_most: int
) -> Iterator[tuple[Rows, Rows, Rows]]:
    """For each leaf, pairs of one of its rows and a later row within a squared distance of `radius`, at most
    `at_most` for each row; and the rows that have more."""
    half = np.square(places).sum(axis=1, keepdims=True) / 2
    ones = np.ones_like(half)
    # a.b - a.a/2 - b.b/2 is minus half of the squared distance.
    ask = np.concatenate([asked, np.square(asked).sum(axis=1, keepdims=True) / 2, ones], axis=1)
    answer = np.concatenate([places, -ones, -half], axis=1)
    if not len(places):
        return
    low, high = (f.reduceat(places, ends[:-1]) for f in (np.minimum, np.maximum))
    for leaf, (start, end) in enumerate(pairwise(ends)):
        below, above = asked[start:end].min(axis=0), asked[start:end].max(axis=0)
        gap = np.maximum(np.maximum(low[leaf:] - above, below - high[leaf:]), 0)
        close = leaf + np.flatnonzero(np.square(gap).sum(axis=1) <= radius)
        if not len(close):
            continue
        others = np.concatenate([np.arange(ends[i], ends[i + 1]) for i in close])
        row, other = np.divmod(np.flatnonzero(ask[start:end] @ answer[others].T >= -radius / 2), len(others))
        row, other = row + start, others[other]
        later = row < other
        row, other = row[later], other[later]
        count = np.bincount(row - start, minlength=end - start)
        full = np.flatnonzero(count > at_most)
        if len(full):
            rank = np.arange(len(row)) - (np.cumsum(count) - count)[row - start]
            row, other = row[rank < at_most], other[rank < at_most]
        yield row, other, full + start
