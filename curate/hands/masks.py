"""The hand's exact outline on plain ground, in four steps, and whether a mask can be a hand's.

The steps are those of Arslanova et al. 2020: Sobel gradient; fill the outside; remove islands and smooth the
border; binarise and blur a little for the alpha. A plain fill leaks where the edge is weak, and stops at
shadows. So each step is guarded by the colours of skin and ground, both as they are near the pixel at hand:
a shadow is the ground made darker, which counts for little, and a change of hue counts for much.

All is found at a working size; only the narrow band along the border is decided at full size. The mask holds
the hand and what it wears: rings, nail polish and watch. A sleeve is left out, unless it is as red as skin or
redder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import images
from curate.basics.errors import UnreadableImage
from curate.basics.images import Pixels
from curate.basics.wording import counted, percent, verb
from curate.hands import segmentation
from curate.hands.frame import Frame
from curate.hands.segmentation import border_of, fill_holes, median_of, pieces, share_of_border

Mask = NDArray[np.bool_]
Map = NDArray[np.float32]

WORKING = 400  # longer side of the working image, pixels

_HALVINGS = 2  # from the working image to the grid that colours are known on
_NEAR = 9  # cells that colours are averaged over, twice
_SHADOW, _NOISE = 0.5, 0.025  # spread of the ground's colour in brightness and in hue, natural logarithms
# Share of the hand's hue that a shadow takes on as it darkens by a factor of e; the most that costs the hand.
_WARM, _WARM_HAND = 0.5, 0.25
_FLOOR = 6.0  # levels that are added before the logarithm: below, noise prevails
_LOG = np.log(np.arange(256, dtype=np.float32) + np.float32(_FLOOR))
_SQUARE = np.arange(256, dtype=np.float32) ** 2
_SUM = np.ones((1, 3), np.float32)  # of three channels
_MEAN = np.full((3, 3), 1 / 3, np.float32)  # in each of them
# Sobel gradient of an outline, levels a working pixel: on bare ground, and where shadows have edges too.
_EDGE, _SHADOW_EDGE = 9.0, 14.0
_BAND = 1  # half width of the band that is decided at full size, working pixels
_TELLING = 3.0  # distance of hand and ground, in spreads, from which a pixel's own colour decides
_GREY, _DARK = 25.0, 0.5  # the ground: at most so far from its hue, and at least so bright against its median
_PRIOR = 0.002  # weight of the whole image's mean in a local one, for places far from any example
_RHD_PERSON = 1
_RHD_PARTS: dict[str | None, tuple[int, int]] = {"left": (2, 17), "right": (18, 33), None: (2, 33)}
_THIN = np.ones((3, 3), np.uint8)
_WITHIN = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
_ROUND = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))

_SPECK, _PATCH = 8, 50  # working pixels from which bare ground, and ground in shadow, is seen in a pocket
_LIT = 0.1  # likeness up to which a pocket larger than a nail is bare ground that the hand throws light on
_BARE, _SHADED = 0.05, 0.35  # and the likeness up to which
_NAIL, _LONG = 0.01, 2.5  # size of a nail, as a share of the hand, and how much longer than wide it may be
_STONE = 0.003  # size of the stone of a ring, the same: what is larger can be the ground in a loop
_DRAWN = 0.05  # share of a watch's face, at least, that is edges; within a pocket of ground there are none
_CREASE, _BRIGHT = 0.3, 0.8  # brightness, 1 as the ground: creases are darker, bare ground and nails brighter
_PART, _REACH = 0.01, 0.08  # a further piece's share of skin; width of rings and watches in image sides
_BARE_BRIGHT = 0.95  # brightness that ground has where no shadow falls
_GLOSS = 0.08  # likeness from which a bright place inside the skin is a highlight
_SURE = 0.6  # likeness of the hand's inside from which the band beside it is decided by colour: no pale nail

_CHECKED = 200  # longer side, or so, of the mask that is looked at
# What a mask must be like to be a hand's (QA checks 20 and 21).
_AREA = (0.01, 0.85)  # of the image
_MAX_BORDER = 0.5  # of the image's border: beyond, ground has become hand
_MAIN_PIECE = 0.95  # of the mask
_MAX_HOLES = 0.03  # of the mask
_FINGER = 0.28  # of the root of the hand's area: no finger is broader
_OPEN = 0.4  # share of a loop's rim, at least, where the hand is no broader than that
_HULL = 10  # labelled points that tell where a loop may be
_OFF, _MAX_OFF = 0.02, 0.2  # of the hand's size that a keypoint may be off; share of keypoints that may be


@dataclass(frozen=True)
class Colours:
    """The hand's and the ground's colour near each pixel: (h, w, 3) float32 each, smaller than the image."""

    hand: Map
    ground: Map

    def likeness(self, image: Pixels) -> Map:
        """How far each pixel of an image is on the way from ground (0) to hand (1): (H, W).

        Fisher's linear discriminant between logarithms of colours. There a shadow, like the dark side of a
        finger, is a shift of all three channels alike: such shifts vary much, hue varies little.
        """
        ground, axis, length = self._discriminant
        axis = axis / length[..., None]
        size = image.shape[1::-1]
        along = cv2.multiply(cv2.LUT(image, _LOG), _enlarged(axis, size))
        return np.asarray(cv2.transform(along, _SUM) - _enlarged(_dot(ground, axis), size), np.float32)

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
        ground, axis, length = self._discriminant
        middle = _dot(np.log((self.hand + self.ground) / 2 + _FLOOR) - ground, axis)
        axis = axis / np.maximum(2 * middle, 0.02 * length)[..., None]
        place = _places(rows, columns, shape, axis.shape)
        along = _dot(_LOG.take(pixels)[None], axis[place][None])[0]
        return np.asarray(along - _dot(ground, axis)[place], np.float32)

    def distance(self) -> Map:
        """Between hand and ground, in spreads of the ground's colour (Mahalanobis): (h, w)."""
        return np.asarray(np.sqrt(self._discriminant[2]) / _NOISE, np.float32)

    @cached_property
    def _discriminant(self) -> tuple[Map, Map, Map]:
        """The ground's logarithm, the axis to measure along, and how far the hand is along it."""
        ground = np.log(self.ground + _FLOOR)
        way = np.log(self.hand + _FLOOR) - ground
        light = cv2.transform(way, _MEAN)
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
    def near(cls, image: Pixels, mask: Mask) -> Colours:
        """Averages over what is surely hand and surely ground, a little way around."""
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), np.uint8)
        hand = _cells(image, _eroded(mask))
        ground = _cells(image, _eroded(~mask, 2))
        ground[~_plain(ground)] = 0
        return cls(_local_mean(hand), _local_mean(ground))


