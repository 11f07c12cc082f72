"""Checks of the way from the hand to the picture: its camera, its angle in a render, its crop."""

from __future__ import annotations

import numpy as np

from curate.basics import geometry
from curate.basics import keypoints as kp
from curate.data.sample import ANGLES_FROM
from qa.checks.check import Check, Limits, Outcome, graded_outcome, sample_outcome
from qa.measures.arrays import Flags, Floats
from qa.view import View

_MIDDLE_MCP = 9


def reprojection(view: View, limits: Limits) -> Outcome:
    """Distance of K xyz from the keypoints, pixels; the worst point's."""
    off = _reprojected(view.K, view.xyz.astype(np.float64), view.points, view.labelled)
    score, worst = off.max(axis=1), off.argmax(axis=1)
    judged = score >= 0

    def words(i: int) -> dict[str, object]:
        return {"keypoint": kp.NAMES[int(worst[i])]}

    return graded_outcome(judged, score, limits, words)


def _reprojected(K: Floats, xyz: Floats, points: Floats, labelled: Flags) -> Floats:
    """Distance of each point, (n, 21), pixels; a million if it is behind the camera, -1 where unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        image = np.einsum("nij,nkj->nki", K, xyz)
        off = np.linalg.norm(image[..., :2] / image[..., 2:] - points, axis=2)
    behind = (xyz[..., 2] <= 0) & labelled
    off = np.where(behind, np.inf, off)
    return np.where(np.isfinite(off) | behind, np.minimum(off, 1e6), -1.0)


def render_angle(view: View, limits: Limits) -> Outcome:
    """The direction in which a render's hand points, from the wrist to the middle MCP, against the rotation
    it was rendered with: degrees clockwise, 0 upwards. Judged up to a tilt of `tilt`: beyond it, the bone is
    seen from its end. Angles that were computed from the points are not judged.
    """
    points = view.points
    middle = points[:, _MIDDLE_MCP] - points[:, kp.WRIST]
    seen = np.degrees(np.arctan2(middle[:, 0], -middle[:, 1])) % 360
    off = np.abs((seen - view.rotation + 180) % 360 - 180)
    told_by_points = np.array([ANGLES_FROM in about for about in view.attrs], bool)
    judged = np.isfinite(off) & ~(np.abs(view.tilt) > limits["tilt"]) & ~told_by_points
    off = np.where(judged, off, 0.0)

    def words(i: int) -> dict[str, object]:
        return {"stored": f"{view.rotation[i] % 360:.0f} degrees", "seen": f"{seen[i]:.0f}"}

    return sample_outcome(judged, judged & (off > limits["degrees"]), off, limits["degrees"], words)


def crop_maths(view: View, limits: Limits) -> Outcome:
    """A crop's map to its photo: it can be inverted, scales x and y alike, and does not shear or mirror.

    The score, in pixels of the crop, is how far the map is from the nearest one that only scales, turns and
    shifts, plus how far a corner of the crop ends from itself on its way to the photo and back.
    """
    maps, frame = view.transform, view.frame
    judged = np.all(np.isfinite(maps), axis=(1, 2)) & np.all(np.isfinite(frame), axis=1)
    a, b, c, d = maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1]
    scale = np.sqrt(np.maximum(a * d - b * c, 0))
    misfit = np.hypot(a - d, b + c) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(scale > 0, misfit / scale, np.inf) * frame.max(axis=1)
    score = np.where(judged, np.minimum(off, 1e6), 0.0)
    for row in np.flatnonzero(judged & (score <= limits["pixels"])):
        corners = np.array([[0.0, 0.0], frame[row]])
        there = geometry.apply(maps[row], corners)
        score[row] += float(np.abs(geometry.apply(geometry.invert(maps[row]), there) - corners).max())
    return sample_outcome(judged, judged & (score > limits["pixels"]), score, limits["pixels"])


CHECKS: tuple[Check, ...] = (
    Check(
        "reprojection",
        "3D points project onto the keypoints",
        "error",
        "sample",
        reprojection,
        "{keypoint} projects {score:.1f} px away from its keypoint.",
        "Check K (a crop or resize must change it too) and the axes of the 3D points.",
        {"warning": 1.0, "error": 3.0},
        alone=True,
    ),
    Check(
        "render-angle",
        "Renders have the rotation stored with them",
        "error",
        "sample",
        render_angle,
        "The stored rotation is {stored}, but the hand points to {seen}: {score:.0f} degrees off.",
        "Render again: the angles and the picture come from different jobs, or the picture was rotated.",
        {"degrees": 30.0, "tilt": 50.0},
        alone=True,
    ),
    Check(
        "crop-maths",
        "Crops map back to their photographs",
        "error",
        "sample",
        crop_maths,
        "The map back to the photograph stretches, shears or mirrors by {score:.2f} px.",
        "Crop again with curate crop, which scales both axes alike.",
        {"pixels": 0.01},
        alone=True,
    ),
)
