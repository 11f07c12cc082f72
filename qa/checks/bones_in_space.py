"""Checks of a hand in space: its size, the proportions of its bones, and how far its joints bend."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from qa.checks.check import Check, Limits, Outcome, graded_outcome, sample_outcome
from qa.measures.arrays import Flags, Floats, Names
from qa.view import View

_STEPS = ((0, "MCP"), (1, "PIP"), (2, "DIP"))
_MOST = 1000.0  # the largest ratio reported: that of a bone without length would be infinite


def finger_length_3d(view: View, limits: Limits) -> Outcome:
    """Length of a finger in space along its bones, from MCP to tip, metres: the median of fingers 2 to 5.

    The limits only tell units apart. The middle finger's bones are 88 mm in the mean of 66 adults (Buryanov &
    Kotiuk 2010, Int. J. Morphol. 28(3):755-758), a child's half of that.
    """
    phalanges = np.linalg.norm(_finger_bones(view.xyz.astype(np.float64))[:, :, 1:], axis=3).sum(axis=2)
    judged = np.isfinite(phalanges).any(axis=1)
    length = np.zeros(len(view))
    length[judged] = np.nanmedian(phalanges[judged], axis=1)
    short = length < limits["shortest"]
    wrong = judged & (short | (length > limits["longest"]))
    # The worst is the one farthest from either limit, as a factor.
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(short, limits["shortest"] / length, length / limits["longest"])
    broken = np.where(short, limits["shortest"], limits["longest"])
    return sample_outcome(
        judged,
        wrong,
        length,
        limits["longest"],
        lambda i: {"length": f"{length[i]:.3g}"},
        rank=np.where(np.isfinite(factor), factor, np.finfo(float).max),
        broken=broken,
    )


def bone_ratio_3d(view: View, limits: Limits) -> Outcome:
    """Ratios of a finger's neighbouring bones in space, fingers 2 to 5, against the widest of hands.

    The score is the largest share by which a ratio leaves its range. Up to `error` it is a warning only,
    since sources do not all put the wrist in the same place. The ranges hold 99.8 % of hands, by a Monte
    Carlo simulation from the bone lengths of 66 adults (Buryanov & Kotiuk 2010, Int. J. Morphol.
    28(3):755-758). On palms, labels lie on creases instead of knuckles; of the little finger this moves one
    out of the range, which is therefore wider.
    """
    length = np.linalg.norm(_finger_bones(view.xyz.astype(np.float64)), axis=3)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.clip(length[..., 1:] / length[..., :-1], 1 / _MOST, _MOST)
    low = np.array([limits["proximal_low"], limits["middle_low"], limits["distal_low"]])
    high = np.array([limits["proximal_high"], limits["middle_high"], limits["distal_high"]])
    low, high = np.tile(low, (4, 1)), np.tile(high, (4, 1))
    low[3, 0], high[3, 2] = limits["little_proximal_low"], limits["little_distal_high"]
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = np.maximum(low / ratios, ratios / high) - 1
    flat = np.where(np.isfinite(beyond), beyond, -1.0).reshape(len(view), 12)
    score = flat.max(axis=1)
    judged = np.any(np.isfinite(ratios), axis=(1, 2))

    def words(i: int) -> dict[str, object]:
        finger, step = divmod(int(flat[i].argmax()), 3)
        bones = ("metacarpal", "proximal phalanx", "middle phalanx", "distal phalanx")
        return {
            "finger": kp.FINGERS[finger + 1],
            "bone": bones[step + 1],
            "before": bones[step],
            "ratio": f"{ratios[i, finger, step]:.2f}",
        }

    return graded_outcome(judged, score, limits, words)


def joint_limits_3d(view: View, limits: Limits) -> Outcome:
    """Flexion and abduction of fingers 2 to 5 in space, degrees, against what joints can do.

    Flexion at the MCP, PIP and DIP is the turn from one bone to the next about the axis across the palm, from
    the index to the little MCP; abduction at the MCP is the angle out of the plane of flexion. The score is
    by how many degrees a range is left (Lin, Wu & Huang 2000, Workshop on Human Motion), less `slack`.
    """
    excess, judged = _beyond(view.xyz.astype(np.float64), view.side, limits)
    flat = np.where(np.isfinite(excess), excess, -np.inf).reshape(len(view), 16) - limits["slack"]
    score = flat.max(axis=1)

    def words(i: int) -> dict[str, object]:
        finger, step = divmod(int(flat[i].argmax()), 4)
        what = ("MCP flexion", "PIP flexion", "DIP flexion", "MCP abduction")[step]
        return {"finger": kp.FINGERS[finger + 1], "joint": what}

    score = np.where(np.isfinite(score), score, 0.0)
    return sample_outcome(judged, judged & (score > 0), score, 0.0, words)


def _beyond(xyz: Floats, side: Names, limits: Limits) -> tuple[Floats, Flags]:
    """By how many degrees fingers 2 to 5 leave the ranges of MCP, PIP, DIP and, sideways, of the MCP
    (n, 4, 4), and which hands can be judged."""
    bones = _finger_bones(xyz)
    across = xyz[:, 17] - xyz[:, 5]
    normal = np.cross(bones[:, 0, 0], across)  # of the palm; which way, the side tells
    sign = np.select([side == "right", side == "left"], [-1.0, 1.0], np.nan)
    dorsal = _unit(normal * sign[:, None])[:, None]
    excess = np.zeros((len(xyz), 4, 4))
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
    return excess, judged


def _finger_bones(xyz: Floats) -> Floats:
    """Metacarpal, proximal, middle and distal bone of fingers 2 to 5, (n, 4, 4, 3)."""
    chains = xyz[:, 5:].reshape(len(xyz), 4, 4, 3)
    wrist = np.broadcast_to(xyz[:, None, None, kp.WRIST], (len(xyz), 4, 1, 3))
    return np.diff(np.concatenate([wrist, chains], axis=2), axis=2)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Floats = vectors / np.where(length > 0, length, np.nan)
    return unit


CHECKS: tuple[Check, ...] = (
    Check(
        "finger-length-3d",
        "Fingers in 3D have a real finger's length, in metres",
        "error",
        "sample",
        finger_length_3d,
        "In 3D the fingers are {length} m long from MCP to tip.",
        "Check the unit of the 3D points: xyz must be in metres.",
        {"shortest": 0.03, "longest": 0.2},
        alone=True,
    ),
    Check(
        "bone-ratio-3d",
        "Bones in 3D have a hand's proportions",
        "error",
        "sample",
        bone_ratio_3d,
        "In 3D the {finger} finger's {bone} is {ratio} times as long as its {before}, which is rare.",
        "Check the order of the 3D points, and their unit.",
        {
            "proximal_low": 0.35,
            "proximal_high": 1.05,
            "middle_low": 0.33,
            "middle_high": 1.0,
            "distal_low": 0.5,
            "distal_high": 1.5,
            "little_proximal_low": 0.26,
            "little_distal_high": 2.1,
            "error": 0.2,
        },
        alone=True,
    ),
    Check(
        "joint-limits-3d",
        "Joints bend no further than joints can",
        "warning",
        "sample",
        joint_limits_3d,
        "The {finger} finger's {joint} is {score:.0f}° beyond what a joint can do.",
        "Check the 3D points, and whether the side is right.",
        {
            "mcp_low": -20.0,
            "mcp_high": 95.0,
            "pip_low": -5.0,
            "pip_high": 115.0,
            "dip_low": -5.0,
            "dip_high": 90.0,
            "mcp_aside": 25.0,
            "slack": 10.0,
        },
        alone=True,
    ),
)
