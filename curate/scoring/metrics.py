"""Keypoint metrics as pure functions of distances.

A table of distances is (N, K) in pixels: row an image, column a keypoint; NaN where there is no label
(left out of everything), infinite where there is a label and no prediction (counts as wrong everywhere,
and is left out of mean errors). Shares lie in [0, 1] and are NaN where there is nothing to divide by.
Where libraries differ, both ways are here by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# COCO-WholeBody's per-keypoint constants of a hand, base to tip (Jin et al. 2020).
HAND_SIGMAS: Array = np.array(
    [.029, .022, .035, .037, .047, .026, .025, .024, .035, .018, .024, .022, .026, .017, .021, .021, .032,
     .020, .019, .022, .031]
)  # fmt: skip


def distances(predicted: ArrayLike, truth: ArrayLike, labelled: ArrayLike) -> Array:
    """Euclidean distances of (N, K, 2) points in pixels; `labelled` is (N, K) bool."""
    gap = np.linalg.norm(np.asarray(predicted, np.float64) - np.asarray(truth, np.float64), axis=-1)
    gap = np.where(np.isfinite(gap), gap, np.inf)
    return np.where(np.asarray(labelled, bool), gap, np.nan)


def root_aligned_distances(
    predicted: ArrayLike, truth: ArrayLike, labelled: ArrayLike, root: int = 0, *, with_root: bool = False
) -> Array:
    """Distances after the root (the wrist) has been moved onto its label.

    Images whose root is unlabelled are left out, and so is the root, whose own distance is 0, unless
    `with_root`: the convention to name when a figure is quoted.
    """
    found, true = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    known = np.asarray(labelled, bool)
    known = known & known[:, root : root + 1]
    if not with_root:
        known[:, root] = False
    return distances(found - found[:, root : root + 1], true - true[:, root : root + 1], known)


def epe_mean(table: Array) -> float:
    """Mean end-point error over all labelled points (mmpose), pixels."""
    return _mean(table[np.isfinite(table)])


def epe_mean_of_joints(table: Array) -> float:
    """Mean over joints of each joint's mean error (hand3d), pixels."""
    return _mean(per_joint(table))


def epe_median(table: Array) -> float:
    """Median end-point error over all labelled points, pixels."""
    known = table[np.isfinite(table)]
    return float(np.median(known)) if known.size else float("nan")


def per_joint(table: Array) -> Array:
    """(K,) mean error of each joint, pixels; NaN where it has no data."""
    known = np.isfinite(table)
    return _divide(np.where(known, table, 0).sum(0), known.sum(0))


def per_image(table: Array) -> Array:
    """(N,) mean error of each image, pixels; infinite where a labelled point was not predicted."""
    known = ~np.isnan(table)
    return _divide(np.where(known, table, 0).sum(1), known.sum(1))


def mean_squared_error(table: Array, *, per_coordinate: bool = False) -> float:
    """Mean of dx^2 + dy^2 over labelled points, pixels^2; half of it with `per_coordinate`."""
    return _mean(table[np.isfinite(table)] ** 2) / (2 if per_coordinate else 1)


def all_points_within(table: Array, limit: float) -> float:
    """Share of images with every labelled point within `limit` (<=), of those with any label.

    The measure of Arslanova et al. 2020, with 9 px at 96 px.
    """
    wrong = _wrong_points(table, limit)
    return _mean(wrong == 0)


def right_within(size: float) -> float:
    """The 9 px of Arslanova et al. 2020, who work at 96 px, for images of `size` pixels a side."""
    return 9.0 * size / 96


def few_wrong(table: Array, limit: float) -> tuple[float, float]:
    """Share of images wrong in one or two points only: of all images, and of the images not right."""
    wrong = _wrong_points(table, limit)
    few = (wrong == 1) | (wrong == 2)
    return _mean(few), _mean(few[wrong > 0])


def pck(table: Array, threshold: float) -> float:
    """Share of labelled points within `threshold` pixels (<=, as hand3d)."""
    known = ~np.isnan(table)
    return _mean(table[known] <= threshold)


def pck_normalised(table: Array, scale: ArrayLike, threshold: float) -> float:
    """PCK with distances divided by each image's own length, mean over joints that have data.

    Parameters
    ----------
    scale: (N,) pixels: the larger side of the hand's box for PCK@0.2, the head's size for PCKh. Images
        without a length (one labelled point has no box) are left out.
    """
    return _mean(_joint_pck(normalised(table, scale), threshold, strict=True))


def normalised(table: Array, scale: ArrayLike) -> Array:
    """(N, K) distances divided by each image's own (N,) length; NaN for an image without one."""
    lengths = np.asarray(scale, np.float64)[:, None]
    ratio: Array = table / np.where(lengths > 0, lengths, np.nan)
    return ratio


def auc_hand3d(table: Array, low: float, high: float, steps: int = 20) -> float:
    """Area under PCK from `low` to `high` pixels as hand3d takes it: thresholds linspace(low, high,
    steps), <=, trapezoids, divided by the range, mean over joints that have data."""
    thresholds = np.linspace(low, high, steps)
    curve = np.array([_joint_pck(table, t, strict=False) for t in thresholds])
    area = ((curve[1:] + curve[:-1]) / 2 * np.diff(thresholds)[:, None]).sum(0)
    return _mean(area / (high - low))


