"""Two predictions of the same images, compared image by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from curate.basics.errors import InputError
from curate.data.predictions import Predictions
from curate.scoring import bootstrap, metrics
from curate.scoring.figures import Scored, between, number


def compared(scored: Scored, other: Predictions, where: str) -> dict[str, Any]:
    """What is better, and how surely: a paired bootstrap over the images that both have.

    Parameters
    ----------
    where: the other's file, for messages.

    Returns
    -------
    "n" images; for "epe_mean" and "pck_box_0.2" the figure, the other's ("_other"), and the difference
    ("_difference", with "_low" and "_high", its 95 % interval; 0 outside it: one is better); "nearer", the
    share of images with a smaller mean error here.

    Raises
    ------
    InputError: no image in common, or images of another size.
    """
    ours = scored.predictions
    if other.size != ours.size:
        raise InputError(where, f"{other.size} px", field="size", allowed=f"{ours.size} px, as here")
    places = {name: row for row, name in enumerate(other.sample_ids)}
    rows = [row for row, name in enumerate(ours.sample_ids) if name in places]
    if not rows:
        raise InputError(
            where, "no image in common with this split", allowed="predictions of the same images"
        )
    twins = [places[ours.sample_ids[row]] for row in rows]
    # The labels are ours, and points that one of the networks was not made for do not count.
    labelled = scored.labelled[rows] & (other.visibility[twins] > 0)
    truth = ours.truth[rows]
    tables = [
        metrics.distances(predicted, truth, labelled)
        for predicted in (ours.predicted[rows], other.predicted[twins])
    ]
    sides, _ = metrics.box_sizes(truth, labelled)
    found: dict[str, Any] = {"n": int(labelled.any(1).sum())}
    for name, of in (
        ("epe_mean", bootstrap.mean_error),
        ("pck_box_0.2", lambda table: bootstrap.share_within(table, sides, 0.2)),
    ):
        here, there = (of(table) for table in tables)
        low, high = bootstrap.interval(here, there)
        found |= {
            name: here.value,
            f"{name}_other": there.value,
            f"{name}_difference": here.value - there.value,
            f"{name}_low": low,
            f"{name}_high": high,
        }
    mean, others = (metrics.per_image(table) for table in tables)
    known = ~np.isnan(mean)
    found["nearer"] = float((mean[known] < others[known]).mean()) if known.any() else float("nan")
    return found


def told(found: Mapping[str, Any] | None) -> Iterator[str]:
    """A line on the mean errors."""
    if found is not None:
        low, high = found["epe_mean_low"], found["epe_mean_high"]
        unsure = low is None or low <= 0 <= high
        errors = f"{number(found['epe_mean'])} to {number(found['epe_mean_other'])} px"
        difference = between(found, "epe_mean", "_difference")
        line = f"against the other: mean error {errors} in {found['n']} images, difference {difference}"
        yield line + (", which may be chance" if unsure else "")
