"""The hand's exact outline on plain ground, in four steps, and whether a mask can be a hand's.

The steps are those of Arslanova et al. 2020: Sobel gradient; fill the outside; remove islands and smooth the
border; binarise and blur a little for the alpha. A plain fill leaks where the edge is weak, and stops at
shadows. So each step is guarded by the colours of skin and ground, both as they are near the pixel at hand:
a shadow is the ground made darker, which counts for little, and a change of hue counts for much.

All is found at a working size; only the narrow band along the border is decided at full size. The mask holds
the hand and what it wears: rings, nail polish, watch and sleeve.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate import images, segmentation
from curate.errors import UnreadableImage
from curate.images import Pixels

Mask = NDArray[np.bool_]
Map = NDArray[np.float32]

WORKING = 400  # longer side of the working image, pixels

_WIDE, _NEAR = 24, 6  # radius that colours are averaged over: to find the hand, and along its border
_SHADOW, _NOISE = 0.5, 0.025  # spread of the ground's colour in brightness and in hue, natural logarithms
# Share of the hand's hue that a shadow takes on as it darkens by a factor of e; the most that costs the hand.
_WARM, _WARM_HAND = 0.5, 0.25
_FLOOR = 6.0  # levels that are added before the logarithm: below, noise prevails
_LOG = np.log(np.arange(256, dtype=np.float32) + np.float32(_FLOOR))
# Sobel gradient of an outline, levels a working pixel: on bare ground, and where shadows have edges too.
_EDGE, _SHADOW_EDGE = 9.0, 14.0
_BAND = 2  # half width of the band that is decided at full size, working pixels
_TELLING = 3.0  # distance of hand and ground, in spreads, from which a pixel's own colour decides
_GREY, _DARK = 25.0, 0.5  # the ground: at most so far from its hue, and at least so bright against its median
_PRIOR = 0.002  # weight of the whole image's mean in a local one, for places far from any example
_RHD_PARTS: dict[str | None, tuple[int, int]] = {"left": (2, 17), "right": (18, 33), None: (2, 33)}
_THIN = np.ones((3, 3), np.uint8)
_ROUND = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))

_SPECK, _PATCH = 8, 50  # working pixels from which bare ground, and ground in shadow, is seen in a pocket
_BARE, _SHADED = 0.05, 0.35  # and the likeness up to which
_CREASE, _BRIGHT = 0.3, 0.8  # brightness, 1 as the ground: creases are darker, bare ground and nails brighter
_PART, _REACH = 0.01, 0.08  # a further piece's share of skin; width of rings and watches in image sides
_BARE_BRIGHT = 0.95  # brightness that ground has where no shadow falls
_GLOSS = 0.08  # likeness from which a bright place inside the skin is a highlight
_SURE = 0.6  # likeness of the hand's inside from which the band beside it is decided by colour: no pale nail

# What a mask must be like to be a hand's (QA checks 20 and 21).
_AREA = (0.01, 0.85)  # of the image
_MAX_BORDER = 0.5  # of the image's border: beyond, ground has become hand
_MAIN_PIECE = 0.95  # of the mask
_MAX_HOLES = 0.03  # of the mask
_OFF, _MAX_OFF = 0.02, 0.2  # of the hand's size that a keypoint may be off; share of keypoints that may be


@dataclass(frozen=True, slots=True)
class Colours:
    """The hand's and the ground's colour near each pixel: (h, w, 3) float32 each, smaller than the image."""

    hand: Map
    ground: Map

    def likeness(self, image: Pixels) -> Map:
        """How far each pixel of an image is on the way from ground (0) to hand (1): (H, W).

        Fisher's linear discriminant between logarithms of colours. There a shadow, like the dark side of a
        finger, is a shift of all three channels alike: such shifts vary much, hue varies little.
        """
        ground, axis, length = self._discriminant()
        axis = axis / length[..., None]
        size = image.shape[1::-1]
        axis, base = (_enlarged(part, size) for part in (axis, _dot(ground, axis)))
        return _dot(_LOG[image], axis) - base

    def share(
        self,
        pixels: Pixels,
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        shape: tuple[int, ...],
    ) -> Map:
        """About how much of each pixel (n, 3) at places of an image of that shape is hand: (n,).

        The likeness, scaled so that an equal mixture of hand and ground, which has less than a half, gets it.
        """
        ground, axis, length = self._discriminant()
        middle = _dot(np.log((self.hand + self.ground) / 2 + _FLOOR) - ground, axis)
        axis = axis / np.maximum(2 * middle, 0.02 * length)[..., None]
        place = _places(rows, columns, shape, axis.shape)
        return _dot(_LOG[pixels], axis[place]) - _dot(ground, axis)[place]

    def distance(self) -> Map:
        """Between hand and ground, in spreads of the ground's colour (Mahalanobis): (h, w)."""
        return np.asarray(np.sqrt(self._discriminant()[2]) / _NOISE, np.float32)

    def _discriminant(self) -> tuple[Map, Map, Map]:
        """The ground's logarithm, the axis to measure along, and how far the hand is along it."""
        ground = np.log(self.ground + _FLOOR)
        way = np.log(self.hand + _FLOOR) - ground
        light = way.sum(axis=2, keepdims=True) / 3
        warmth = np.minimum(_WARM, _WARM_HAND / np.maximum(np.abs(light), 0.01))
        shade = 1 - warmth * (way - light)  # light that the hand throws back warms its shadow
        shade *= (_dot(way, shade) / _dot(shade, shade))[..., None]
        axis = way - shade * (1 - _NOISE**2 / (_SHADOW**2 + _NOISE**2))
        return ground, axis, np.maximum(_dot(way, axis), 1e-6)

    def at(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, ...]
    ) -> tuple[Map, Map]:
        """The hand's and the ground's colour, (n, 3) each, at pixels of an image of that shape."""
        place = _places(rows, columns, shape, self.hand.shape)
        return self.hand[place], self.ground[place]

    @classmethod
    def near(cls, image: Pixels, mask: Mask, radius: int) -> Colours:
        """Averages over what is surely hand and surely ground, within `radius` pixels or so."""
        hand = _eroded(mask)
        away = _eroded(~mask, 2)
        pixels = image.astype(np.float32)
        return cls(
            _local_mean(pixels, hand, radius), _local_mean(pixels, away & _plain(pixels, away), radius)
        )


