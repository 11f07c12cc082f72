"""Whether what colour took for a hand can be one: marks of a cut-out that went wrong.

Colour finds a hand on plain ground. On a ground like skin it tears the hand; in clutter it takes in what is
as red; of two hands, or of a hand and a face, it keeps one. The mask alone does not tell (`masks.check`), so
the photo is looked at again: how plain is the ground, is the inside of one hue, does the colour change along
all of the outline, is skin left outside?
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.images import Pixels
from curate.basics.wording import percent
from curate.hands import masks, segmentation
from curate.hands.masks import Map, Mask
from curate.hands.segmentation import pieces, share_of_border

_FLOOR = 16.0  # levels added before the logarithm: the noise of dark places has no hue
_LOG = np.log(np.arange(256, dtype=np.float32) + np.float32(_FLOOR))
_HUE = np.array([[1, -1, 0], [0, -1, 1]], np.float32)  # red and blue against green
_THIN = np.ones((3, 3), np.uint8)
_AROUND = (7, 7)  # pixels whose means, in and out, are compared along the outline
_FEW = 0.02  # of these that must be in, or out
_EDGE = 9.0  # gradient of an edge, levels a pixel
_OTHER_HUE = 0.2  # difference in natural logarithms: not the hand's hue
_FAINT = 0.15  # change of colour, the same, three channels together: hardly any
_LIGHTS, _HUES = (
    (0.05, 0.95),
    0.8,
)  # of the hand, by brightness and by hue: what is like those is like the hand
_SMOOTH = 0.02  # of the image's longer side: what the outline is smoothed by
_WHOLE = 256  # what the weights of that add up to
_EACH = 5  # of the pixels one in so many is enough for medians
_LEAST = 30  # pixels inside and outside, below which nothing is told
_NINE_TENTHS = 0.9
_CLUTTER = 0.1  # of `Marks.hues`: beyond, the ground is not plain

_PALM = (kp.WRIST, *kp.BASES)
_KNUCKLES = kp.BASES[1:]
_BASE = (kp.WRIST, kp.BASES[0])  # where the forearm begins, or nearly
_ENOUGH = 12  # labelled points that tell where the hand is
_MAX_BEYOND = 0.08  # share of the mask that may be too far from them
_COVERED = 0.95  # share of skeleton and palm on the mask, from which on the labels vouch for it
# In sizes of the hand, the longer side of the box of its points: flesh around bones and beyond tips; how far
# above its base, and how broadly, the forearm begins, and by how much it widens for each length.
_FLESH, _WRIST, _ARM, _ARM_WIDENS = 0.22, 0.1, 0.45, 0.35


@dataclass(frozen=True, slots=True)
class Marks:
    """What is seen of a cut-out, at `segmentation.REDUCED` pixels; small for a hand on plain ground.

    Attributes
    ----------
    hues: how far nine tenths of the ground are from its median hue, natural logarithms.
    border: share of the image's border that the hand covers.
    second: largest piece outside that is as red as skin, as a share of the hand.
    left: what lies outside and has the hand's brightness and hue, as a share of the hand.
    mixed: share of the hand that has another hue than most of it.
    crowded: share of the hand that is edges.
    unlike: share of the outline across which the hue changes the opposite way.
    faint: share of the outline across which the colour hardly changes.
    ragged: by how much the outline is longer than that of the smoothed mask.
    """

    hues: float
    border: float
    second: float
    left: float
    mixed: float
    crowded: float
    unlike: float
    faint: float
    ragged: float


@dataclass(frozen=True, slots=True)
class _Limit:
    """The most that a mark may be on plain ground, and in clutter; what it says beyond."""

    mark: str
    plain: float
    clutter: float
    says: str


# Chosen on other photographs than those that docs/measured.md reports on.
_LIMITS = (
    _Limit("second", 0.12, 0.06, "another piece of skin, {} of its size, lies beside the hand"),
    _Limit("left", 0.02, 0.005, "background as large as {} of the hand has the hand's colour"),
    _Limit("mixed", 0.30, 0.16, "{} of what looks like a hand has another hue"),
    _Limit("crowded", 0.50, 0.25, "edges make up {} of what looks like a hand"),
    _Limit("unlike", 0.15, 0.02, "the hue changes the wrong way across {} of the outline"),
    _Limit("faint", 0.36, 0.02, "the colour hardly changes across {} of the outline"),
    _Limit("border", 0.32, 0.25, "what looks like a hand covers {} of the image's border"),
    _Limit("ragged", 0.40, 0.50, "the outline is ragged, {} longer than a smooth one"),
)
_TOGETHER = 2.6  # sum of all marks, each as a share of its limit: many small ones tell, too


def judge(mask: Mask, points: NDArray[np.floating], doubt: Callable[[], str | None]) -> str | None:
    """Why a hand that was found by colour may be none, or be cut wrongly; None: nothing speaks against it.

    Where the labelled points tell where the hand is they decide; else what is seen.

    Parameters
    ----------
    mask: (H, W), where it was found. points: (21, 2), the visible ones, pixels; NaN where there is none.
    doubt: what is seen, asked where the labels do not decide: `doubt` below.
    """
    laid = _Laid.of(mask.shape, points)
    if laid is None:
        return doubt()
    far = laid.beyond(mask)
    if far > _MAX_BEYOND:
        told = percent(far, limit=_MAX_BEYOND)
        return (
            f"{told} of what was found lies too far from the labelled points to be their hand; "
            f"allowed: up to {percent(_MAX_BEYOND)}"
        )
    return None if laid.covered_by(mask) >= _COVERED else doubt()


def doubt(image: Pixels, mask: Mask, skin: Pixels | None = None) -> str | None:
    """What is seen of an image (H, W, 3) that speaks against a hand found in it by colour, or None.

    Parameters
    ----------
    mask: (H, W), where it was found.
    skin: what `segmentation.skin` gave for the reduced image, where that is known.
    """
    seen = marks(image, mask, skin)
    if seen is None:
        return None
    cluttered = seen.hues > _CLUTTER
    where = "; the background is not plain" if cluttered else ""
    together = 0.0
    for limit in _LIMITS:
        value, most = float(getattr(seen, limit.mark)), limit.clutter if cluttered else limit.plain
        if value > most:
            return f"{limit.says.format(percent(value, 1, most))}; allowed: up to {percent(most, 1)}{where}"
        together += value / most
    if together > _TOGETHER:
        return f"its marks add up to {together:.1f} times the limit of one; allowed: {_TOGETHER}{where}"
    return None


def marks(image: Pixels, mask: Mask, skin: Pixels | None = None) -> Marks | None:
    """What is seen of a cut-out; None: too few pixels in or out. The parameters are as for `doubt`."""
    image = images.reduced(image, segmentation.REDUCED)
    hand = np.asarray(images.reduced(mask.view(np.uint8) * np.uint8(255), segmentation.REDUCED) >= 128)
    inner = np.asarray(cv2.erode(hand.view(np.uint8), _THIN, iterations=2) > 0)
    outer = np.asarray(cv2.dilate(hand.view(np.uint8), _THIN, iterations=2) == 0)
    area, held = np.count_nonzero(hand), np.count_nonzero(inner)
    if min(held, np.count_nonzero(outer)) < _LEAST:
        return None
    smooth = np.asarray(cv2.GaussianBlur(image, (3, 3), 0), np.uint8)
    skin = segmentation.skin(image) if skin is None else skin
    window = _window(hand)
    hues, alike, mixed = _by_hue(smooth, inner, outer)
    unlike, faint = _across(smooth, hand, window)
    return Marks(
        hues=hues,
        border=share_of_border(hand),
        second=float(_largest_of(skin, outer) / area),
        left=float(alike / area),
        mixed=float(mixed / held),
        crowded=float(np.count_nonzero((masks.slope(smooth[window]) > _EDGE) & inner[window]) / held),
        unlike=unlike,
        faint=faint,
        ragged=max(0.0, _length(hand) / max(_length(_smoothed(hand, window)), 1.0) - 1),
    )


def _by_hue(image: Pixels, inner: Mask, outer: Mask) -> tuple[float, int, int]:
    """The mark `hues`; how many pixels outside are like the hand, and how many inside have another hue."""
    red, green, blue = (np.asarray(cv2.LUT(plane, _LOG), np.float32) for plane in cv2.split(image))
    light, red, blue = red + green + blue, red - green, blue - green  # the latter two are the hue
    some_in, some_out = (np.flatnonzero(where)[::_EACH] for where in (inner, outer))
    off = _apart(red, blue, red.take(some_in), blue.take(some_in))
    ground = _apart(*(red.take(some_out), blue.take(some_out)) * 2)
    (dark, bright), near = _quantiles(light.take(some_in), *_LIGHTS), _quantiles(off.take(some_in), _HUES)[0]
    alike = (off < min(float(near), _OTHER_HUE)) & (light > dark) & (light < bright) & outer
    mixed = (off > _OTHER_HUE) & inner
    hues = float(_quantiles(ground, _NINE_TENTHS)[0])
    return hues, int(np.count_nonzero(alike)), int(np.count_nonzero(mixed))


def _apart(red: Map, blue: Map, some_red: Map, some_blue: Map) -> Map:
    """How far each hue, in two planes of one shape, is from the median of some, (n,) each."""
    usual = [np.sort(some)[len(some) // 2] for some in (some_red, some_blue)]
    return np.asarray(cv2.magnitude(red - usual[0], blue - usual[1]), np.float32).reshape(red.shape)


def _quantiles(values: Map, *shares: float) -> Map:
    """Of (n,) values; as numpy's, which takes several times as long for so few."""
    places = np.array(shares) * (len(values) - 1)
    below = places.astype(np.intp)
    ordered = np.sort(values)
    step = ordered[np.minimum(below + 1, len(values) - 1)] - ordered[below]
    return np.asarray(ordered[below] + (places - below) * step, np.float32)


