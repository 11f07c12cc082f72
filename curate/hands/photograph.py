"""A hand's photo as the stages look at it: its file is read once and decoded no larger than needed."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry, images
from curate.basics import keypoints as kp
from curate.basics.errors import UnreadableImage
from curate.basics.images import Pixels
from curate.data import depth, references
from curate.data.part import Part
from curate.data.sample import Sample, file_stem
from curate.hands import cutout_checks, masks, overlay, segmentation
from curate.hands.frame import Frame
from curate.hands.masks import Matte

DIM = "sample in a picture of 16 bits that uses 12 or fewer: it is nearly black"
_DIM = 1 << (12 - 8)  # of 256 shades; 12 bits of 16 lie below

# Skin is looked for on a small image. The photo is decoded at twice its size or more, so that small crops can
# be cut from the same decode.
_TWICE = 2
# The outline in a part is found on an image with so many pixels to one of the result, and with such a side at
# least: on a smaller one, fingers are as narrow as specks.
_FINER, _SMALLEST = 1.1, 110
_PICTURE = 400  # longer side of a refused mask's picture, pixels
_OUTLINE = (230, 0, 0)


class BadMask(Exception):
    """A mask that cannot be a hand's: the reason, and a picture that shows it."""

    def __init__(self, reason: str, picture: Pixels) -> None:
        super().__init__(reason)
        self.picture = picture

    def record(self, part: Part, sample_id: str, out: Path) -> None:
        """Put the sample into quarantine, and its picture into OUT/quarantine."""
        part.quarantine.append((sample_id, str(self)))
        images.write(out / "quarantine" / f"{file_stem(sample_id)}.jpg", self.picture)


