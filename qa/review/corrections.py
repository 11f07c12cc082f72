"""Labels that were corrected in another tool, as decisions that hold only what differs from the sample."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from curate.basics import keypoints as kp
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.source import files_below
from qa.review.decisions import Decision, Patch, decide, read_pixel_state


def difference(old: Sample, new: Sample, *, within: float = 0.0) -> Patch:
    """What was changed, as a patch: points that were moved, hidden, added or removed; the side.

    Parameters
    ----------
    within: pixels that a tool may round by: a point that is off by no more has not been moved.
    """
    points: dict[str, Any] = {}
    for k, name in enumerate(kp.NAMES):
        same = new.visibility[k] == old.visibility[k]
        if same and np.allclose(new.keypoints[k], old.keypoints[k], rtol=0, atol=within, equal_nan=True):
            continue
        x, y = (float(value) for value in new.keypoints[k])
        points[name] = (x, y, int(new.visibility[k])) if new.visibility[k] else None
    side: Any = new.side if new.side not in (None, old.side) else None
    return Patch(side=side, points=points or None)


def last_saved(labels: Path) -> str:
    """When a file, or the newest file of a folder, was written, as `Decision.ts`: the same labels read again
    give the same time."""
    paths = files_below(labels) if labels.is_dir() else [labels]
    newest = max((path.stat().st_mtime for path in paths if path.is_file()), default=0.0)
    return datetime.fromtimestamp(newest, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def decision_of(source: Dataset, sample: Sample, patch: Patch, reviewer: str, when: str) -> Decision:
    """The decision to correct a sample like this, on its labels and pixels as they are.

    Parameters
    ----------
    when: the time at which it was made (`last_saved`).
    """
    pixels = read_pixel_state(source.root, sample.image)
    return decide(source.fingerprint, sample, pixels, "patch", reviewer=reviewer, ts=when, patch=patch)