def _dot(one: Map, other: Map) -> Map:
    """Of the colours at each place: (h, w, 3) each -> (h, w)."""
    return np.asarray(cv2.transform(one * other, _SUM), np.float32)


def _brightness(image: Pixels, ground: Map) -> Map:
    """Of each pixel, 1 as the ground near it."""
    light = cv2.transform(cv2.LUT(image, _SQUARE), _SUM)
    usual = _enlarged(np.maximum(_dot(ground, ground), 1.0), image.shape[1::-1])
    return np.asarray(cv2.sqrt(light / usual), np.float32)


def _eroded(mask: Mask, times: int = 1) -> Pixels:
    """0 or 255."""
    return np.asarray(cv2.erode(mask.view(np.uint8) * np.uint8(255), _ROUND, iterations=times), np.uint8)


def _cells(image: Pixels, chosen: Pixels) -> Map:
    """Over each cell of a coarse grid the chosen pixels' colours, with black for the others, and the share of
    the chosen, 1 for all: (h, w, 4). The image is (H, W, 4), its last channel 255."""
    cells: Any = cv2.copyTo(image, chosen)
    for _ in range(_HALVINGS):
        size = tuple(max(1, side // 2) for side in cells.shape[1::-1])
        cells = cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)  # of half the size: the mean of four
    cells = cells.astype(np.float32)
    cells[..., 3] *= np.float32(1 / 255)
    return np.asarray(cells, np.float32)


def _local_mean(sums: Map) -> Map:
    """Mean colour near each cell; far from any that holds some, the mean over all."""
    cells: Any = sums
    total = np.array(cv2.sumElems(cells))
    mean = total[:3] / max(float(total[3]), 1.0)
    for _ in range(2):
        cells = cv2.blur(cells, (_NEAR, _NEAR), borderType=cv2.BORDER_REFLECT)
    return np.asarray((cells[..., :3] + _PRIOR * mean) / (cells[..., 3:] + _PRIOR), np.float32)


def _enlarged(part: Map, size: tuple[int, ...]) -> Map:
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _places(
    rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, ...], other: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where pixels of an image of one shape lie in one of another."""
    return rows * other[0] // shape[0], columns * other[1] // shape[1]


def _plain(cells: Map) -> Mask:
    """Which cells have the ground's hue and are not dark: no sleeve, no table's edge."""
    held = cells[cells[..., 3] > 0.5]
    if not len(held):
        return np.asarray(cells[..., 3] > 0)
    ground = median_of(held[:, :3] / held[:, 3:])
    size = max(float(np.linalg.norm(ground)), 1.0)
    # All times the share of the chosen, or its square: nothing is divided by it.
    along = cv2.transform(cells, np.array([[*ground / size, 0.0]]))
    across = cv2.transform(cells * cells, np.array([[1, 1, 1, -(_GREY**2)]])) - along * along
    return np.asarray((across < 0) & (along > _DARK * size * cells[..., 3]))


def gradient(image: Pixels) -> Map:
    """Step 1: Sobel gradient, (H, W) float32, the strongest of the channels, in levels a pixel."""
    return slope(np.asarray(cv2.GaussianBlur(image, (3, 3), 0), np.uint8))


def slope(smooth: Pixels) -> Map:
    """`gradient` of an image that is smooth already."""
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    # Whole numbers below 2^24, exact in any order of computing: the same bytes in every thread.
    square = cv2.accumulateSquare(down, cv2.multiply(across, across))
    if square.ndim == 3:
        square = np.maximum(np.maximum(square[..., 0], square[..., 1]), square[..., 2])
    return np.asarray(np.sqrt(square) / 8, np.float32)


def fill_outside(edges: Mask, likeness: Map, brightness: Map) -> Mask:
    """Step 2: all that cannot be reached from the image's border over ground without crossing an edge.

    Ground that shows between fingers cannot be reached either: such pockets are known by their colour, as
    bare ground or as ground in shadow. Nails and gold are bright and not quite of the ground's hue, creases
    are darker than a shadow; what is as white as the ground may be worn (`_is_worn`).

    Parameters
    ----------
    edges: (H, W) where the gradient is that of an outline. likeness: (H, W), 0 ground to 1 hand.
    brightness: (H, W), 1 as the ground near by.
    """
    ground = np.asarray(likeness < 0.5, np.uint8)
    bare = (np.abs(likeness) < _BARE) & (brightness > _BARE_BRIGHT)
    labels: Any
    count, labels = cv2.connectedComponents(ground & (~edges | bare), connectivity=4)
    reached = np.zeros(count, bool)
    reached[border_of(labels)] = True
    reached[0] = True
    pockets = np.flatnonzero(~reached.take(labels))
    names = labels.take(pockets)
    sizes = np.bincount(names, minlength=count)
    like, bright = (
        np.bincount(names, seen.take(pockets), count) / np.maximum(sizes, 1)
        for seen in (likeness, brightness)
    )
    hand = ground.size - cv2.countNonZero(ground)
    bare_up_to = np.where(sizes > _NAIL * hand, _LIT, _BARE)
    clear = (sizes >= _SPECK) & (like < bare_up_to) & (bright > _BRIGHT)
    shaded = (sizes >= _PATCH) & (like < _SHADED) & (bright > _CREASE) & (bright < _BRIGHT)
    if clear.any():
        from_ground = _from(reached.take(labels) & (labels > 0))
    for name in np.flatnonzero(clear):
        clear[name] = not _is_worn(np.asarray(labels == name, np.uint8), edges, hand, from_ground)
    reached |= clear | shaded
    reached[0] = False
    outside: Any = reached.take(labels).view(np.uint8)
    # The outer half of an edge's width is ground.
    for _ in range(2):
        outside |= np.asarray(cv2.dilate(outside, _THIN), np.uint8) & ground
    return np.asarray(outside == 0)


def _is_worn(pocket: Pixels, edges: Mask, hand: int, from_ground: Map) -> bool:
    """Whether what looks like ground seen through the hand is nail polish, as small and round as a nail, or
    the face of a watch, which has something drawn on it.

    A small loop of thumb and finger is as round as a nail, but there is a whole finger around it.

    Parameters
    ----------
    hand: pixels of the hand. from_ground: (H, W), each pixel's distance from the ground around the hand.
    """
    (piece,) = pieces(pocket)
    if piece.area < _NAIL * hand:
        _, sides, _ = cv2.minAreaRect(piece.outline)
        loop = piece.area > _STONE * hand and from_ground[pocket > 0].min() > min(sides)
        return not loop and max(sides) + 1 < _LONG * (min(sides) + 1)
    fill_holes(pocket, [piece], pocket.size)
    inner = cv2.erode(pocket, _WITHIN) > 0  # its own rim is an edge, some pixels wide
    return bool(edges[inner].sum() > _DRAWN * inner.sum())


def _from(ground: Mask) -> Map:
    """Each pixel's distance from the ground: (H, W), pixels."""
    return np.asarray(cv2.distanceTransform((~ground).view(np.uint8), cv2.DIST_L2, 5), np.float32)


def clean(mask: Mask, skin: Mask) -> Mask:
    """Step 3: the piece that holds most skin, without specks in it, its border smooth.

    A finger beyond a ring, or an arm beyond a watch, is a piece of its own, joined by what lies between.

    Parameters
    ----------
    skin: (H, W) where skin was seen by colour.
    """
    smooth: Any = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _ROUND)
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, _THIN)
    count, labels = cv2.connectedComponents(smooth, connectivity=4)
    held = np.bincount(labels.take(np.flatnonzero(skin)), minlength=count)
    held[0] = 0
    if not held.any():
        return np.zeros_like(mask)
    order = np.argsort(-held, kind="stable")
    piece = np.asarray(labels == order[0], np.uint8)
    for other in order[1:]:
        if held[other] < _PART * held[order[0]]:
            break
        piece = _joined(piece, np.asarray(labels == other, np.uint8))
    fill_holes(piece, pieces(piece), _SPECK)
    return np.asarray(piece > 0)


