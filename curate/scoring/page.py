"""The page of an evaluation: one file that loads nothing, with charts and pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics import pages
from curate.basics.wording import counted, percent
from curate.hands.comparison import draw_prediction
from curate.scoring import calibration, metrics, slices
from curate.scoring.figures import Scored, missing, number, page_rows, share

SIDE = 240  # px of a picture
_CARDS = 12  # pictures a group
_REACH = 30  # px of the PCK curve, at 96 px
_STEPS = (1, 2, 5, 10, 20, 50)  # px between its marks, of which there are
_MARKS = 8  # at most
NAME = 80  # letters of a sample's name shown


@dataclass(frozen=True)
class Shown:
    """What the page shows.

    Attributes
    ----------
    run, training_set: their names. figures: as in metrics.json.
    pixels: from rows of the split to their images.
    """

    run: str
    training_set: str
    figures: dict[str, Any]
    scored: Scored
    pixels: Callable[[Sequence[int]], NDArray[np.uint8]]


def render_page(shown: Shown) -> str:
    """The whole page as HTML."""
    environment = pages.environment("curate.scoring", "evaluation.css")
    environment.filters.update(share=share, number=number)
    return environment.get_template("evaluation.html.j2").render(
        run=shown.run,
        training_set=shown.training_set,
        split=shown.figures["split"],
        figures=shown.figures,
        missing=missing(shown.figures),
        rows=page_rows(shown.figures),
        joints=_joints(shown.figures["per_keypoint_epe"]),
        curve=_curve(shown),
        reliability=_reliability(shown),
        slices=[_slices(name, rows) for name, rows in shown.figures.get("by", {}).items()],
        against=shown.figures.get("against"),
        groups=_groups(shown),
    )


def _slices(name: str, given: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A chart of the mean error of each value, with its interval; of very many, of those of most images."""
    rows, others = slices.most(given)
    longest = max((row["epe_mean_high"] or row["epe_mean"] or 0.0 for row in rows), default=0.0) or 1.0

    def x(error: float | None) -> float:
        return round(136 + 200 * (error or 0.0) / longest, 1)

    marked = [
        {
            **row,
            "value": row["value"][:NAME],
            "text": slices.figures_of(row),
            "x": x(row["epe_mean"]),
            "low": x(row["epe_mean_low"] or row["epe_mean"]),
            "high": x(row["epe_mean_high"] or row["epe_mean"]),
        }
        for row in rows
    ]
    return {"name": name, "rows": marked, "others": others}


def _joints(errors: dict[str, float | None]) -> list[dict[str, Any]]:
    longest = max((e for e in errors.values() if e is not None), default=0.0) or 1.0
    return [
        {
            "name": name,
            "error": error,
            "width": round(260 * (error or 0.0) / longest, 1),
            "finger": kp.finger_of(kp.INDEX[name]),
        }
        for name, error in errors.items()
    ]


def _curve(shown: Shown) -> dict[str, Any]:
    reach = _REACH * shown.figures["size"] / 96
    between = next((step for step in _STEPS if reach <= _MARKS * step), 100)
    left, bottom, width, height = 36.0, 220.0, 370.0, 210.0
    points = []
    for step in range(61):
        share = metrics.pck(shown.scored.table, reach * step / 60)
        if not math.isnan(share):
            points.append(f"{left + width * step / 60:.1f},{bottom - height * share:.1f}")
    return {
        "points": " ".join(points),
        "reach": f"{reach:g}",
        "limit": round(left + width * shown.figures["right_within_px"] / reach, 1),
        "grid": [{"y": bottom - height * s / 4, "label": f"{25 * s} %"} for s in range(5)],
        "marks": [
            {"x": round(left + width * px / reach, 1), "label": str(px)}
            for px in range(0, math.floor(reach) + 1, between)
        ],
    }


def _reliability(shown: Shown) -> dict[str, Any]:
    """Groups of points by their scores: where each lies in a square from 0 to 1, and what it says."""
    left, bottom, side = 36.0, 220.0, 210.0

    def x(score: float) -> float:
        return round(left + side * score, 1)

    def y(share: float) -> float:
        return round(bottom - side * share, 1)

    groups = calibration.reliability(*shown.scored.scored_points)
    steps = [step / 4 for step in range(5)]
    return {
        "dots": [
            {
                "x": x(score),
                "y": y(right),
                "says": f"{counted(count, 'point')}, score {score:.3f}: {percent(right, 1)} right",
            }
            for score, right, count in groups
        ],
        "line": " ".join(f"{x(score)},{y(right)}" for score, right, _ in groups),
        "honest": {"x1": x(0), "y1": y(0), "x2": x(1), "y2": y(1)},
        "grid": [{"y": y(step), "label": percent(step)} for step in steps],
        "marks": [{"x": x(step), "label": f"{step:g}"} for step in steps],
    }


def _groups(shown: Shown) -> list[dict[str, Any]]:
    mean = metrics.per_image(shown.scored.table)
    return groups(mean, "mean error", lambda row: _card(shown, row, mean))


def groups(
    badness: NDArray[np.floating], what: str, card: Callable[[int], dict[str, str]]
) -> list[dict[str, Any]]:
    """The worst, some at random and the best of N images, as the templates show them.

    Parameters
    ----------
    badness: (N,) large where an image is bad, NaN where it is not to be judged. what: its name.
    card: from a row to its picture, name and text.
    """
    known = np.flatnonzero(~np.isnan(badness))
    order = known[np.argsort(badness[known], kind="stable")]
    some = np.sort(np.random.default_rng(0).permutation(known)[:_CARDS])
    chosen = [
        ("The worst", f"Largest {what}.", order[::-1][:_CARDS]),
        ("At random", "Always the same ones for the same set.", some),
        ("The best", f"Smallest {what}.", order[:_CARDS]),
    ]
    return [
        {"title": title, "note": note, "cards": [card(int(row)) for row in rows]}
        for title, note, rows in chosen
    ]


def _card(shown: Shown, row: int, mean: NDArray[np.float64]) -> dict[str, str]:
    table, of = shown.scored.table, shown.scored.predictions
    worst = int(np.nanargmax(table[row]))
    drawn = draw_prediction(
        shown.pixels([row])[0], of.predicted[row], of.truth[row], of.visibility[row], size=SIDE
    )
    name = kp.NAMES[worst].replace("_", " ")
    text = f"mean {mean[row]:.2f} px; {name} {table[row, worst]:.1f} px"
    return {"picture": pages.data_url(drawn), "name": of.sample_ids[row][:NAME], "text": text}
