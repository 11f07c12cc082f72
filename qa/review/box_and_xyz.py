"""What becomes of a sample's box and 3D points when some of its keypoints are corrected."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from curate.data.sample import Sample
from qa.measures.arrays import Flags

XYZ_GONE = "3D point of a keypoint that was corrected, left out"
BOX_MOVED = "bbox drawn anew around corrected points"
_AROUND = 1.0  # px: opposite margins of a box drawn around the points differ by no more
_STILL = 0.01  # px: a point that is off by no more, as tools round, has not been moved


def box_of(old: Sample, points: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The sample's box (x, y, width, height) once its points (21, 2) have been corrected to these.

    A box that was drawn around the points, with the same margin on both sides, follows them; any other that
    held all of them is enlarged to hold them still.
    """
    before, now = _bounds(old.keypoints), _bounds(points)
    if old.bbox is None or before is None or now is None or np.array_equal(before, now):
        return old.bbox
    box = np.stack([old.bbox[:2], old.bbox[:2] + old.bbox[2:]])
    margins = np.stack([before[0] - box[0], box[1] - before[1]])
    if (margins < -_AROUND).any():
        return old.bbox
    if (np.abs(margins[0] - margins[1]) <= _AROUND).all():
        box = now + [[-1], [1]] * margins
    else:
        box = np.stack([np.minimum(box[0], now[0]), np.maximum(box[1], now[1])])
    return np.concatenate([box[0], box[1] - box[0]]).astype(np.float32)


def xyz_of(old: Sample, points: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The sample's 3D points (21, 3) once its points (21, 2) have been corrected to these: without those of
    points that were moved or removed."""
    if old.xyz is None:
        return None
    still = np.isclose(points, old.keypoints, rtol=0, atol=_STILL).all(axis=1)
    added = np.isnan(old.keypoints).any(axis=1)  # an added point corrects no label
    kept: Flags = np.asarray(still | added)
    xyz = np.where(kept[:, None], old.xyz, np.float32(np.nan))
    return xyz if np.isfinite(xyz).any() else None


def changed_beside(old: Sample, new: Sample) -> Counter[str]:
    """How many boxes of a sample changed when it was corrected, and how many of its 3D points are gone."""
    moved = old.bbox is not None and not np.array_equal(old.bbox, new.bbox)  # type: ignore[arg-type]
    return +Counter({BOX_MOVED: int(moved), XYZ_GONE: _known(old.xyz) - _known(new.xyz)})


def _known(xyz: NDArray[np.float32] | None) -> int:
    return 0 if xyz is None else int(np.isfinite(xyz).all(axis=1).sum())


def _bounds(points: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """(2, 2) the smallest and the largest x and y; None where no point is labelled."""
    labelled = points[np.isfinite(points).all(axis=1)]
    return np.stack([labelled.min(axis=0), labelled.max(axis=0)]) if len(labelled) else None
