"""The page of an evaluation: one file that loads nothing, with charts and pictures."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import images, pages
from curate.basics import keypoints as kp
from curate.hands.comparison import draw_prediction
from curate.scoring import metrics

_SIDE = 240  # px of a picture
_CARDS = 12  # pictures a group
_REACH = 30  # px of the PCK curve, at 96 px
_NAME = 80  # letters of a sample's name shown

# Figures that the table shows, in its order.
_MEANINGS = {
    "all_points_9px": "images with all points right",
    "wrong_1_2_of_all": "images wrong in one or two points only, of all",
    "wrong_1_2_of_failures": "images wrong in one or two points only, of those not right",
    "epe_mean": "mean error over all points, px",
    "epe_mean_of_joints": "mean error, mean over keypoints (hand3d), px",
    "epe_median": "median error, px",
    "mse": "mean squared error, px²",
    "auc_0_30": "area under PCK, 0-30 px, trapezoids (hand3d)",
    "auc_0_30_mmpose": "area under PCK, 0-30 px, left sum (mmpose)",
    "auc_20_50": "area under PCK, 20-50 px, trapezoids (hand3d)",
    "oks_mean": "mean object keypoint similarity",
    "ap": "average precision over OKS .50:.05:.95 (COCO)",
    "unpredicted": "labelled points without a prediction",
}
_SHARES = ("all_points_9px", "wrong_1_2_of_all", "wrong_1_2_of_failures")


@dataclass(frozen=True)
class Shown:
    """What the page shows of a split.

    Attributes
    ----------
    run, training_set, split: their names. figures: as in metrics.json.
    table: (N, 21) distances in pixels, as in curate.scoring.metrics. sample_ids: (N,).
    predicted, truth: (N, 21, 2) pixels. visibility: (N, 21).
    pixels: from rows of the split to their images.
    """

    run: str
    training_set: str
    split: str
    figures: dict[str, Any]
    table: NDArray[np.float64]
    sample_ids: Sequence[str]
    predicted: NDArray[Any]
    truth: NDArray[Any]
    visibility: NDArray[Any]
    pixels: Callable[[Sequence[int]], NDArray[np.uint8]]


def render_page(shown: Shown) -> str:
    """The whole page as HTML."""
    environment = pages.environment("curate.scoring", "evaluation.css")
    environment.filters.update(share=_share, number=_number)
    return environment.get_template("evaluation.html.j2").render(
        run=shown.run,
        training_set=shown.training_set,
        split=shown.split,
        figures=shown.figures,
        rows=_rows(shown.figures),
        joints=_joints(shown.figures["per_keypoint_epe"]),
        curve=_curve(shown),
        groups=_groups(shown),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _rows(figures: dict[str, Any]) -> list[dict[str, str]]:
    rows = []
    for name, meaning in _MEANINGS.items():
        value = figures[name]
        text = str(value) if isinstance(value, int) else _number(value, 4)
        rows.append({"meaning": meaning, "value": _share(value) if name in _SHARES else text})
    for px, value in figures["pck"].items():
        rows.append({"meaning": f"points within {px} px (PCK)", "value": _share(value)})
    for part, value in figures["pck_box"].items():
        rows.append({"meaning": f"points within {part} of the hand's longer side", "value": _share(value)})
    return rows


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
    left, bottom, width, height = 36.0, 220.0, 370.0, 210.0
    points = []
    for step in range(61):
        share = metrics.pck(shown.table, reach * step / 60)
        if not math.isnan(share):
            points.append(f"{left + width * step / 60:.1f},{bottom - height * share:.1f}")
    return {
        "points": " ".join(points),
        "reach": f"{reach:g}",
        "limit": round(left + width * shown.figures["right_within_px"] / reach, 1),
        "grid": [{"y": bottom - height * s / 4, "label": f"{25 * s} %"} for s in range(5)],
        "marks": [{"x": left + width * s / 6, "label": f"{reach * s / 6:g}"} for s in range(7)],
    }


def _groups(shown: Shown) -> list[dict[str, Any]]:
    mean = metrics.per_image(shown.table)
    known = np.flatnonzero(~np.isnan(mean))
    order = known[np.argsort(mean[known], kind="stable")]
    some = np.sort(np.random.default_rng(0).permutation(known)[:_CARDS])
    chosen = [
        ("The worst", "Largest mean error.", order[::-1][:_CARDS]),
        ("At random", "The same ones for the same set.", some),
        ("The best", "Smallest mean error.", order[:_CARDS]),
    ]
    return [
        {"title": title, "note": note, "cards": [_card(shown, int(row), mean) for row in rows]}
        for title, note, rows in chosen
    ]


def _card(shown: Shown, row: int, mean: NDArray[np.float64]) -> dict[str, str]:
    worst = int(np.nanargmax(shown.table[row]))
    drawn = draw_prediction(
        shown.pixels([row])[0], shown.predicted[row], shown.truth[row], shown.visibility[row], size=_SIDE
    )
    data = base64.b64encode(images.encode(drawn, ".webp", quality=80)).decode()
    name = kp.NAMES[worst].replace("_", " ")
    return {
        "picture": f"data:image/webp;base64,{data}",
        "name": shown.sample_ids[row][:_NAME],
        "text": f"mean {mean[row]:.2f} px; {name} {shown.table[row, worst]:.1f} px",
    }
