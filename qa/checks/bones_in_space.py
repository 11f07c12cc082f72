"""Checks of what is known in three dimensions: bones, joints, the camera, and the way back to the photo."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry
from curate.basics import keypoints as kp
from qa.checks.points import every, outcome
from qa.finding import Outcome, Severity, graded
from qa.view import View

Limits = Mapping[str, float]
Floats = NDArray[np.float64]

_MIDDLE_MCP = 9
_STEPS = ((0, "MCP"), (1, "PIP"), (2, "DIP"))


def bone_ratio_3d(view: View, limits: Limits) -> Outcome:
    """Ratios of a finger's neighbouring bones in space, fingers 2 to 5, against the widest of hands.

    Limits from bone lengths by Buryanov & Kotiuk 2010, Int. J. Morphol. 28(3):755-758 (66 adults), by Monte
    Carlo, 0.1 to 99.9 %. The score is the largest share by which a ratio leaves its range; beyond `error` it
    is an error, as sources do not all put the wrist in the same place.
    """
    bones = _finger_bones(view.xyz)
    length = np.linalg.norm(bones, axis=3)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = length[..., 1:] / length[..., :-1]
    low = np.array([limits["proximal_low"], limits["middle_low"], limits["distal_low"]])
    high = np.array([limits["proximal_high"], limits["middle_high"], limits["distal_high"]])
    high = np.tile(high, (4, 1))
    high[3, 2] = limits["little_distal_high"]
    beyond = np.maximum(low / ratios, ratios / high) - 1
    flat = np.where(np.isfinite(beyond), beyond, -1.0).reshape(len(view), 12)
    score = flat.max(axis=1)
    judged = np.any(np.isfinite(ratios), axis=(1, 2))

    def words(i: int) -> dict[str, object]:
        finger, step = divmod(int(flat[i].argmax()), 3)
        names = (
            "proximal phalanx to the metacarpal",
            "middle phalanx to the proximal",
            "distal to the middle",
        )
        return {
            "finger": kp.FINGERS[finger + 1],
            "bones": names[step],
            "ratio": f"{ratios[i, finger, step]:.2f}",
        }

    def severity(i: int) -> Severity:
        return "error" if score[i] > limits["error"] else "warning"

    return outcome(judged, judged & (score > 0), score, 0.0, words, severity)


def joint_limits_3d(view: View, limits: Limits) -> Outcome:
    """Flexion and abduction of fingers 2 to 5 in space, degrees, against what joints can do.

    Flexion at the MCP, PIP and DIP is the turn from one bone to the next about the axis across the palm
    (from the index to the little MCP), abduction at the MCP the angle out of the plane of flexion. Ranges as
    in Lin, Wu & Huang 2000 (Workshop on Human Motion), with `slack`. The score is the excess, degrees.
    """
    bones = _finger_bones(view.xyz)
    across = view.xyz[:, 17] - view.xyz[:, 5]
    normal = np.cross(bones[:, 0, 0], across)  # of the palm; which way, the side tells
    sign = np.select([view.side == "right", view.side == "left"], [-1.0, 1.0], np.nan)
    dorsal = _unit(normal * sign[:, None])[:, None]
    excess = np.zeros((len(view), 4, 4))
    judged = np.all(np.isfinite(dorsal), axis=(1, 2)) & np.all(np.isfinite(bones), axis=(1, 2, 3))
    palm = np.cross(_unit(bones[:, :, 0]), dorsal)
    for step, name in _STEPS:
        first, second = _unit(bones[:, :, step]), _unit(bones[:, :, step + 1])
        # The hinge is the palm's, less what of it lies along the bone: a bent finger still has one.
        hinge = _unit(palm - (palm * first).sum(axis=-1, keepdims=True) * first)
        forward = np.cross(hinge, first)
        up = (second * forward).sum(axis=-1)
        flexion = np.degrees(np.arctan2(-up, (second * first).sum(axis=-1)))
        least, most = limits[f"{name.lower()}_low"], limits[f"{name.lower()}_high"]
        excess[..., step] = np.maximum(least - flexion, flexion - most)
        if step == 0:
            aside = np.degrees(np.arcsin(np.clip((second * hinge).sum(axis=-1), -1, 1)))
            # A bent finger's sideways angle says little: its bone points along the hinge's own axis.
            excess[..., 3] = np.where(flexion < 60, np.abs(aside) - limits["mcp_aside"], -np.inf)
    flat = np.where(np.isfinite(excess), excess, -np.inf).reshape(len(view), 16) - limits["slack"]
    score = flat.max(axis=1)

    def words(i: int) -> dict[str, object]:
        finger, step = divmod(int(flat[i].argmax()), 4)
        what = ("MCP's flexion", "PIP's flexion", "DIP's flexion", "MCP's sideways angle")[step]
        return {"finger": kp.FINGERS[finger + 1], "joint": what}

    score = np.where(np.isfinite(score), score, 0.0)
    return outcome(judged, judged & (score > 0), score, 0.0, words)


def reprojection(view: View, limits: Limits) -> Outcome:
    """Distance of K xyz from the keypoints, pixels; the worst point's."""
    with np.errstate(divide="ignore", invalid="ignore"):
        image = np.einsum("nij,nkj->nki", view.K, view.xyz)
        projected = image[..., :2] / image[..., 2:]
        off = np.linalg.norm(projected - view.points, axis=2)
    behind = (view.xyz[..., 2] <= 0) & view.labelled
    off = np.where(behind, np.inf, off)
    known = np.isfinite(off) | behind
    off = np.where(known, np.minimum(off, 1e6), -1.0)
    score = off.max(axis=1)
    judged = np.any(known, axis=1)

    def words(i: int) -> dict[str, object]:
        return {"keypoint": kp.NAMES[int(off[i].argmax())]}

    def severity(i: int) -> Severity:
        return graded(float(score[i]), limits)[0]

    limit = limits["warning"]
    return outcome(judged, judged & (score > limit), score, limit, words, severity)