def _joined(one: Pixels, other: Pixels) -> Pixels:
    """Both pieces and what lies between; one alone where the other is farther than a watch is wide."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(max(one.shape) * _REACH) | 1,) * 2)
    both, *alone = (cv2.morphologyEx(p, cv2.MORPH_CLOSE, kernel) > 0 for p in (one | other, one, other))
    joined = np.asarray((one > 0) | (other > 0) | (both & ~alone[0] & ~alone[1]), np.uint8)
    _, labels = cv2.connectedComponents(joined, connectivity=4)
    touching = labels[one > 0][0] == labels[other > 0][0]
    return joined if touching else one


def soften(mask: Mask, sigma: float = 1.0) -> Pixels:
    """Step 4: the alpha, (H, W) uint8, 255 for hand; from 128 on where the mask is, whatever the blur."""
    least = mask.view(np.uint8) * np.uint8(128)
    soft = cv2.GaussianBlur(mask.view(np.uint8) * np.uint8(255), (0, 0), sigma)
    return np.asarray(cv2.min(cv2.max(soft, least), least + np.uint8(127)), np.uint8)


@dataclass(frozen=True, slots=True)
class Matte:
    """A hand cut out of its photo. alpha: (H, W) uint8, hand from 128 on. colours: near its border."""

    alpha: Pixels
    colours: Colours

    @property
    def mask(self) -> Mask:
        """(H, W) bool."""
        return self.alpha >= 128


def find(
    image: Pixels, working: int = WORKING, *, reduced: bool = False, skin: Pixels | None = None
) -> Matte | None:
    """The hand on plain ground, (H, W, 3) RGB, by the four steps; None where none is seen.

    Parameters
    ----------
    working: longer side, or so, of the image that all but the border is found on.
    reduced: the image is a photo much reduced: its noise is gone, and the pixels of its border are mixed, so
        that their share of hand is the alpha as it is.
    skin: what `segmentation.reduced_mask` gave for the image, where that is known.
    """
    small = images.reduced(image, working)
    skin = segmentation.reduced_mask(small) if skin is None else skin
    if skin is None:
        return None
    seen = np.asarray(cv2.resize(skin, small.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)
    colours = Colours.near(small, seen)
    likeness = colours.likeness(small)
    brightness = _brightness(small, colours.ground)
    gloss = (_eroded(seen, 2) > 0) & (brightness > _BRIGHT) & (likeness > _GLOSS)
    likeness = np.where(gloss, np.float32(1), likeness)
    steep = gradient(small)
    edges = (steep > _EDGE) & ((steep > _SHADOW_EDGE) | (brightness > _BARE_BRIGHT))
    mask = clean(fill_outside(edges, likeness, brightness), seen)
    if not mask.any():
        return None
    refined = _refined(image, mask, likeness, colours)
    if reduced:
        return Matte(np.asarray(cv2.medianBlur(refined, 3), np.uint8), colours)
    return Matte(soften(np.asarray(cv2.medianBlur(refined, 5) >= 128)), colours)


def read(path: str | os.PathLike[str], width: int, height: int) -> Pixels:
    """A mask file of any origin as it is, (H, W) uint8. Raises UnreadableImage, also for another size."""
    labels = images.read_mask(path)
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


def alpha_of(labels: Pixels, hand: Mask) -> Pixels:
    """The alpha of a mask of other origin, whose hand is as `hand_of` says; an alpha is kept as it is.

    In RHD's parts what of the person touches the hand, such as its arm and sleeve, is cut out with it.
    """
    soft = labels.max() >= 128 and ((labels > 0) & (labels < 128)).any()
    return labels if soft else soften(_with_arm(labels, hand))


def shares_in(mask: Mask, frame: Frame) -> Pixels:
    """The share of each pixel of a frame's result that is the hand's, (height, width) uint8, 255 for all of
    it. The mask is of the photo's full size."""
    return images.cut(mask.view(np.uint8) * np.uint8(255), frame.part, frame.size)


