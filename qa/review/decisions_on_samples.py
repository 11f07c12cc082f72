"""Decisions and the samples that they are about: which sample is meant, whether the decision still holds for
it, and the sample with the corrections made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from curate.basics import keypoints as kp
from curate.basics import progress
from curate.basics.engine import Engine
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.hands.oriented import SIDE_FROM, oriented_anew
from curate.hands.relabelled import unjudged
from qa.review.box_and_xyz import box_of, xyz_of
from qa.review.decisions import ALIAS, Decision, Patch, alias, read_pixel_state, sample_sha

_CHUNK = 32
_REVERSED = list(kp.TIP_TO_PALM)


def names_of(dataset: Dataset, given: Iterable[Decision]) -> dict[tuple[str, str], str]:
    """By (dataset_sha, sample_id) of a decision, the id of the sample in the dataset that it means: the same
    id, or the one behind an alias. Decisions on other samples are left out."""
    ids: list[str] = dataset.table(["sample_id"]).column(0).to_pylist()
    known, decisions = set(ids), list(given)
    names = {(d.dataset_sha, d.sample_id): d.sample_id for d in decisions if d.sample_id in known}
    for salt in {d.dataset_sha for d in decisions if d.sample_id.startswith(ALIAS)}:
        names |= {(salt, alias(salt, sample_id)): sample_id for sample_id in ids}
    return names


def pixel_states(root: Path, samples: list[Sample], *, engine: Engine, quiet: bool) -> list[str]:
    """The `pixel_state` of each sample's image."""
    refs = [sample.image for sample in samples]
    jobs = [refs[start : start + _CHUNK] for start in range(0, len(refs), _CHUNK)]
    states: list[str] = []
    with progress.bar("reading images", len(refs), quiet=quiet) as advance:
        for part in engine.map(partial(_read_states, root), jobs, total=len(jobs)):
            states += part
            advance(len(part))
    return states


def _read_states(root: Path, refs: list[str]) -> list[str]:
    return [read_pixel_state(root, ref) for ref in refs]


def stale(sample: Sample, pixels: str, decision: Decision) -> str:
    """Why a decision does not hold for the sample as it is now; empty where it does."""
    if sample_sha(sample, pixels) != decision.sample_sha:
        return "stale: its labels or pixels have changed since the decision"
    if decision.patch is not None and decision.patch.side == "swap" and sample.side is None:
        return "its side is not known: there is nothing to swap"
    return ""


def patched(sample: Sample, patch: Patch) -> Sample:
    """The sample with its corrections: side, then order, then single points, which are manual labels.

    Side, aspect and angles that were computed from the points are computed again, except for a side that was
    corrected. Box and 3D points follow corrected points, see `qa.review.box_and_xyz`.
    """
    if patch.side is not None:
        side: Any = sample.side
        attrs = {name: value for name, value in sample.attrs.items() if name != SIDE_FROM}
        side = kp.flip_side(side) if patch.side == "swap" else patch.side
        sample = replace(sample, side=side, attrs=attrs)
    if patch.order == "reverse":
        xyz = None if sample.xyz is None else sample.xyz[_REVERSED]
        scores = None if sample.keypoint_scores is None else sample.keypoint_scores[_REVERSED]
        points, seen = sample.keypoints[_REVERSED], sample.visibility[_REVERSED]
        sample = replace(sample, keypoints=points, visibility=seen, keypoint_scores=scores, xyz=xyz)
    if patch.points:
        points, seen = sample.keypoints.copy(), sample.visibility.copy()
        for name, point in patch.points.items():
            points[kp.INDEX[name]] = (np.nan, np.nan) if point is None else point[:2]
            seen[kp.INDEX[name]] = kp.UNLABELLED if point is None else point[2]
        sample = replace(
            unjudged(sample),
            keypoints=points,
            visibility=seen,
            keypoint_scores=None,
            label_source="manual",
            score=None,
            bbox=box_of(sample, points),
            xyz=xyz_of(sample, points),
        )
    return sample if patch == Patch() else oriented_anew(sample)
