"""Labels that were corrected in another tool, as decisions: what differs from the sample, and no more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import curate
from curate.basics import keypoints as kp
from curate.basics.errors import UnreadableImage
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.source import files_below
from qa.review.decisions import SCHEMA, Decision, Patch, pixel_state, sample_sha


def difference(old: Sample, new: Sample, *, within: float = 0.0) -> Patch:
    """What was changed, as a patch: points that were moved, hidden, added or removed; the side.

    Parameters
    ----------
    within: pixels that a tool may round by: a point that is no farther off has not been moved.
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
    """When a file, or the newest of a folder, was written: the same labels read again tell the same time."""
    paths = files_below(labels) if labels.is_dir() else [labels]
    newest = max((path.stat().st_mtime for path in paths if path.is_file()), default=0.0)
    return datetime.fromtimestamp(newest, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def decision_of(source: Dataset, sample: Sample, patch: Patch, reviewer: str, when: str) -> Decision:
    """The decision to correct a sample so, on its labels and pixels as they are.

    Parameters
    ----------
    when: the time at which it was made (`last_saved`).
    """
    try:
        pixels = pixel_state(source.read_image(sample))
    except UnreadableImage:
        pixels = pixel_state(None)
    return Decision(
        schema=SCHEMA,  # type: ignore[arg-type]
        dataset_sha=source.fingerprint,
        sample_id=sample.sample_id,
        sample_sha=sample_sha(sample, pixels),
        decision="patch",
        reviewer=reviewer,
        ts=when,
        patch=patch,
        app_version=curate.__version__,
    )


def lines_of(decisions: Iterable[Decision]) -> bytes:
    """The content of decisions.jsonl."""
    encoder = msgspec.json.Encoder()
    return b"".join(encoder.encode(decision) + b"\n" for decision in decisions)
