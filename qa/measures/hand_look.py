"""What one hand in an image shows, as numbers: sharpness, tone, its mask, how deep its points lie in that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.images import Pixels
from curate.hands import cutout_checks, segmentation
from qa.measures.arrays import Flags, Floats
from qa.measures.image_look import REDUCED, reduced

_OFF = 0.02  # of the hand's size: how far off a point, the wrist apart, makes a mask found by colour doubtful
_HAND = 80  # px: how long the hand is in the reduced image that its mask is found in
# Points whose depth in the mask is measured: the keypoints, and what lies beyond the tips.
DEPTHS = kp.COUNT + len(kp.TIPS)
_BEYOND = 0.8  # of the last bone
_RINGS = (3, 7, 11, 19)  # px: how wide a mask is made for the two rings around it
# The range of RHD's part ids: 0 ground, 1 body, 2-17 the left hand, 18-33 the right.
_LARGEST_PART = 33
_PARTS = {"left": (2, 17), "right": (18, 33)}
_NO_TONE = (float("nan"),) * 4  # sharpness, bright, dark, clipped


@dataclass(frozen=True, slots=True)
class HandLook:
    """What one hand in an image shows; a number that cannot be known is NaN.

    Attributes
    ----------
    sharpness: variance of the Laplacian of the hand's box, scaled to a longer side of 128 px.
    bright, dark: 99 % and 5 % quantile of the box's lightness, 0..1. clipped: share of it at 0 or 255.
    depth: (26,) how deep each keypoint lies inside the mask, in hand sizes, negative outside; and, last, five
        points beyond the fingertips, where there should be no more hand.
    found: the mask was found by colour, not given. doubted: it has marks of being of something else, as in
        clutter; only looked for where points lie off it.
    likeness: (21,) how like the hand the place of each keypoint looks, where the mask was found by colour: 0
        for the ground's colour, 1 for the hand's. Points off the mask that look like the hand speak against
        the mask, those that look like the ground against the labels. NaN for other masks.

    Of a mask that was given:

    parts: share of the labelled points that lie in the part ids of their side, in masks that hold such ids.
    area: its share of the image. main: share of it in its largest piece. holes: their share of it.
    sides: how many of the image's four sides it touches.
    rim: how far the colour right beside it is from the colour a little farther off, 0..255.
    """

    sharpness: float
    bright: float
    dark: float
    clipped: float
    depth: Floats = field(default_factory=lambda: np.full(DEPTHS, np.nan))
    found: bool = False
    doubted: bool = False
    likeness: Floats = field(default_factory=lambda: np.full(kp.COUNT, np.nan))
    parts: float = float("nan")
    area: float = float("nan")
    main: float = float("nan")
    holes: float = float("nan")
    sides: float = float("nan")
    rim: float = float("nan")


def look_at_hand(
    image: Pixels,
    points: Floats,
    mask: Pixels | None,
    side: str | None,
    *,
    alone: bool,
    hidden: Flags,
) -> HandLook:
    """Measure one hand.

    Parameters
    ----------
    points: (21, 2) pixels, NaN where unlabelled. mask: the sample's own, as large as the image.
    side: which hand it is, in a mask of RHD's part ids.
    alone: no other hand is labelled in the image: whatever hand is found there by colour is this one.
    hidden: (21,) whether each point is labelled as hidden: in its place a mask of part ids may show something
        else, such as the other hand or what is held.
    """
    known = points[np.isfinite(points).all(axis=1)]
    if not len(known):
        return HandLook(*_NO_TONE)
    size = float(np.ptp(known, axis=0).max())
    tone = _tone(image, known)
    if mask is not None:
        own, by_parts = _own_hand(mask, side)
        points, parts = _judged(own, points, hidden) if by_parts else (points, float("nan"))
        facts = _mask_facts(own)
        depth = _depth(own, points, size, image.shape)
        return HandLook(*tone, depth, parts=parts, rim=_rim(image, own), **facts)
    found = hand_mask(image, points, None, side, alone=alone)
    if found is None:
        return HandLook(*tone)
    depth = _depth(found, points, size, image.shape)
    doubted = bool((depth[1 : kp.COUNT] < -_OFF).any()) and _doubted(image, found)
    return HandLook(*tone, depth, found=True, doubted=doubted, likeness=_likeness(image, found, points))


def _doubted(image: Pixels, found: Pixels) -> bool:
    """Whether a mask found by colour has marks of a wrong cut-out (`cutout_checks.doubt`)."""
    return cutout_checks.doubt(reduced(image, max(found.shape)), found.astype(bool)) is not None


def hand_mask(
    image: Pixels, points: Floats, mask: Pixels | None, side: str | None, *, alone: bool
) -> Pixels | None:
    """The hand's pixels as 0 and 1: its own mask, else one found by colour in a reduced image, in which the
    hand is about _HAND px long; None where there is neither. Parameters as in `look_at_hand`.
    """
    if mask is not None:
        return _own_hand(mask, side)[0]
    known = points[np.isfinite(points).all(axis=1)]
    if not alone or image.ndim != 3 or not len(known):
        return None
    size = float(np.ptp(known, axis=0).max())
    reach = min(_HAND / max(size, 1.0) * max(image.shape[:2]), segmentation.REDUCED)
    found = segmentation.hand_mask(reduced(image, max(REDUCED, round(reach))))
    return None if found is None else found.astype(np.uint8)


def _tone(image: Pixels, known: Floats) -> tuple[float, float, float, float]:
    """Sharpness, bright, dark and clipped of the points' box; NaN where none of it lies in the image."""
    height, width = image.shape[:2]
    frame = np.array([width, height])
    low = np.clip(np.floor(known.min(axis=0)), 0, frame).astype(int)
    high = np.clip(np.ceil(known.max(axis=0)), 0, frame).astype(int)
    crop: Any = image[low[1] : high[1], low[0] : high[0]]
    if min(crop.shape[:2]) < 3:
        return _NO_TONE
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    scale = REDUCED / max(grey.shape)
    shape = (max(3, round(grey.shape[1] * scale)), max(3, round(grey.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    hand: Any = cv2.resize(grey, shape, interpolation=way)
    counts = np.bincount(hand.reshape(-1), minlength=256) / hand.size
    bright, dark = np.searchsorted(np.cumsum(counts), (0.99, 0.05)) / 255
    sharp = float(cv2.meanStdDev(cv2.Laplacian(hand, cv2.CV_32F))[1].item() ** 2)
    return sharp, float(bright), float(dark), float(counts[0] + counts[255])


def _own_hand(mask: Pixels, side: str | None) -> tuple[Pixels, bool]:
    """The hand's pixels as 0 and 1; and whether the mask holds part ids."""
    top = int(mask.max())
    if not 1 < top <= _LARGEST_PART or side not in _PARTS:
        return (mask > (0 if top <= 1 else 127)).astype(np.uint8), False
    first, last = _PARTS[side]
    return ((mask >= first) & (mask <= last)).astype(np.uint8), True


def _judged(own: Pixels, points: Floats, hidden: Flags) -> tuple[Floats, float]:
    """The points, NaN where something else covers them; and of the others that lie in the image, the share on
    their hand."""
    places, inside = _cells(points, own.shape)
    on_hand = own[places[:, 1], places[:, 0]] > 0
    covered = hidden & inside & ~on_hand
    seen = on_hand[inside & ~covered]
    return np.where(covered[:, None], np.nan, points), float(seen.mean()) if len(seen) else float("nan")


def _mask_facts(own: Pixels) -> dict[str, Any]:
    """area, main, holes and sides, see HandLook."""
    area = float(own.mean())
    if not area:
        return {"area": 0.0, "sides": 0.0}
    small = cv2.resize(own, reduced(own, 2 * REDUCED).shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    _, _, pieces, _ = cv2.connectedComponentsWithStats(small, connectivity=8)
    whole = int(small.sum())
    ground = cv2.connectedComponentsWithStats(np.pad(1 - small, 1, constant_values=1), connectivity=4)[2]
    # Label 0 is the hand; of the rest the ground around it is the largest.
    holes = int(ground[1:, cv2.CC_STAT_AREA].sum() - ground[1:, cv2.CC_STAT_AREA].max(initial=0))
    main = float(pieces[1:, cv2.CC_STAT_AREA].max(initial=0)) / max(whole, 1)
    sides = sum(bool(edge.any()) for edge in (small[0], small[-1], small[:, 0], small[:, -1]))
    return {"area": area, "main": main, "holes": holes / max(whole, 1), "sides": float(sides)}


def _rim(image: Pixels, own: Pixels) -> float:
    """Distance between the mean colours of the ground right beside the mask and a little farther off; NaN
    where either ring is empty."""
    small = reduced(image, 2 * REDUCED)
    hand = cv2.resize(own, small.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    wider = [cv2.dilate(hand, np.ones((side, side), np.uint8)) for side in _RINGS]
    near, far = (wider[1] - wider[0]).astype(bool), (wider[3] - wider[2]).astype(bool)
    if not near.any() or not far.any():
        return float("nan")
    means = [small[ring].astype(np.float64).mean(axis=0) for ring in (near, far)]
    return float(np.abs(means[0] - means[1]).max())


def _likeness(image: Pixels, found: Pixels, points: Floats) -> Floats:
    """How far the colour at each point is on the way from the ground's colour (0) to the hand's (1), (21,);
    NaN outside the image. Both colours are medians over a mask found by colour: a part it lost moves them
    little."""
    small: Any = cv2.blur(reduced(image, max(found.shape)), (3, 3)).astype(np.float64)
    hand = found.astype(bool)
    ground = np.median(small[~hand], axis=0) if not hand.all() else small.mean(axis=(0, 1))
    way = np.median(small[hand], axis=0) - ground
    places, inside = _cells(points * (found.shape[1] / image.shape[1]), found.shape)
    likeness = np.full(len(points), np.nan)
    seen = small[places[inside, 1], places[inside, 0]] - ground
    likeness[inside] = seen @ way / max(float(way @ way), 1e-9)
    return likeness


def _depth(own: Pixels, points: Floats, size: float, shape: tuple[int, ...]) -> Floats:
    """How deep inside the mask each point and the end of each finger lies, (26,), in hand sizes; NaN outside
    the image."""
    points = np.concatenate([points, _ends(points)])
    own = cv2.resize(own, reduced(own, 2 * REDUCED).shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)  # type: ignore[assignment]
    if not size or not own.any() or own.all():
        return np.full(len(points), np.nan)
    scale = own.shape[1] / shape[1]
    inner = cv2.distanceTransform(own, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - own, cv2.DIST_L2, 3)
    places, inside = _cells(points * scale, own.shape)
    depth = np.full(len(points), np.nan)
    depth[inside] = inner[places[inside, 1], places[inside, 0]] / (scale * size)
    return depth


def _ends(points: Floats) -> Floats:
    """A point beyond each fingertip, (5, 2), by most of the last bone: there is no more hand, unless the
    labels are those of a smaller one, or lie short of the finger's true tip."""
    tips = np.array(kp.TIPS)
    ends: Floats = points[tips] + _BEYOND * (points[tips] - points[tips - 1])
    return ends


def _cells(points: Floats, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], Flags]:
    """The pixel that each point lies in, and whether it lies in the image."""
    inside = np.all((points >= 0) & (points < (shape[1], shape[0])), axis=1)
    return np.where(inside[:, None], points, 0).astype(np.intp), inside