def _largest_of(skin: Pixels | None, outside: Mask) -> int:
    """Pixels of the largest piece outside that is as red as skin."""
    if skin is None:
        return 0
    rest = cv2.morphologyEx(skin, cv2.MORPH_OPEN, _THIN) & outside.view(np.uint8)
    return max((piece.area for piece in pieces(np.asarray(rest))), default=0)


def _window(hand: Mask) -> tuple[slice, slice]:
    """Where the hand is, with so much around that nothing is seen of it beyond."""
    x, y, w, h = cv2.boundingRect(hand.view(np.uint8))
    margin = len(_kernel(max(hand.shape))) // 2
    return slice(max(y - margin, 0), y + h + margin), slice(max(x - margin, 0), x + w + margin)


def _across(image: Pixels, hand: Mask, window: tuple[slice, slice]) -> tuple[float, float]:
    """The shares of the outline across which the hue changes the opposite way, and the colour hardly."""
    lines, _ = cv2.findContours(hand.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    columns, rows = np.concatenate(lines)[:, 0].T
    within = (columns > 2) & (columns < hand.shape[1] - 3) & (rows > 2) & (rows < hand.shape[0] - 3)
    # The last of four channels counts the pixels, each as 255.
    colours, hand = cv2.cvtColor(image[window], cv2.COLOR_RGB2RGBA), hand[window]
    place = (rows[within] - window[0].start) * hand.shape[1] + columns[within] - window[1].start
    inside, held = _means(colours, place, cv2.erode(hand.view(np.uint8), _THIN))
    outside, free = _means(colours, place, cv2.erode((~hand).view(np.uint8), _THIN))
    change = (inside - outside)[(held > _FEW) & (free > _FEW)]
    if not len(change):
        return 0.0, 0.0
    hue = change @ _HUE.T
    usual = hue @ [_quantiles(channel, 0.5)[0] for channel in hue.T]
    faint = np.linalg.norm(change, axis=1) < _FAINT
    return float(np.count_nonzero(usual < 0) / len(change)), float(np.count_nonzero(faint) / len(change))


def _means(colours: Any, place: NDArray[np.intp], chosen: Any) -> tuple[Map, Map]:
    """Around pixels (n,), counted row by row, the logarithm of the chosen ones' mean colour, (n, 3), and
    their share, (n,)."""
    sums = cv2.boxFilter(cv2.copyTo(colours, chosen), cv2.CV_16U, _AROUND, normalize=False)
    near = sums.reshape(-1, 4).take(place, axis=0).astype(np.float32)
    count = near[:, 3] / 255
    mean = near[:, :3] / np.maximum(count, 1)[:, None]
    return np.asarray(np.log(mean + np.float32(_FLOOR)), np.float32), count / math.prod(_AROUND)


def _length(hand: Mask) -> float:
    """Of the outlines, holes' too, pixels."""
    lines, _ = cv2.findContours(hand.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return float(sum(cv2.arcLength(line, True) for line in lines))


def _smoothed(hand: Mask, window: tuple[slice, slice]) -> Mask:
    """The hand, blurred and cut at half: as cv2.GaussianBlur of bytes has it, in a fraction of its time."""
    kernel = _kernel(max(hand.shape))
    soft = cv2.sepFilter2D(hand[window].view(np.uint8), cv2.CV_32F, kernel, kernel)
    return np.asarray(soft >= _WHOLE**2 / 2)


@lru_cache(maxsize=16)
def _kernel(side: int) -> NDArray[np.float64]:
    """The weights that outlines are smoothed by in an image of that longer side: (n,), adding up to _WHOLE.

    They are whole numbers, so that sums are exact in any order of computing. What rounding leaves of one
    goes to the next, inwards.
    """
    sigma = _SMOOTH * side
    reach = round(6 * sigma + 1) // 2
    half = np.round(_WHOLE * np.cumsum(cv2.getGaussianKernel(2 * reach + 1, sigma)[:reach, 0]))
    left = np.diff(half, prepend=0)
    return np.concatenate([left, [_WHOLE - 2 * half[-1]], left[::-1]])


@dataclass(frozen=True, slots=True)
class _Laid:
    """A labelled hand laid on an image.

    Attributes
    ----------
    points: (21, 2), pixels; NaN where there is none. base: a joint at the hand's base.
    way: (2,) unit vector, to the forearm.
    size: longer side of the points' box, pixels. bones: (H, W) uint8, 0 on skeleton and palm, else 1.
    """

    points: NDArray[np.floating]
    base: int
    way: NDArray[np.floating]
    size: float
    bones: Pixels

    @classmethod
    def of(cls, shape: tuple[int, ...], points: NDArray[np.floating]) -> _Laid | None:
        """None: too few points tell."""
        known = np.isfinite(points).all(axis=1)
        knuckles = [knuckle for knuckle in _KNUCKLES if known[knuckle]]
        base = next((joint for joint in _BASE if known[joint]), None)
        if np.count_nonzero(known) < _ENOUGH or not knuckles or base is None:
            return None
        way = points[base] - points[knuckles].mean(axis=0)
        size = max(float(np.ptp(points[known], axis=0).max()), 1.0)
        bones = np.ones(shape, np.uint8)
        # Far outside the image a point is as good as anywhere else there; OpenCV draws with 32 bits.
        limit = 4 * max(shape)
        whole = np.clip(np.round(np.nan_to_num(points) - 0.5), -limit, limit).astype(np.int32)
        for one, other in kp.BONES:
            if known[one] and known[other]:
                cv2.line(bones, tuple(whole[one].tolist()), tuple(whole[other].tolist()), 0, 1)
        cv2.fillPoly(bones, [whole[[joint for joint in _PALM if known[joint]]]], 0)
        return cls(points, base, way / max(float(np.linalg.norm(way)), 1e-6), size, bones)

    def beyond(self, mask: Mask) -> float:
        """The share of a mask that is too far from the points to be this hand's or its forearm's."""
        rows, columns = np.nonzero(mask)
        from_base = np.stack([columns, rows], axis=1) + 0.5 - self.points[self.base]
        along = from_base @ self.way
        across = np.abs(from_base @ np.array([-self.way[1], self.way[0]]))
        broad = _ARM * self.size + _ARM_WIDENS * np.maximum(along, 0)
        forearm = (along > -_WRIST * self.size) & (across < broad)
        away = cv2.distanceTransform(self.bones, cv2.DIST_L2, 5)[rows, columns]
        return float(np.count_nonzero((away > _FLESH * self.size) & ~forearm) / max(len(rows), 1))

    def covered_by(self, mask: Mask) -> float:
        """The share of skeleton and palm that lies on a mask; 1 where none lies in the image."""
        on = mask[self.bones == 0]
        return float(on.mean()) if len(on) else 1.0


def beyond(mask: Mask, points: NDArray[np.floating]) -> float | None:
    """The share of a mask that is too far from the labelled points to be their hand's or its forearm's.

    Parameters
    ----------
    mask: (H, W). points: (21, 2), pixels; NaN where there is none. None is returned where too few tell.
    """
    laid = _Laid.of(mask.shape, points)
    return None if laid is None else laid.beyond(mask)