def _dot(one: Map, other: Map) -> Map:
    return np.asarray(np.einsum("...c,...c->...", one, other), np.float32)


def _brightness(image: Pixels, ground: Map) -> Map:
    """Of each pixel, 1 as the ground near it."""
    light = image.astype(np.float32)
    usual = _enlarged(np.maximum(_dot(ground, ground), 1.0), image.shape[1::-1])
    return np.asarray(np.sqrt(_dot(light, light) / usual), np.float32)


def _eroded(mask: Mask, times: int = 1) -> Pixels:
    return np.asarray(cv2.erode(mask.astype(np.uint8), _ROUND, iterations=times), np.uint8)


def _local_mean(pixels: Map, chosen: Pixels, radius: int) -> Map:
    """Mean of the chosen pixels near each, at half the size; far from any, their mean over all."""
    weighted: Any = cv2.merge([*cv2.split(pixels * chosen[..., None]), chosen.astype(np.float32)])
    half = tuple(max(1, side // 2) for side in chosen.shape[::-1])
    weighted = cv2.resize(weighted, half, interpolation=cv2.INTER_AREA)
    total = np.array(cv2.sumElems(weighted))
    for _ in range(2):
        weighted = cv2.blur(weighted, (radius + 1, radius + 1), borderType=cv2.BORDER_REFLECT)
    mean = total[:-1] / max(float(total[-1]), 1.0)
    return np.asarray((weighted[..., :-1] + _PRIOR * mean) / (weighted[..., -1:] + _PRIOR), np.float32)


def _enlarged(part: Map, size: tuple[int, ...]) -> Map:
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _places(
    rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, ...], other: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where pixels of an image of one shape lie in one of another."""
    return rows * other[0] // shape[0], columns * other[1] // shape[1]


def _plain(pixels: Map, away: Pixels) -> Pixels:
    """Where the image has the ground's hue and is not dark: no sleeve, no table's edge."""
    if not away.any():
        return away
    ground = np.median(pixels[away > 0], axis=0)
    size = max(float(np.linalg.norm(ground)), 1.0)
    along = _dot(pixels, (ground / size).astype(np.float32))
    across = _dot(pixels, pixels) - along**2
    return np.asarray((across < _GREY**2) & (along > _DARK * size), np.uint8)


def gradient(image: Pixels) -> Map:
    """Step 1: Sobel gradient, (H, W) float32, the strongest of the channels, in levels a pixel."""
    smooth = cv2.GaussianBlur(image, (3, 3), 0)
    # Whole numbers: OpenCV's float gradients were seen to differ in the last bit between threads.
    across = cv2.Sobel(smooth, cv2.CV_16S, 1, 0).astype(np.int32)
    down = cv2.Sobel(smooth, cv2.CV_16S, 0, 1).astype(np.int32)
    square = across * across + down * down
    return np.asarray(np.sqrt((square.max(axis=2) if square.ndim == 3 else square) / 64), np.float32)


def fill_outside(edges: Mask, likeness: Map, brightness: Map) -> Mask:
    """Step 2: all that cannot be reached from the image's border over ground without crossing an edge.

    Ground that shows between fingers cannot be reached either: such pockets are known by their colour, as
    bare ground or as ground in shadow. Nails and gold are bright and not quite of the ground's hue, creases
    are darker than a shadow.

    Parameters
    ----------
    edges: (H, W) where the gradient is that of an outline. likeness: (H, W), 0 ground to 1 hand.
    brightness: (H, W), 1 as the ground near by.
    """
    ground = np.asarray(likeness < 0.5, np.uint8)
    bare = (np.abs(likeness) < _BARE) & (brightness > _BARE_BRIGHT)
    count, pieces = cv2.connectedComponents(ground & (~edges | bare), connectivity=4)
    flat = pieces.ravel()
    sizes = np.bincount(flat, minlength=count)
    like, bright = (
        np.bincount(flat, m.ravel(), count) / np.maximum(sizes, 1) for m in (likeness, brightness)
    )
    clear = (sizes >= _SPECK) & (like < _BARE) & (bright > _BRIGHT)
    shaded = (sizes >= _PATCH) & (like < _SHADED) & (bright > _CREASE) & (bright < _BRIGHT)
    reached = clear | shaded
    reached[np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])] = True
    reached[0] = False
    outside: Any = reached[pieces].astype(np.uint8)
    # The outer half of an edge's width is ground.
    for _ in range(2):
        outside |= np.asarray(cv2.dilate(outside, _THIN), np.uint8) & ground
    return np.asarray(outside == 0)


def clean(mask: Mask, skin: Mask) -> Mask:
    """Step 3: the piece that holds most skin, without specks in it, its border smooth.

    A finger beyond a ring, or an arm beyond a watch, is a piece of its own, joined by what lies between.

    Parameters
    ----------
    skin: (H, W) where skin was seen by colour.
    """
    smooth: Any = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _ROUND)
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, _THIN)
    count, pieces = cv2.connectedComponents(smooth, connectivity=4)
    held = np.bincount(pieces[skin], minlength=count)
    held[0] = 0
    if not held.any():
        return np.zeros_like(mask)
    order = np.argsort(-held, kind="stable")
    piece = np.asarray(pieces == order[0], np.uint8)
    for other in order[1:]:
        if held[other] < _PART * held[order[0]]:
            break
        piece = _joined(piece, np.asarray(pieces == other, np.uint8))
    _, holes, stats, _ = cv2.connectedComponentsWithStats(1 - piece, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < _SPECK
    piece[small[holes]] = 1
    return np.asarray(piece > 0)


def _joined(one: Pixels, other: Pixels) -> Pixels:
    """Both pieces and what lies between; one alone where the other is farther than a watch is wide."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(max(one.shape) * _REACH) | 1,) * 2)
    both, *alone = (cv2.morphologyEx(p, cv2.MORPH_CLOSE, kernel) > 0 for p in (one | other, one, other))
    joined = np.asarray((one > 0) | (other > 0) | (both & ~alone[0] & ~alone[1]), np.uint8)
    _, pieces = cv2.connectedComponents(joined, connectivity=4)
    touching = pieces[one > 0][0] == pieces[other > 0][0]
    return joined if touching else one


def soften(mask: Mask, sigma: float = 1.0) -> Pixels:
    """Step 4: the alpha, (H, W) uint8, 255 for hand; from 128 on where the mask is, whatever the blur."""
    soft = cv2.GaussianBlur(mask.astype(np.uint8) * 255, (0, 0), sigma)
    return np.asarray(np.where(mask, np.maximum(soft, 128), np.minimum(soft, 127)), np.uint8)


@dataclass(frozen=True, slots=True)
class Matte:
    """A hand cut out of its photo. alpha: (H, W) uint8, hand from 128 on. colours: near its border."""

    alpha: Pixels
    colours: Colours

    @property
    def mask(self) -> Mask:
        """(H, W) bool."""
        return self.alpha >= 128


def find(image: Pixels) -> Matte | None:
    """The hand on plain ground, (H, W, 3) RGB, by the four steps; None where none is seen."""
    small = _working(image)
    skin = segmentation.hand_mask(small)
    if skin is None:
        return None
    rough = Colours.near(small, skin, _WIDE)
    likeness = rough.likeness(small)
    brightness = _brightness(small, rough.ground)
    likeness[(_eroded(skin, 2) > 0) & (brightness > _BRIGHT) & (likeness > _GLOSS)] = 1.0
    edges = gradient(small) > np.where(brightness > _BARE_BRIGHT, _EDGE, _SHADOW_EDGE)
    mask = clean(fill_outside(edges, likeness, brightness), skin)
    if not mask.any():
        return None
    colours = Colours.near(small, mask, _NEAR)
    return Matte(soften(_refined(image, mask, colours.likeness(small), colours)), colours)


def read(path: str | os.PathLike[str], width: int, height: int) -> Pixels:
    """A mask file of any origin as it is, (H, W) uint8. Raises UnreadableImage, also for another size."""
    labels = images.read(path, grey=True)
    if labels.shape != (height, width):
        found = f"a mask of {labels.shape[1]} x {labels.shape[0]}"
        raise UnreadableImage(path, found, allowed=f"{width} x {height}, as its image")
    return labels


def hand_of(labels: Pixels, side: str | None) -> Mask:
    """The hand in a mask of any origin, (H, W) bool.

    Known by its largest value: 1 is a plain mask; up to 33 are RHD's parts (2 to 17 left hand, 18 to 33
    right, 1 the person; both hands where `side` is None); beyond, hand from half of it on, as in alphas.
    """
    top = int(labels.max())
    if top <= 1:
        return np.asarray(labels > 0)
    if top <= _RHD_PARTS[None][1]:
        first, last = _RHD_PARTS[side]
        return np.asarray((labels >= first) & (labels <= last))
    return np.asarray(labels >= (128 if top >= 128 else (top + 1) // 2))


def matte_of(image: Pixels, labels: Pixels, side: str | None) -> Matte:
    """A hand cut out by a mask of other origin (see `hand_of`); a mask that is an alpha is kept as it is."""
    mask = hand_of(labels, side)
    small = np.asarray(_working(mask.astype(np.uint8) * 255) >= 128)
    soft = labels.max() >= 128 and ((labels > 0) & (labels < 128)).any()
    return Matte(labels if soft else soften(mask), Colours.near(_working(image), small, _NEAR))


def _working(image: Pixels) -> Pixels:
    scale = WORKING / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _refined(image: Pixels, mask: Mask, likeness: Map, colours: Colours) -> Mask:
    """The mask at full size: pixels near its border are decided by their own colour, where that tells.

    Parameters
    ----------
    mask, likeness: at the working size.
    """
    height, width = image.shape[:2]
    rough = mask.astype(np.uint8)
    kernel = np.ones((2 * _BAND + 1,) * 2, np.uint8)
    band: Any = cv2.dilate(rough, kernel) - cv2.erode(rough, kernel)
    inner = cv2.erode(rough, _ROUND).astype(np.float32)
    sure = cv2.blur(likeness * inner, (7, 7)) > _SURE * cv2.blur(inner, (7, 7))
    telling = _enlarged(colours.distance(), mask.shape[::-1]) > _TELLING
    band = band * (sure & telling)
    full: Any = cv2.resize(rough * 255, (width, height), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.divmod(
        np.flatnonzero(cv2.resize(band, (width, height), interpolation=cv2.INTER_NEAREST)), width
    )
    full[rows, columns] = np.clip(
        255 * colours.share(image[rows, columns], rows, columns, image.shape), 0, 255
    )
    return np.asarray(cv2.medianBlur(full, 5) >= 128)


def check(mask: Mask, points: NDArray[np.floating]) -> str | None:
    """Why a mask cannot be a hand's, or None.

    Parameters
    ----------
    mask: (H, W). points: (n, 2), the visible keypoints, pixels; NaN and those outside the image are ignored.
    """
    small = np.asarray(_working(mask.astype(np.uint8) * 255) >= 128, np.uint8)
    area = int(small.sum())
    if not _AREA[0] <= area / small.size <= _AREA[1]:
        return (
            f"the mask covers {area / small.size:.1%} of the image; allowed: {_AREA[0]:.0%} to {_AREA[1]:.0%}"
        )
    border = float(np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).mean())
    if border > _MAX_BORDER:
        return f"the mask covers {border:.0%} of the image's border; allowed: up to {_MAX_BORDER:.0%}"
    _, _, stats, _ = cv2.connectedComponentsWithStats(small)
    main = int(stats[1:, cv2.CC_STAT_AREA].max())
    if main < _MAIN_PIECE * area:
        return f"the mask's main piece holds {main / area:.1%} of it; allowed: from {_MAIN_PIECE:.0%} on"
    edged = np.pad(1 - small, 1, constant_values=1)
    _, _, stats, _ = cv2.connectedComponentsWithStats(edged, connectivity=4)
    holes = int(stats[2:, cv2.CC_STAT_AREA].sum())
    if holes > _MAX_HOLES * area:
        return f"the mask has holes of {holes / area:.1%} of it; allowed: up to {_MAX_HOLES:.0%}"
    return _check_points(small, points * (small.shape[1] / mask.shape[1], small.shape[0] / mask.shape[0]))


def _check_points(mask: Pixels, points: NDArray[np.floating]) -> str | None:
    off = off_mask(mask > 0, points)
    count = int((off > _OFF).sum())
    if count > _MAX_OFF * len(off):
        return f"{count} of {len(off)} visible keypoints lie over {_OFF:.0%} of the hand's size off the mask"
    return None


def off_mask(mask: Mask, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far keypoints lie outside the mask, as a share of the hand's size (longer side of their box).

    Parameters
    ----------
    points: (n, 2), pixels; those that are NaN or outside the image are left out.
    """
    size = np.array(mask.shape[::-1])
    inside = np.isfinite(points).all(axis=1)
    inside[inside] = ((points[inside] >= 0) & (points[inside] < size)).all(axis=1)
    points = points[inside]
    if len(points) < 2:
        return np.zeros(len(points))
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    column, row = points.astype(int).T
    return np.asarray(away[row, column] / max(float(np.ptp(points, axis=0).max()), 1.0), np.float64)