def render_angle(view: View, limits: Limits) -> Outcome:
    """The direction in which a render's hand points, from the wrist to the middle MCP, against the rotation
    it was rendered with: degrees clockwise, 0 upwards. Judged below a tilt of `tilt`, where a bone across the
    palm is not yet seen from its end.
    """
    middle = view.points[:, _MIDDLE_MCP] - view.points[:, kp.WRIST]
    seen = np.degrees(np.arctan2(middle[:, 0], -middle[:, 1])) % 360
    off = np.abs((seen - view.rotation + 180) % 360 - 180)
    judged = np.isfinite(off) & ~(np.abs(view.tilt) > limits["tilt"])
    off = np.where(judged, off, 0.0)

    def words(i: int) -> dict[str, object]:
        return {"stored": f"{view.rotation[i] % 360:.0f} degrees", "seen": f"{seen[i]:.0f}"}

    return outcome(judged, judged & (off > limits["degrees"]), off, limits["degrees"], words)


def crop_maths(view: View, limits: Limits) -> Outcome:
    """A crop's map to its photo: it can be inverted, scales x and y alike, and does not shear or mirror.

    The score is how far, in pixels of the crop, the map differs over the crop from the nearest map of
    scaling, turning and shifting; and what forth and back loses.
    """
    maps = view.transform
    judged = np.all(np.isfinite(maps), axis=(1, 2)) & every(np.isfinite(view.frame))
    a, b, c, d = maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1]
    scale = np.sqrt(np.maximum(a * d - b * c, 0))
    misfit = np.hypot(a - d, b + c) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(scale > 0, misfit / scale, np.inf) * view.frame.max(axis=1)
    score = np.where(judged, np.minimum(off, 1e6), 0.0)
    for row in np.flatnonzero(judged & (score <= limits["pixels"])):
        corners = np.array([[0.0, 0.0], view.frame[row]])
        there = geometry.apply(maps[row], corners)
        score[row] += float(np.abs(geometry.apply(geometry.invert(maps[row]), there) - corners).max())
    return outcome(judged, judged & (score > limits["pixels"]), score, limits["pixels"], lambda i: {})


def _finger_bones(xyz: Floats) -> Floats:
    """Metacarpal, proximal, middle and distal bone of fingers 2 to 5, (n, 4, 4, 3)."""
    chains = xyz[:, 5:].reshape(len(xyz), 4, 4, 3)
    wrist = np.broadcast_to(xyz[:, None, None, kp.WRIST], (len(xyz), 4, 1, 3))
    return np.diff(np.concatenate([wrist, chains], axis=2), axis=2)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Floats = vectors / np.where(length > 0, length, np.nan)
    return unit
