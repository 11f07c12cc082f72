"""The table of checks, in the order of findings and reports.

A check is a function and a row of CHECKS in the same module. A new module must be added here.
"""

from __future__ import annotations

from qa.checks import (
    baseline_residual,
    bones_in_space,
    camera_and_crop,
    composition,
    crop_centre,
    duplicates,
    exif,
    hand_shape,
    heatmaps,
    image_files,
    masks,
    photographs,
    point_order,
    points,
    split_drift,
    stretched_hand,
    stretched_source,
    subjects,
)
from qa.checks.check import Check

CHECKS: tuple[Check, ...] = (
    *image_files.CHECKS,
    *points.CHECKS,
    *point_order.CHECKS,
    *hand_shape.CHECKS,
    *stretched_hand.CHECKS,
    *masks.CHECKS,
    *photographs.CHECKS,
    *bones_in_space.CHECKS,
    *camera_and_crop.CHECKS,
    *stretched_source.CHECKS,
    *exif.CHECKS,
    *duplicates.CHECKS,
    *subjects.CHECKS,
    *crop_centre.CHECKS,
    *split_drift.CHECKS,
    *composition.CHECKS,
    *baseline_residual.CHECKS,
    *heatmaps.CHECKS,
)