class Photograph:
    """One sample's photo and mask.

    Attributes
    ----------
    sample: the sample. path: of its image. info: what the image's header says.
    """

    def __init__(self, root: str | os.PathLike[str], sample: Sample) -> None:
        """Read the file of a sample of the dataset at `root`.

        Raises UnreadableImage, also where the image is not of the size that the table says: its labels are
        those of another picture; UnsafeReference where the image may not lie.
        """
        self.sample, self.path = sample, references.file_of(root, sample.image)
        self._root = Path(root)
        self._data = images.load(self.path)
        self.info = images.examine(self._data, self.path)
        self._check_size()
        self._decoded: dict[tuple[int, bool], Pixels] = {}
        self._reduced: dict[tuple[int, int], Pixels] = {}

    def _check_size(self) -> None:
        width, height = self.sample.width, self.sample.height
        if width in (None, self.info.width) and height in (None, self.info.height):
            return
        raise UnreadableImage(
            self.path,
            f"the image is {self.info.width} x {self.info.height}, the table says {width} x {height}",
            remedy="convert its source again",
        )

    @property
    def whole(self) -> NDArray[np.float64]:
        """The photo's own box (0, 0, w, h)."""
        return np.array([0.0, 0.0, self.info.width, self.info.height])

    @property
    def square(self) -> NDArray[np.float64]:
        """The square (x, y, side, side) around all of it, with the photo in its middle."""
        return geometry.square_around(self.whole, 0.0)

    def around(self, box: NDArray[np.floating]) -> Self:
        """The same photograph, of the hand in a box (x, y, w, h)."""
        other = copy.copy(self)
        other.sample = replace(self.sample, bbox=box.astype(np.float32))
        return other

    def read(self, shrink: int = 1, *, grey: bool = False) -> Pixels:
        """Its pixels, as `images.read` gives them. Each `shrink` is decoded once and kept."""
        if (shrink, grey) not in self._decoded:
            self._decoded[shrink, grey] = images.decode(
                self._data, self.path, grey=grey, shrink=shrink, info=self.info
            )
        return self._decoded[shrink, grey]

    @property
    def dim(self) -> bool:
        """Whether it has 16 bits a value and uses 12 or fewer of them, as depth and infrared cameras do."""
        return self.info.deep and int(self.read().max()) < _DIM

    def labels(self) -> Pixels | None:
        """The sample's mask, with the values of its file; None where it has none.

        Raises UnreadableImage: it cannot be read, or is not of the photo's size.
        """
        if self.mask_file is None:
            return None
        return masks.read(self.mask_file, self.info.width, self.info.height)

    @property
    def mask_file(self) -> Path | None:
        """The sample's mask. Raises UnsafeReference: it lies where it may not."""
        name = self.sample.mask
        return None if name is None else references.file_of(self._root, name)

    @property
    def depth_file(self) -> Path | None:
        """The sample's depth map. Raises UnsafeReference: it lies where it may not."""
        name = self.sample.depth
        return None if name is None else references.file_of(self._root, name)

    def depth(self) -> depth.Metres | None:
        """The sample's depth map; None where it has none. Raises as `labels` does."""
        if self.depth_file is None:
            return None
        return depth.read(self.depth_file, self.info.width, self.info.height)

    @cached_property
    def skin(self) -> Pixels | None:
        """Where the hand is, by its colour: 1, else 0, in a small image of the photo. None: not seen."""
        return None if self._red is None else segmentation.hand_in(self._red)

    @cached_property
    def _red(self) -> Pixels | None:
        """What is as red as skin in that image; None: nothing is."""
        return segmentation.skin(self._seen)

    @cached_property
    def trusted_skin(self) -> Pixels | None:
        """`skin` where that can be a hand, by the photo alone (`cutout_checks.doubt`); else None."""
        return self.skin if self._doubt is None else None

    @cached_property
    def _doubt(self) -> str | None:
        """Why `skin` may be no hand; None: nothing speaks against it."""
        if self.skin is None:
            return None
        return cutout_checks.doubt(self._seen, self.skin.view(np.bool_), self._red)

    @cached_property
    def _seen(self) -> Pixels:
        """The small image that skin is looked for on."""
        finely = _TWICE * segmentation.REDUCED / max(self.info.width, self.info.height)
        shrink = images.shrink_for(self.info, finely)
        times = max(1, round(max(self.info.width, self.info.height) / shrink / segmentation.REDUCED))
        return self._small(shrink, times)

    def mask(self) -> masks.Mask | None:
        """Where the hand is, by the sample's own mask, full size; None where it has none.

        Raises
        ------
        BadMask: it cannot be a hand's. UnreadableImage: as `labels` does.
        """
        labels = self.labels()
        return None if labels is None else self._hand_in(labels)

    def _hand_in(self, labels: Pixels) -> masks.Mask:
        """Where the hand is in `labels`. Raises BadMask: it cannot be a hand's."""
        hand = masks.hand_of(labels, self.sample.side)
        self._check(hand, geometry.IDENTITY)
        return hand

    def matte(self) -> Matte:
        """The hand cut out at full size: by the sample's own mask, or found by colour on a plain background.

        Raises
        ------
        BadMask: no hand is seen, or what is cut out cannot be one (`masks.check`).
        UnreadableImage: the photo or the mask cannot be read.
        """
        labels = self.labels()
        if labels is not None:
            return masks.matte_of(self.read(), masks.alpha_of(labels, self._hand_in(labels)))
        found = None if self.skin is None else masks.find(self.read(), skin=self.skin)
        found = self._checked(found, geometry.IDENTITY)
        return self._judged(found, geometry.IDENTITY, partial(cutout_checks.doubt, self.read(), found.mask))

    def matte_of_part(self, frame: Frame) -> Matte:
        """The hand cut out in a part of the photo. It is found on an image a little larger than the result.

        An empty mask of a sample without points means that there is no hand: nothing is cut out.
        Raises as `matte`.
        """
        labels = self.labels()
        if labels is not None:
            hand = masks.hand_of(labels, self.sample.side)
            if not self._says_no_hand(hand):
                self._check(masks.shares_in(hand, frame) >= 128, frame.affine)
            alpha = images.cut(masks.alpha_of(labels, hand), frame.part, frame.size)
            return masks.matte_of(frame.of(self.read(frame.shrink)), alpha)
        found = self._checked(self._found_in(frame), frame.affine)
        return self._judged(found, frame.affine, lambda: self._doubt)  # of the whole: a part may be too small

    def hands_of_part(self, frame: Frame, shared: bool) -> tuple[Pixels, Pixels] | None:
        """The share of each pixel that belongs to a hand, 255 for all of it, in a part of the photo, from the
        sample's own mask: for its hand, and every hand in the mask; None if the sample has no mask.

        An empty mask of a sample without points means that there is no hand. Raises as `mask` does.

        Parameters
        ----------
        shared: the photo shows other samples, too, whose hands the mask may hold.
        """
        labels = self.labels()
        if labels is None:
            return None
        own, every = (masks.hand_of(labels, side) for side in (self.sample.side, None))
        hand = masks.shares_in(own, frame)
        if not self._says_no_hand(own):
            several = shared or not self.sample.visibility.any()
            self._check(hand >= 128, frame.affine, several)
        return hand, masks.shares_in(every, frame)

    def _says_no_hand(self, mask: masks.Mask) -> bool:
        return not mask.any() and not self.sample.visibility.any()

    def _found_in(self, frame: Frame) -> Matte | None:
        """The hand as it is found on plain ground in a part, at the size of the result; None: not seen."""
        if self.skin is None:
            return None
        shrink, box, size = frame.shrink, frame.box, frame.size
        times = max(
            1, int(min(part / max(_FINER * new, _SMALLEST) for part, new in zip(box[2:], size, strict=True)))
        )
        whole = self._small(shrink, times)
        skin = self.skin
        if skin.shape != whole.shape[:2]:
            skin = np.asarray(cv2.resize(skin, whole.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
        # By what its sides became: whole pixels, and so seldom the whole fraction that was asked for.
        before, after = np.tile(self.read(shrink).shape[1::-1], 2), np.tile(whole.shape[1::-1], 2)
        x, y, w, h = np.array(box) * after
        left, top = int(x // before[0]), int(y // before[1])
        part = (left, top, int(-(-(x + w) // before[0])) - left, int(-(-(y + h) // before[1])) - top)
        here, seen = (images.cut(image, part, part[2:]) for image in (whole, skin))
        found = masks.find(here, max(part[2:]), reduced=True, skin=seen)
        if found is None:
            return None
        there = geometry.box_to_size(np.array(box) * after / before - (left, top, 0, 0), size)
        alpha = cv2.warpAffine(
            found.alpha, geometry.to_index_space(there), size, borderMode=cv2.BORDER_REPLICATE
        )
        return Matte(np.asarray(alpha, np.uint8), found.colours)

    def _small(self, shrink: int, times: int) -> Pixels:
        """The photo decoded at 1/`shrink` and reduced by a further whole factor."""
        if (shrink, times) not in self._reduced:
            image = self.read(shrink)
            self._reduced[shrink, times] = images.reduced(image, max(image.shape[:2]) / times)
        return self._reduced[shrink, times]

    def _checked(self, found: Matte | None, affine: geometry.Affine) -> Matte:
        if found is None:
            raise BadMask("no hand on a plain background is seen", self._picture(None, affine))
        self._check(found.mask, affine)
        return found

    def _judged(self, found: Matte, affine: geometry.Affine, doubt: Callable[[], str | None]) -> Matte:
        """What was found by colour. Raises BadMask: by the labels, or else by what is seen, it is no hand."""
        visible = self.sample.visibility[:, None] == kp.VISIBLE
        points = geometry.apply(affine, np.where(visible, self.sample.keypoints, np.nan))
        reason = cutout_checks.judge(found.mask, points, doubt)
        if reason is not None:
            raise BadMask(reason, self._picture(found.mask, affine))
        return found

    def _check(self, mask: masks.Mask, affine: geometry.Affine, several: bool = False) -> None:
        visible = self.sample.keypoints[self.sample.visibility == kp.VISIBLE]
        reason = masks.check(mask, geometry.apply(affine, visible), several=several)
        if reason is not None:
            raise BadMask(reason, self._picture(mask, affine))

    def _picture(self, mask: masks.Mask | None, affine: geometry.Affine) -> Pixels:
        """The photo with its labels and the outline of a mask; `affine` leads from the photo to the mask."""
        scale = min(1.0, _PICTURE / max(self.info.width, self.info.height))
        size = (max(1, round(self.info.width * scale)), max(1, round(self.info.height * scale)))
        image = self.read(images.shrink_for(self.info, scale))
        small: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if mask is not None:
            lines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            back = geometry.invert(affine)
            moved = [
                np.round(geometry.apply(back, line + 0.5) * scale - 0.5).astype(np.int32) for line in lines
            ]
            cv2.polylines(small, moved, True, _OUTLINE, 1)
        return overlay.draw_skeleton(small, self.sample.keypoints * scale, self.sample.visibility)


class Still(Photograph):
    """A photograph whose pixels are at hand: a frame of a video."""

    def __init__(self, pixels: Pixels, sample: Sample) -> None:
        """Of RGB pixels (H, W, 3). sample: its image is where the frame is kept."""
        self.sample, self.path = sample, Path(sample.image)
        self._root = self.path.parent
        self.info = images.ImageInfo(pixels.shape[1], pixels.shape[0], 1, "")
        self._decoded = {(1, False): pixels}
        self._reduced = {}

    def read(self, shrink: int = 1, *, grey: bool = False) -> Pixels:
        """See Photograph; `shrink` is 1, as there is nothing left to decode."""
        if (shrink, grey) not in self._decoded:
            self._decoded[shrink, grey] = np.asarray(
                cv2.cvtColor(self._decoded[1, False], cv2.COLOR_RGB2GRAY), np.uint8
            )
        return self._decoded[shrink, grey]
