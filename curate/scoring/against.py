"""Two predictions of the same images, compared image by image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.data.predictions import Predictions
from curate.scoring import bootstrap, metrics
from curate.scoring.figures import Scored, between, number

Points = NDArray[np.floating]
_ROUNDED = 0.05  # pixels by which the same label may differ
_WHOSE = ("these predictions", "the others")


def compared(scored: Scored, other: Predictions, where: str) -> dict[str, Any]:
    """What is better, and how surely: a paired bootstrap over the images that both have.

    Parameters
    ----------
    where: the other's file, for messages.

    Returns
    -------
    "n" images; how many of either are not among the other's ("alone", "alone_other"); for "epe_mean", over
    the points that both predict, and "pck_box_0.2", over all labelled ones, the figure, the other's
    ("_other"), and the difference ("_difference", with "_low" and "_high", its 95 % interval; 0 outside it:
    one is better); "nearer", the share of images with a smaller mean error here, over the points that both
    predict; of "points" labelled those that one does not predict ("unpredicted", "unpredicted_other"); where
    the images were looked at in another way, how ("looked", "looked_other"; None: not known).

    Raises
    ------
    InputError: as `paired` does.
    """
    ours = scored.predictions
    rows, twins = paired(ours, other, where)
    # The labels are ours, and points that one of the networks was not made for do not count.
    labelled = scored.labelled[rows] & (other.visibility[twins] > 0)
    truth = ours.truth[rows]
    tables = [
        metrics.distances(predicted, truth, labelled)
        for predicted in (ours.predicted[rows], other.predicted[twins])
    ]
    sides, _ = metrics.box_sizes(truth, labelled)
    both = np.isfinite(tables[0]) & np.isfinite(tables[1])
    shared = [np.where(both, table, np.nan) for table in tables]
    found: dict[str, Any] = {
        "n": int(labelled.any(1).sum()),
        "alone": len(ours.sample_ids) - len(rows),
        "alone_other": len(other.sample_ids) - len(rows),
        "points": int(labelled.sum()),
        "unpredicted": int(np.isinf(tables[0]).sum()),
        "unpredicted_other": int(np.isinf(tables[1]).sum()),
    }
    for name, (here, there) in (
        ("epe_mean", [bootstrap.mean_error(table) for table in shared]),
        ("pck_box_0.2", [bootstrap.share_within(table, sides, 0.2) for table in tables]),
    ):
        low, high = bootstrap.interval(here, there)
        found |= {
            name: here.value,
            f"{name}_other": there.value,
            f"{name}_difference": here.value - there.value,
            f"{name}_low": low,
            f"{name}_high": high,
        }
    if ours.looked != other.looked:
        found |= {"looked": ours.looked, "looked_other": other.looked}
    mean, others = (metrics.per_image(table) for table in shared)
    known = ~np.isnan(mean)
    found["nearer"] = float((mean[known] < others[known]).mean()) if known.any() else float("nan")
    return found


def require_alike(ours: Predictions, other: Predictions, where: str) -> None:
    """Raise InputError where the other has a sample twice, or as `paired` does."""
    twice = [name for name, count in Counter(other.sample_ids).items() if count > 1]
    if twice:
        found = f"{counted(len(twice), 'sample')} more than once, such as {twice[0]!r}"
        raise InputError(where, found, field="sample_id", allowed="each once")
    paired(ours, other, where)


def paired(ours: Predictions, other: Predictions, where: str) -> tuple[list[int], list[int]]:
    """The rows of either of the images that both have.

    Raises
    ------
    InputError: no image in common, images of another size, or labels that lie elsewhere in most of them, as
        where a hand was cut out otherwise.
    """
    if other.size != ours.size:
        raise InputError(where, f"{other.size} px", field="size", allowed=f"{ours.size} px, as here")
    places = {name: row for row, name in enumerate(other.sample_ids)}
    rows = [row for row, name in enumerate(ours.sample_ids) if name in places]
    if not rows:
        raise InputError(
            where, "no image in common with this split", allowed="predictions of the same images"
        )
    twins = [places[ours.sample_ids[row]] for row in rows]
    labelled = (ours.visibility[rows] > 0) & (other.visibility[twins] > 0)
    _same_images(ours.truth[rows], other.truth[twins], labelled, where)
    return rows, twins


def _same_images(ours: Points, theirs: Points, labelled: NDArray[np.bool_], where: str) -> None:
    """Labels may have been corrected since in some images; in most of them they lie where they lay."""
    apart = np.where(labelled, np.linalg.norm(ours - theirs, axis=2), 0.0)
    moved = ~(apart.max(axis=1) <= _ROUNDED)
    if moved.mean() > 0.5:
        most = f"labels that lie up to {np.nanmax(apart):.1f} px from ours"
        found = f"{most} in {moved.sum():,} of {counted(len(moved), 'image')}"
        remedy = "give predictions of the same training set: this one was cut out or sized otherwise"
        raise InputError(where, found, field="truth", remedy=remedy)


def told(found: Mapping[str, Any] | None) -> Iterator[str]:
    """A line on the mean errors."""
    if found is not None:
        low, high = found["epe_mean_low"], found["epe_mean_high"]
        unsure = low is None or low <= 0 <= high
        errors = f"{number(found['epe_mean'])} and {number(found['epe_mean_other'])} px"
        difference = between(found, "epe_mean", "_difference")
        images = counted(found["n"], "image")
        line = f"against the other evaluation: mean error {errors} in {images}, difference {difference}"
        yield line + (", which may be chance" if unsure else "")
        if {"looked", "looked_other"} <= found.keys():
            here, there = (found[name] or "not known" for name in ("looked", "looked_other"))
            yield f"  looked at in another way: {_WHOSE[0]} {here}, {_WHOSE[1]} {there}"
        if alone := _lacking(found.get("alone_other", 0), found.get("alone", 0)):  # later than the others
            yield f"  over the images that both have: {alone}"
        if unpredicted := _lacking(found["unpredicted"], found["unpredicted_other"]):
            yield f"  over the points that both predict; of {found['points']:,} labelled points {unpredicted}"


def _lacking(here: int, there: int) -> str:
    """For people: how many of something either lacks; "" where neither does."""
    pairs = zip(_WHOSE, (here, there), strict=True)
    return " and ".join(f"{whose} lack {count:,}" for whose, count in pairs if count)