def auc_mmpose(table: Array, high: float, steps: int = 20) -> float:
    """Area under PCK as mmpose takes it: the mean over thresholds 0, high / steps, ... below high, with
    <, so that at 30 px and 20 steps it ends at 28.5; mean over joints that have data."""
    return _mean([_mean(_joint_pck(table, high * i / steps, strict=True)) for i in range(steps)])


def oks(table: Array, areas: ArrayLike, sigmas: ArrayLike) -> Array:
    """(N,) object keypoint similarity: mean over labelled points of exp(-d^2 / (2 area (2 sigma)^2)).

    Parameters
    ----------
    areas: (N,) of the hands, pixels^2. sigmas: (K,), HAND_SIGMAS or a part of it.
    """
    spread = 2 * np.asarray(areas, np.float64)[:, None] * (2 * np.asarray(sigmas, np.float64)) ** 2
    known = ~np.isnan(table)
    similar = np.exp(-(np.where(known, table, 0) ** 2) / np.maximum(spread, np.spacing(1)))
    return _divide(np.where(known, similar, 0).sum(1), known.sum(1))


def average_precision(similarity: ArrayLike, scores: ArrayLike) -> float:
    """COCO's AP (OKS .50:.05:.95, 101 recalls) for one prediction an image with one hand each.

    Parameters
    ----------
    similarity: (N,) OKS of each image; NaN (no label) leaves an image out. scores: (N,) confidences.
    """
    values = np.asarray(similarity, np.float64)
    known = ~np.isnan(values)
    if not known.any():
        return float("nan")
    order = np.argsort(-np.asarray(scores, np.float64)[known], kind="stable")
    right = values[known][order] >= np.linspace(0.5, 0.95, 10)[:, None]
    hits = right.cumsum(1)
    recall, precision = hits / len(order), hits / np.arange(1, len(order) + 1)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    grid = np.linspace(0, 1, 101)
    areas = []
    for reach, curve in zip(recall, precision, strict=True):
        at = np.searchsorted(reach, grid, side="left")
        areas.append(np.where(at < len(curve), curve[np.minimum(at, len(curve) - 1)], 0.0).mean())
    return _mean(areas)


def mask_iou(predicted: ArrayLike, truth: ArrayLike) -> Array:
    """(N,) intersection over union of (N, H, W) bool masks; 1 where both are empty."""
    found, true = np.asarray(predicted, bool), np.asarray(truth, bool)
    both, either = (found & true).sum((1, 2)), (found | true).sum((1, 2))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def mask_iou_pooled(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Intersection over union of the pixels of all masks together; NaN where all are empty."""
    found, true = np.asarray(predicted, bool), np.asarray(truth, bool)
    return float(_divide((found & true).sum(), (found | true).sum()))


def box_iou(one: ArrayLike, other: ArrayLike) -> float:
    """Intersection over union of two boxes (x, y, w, h); NaN where both have no area."""
    a, b, both = _areas(one, other)
    return float(_divide(both, a + b - both))


def box_share(one: ArrayLike, other: ArrayLike) -> float:
    """Intersection of two boxes (x, y, w, h) over the smaller one; NaN where one has no area."""
    a, b, both = _areas(one, other)
    return float(_divide(both, np.minimum(a, b)))


def _areas(one: ArrayLike, other: ArrayLike) -> tuple[Array, Array, Array]:
    """Of two boxes, and of what they share."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    sides = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    return a[2:].prod(), b[2:].prod(), np.clip(sides, 0, None).prod()


def box_sizes(truth: ArrayLike, labelled: ArrayLike) -> tuple[Array, Array]:
    """(N,) larger side in pixels and (N,) area in pixels^2 of the box around each image's labelled points."""
    points = np.where(np.asarray(labelled, bool)[..., None], np.asarray(truth, np.float64), np.nan)
    has = np.asarray(labelled, bool).any(1)
    sides = np.full((len(points), 2), np.nan)
    sides[has] = np.nanmax(points[has], 1) - np.nanmin(points[has], 1)
    return sides.max(1), sides.prod(1)


def _wrong_points(table: Array, limit: float) -> NDArray[np.intp]:
    """Points beyond the limit, for each image that has a label."""
    known = ~np.isnan(table)
    wrong: NDArray[np.intp] = ((table > limit) & known).sum(1)[known.any(1)]
    return wrong


def _joint_pck(table: Array, threshold: float, *, strict: bool) -> Array:
    known = ~np.isnan(table)
    near = (table < threshold) if strict else (table <= threshold)
    return _divide((near & known).sum(0), known.sum(0))


def _divide(total: Any, count: Any) -> Array:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _mean(values: Any) -> float:
    array = np.asarray(values, np.float64)
    array = array[~np.isnan(array)]
    return float(array.mean()) if array.size else float("nan")