def _with_arm(labels: Pixels, hand: Mask) -> Mask:
    if not 1 < labels.max() <= _RHD_PARTS[None][1]:
        return hand
    count, pieces = cv2.connectedComponents((hand | (labels == _RHD_PERSON)).view(np.uint8))
    touching = np.zeros(count, np.bool_)
    touching[pieces[hand]] = True
    return touching[pieces]


def matte_of(image: Pixels, alpha: Pixels) -> Matte:
    """A hand cut out of an image by a known alpha of the same size."""
    small = np.asarray(images.reduced(alpha, WORKING) >= 128)
    return Matte(alpha, Colours.near(images.reduced(image, WORKING), small))


def _refined(image: Pixels, mask: Mask, likeness: Map, colours: Colours) -> Pixels:
    """The mask at full size, 0 to 255: near its border each pixel's own colour decides, where that tells.

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
    wide = cv2.resize(band, (width, height), interpolation=cv2.INTER_NEAREST)
    # A place counted row by row is taken several times as fast as one of row and column.
    place = np.flatnonzero(wide.view(np.bool_))
    if not place.size:  # OpenCV makes nothing of no pixels
        return np.asarray(full, np.uint8)
    pixels = image.reshape(-1, 3).take(place, axis=0)
    share = colours.share(pixels, *np.divmod(place, width), image.shape)
    full.reshape(-1)[place] = np.clip(255 * share, 0, 255)
    return np.asarray(full, np.uint8)


def check(mask: Mask, points: NDArray[np.floating], *, several: bool = False) -> str | None:
    """Why a mask cannot be a hand's, or None. several: it may be of several hands, and so in pieces.

    Parameters
    ----------
    mask: (H, W). points: (n, 2), the visible keypoints, pixels; NaN and those outside the image are ignored.
    """
    small = np.asarray(images.reduced(mask.view(np.uint8) * np.uint8(255), _CHECKED) >= 128, np.uint8)
    area = np.count_nonzero(small)
    share, (least, most) = area / small.size, _AREA
    if not least <= share <= most:
        told = percent(share, 1, least if share < least else most)
        return f"the mask covers {told} of the image; allowed: {percent(least)} to {percent(most)}"
    border = share_of_border(small)
    if border > _MAX_BORDER:
        told = percent(border, limit=_MAX_BORDER)
        return f"the mask covers {told} of the image's border; allowed: up to {percent(_MAX_BORDER)}"
    found = [(piece.area, sum(size for _, size in piece.holes)) for piece in pieces(small)]
    main = max(whole - holes for whole, holes in found)
    if main < _MAIN_PIECE * area and not several:
        told = percent(main / area, 1, _MAIN_PIECE)
        return f"the mask's main piece holds {told} of it; allowed: at least {percent(_MAIN_PIECE)}"
    points = points * (small.shape[1] / mask.shape[1], small.shape[0] / mask.shape[0])
    holes = sum(holes for _, holes in found)
    if holes > _MAX_HOLES * area:
        holes -= sum(
            size for piece in pieces(small) for line, size in piece.holes if _is_loop(small, line, points)
        )
    if holes > _MAX_HOLES * area:
        told = percent(holes / area, 1, _MAX_HOLES)
        return f"the mask has holes of {told} of it; allowed: up to {percent(_MAX_HOLES)}, not counting loops"
    return _check_points(small, points)


def _is_loop(mask: Pixels, line: NDArray[Any], points: NDArray[np.floating]) -> bool:
    """Whether a hole is a loop of thumb and finger: along much of its rim the hand is but a finger wide.

    With labels it must also lie among them, so that the face of a watch does not.

    Parameters
    ----------
    line: the pixels around it, as OpenCV's contours. points: (n, 2), the visible keypoints.
    """
    outside: Any = cv2.drawContours(np.zeros_like(mask), [p.outline for p in pieces(mask)], -1, 1, cv2.FILLED)
    columns, rows = line[:, 0].T
    walls = _from(outside == 0)[rows, columns]
    if np.quantile(walls, _OPEN) > _FINGER * np.sqrt(np.count_nonzero(mask)):
        return False
    known = points[np.isfinite(points).all(axis=1)].astype(np.float32)
    if len(known) < _HULL:
        return True
    middle = line[:, 0].mean(axis=0) + 0.5
    return bool(cv2.pointPolygonTest(cv2.convexHull(known), middle.tolist(), False) >= 0)


def _check_points(mask: Pixels, points: NDArray[np.floating]) -> str | None:
    off = off_mask(mask > 0, points)
    count = int((off > _OFF).sum())
    if count > _MAX_OFF * len(off):
        far = f"over {percent(_OFF)} of the hand's size"
        some = f"{count} of {counted(len(off), 'visible keypoint')} {verb(count, 'lies', 'lie')}"
        return f"{some} {far} off the mask"
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
