"""`curate crop`: a square picture of each hand, with everything that is known about it moved along."""

from __future__ import annotations

import math
import os
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curate import depth, geometry, images, masks, segmentation
from curate.dataset import Dataset, Rows
from curate.errors import InputError
from curate.sample import Sample, file_stem, from_batch, moved, to_batch
from curate.stage import Part, Stage, Summary

# What the hand is found by.
BY = ("colour", "keypoints", "mask", "bbox")

_ROWS = 16  # samples a task
_FAR = 4  # a square this many times larger than its image comes from a broken label


class _Dropped(Exception):
    """A sample that gives no crop, with its reason."""


def crop(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    by: str = "colour",
    margin: float = 0.1,
    size: int | None = 256,
    workers: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Cut a square around each hand; OUT/images holds the crops as PNG, OUT/masks and OUT/depth theirs.

    The square has the hand's box at its centre and `margin` on each side; where it leaves the photo, the
    photo's edge is repeated. Keypoints, bbox, mask, depth and K move along, `transform` leads back to the
    photo and `parent_id` is the photo's first sample. A labelled point that ends outside keeps its true
    coordinates and is counted (note "labelled_points_outside_crop"), as is all that is dropped.

    Parameters
    ----------
    by: "colour" looks at pixels alone, never at labels, so that crops of new photos come out alike; where it
        sees no hand the whole photo is kept (note "whole_photo_kept"). Hands that share a photo cannot be
        told apart by colour: they are cut by their bbox, else their keypoints (note "cut_by_label").
        "keypoints", "mask" and "bbox" drop samples that lack them.
    margin: share of the box's longer side, on each side.
    size: side of the crops, pixels; a smaller hand keeps its own size, as nothing is enlarged. None: all do.

    Raises
    ------
    InputError: an option out of range, or a training set. SchemaError: no dataset.
    ConfigChanged: OUT was begun with other options.
    """
    if by not in BY:
        raise InputError("crop", repr(by), field="by", allowed=", ".join(BY))
    if not 0 <= margin <= 2:
        raise InputError("crop", repr(margin), field="margin", allowed="0 to 2")
    if size is not None and not 8 <= size <= 4096:
        raise InputError("crop", repr(size), field="size", allowed="8 to 4096 pixels")
    source = Dataset(dataset)
    if source.training is not None:
        raise InputError(
            source.root, "a training set", allowed="a dataset", remedy="crop before curate build"
        )
    options = {"by": by, "margin": margin, "size": size}
    stage = Stage("crop", Path(out), options, (source,), workers=workers, overwrite=overwrite, quiet=quiet)
    work = partial(_crop_batch, root=source.root, out=Path(out), by=by, margin=margin, size=size)
    return stage.run(source.rows(_ROWS), work, total=-(-len(source) // _ROWS))


def _crop_batch(rows: Rows, *, root: Path, out: Path, by: str, margin: float, size: int | None) -> Part:
    part = Part(rows.batch.slice(0, 0))
    samples = []
    for sample, photo, shared in zip(from_batch(rows.batch), rows.photos, rows.shared, strict=True):
        try:
            photograph = _Photograph(root, sample)
            square = _square(photograph, by, shared, margin, part.notes)
            made, pixels, mask, distances = _cut(photograph, square, size, photo)
        except _Dropped as reason:
            part.dropped[str(reason)] += 1
            continue
        except InputError as error:
            part.quarantine.append((sample.sample_id, error.reason))
            continue
        images.write(out / made.image, pixels)
        if made.mask is not None and mask is not None:
            images.write(out / made.mask, mask)
        if distances is not None:
            name = f"depth/{Path(made.image).name}"
            images.write_bytes(out / name, depth.encode(distances))
            made = depth.with_ref(made, name)
        labelled = made.keypoints[made.visibility > 0]
        outside = int(((labelled < 0) | (labelled > len(pixels))).any(axis=1).sum())
        part.notes["labelled_points"] += len(labelled)
        part.notes["labelled_points_outside_crop"] += outside
        part.notes["samples_with_points_outside_crop"] += outside > 0
        samples.append(made)
    part.batch = to_batch(samples)
    return part


class _Photograph:
    """A sample's image, decoded as large as needed, once."""

    def __init__(self, root: Path, sample: Sample) -> None:
        self.root, self.sample = root, sample
        self.info = images.probe(root / sample.image)
        self._decoded: dict[int, images.Pixels] = {}

    def read(self, shrink: int) -> images.Pixels:
        if shrink not in self._decoded:
            self._decoded[shrink] = images.read(self.root / self.sample.image, shrink=shrink)
        return self._decoded[shrink]

    def mask(self) -> images.Pixels | None:
        """At full size. Raises UnreadableImage, also where its size is not the image's."""
        if self.sample.mask is None:
            return None
        return masks.read(self.root / self.sample.mask, self.info.width, self.info.height)

    def depth(self) -> depth.Metres | None:
        """As `mask`."""
        name = depth.ref(self.sample)
        return None if name is None else depth.read(self.root / name, self.info.width, self.info.height)

    def find(self, by: str) -> NDArray[np.floating] | None:
        """The hand's box (x, y, w, h), or None."""
        if by == "bbox":
            return self.sample.bbox
        if by == "keypoints":
            return geometry.bounding_box(self.sample.keypoints)
        if by == "mask":
            labels = self.mask()
            if labels is None:
                return None
            hand = masks.hand_of(labels, self.sample.side).astype(np.uint8)
            return np.array(cv2.boundingRect(hand), np.float64) if hand.any() else None
        shrink = images.shrink_for(self.info, segmentation.REDUCED / max(self.info.width, self.info.height))
        box = segmentation.hand_box(self.read(shrink))
        return None if box is None else box * shrink


def _square(
    photograph: _Photograph, by: str, shared: bool, margin: float, notes: Counter[str]
) -> NDArray[np.float64]:
    """The square (x, y, side, side) to cut, before it is fitted to whole pixels. Raises _Dropped."""
    width, height = photograph.info.width, photograph.info.height
    if by == "colour" and shared:
        box = photograph.find("bbox")
        box = photograph.find("keypoints") if box is None else box
        notes["cut_by_label"] += box is not None
    else:
        box = photograph.find(by)
    if box is None and by == "colour":
        notes["whole_photo_kept"] += 1
        return geometry.square_around([0, 0, width, height], 0.0)
    if box is None:
        raise _Dropped(f"no {by} to crop by")
    square = geometry.square_around(box, margin)
    x, y, side, _ = square
    if not 1 <= side <= _FAR * max(width, height):
        raise _Dropped("its box is no size for a hand in its photo")
    if x >= width or y >= height or x + side <= 0 or y + side <= 0:
        raise _Dropped("its box lies outside its photo")
    return square


def _cut(
    photograph: _Photograph, square: NDArray[np.float64], size: int | None, photo: str
) -> tuple[Sample, images.Pixels, images.Pixels | None, depth.Metres | None]:
    """The sample in its crop, the crop, its mask and its depth map."""
    sample = photograph.sample
    x, y, side, _ = square
    shrink = 1 if size is None else images.shrink_for(photograph.info, size / side)
    # Whole pixels of the decoded image: no resampling but one reduction, and the map is exact.
    left, top = math.floor(x / shrink), math.floor(y / shrink)
    cells = max(math.ceil((x + side) / shrink) - left, math.ceil((y + side) / shrink) - top)
    new = cells if size is None else min(size, cells)
    pixels = images.cut_square(photograph.read(shrink), (left, top), cells, new)
    corner = (left * shrink, top * shrink)
    mask, distances = photograph.mask(), photograph.depth()
    if mask is not None:
        mask = images.cut_square(mask, corner, cells * shrink, new, labels=True)
    if distances is not None:
        distances = images.cut_square(distances, corner, cells * shrink, new, labels=True)
    affine = geometry.box_to_square(np.array([left, top, cells, cells]) * shrink, new)
    name = f"{file_stem(sample.sample_id)}.png"
    made = replace(
        moved(sample, affine, photo),
        image=f"images/{name}",
        mask=None if mask is None else f"masks/{name}",
        width=new,
        height=new,
        sha256=images.pixel_sha256(pixels),
    )
    return made, pixels, mask, distances
