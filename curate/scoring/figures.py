"""The figures of an evaluation, each in one row: its key in metrics.json, how it is computed, and how the
page and the summary tell it. To add one: a function in curate.scoring.metrics and a row here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.wording import counted, percent, verb
from curate.data.predictions import Predictions
from curate.scoring import calibration, metrics

_PCK_PX = (1, 2, 3, 5, 9, 15, 30)
_PCK_BOX = (0.05, 0.1, 0.2)
_FEW = "images with only one or two wrong points"
_UNSCORED = "rows of the predictions without a number as score, beside others of the same sample"


@dataclass(frozen=True)
class Scored:
    """Predictions, and what several figures are computed from.

    Attributes
    ----------
    unmatched: how many rows of the file that predictions came from are of none of these images; None: they
        came from no file. outdone: how many gave way to another of the same image. beyond: how many of the
        scores in it lay outside 0 to 1, and were brought to it. unscored: how many of several rows of the
        same image had no number as score, and so the lowest. totals: (N,) the scores that it gives hands as a
        whole, NaN where there is none; None: it gives none.
    """

    predictions: Predictions
    unmatched: int | None = None
    outdone: int | None = None
    beyond: int = 0
    unscored: int = 0
    totals: NDArray[np.float64] | None = None

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """(N, 21)."""
        return np.asarray(self.predictions.visibility > 0)

    @cached_property
    def table(self) -> metrics.Array:
        """(N, 21) distances in pixels, as in curate.scoring.metrics."""
        return metrics.distances(self.predictions.predicted, self.predictions.truth, self.labelled)

    @cached_property
    def unpredicted(self) -> NDArray[np.bool_]:
        """(N, 21) labelled points without a prediction."""
        return np.asarray(np.isinf(self.table))

    @cached_property
    def boxes(self) -> tuple[metrics.Array, metrics.Array]:
        """(N,) longer sides of the hands, pixels, and (N,) areas, pixels^2."""
        return metrics.box_sizes(self.predictions.truth, self.labelled)

    @cached_property
    def similarity(self) -> metrics.Array:
        """(N,) OKS."""
        return metrics.oks(self.table, self.boxes[1], metrics.HAND_SIGMAS)

    @cached_property
    def limit(self) -> float:
        """The paper's 9 px at 96 px, in pixels of these images."""
        return metrics.right_within(self.predictions.size)

    @cached_property
    def few_wrong(self) -> tuple[float, float]:
        """Shares of images wrong in one or two points only: of all, and of those not right."""
        return metrics.few_wrong(self.table, self.limit)

    @cached_property
    def made(self) -> NDArray[np.bool_]:
        """(N, 21) whether a point was predicted."""
        return np.asarray(np.isfinite(self.predictions.predicted).all(2))

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """(N,) mean score of the points that were predicted."""
        total = np.where(self.made, self.predictions.score, 0).sum(1, dtype=np.float64)
        return np.asarray(total / np.maximum(self.made.sum(1), 1))

    @cached_property
    def ranks(self) -> NDArray[np.float64]:
        """(N,) by what COCO's AP takes the hands in turn: their own scores, else those of their points. An
        image without a prediction comes last."""
        told = np.nan if self.totals is None else self.totals
        return np.where(self.made.any(1), np.where(np.isnan(told), self.confidence, told), -np.inf)

    @cached_property
    def scored_points(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(M,) scores of the labelled points that were predicted, and whether each lies within the limit."""
        known = np.isfinite(self.table)
        return self.predictions.score[known], self.table[known] <= self.limit

    @cached_property
    def scored_images(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """(M,) confidences of the images that have a label, and whether all points of each are right."""
        some = self.labelled.any(1)
        return self.confidence[some], np.asarray((~(self.table[some] > self.limit)).all(1))


Value = float | int | dict[str, float] | None


@dataclass(frozen=True)
class Figure:
    """One row.

    Attributes
    ----------
    name: its key in metrics.json.
    of: gives the figure. NaN: there is nothing to measure (null in metrics.json). None: it does not apply and
        is left out. A dict: one figure a threshold.
    meaning: what the page calls it, with "{}" for the threshold; "": the page leaves it out.
    share: shown as a percentage.
    told: gives its line of the summary, from all figures; "": there is nothing to say.
    """

    name: str
    of: Callable[[Any], Value]
    meaning: str = ""
    share: bool = False
    told: Callable[[Mapping[str, Any]], str] | None = None


def _told_unpredicted(f: Mapping[str, Any]) -> str:
    if not f.get("unpredicted"):
        return ""
    points = f"{f['unpredicted']:,} of {counted(f['points'], 'labelled point')}"
    images = f.get("unpredicted_images")  # None: an evaluation made before these were counted
    if images:
        points += f"; {images:,} of {counted(f['n'], 'image')} {verb(images, 'has', 'have')} none at all"
    return f"without a prediction: {points}; shares count them as wrong, errors leave them out"


def _counting(name: str, words: str) -> Callable[[Mapping[str, Any]], str]:
    """Tells how many there are of what a figure counts, if any."""
    return lambda f: f"{words}: {f[name]:,}" if f.get(name) else ""


_told_unlabelled = _counting("unlabelled_images", "images without a labelled point, which no figure covers")
_told_unmatched = _counting("unmatched_rows", "rows of the predictions that match no sample of this split")
_told_outdone = _counting(
    "outdone_rows", "rows of the predictions dropped for a higher-scored or later row of the same sample"
)
_told_beyond = _counting("scores_beyond", "scores of the predictions outside 0 to 1, which were clipped")
_told_unscored = _counting("unscored_rows", f"{_UNSCORED}; they count as the lowest")


def _told_right(f: Mapping[str, Any]) -> str:
    return f"all points within {f['right_within_px']:g} px: {percent(f['all_points_9px'], 1)} of images"


def _told_few(f: Mapping[str, Any]) -> str:
    of_failures = f["wrong_1_2_of_failures"]
    line = f"only 1-2 points wrong: {percent(f['wrong_1_2_of_all'], 1)} of images"
    return line + (f", {percent(of_failures, 1)} of failures" if of_failures else "")


def _told_error(f: Mapping[str, Any]) -> str:
    if f["epe_mean"] is None:
        return "no point was predicted"
    return f"error: mean {f['epe_mean']:.2f} px, median {f['epe_median']:.2f} px"


def _mean_similarity(s: Scored) -> float:
    known = s.similarity[s.labelled.any(1)]
    return float(known.mean()) if known.size else math.nan


def _per_keypoint(s: Scored) -> dict[str, float]:
    joints = metrics.per_joint(s.table)
    return {name: float(joints[i]) for i, name in enumerate(kp.NAMES) if s.labelled[:, i].any()}


def _root_aligned(s: Scored, of: Callable[[metrics.Array], float]) -> float | None:
    if not s.labelled[:, kp.WRIST].any():
        return None
    predicted, truth = s.predictions.predicted, s.predictions.truth
    return of(metrics.root_aligned_distances(predicted, truth, s.labelled))


def _area(low: int, high: int) -> Figure:
    return Figure(
        f"auc_{low}_{high}",
        lambda s: metrics.auc_hand3d(s.table, low, high),
        f"area under PCK, {low}-{high} px, trapezoids (hand3d)",
    )


# In the order of metrics.json. Pixel thresholds are those of the images, but "all_points_9px" and the two
# "wrong_1_2" scale the paper's limit with the image's size. "n" counts images that have a label.
FIGURES: tuple[Figure, ...] = (
    Figure("n", lambda s: int(s.labelled.any(1).sum())),
    Figure("points", lambda s: int(s.labelled.sum())),
    Figure(
        "unlabelled_images",
        lambda s: int((~s.labelled.any(1)).sum()) or None,
        "images without a labelled point, which do not count here",
        told=_told_unlabelled,
    ),
    Figure(
        "unpredicted",
        lambda s: int(s.unpredicted.sum()),
        "labelled points without a prediction",
        told=_told_unpredicted,
    ),
    Figure(
        "unpredicted_images",
        lambda s: int((s.labelled.any(1) & (s.unpredicted == s.labelled).all(1)).sum()),
        "images without any labelled point predicted",
    ),
    Figure(
        "unmatched_rows",
        lambda s: s.unmatched,
        "rows of the predictions that match no sample of the split",
        told=_told_unmatched,
    ),
    Figure(
        "outdone_rows",
        lambda s: s.outdone,
        "rows of the predictions dropped for another row of the same sample",
        told=_told_outdone,
    ),
    Figure(
        "scores_beyond",
        lambda s: s.beyond or None,
        "scores of the predictions outside 0 to 1, clipped",
        told=_told_beyond,
    ),
    Figure(
        "unscored_rows",
        lambda s: s.unscored or None,
        _UNSCORED,
        told=_told_unscored,
    ),
    Figure("size", lambda s: s.predictions.size),
    Figure("right_within_px", lambda s: s.limit),
    Figure(
        "all_points_9px",
        lambda s: metrics.all_points_within(s.table, s.limit),
        "images with all points right",
        share=True,
        told=_told_right,
    ),
    Figure("wrong_1_2_of_all", lambda s: s.few_wrong[0], f"{_FEW}, of all", share=True, told=_told_few),
    Figure("wrong_1_2_of_failures", lambda s: s.few_wrong[1], f"{_FEW}, of those not right", share=True),
    Figure(
        "epe_mean", lambda s: metrics.epe_mean(s.table), "mean error over all points, px", told=_told_error
    ),
    Figure(
        "epe_mean_of_joints",
        lambda s: metrics.epe_mean_of_joints(s.table),
        "mean error, mean over keypoints (hand3d), px",
    ),
    Figure("epe_median", lambda s: metrics.epe_median(s.table), "median error, px"),
    Figure("mse", lambda s: metrics.mean_squared_error(s.table), "mean squared error, px²"),
    Figure(
        "pck",
        lambda s: {str(px): metrics.pck(s.table, px) for px in _PCK_PX},
        "points within {} px (PCK)",
        share=True,
    ),
    Figure(
        "pck_box",
        lambda s: {str(part): metrics.pck_normalised(s.table, s.boxes[0], part) for part in _PCK_BOX},
        "points within {} of the hand's longer side",
        share=True,
    ),
    _area(0, 30),
    Figure(
        "auc_0_30_mmpose",
        lambda s: metrics.auc_mmpose(s.table, 30),
        "area under PCK, 0-30 px, left sum (mmpose)",
    ),
    _area(20, 50),
    Figure("oks_mean", _mean_similarity, "mean object keypoint similarity"),
    Figure(
        "ap",
        lambda s: metrics.average_precision(s.similarity, s.ranks),
        "average precision over OKS .50:.05:.95 (COCO)",
    ),
    Figure(
        "score_error",
        lambda s: calibration.calibration_error(*s.scored_points),
        "calibration error: score against share of points within the limit (ECE)",
    ),
    Figure(
        "score_auc",
        lambda s: calibration.discrimination(*s.scored_points),
        "right points with higher scores than wrong ones (area under ROC)",
    ),
    Figure(
        "risk_area_points",
        lambda s: calibration.risk_coverage_area(*s.scored_points),
        "area under the risk-coverage curve, points",
    ),
    Figure(
        "risk_area_images",
        lambda s: calibration.risk_coverage_area(*s.scored_images),
        "area under the risk-coverage curve, images by mean score",
    ),
    Figure("per_keypoint_epe", _per_keypoint),
    Figure("epe_mean_root_aligned", lambda s: _root_aligned(s, metrics.epe_mean)),
    Figure("epe_median_root_aligned", lambda s: _root_aligned(s, metrics.epe_median)),
)


def measure(scored: Any, rows: Sequence[Figure] = FIGURES) -> dict[str, Any]:
    """Every figure that applies, as JSON values; None where there is nothing to measure.

    Parameters
    ----------
    scored: what the rows are computed from: of FIGURES, a Scored.
    """
    values = {figure.name: figure.of(scored) for figure in rows}
    return {name: finite(value) for name, value in values.items() if value is not None}


def page_rows(figures: Mapping[str, Any], rows: Sequence[Figure] = FIGURES) -> list[tuple[str, str]]:
    """What the page's table says: meaning and value. Single figures come first, then counts, then those of
    several thresholds."""
    found: list[tuple[int, str, str]] = []
    for figure in rows:
        if not figure.meaning or figure.name not in figures:
            continue
        value = figures[figure.name]
        if isinstance(value, dict):
            found += [(2, figure.meaning.format(at), _shown(figure, one)) for at, one in value.items()]
        else:
            found.append((1 if isinstance(value, int) else 0, figure.meaning, _shown(figure, value)))
    return [(meaning, text) for _, meaning, text in sorted(found, key=lambda row: row[0])]


def summary(figures: Mapping[str, Any], rows: Sequence[Figure] = FIGURES) -> list[str]:
    """The lines that tell a person most."""
    return [line for figure in rows if figure.told and (line := figure.told(figures))]


def missing(figures: Mapping[str, Any]) -> list[str]:
    """The lines on what the figures of points leave out; none where nothing is missing."""
    of_rows = (_told_unmatched, _told_outdone, _told_beyond, _told_unscored)
    tellers = (_told_unlabelled, _told_unpredicted, *of_rows)
    return [line for told in tellers if (line := told(figures))]


def share(value: float | None) -> str:
    """A share as a percentage; a dash for none."""
    return "–" if value is None else percent(value, 1)


def number(value: float | None, digits: int = 2) -> str:
    """A number; a dash for none."""
    return "–" if value is None else f"{value:.{digits}f}"


def between(found: Mapping[str, Any], name: str, what: str = "") -> str:
    """A figure, or what is done with it, and its interval, as `curate.scoring.bootstrap` gives it; of too few
    images there is none."""
    figure, low, high = number(found[name + what]), found[f"{name}_low"], found[f"{name}_high"]
    return figure if low is None or high is None else f"{figure} ({number(low)} to {number(high)})"


def _shown(figure: Figure, value: float | int | None) -> str:
    if figure.share:
        return share(value)
    return str(value) if isinstance(value, int) else number(value, 4)


def finite(value: Any) -> Any:
    """JSON has no NaN: None stands for it."""
    if isinstance(value, dict):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
