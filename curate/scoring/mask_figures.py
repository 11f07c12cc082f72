"""The figures of an evaluation of masks; see curate.scoring.figures. To add one: a row here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics.wording import percent
from curate.data.training_set import HAND
from curate.hands.outlines import Outline, cleaned, outlines
from curate.scoring import metrics
from curate.scoring.figures import Figure


@dataclass(frozen=True)
class ScoredMasks:
    """Masks of N images of S x S pixels, and what several figures are computed from.

    likely: (N, S, S) uint8, 255 times the probability of the hand. truth: (N, S, S) uint8, HAND
        where all of a pixel is the hand's; what holds half of it counts.
    """

    likely: NDArray[np.uint8]
    truth: NDArray[np.uint8]

    @cached_property
    def found(self) -> NDArray[np.bool_]:
        """(N, S, S), more likely hand than not."""
        return np.asarray(self.likely > HAND // 2)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(N, S, S), the labels."""
        return np.asarray(self.truth > HAND // 2)

    @cached_property
    def has_hand(self) -> NDArray[np.bool_]:
        """(N,), by the labels."""
        return np.asarray(self.known.any((1, 2)))

    @cached_property
    def iou(self) -> metrics.Array:
        """(N,)."""
        return metrics.mask_iou(self.found, self.known)

    @cached_property
    def hands(self) -> list[list[Outline]]:
        """The hands in each image, the largest first."""
        return [outlines(likely) for likely in self.likely]

    @cached_property
    def labelled(self) -> list[list[Outline]]:
        """The hands of the labels in each image, told apart as those that are found."""
        return [outlines(truth) for truth in self.truth]

    @cached_property
    def box_iou(self) -> metrics.Array:
        """(n,) of each hand of the labels: its box's with that of the hand found which fits it best; 0
        without one."""
        best = [
            max((metrics.box_iou(hand.box, other.box) for other in seen), default=0.0)
            for seen, known in zip(self.hands, self.labelled, strict=True)
            for hand in known
        ]
        return np.array(best, np.float64)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _told_iou(f: Mapping[str, Any]) -> str:
    pooled = "–" if f["mask_iou_pooled"] is None else f"{f['mask_iou_pooled']:.3f}"
    cleaned_iou = f"{f['mask_iou_cleaned']:.3f} cleaned"
    return f"IoU of the masks: {f['mask_iou']:.3f} per picture, {pooled} pooled, {cleaned_iou}"


def _told_boxes(f: Mapping[str, Any]) -> str:
    lines = [f"boxes found of {percent(f['boxes_50'], 1)} of the hands"] if f["boxes_50"] is not None else []
    if f["ground_left_alone"] is not None:
        lines.append(f"no hand seen in {percent(f['ground_left_alone'], 1)} of the pictures without one")
    return "; ".join(lines)


MASK_FIGURES: tuple[Figure, ...] = (
    Figure("n", lambda s: len(s.truth)),
    Figure("with_hand", lambda s: int(s.has_hand.sum()), "images with a hand"),
    Figure("hands", lambda s: len(s.box_iou), "hands in the labels; touching hands count as one"),
    Figure("size", lambda s: s.truth.shape[1]),
    Figure("mask_iou", lambda s: _mean(s.iou), "IoU of the masks, mean over images", told=_told_iou),
    Figure(
        "mask_iou_pooled",
        lambda s: metrics.mask_iou_pooled(s.found, s.known),
        "IoU of the masks, all pixels pooled",
    ),
    Figure(
        "mask_iou_cleaned",
        lambda s: _mean(metrics.mask_iou(np.stack([cleaned(likely) for likely in s.likely]), s.known)),
        "IoU of the cleaned masks, mean over images",
    ),
    Figure(
        "boxes_50",
        lambda s: _mean(s.box_iou >= 0.5),
        "hands whose box is found, IoU 0.5 or more",
        share=True,
        told=_told_boxes,
    ),
    Figure("box_iou", lambda s: _mean(s.box_iou), "IoU of the boxes, mean over hands"),
    Figure(
        "ground_left_alone",
        lambda s: _mean(np.array([not s.hands[row] for row in np.flatnonzero(~s.has_hand)], float)),
        "images without a hand in which none is found",
        share=True,
    ),
)
