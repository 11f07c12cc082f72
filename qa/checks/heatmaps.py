"""Checks of a training set's heatmaps: those stored in heatmaps.npy, else those drawn on reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import heatmaps
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset
from curate.data.training_set import Form, form_of, open_heatmaps
from qa.checks.check import Check, Hit, Limits, Outcome, highest_first
from qa.measures.arrays import Floats, Rows, spread_over
from qa.view import View

_BLOCK = 32
_FAINT = 0.01  # a Gaussian with less than this inside the frame has no sum worth comparing


@dataclass(frozen=True, slots=True)
class _Block:
    """Some samples of a training set.

    Attributes
    ----------
    rows: (n,) in the view. names: of the K keypoints of the set. points: (n, K, 2), pixels.
    visibility: (n, K). maps: (n, K, S, S), of mass one. size: S. sigma: of the Gaussians, pixels.
    """

    rows: Rows
    points: Floats
    visibility: NDArray[np.uint8]
    maps: NDArray[np.float32]
    names: list[str]
    size: int
    sigma: float


def heatmap_peak(view: View, limits: Limits) -> Outcome:
    """Distance along x or y of the highest cell from its keypoint, for points inside the frame.

    A keypoint may lie half a pixel from its cell's centre. If rounding made several cells the highest, the
    middle of them counts.
    """
    checked, hits = 0, []
    for block in _blocks(view, limits):
        inside = (block.visibility > 0) & ((block.points >= 0) & (block.points < block.size)).all(axis=2)
        top = _plateau_centre(block.maps)
        off = np.where(inside, np.nan_to_num(np.abs(top - block.points).max(axis=2), nan=np.inf), 0)
        off = np.minimum(off, block.size)
        hits += _worst_point(block, off, limits["pixels"], lambda i, k: {})
        checked += len(block.rows)
    return Outcome(checked, highest_first(hits))


def heatmap_mass(view: View, limits: Limits) -> Outcome:
    """Sum of a map against that of its Gaussian over the same cells; 0 for an unlabelled point."""
    checked, hits = 0, []
    for block in _blocks(view, limits):
        labelled = block.visibility > 0
        wanted = np.where(labelled, np.nan_to_num(heatmaps.mass(block.points, block.size, block.sigma)), 0)
        found = block.maps.sum(axis=(2, 3), dtype=np.float64)
        off = np.abs(found - wanted) / np.where(labelled, np.maximum(wanted, _FAINT), 1.0)

        def words(i: int, k: int, found: Any = found, wanted: Any = wanted) -> dict[str, object]:
            return {"found": f"{found[i, k]:.3f}", "wanted": f"{wanted[i, k]:.3f}"}

        hits += _worst_point(block, off, limits["share"], words)
        checked += len(block.rows)
    return Outcome(checked, highest_first(hits))


def heatmap_levels(view: View, limits: Limits) -> Outcome:
    """How many different values stored maps hold. Gaussians of sigma 5 and mass one have three, as uint8."""
    checked, hits = 0, []
    for dataset, form, rows in _training_sets(view):
        stored = open_heatmaps(dataset, form, len(rows))
        if stored is None or not len(rows):
            continue
        values = [np.unique(stored[int(i)]) for i in spread_over(len(stored), limits["samples"])]
        count = len(np.unique(np.concatenate(values))) if values else 0
        checked += 1
        if count < limits["levels"]:
            words = {"dtype": stored.dtype, "levels": count, "sigma": form.sigma}
            hits.append(Hit(float(count), limits["levels"], words=words))
    return Outcome(checked, hits)


def _blocks(view: View, limits: Limits) -> Iterator[_Block]:
    """Some samples of each training set, evenly over it, with their maps."""
    for dataset, form, rows in _training_sets(view):
        size, sigma = form.size, float(form.sigma)
        wanted = kp.subset(form.keypoints)
        stored = open_heatmaps(dataset, form, len(rows))
        # Maps drawn on reading are all drawn alike: a few are enough.
        chosen = spread_over(len(rows), limits["samples"] if stored is not None else limits["drawn"])
        for start in range(0, len(chosen), _BLOCK):
            local = chosen[start : start + _BLOCK]
            here = rows[local]
            points, visibility = view.hands(here)[:, wanted], view.visibility[here][:, wanted]
            maps = (
                heatmaps.draw(points, visibility, size, sigma)
                if stored is None
                else _unit_mass(stored[local], sigma, peak1=form.heatmaps is not None and form.heatmaps.peak1)
            )
            yield _Block(here, points, visibility, maps, [kp.NAMES[i] for i in wanted], size, sigma)


def _training_sets(view: View) -> Iterator[tuple[Dataset, Form, Rows]]:
    for i, dataset in enumerate(view.datasets):
        if dataset.training is not None:
            yield dataset, form_of(dataset), np.flatnonzero(view.dataset_of == i)


def _unit_mass(stored: NDArray[Any], sigma: float, *, peak1: bool) -> NDArray[np.float32]:
    """Stored maps as Gaussians of mass one, whatever type and height they are stored in."""
    top = float(np.iinfo(stored.dtype).max) if stored.dtype.kind == "u" else 1.0
    factor = (heatmaps.peak(sigma) if peak1 else 1.0) / top
    maps: NDArray[np.float32] = np.multiply(stored, factor, dtype=np.float32)
    return maps


def _plateau_centre(maps: NDArray[np.float32]) -> Floats:
    """Middle of the highest cells of each map, (n, K, 2); NaN for a map that is zero."""
    high = maps.max(axis=(2, 3))
    top = (maps == high[..., None, None]) & (high > 0)[..., None, None]
    count = top.sum(axis=(2, 3))
    places = np.arange(maps.shape[-1]) + 0.5
    sums = np.stack([top.sum(axis=2) @ places, top.sum(axis=3) @ places], axis=-1)
    centre: Floats = np.divide(
        sums, count[..., None], out=np.full(sums.shape, np.nan), where=count[..., None] > 0
    )
    return centre


def _worst_point(block: _Block, off: Floats, limit: float, words: Any) -> list[Hit]:
    """One hit per sample that breaks the limit, naming its worst keypoint."""
    worst = off.argmax(axis=1)
    return [
        Hit(
            float(off[i, k]),
            limit,
            row=int(block.rows[i]),
            words={"keypoint": block.names[k], **words(i, k)},
        )
        for i, k in enumerate(worst)
        if off[i, k] > limit
    ]


CHECKS: tuple[Check, ...] = (
    Check(
        "heatmap-peak",
        "Heatmaps peak at their keypoints",
        "error",
        "sample",
        heatmap_peak,
        "The heatmap of {keypoint} peaks {score:.2f} px from its keypoint.",
        "Draw the heatmaps again from the keypoints, as curate build does.",
        {"pixels": 0.51, "samples": 512, "drawn": 64},
    ),
    Check(
        "heatmap-mass",
        "Heatmaps have the mass of their Gaussian inside the frame",
        "error",
        "sample",
        heatmap_mass,
        "The heatmap of {keypoint} sums to {found}, but its Gaussian to {wanted} inside the frame.",
        "Draw the heatmaps again, unclipped and with the set's sigma, as curate build does.",
        {"share": 0.01, "samples": 512, "drawn": 64},
    ),
    Check(
        "heatmap-levels",
        "Stored heatmaps keep their shape",
        "error",
        "dataset",
        heatmap_levels,
        "heatmaps.npy holds {dtype} with {levels} different values: "
        "too coarse for a Gaussian of sigma {sigma}.",
        "Store float16 or float32, or 8 bits with peak 1, or none: they are then drawn on reading.",
        {"levels": 32, "samples": 512},
    ),
)
