"""A network's predictions against the labels: where they are far apart, one of the two is wrong."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from qa.checks.check import Check, Limits, Outcome, sample_outcome
from qa.measures.arrays import Flags, Floats
from qa.view import View


def baseline_residual(view: View, limits: Limits) -> Outcome:
    """Samples in which a network that never saw their people puts a point elsewhere than the label.

    A point's distance, in pixels of a crop of 96, counts if it is more than `pixels`, and more than `z`
    robust standard deviations above what is usual for that keypoint: the network's weak points are not held
    against the labels. It is an error if it is more than `error` and `error_z`, and the network is sure of
    the point: its score is at least `sure` of the usual score. The score is the largest distance among the
    errors, else among those that count, else among all.
    """
    far, sure = view.residuals.distance, view.residuals.confidence
    judged: Flags = np.asarray(np.isfinite(far).any(axis=1))
    if not judged.any():
        return Outcome(0)
    z = view.residuals.excess()
    usual = np.median(sure[np.isfinite(sure)])
    out: Floats = np.nan_to_num(np.where((far > limits["pixels"]) & (z > limits["z"]), far, np.nan), nan=-1.0)
    certain = (far > limits["error"]) & (z > limits["error_z"]) & (sure >= limits["sure"] * usual)
    grave: Flags = np.asarray(certain.any(axis=1))
    wrong: Flags = out.max(axis=1) > 0
    # The farthest point may not be the one that breaks a limit: some keypoints are often far off.
    told = np.select([grave[:, None], wrong[:, None]], [np.where(certain, far, -1.0), out], far)
    told = np.nan_to_num(told, nan=-1.0)
    worst = told.max(axis=1)

    def words(i: int) -> dict[str, object]:
        return {"keypoint": kp.NAMES[int(told[i].argmax())], "mean": np.nanmean(far[i])}

    severity, broken = np.where(grave, "error", "warning"), np.where(grave, limits["error"], limits["pixels"])
    return sample_outcome(judged, wrong, worst, limits["pixels"], words, severity, broken=broken)


CHECKS: tuple[Check, ...] = (
    Check(
        "baseline-residual",
        "A network that never saw these people agrees with the labels",
        "error",
        "sample",
        baseline_residual,
        "The network puts {keypoint} {score:.0f} px (of 96) from its label; its mean error over all points "
        "is {mean:.1f} px.",
        "Look at the picture: either the label is wrong or the hand is hard.",
        {"pixels": 6.0, "z": 8.0, "error": 9.0, "error_z": 15.0, "sure": 0.6},
    ),
)
