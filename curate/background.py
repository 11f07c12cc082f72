"""`curate background`: the same hands before other grounds, their masks kept."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curate import depth, geometry, images, masks, overlay
from curate import keypoints as kp
from curate.compositing import Backdrops, composite
from curate.dataset import Dataset, Rows
from curate.errors import InputError
from curate.sample import Sample, file_stem, from_batch, moved, to_batch
from curate.stage import Part, Stage, Summary, relative_to_out

_ROWS = 8  # samples a task
_QUALITY = 95  # of JPEGs
_PICTURE = 400  # longer side of a quarantined mask's picture, pixels
_OUTLINE = (230, 0, 0)


class _BadMask(Exception):
    """A mask that is no hand's, with its reason, and the picture that shows it."""

    def __init__(self, reason: str, picture: images.Pixels) -> None:
        super().__init__(reason)
        self.picture = picture


def background(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    backgrounds: str | os.PathLike[str] = "white",
    seed: int = 0,
    workers: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Replace the ground behind each hand; OUT/images holds the results, OUT/masks the alphas.

    The hand is found on plain ground by `curate.masks.find`, or taken from the sample's own mask where it has
    one. The `mask` of the new sample is its alpha: 8-bit grey, hand from 128 on. Labels stay as they are,
    `transform` is the identity (or the one that led to the parent's photo). A JPEG gives a JPEG (quality 95),
    other images give PNG.

    A mask that fails `curate.masks.check` sends its sample to quarantine, with the reason, and its picture to
    OUT/quarantine. Hands that share a photo cannot be told apart by colour: without masks they are dropped.

    Parameters
    ----------
    backgrounds: "white", "colour:#rrggbb", "noise", "gradient", or a folder of images (searched with its
        subfolders); a part as large as fits is chosen by the seed and the sample's id alone.

    Raises
    ------
    InputError: an unknown background, a folder without images, a training set. SchemaError: no dataset.
    ConfigChanged: OUT was begun with other options.
    """
    backdrops = Backdrops.of(backgrounds)
    source = Dataset(dataset)
    if source.training is not None:
        raise InputError(
            source.root, "a training set", allowed="a dataset", remedy="replace backgrounds before building"
        )
    options = {"backgrounds": backdrops.identity, "seed": seed}
    stage = Stage(
        "background", Path(out), options, (source,), workers=workers, overwrite=overwrite, quiet=quiet
    )
    work = partial(_replace_batch, root=source.root, out=Path(out), backdrops=backdrops, seed=seed)
    return stage.run(source.rows(_ROWS), work, total=-(-len(source) // _ROWS))


def _replace_batch(rows: Rows, *, root: Path, out: Path, backdrops: Backdrops, seed: int) -> Part:
    part = Part(rows.batch.slice(0, 0))
    samples = []
    for sample, photo, shared in zip(from_batch(rows.batch), rows.photos, rows.shared, strict=True):
        if shared and sample.mask is None:
            part.dropped["shares its photo with another hand and has no mask"] += 1
            continue
        try:
            made = _replace(sample, photo, root, out, backdrops, seed)
        except _BadMask as bad:
            part.quarantine.append((sample.sample_id, str(bad)))
            images.write(out / "quarantine" / f"{file_stem(sample.sample_id)}.jpg", bad.picture)
            continue
        except InputError as error:
            part.quarantine.append((sample.sample_id, error.reason))
            continue
        part.notes["masks_of_the_source"] += sample.mask is not None
        samples.append(made)
    part.notes = +part.notes
    part.batch = to_batch(samples)
    return part


def _replace(sample: Sample, photo: str, root: Path, out: Path, backdrops: Backdrops, seed: int) -> Sample:
    """Write the sample's new image and alpha; returns the new sample. Raises _BadMask and InputError."""
    path = root / sample.image
    image = images.read(path)
    matte = _matte(sample, image, root)
    height, width = image.shape[:2]
    key = hashlib.sha256(f"{seed} {sample.sample_id}".encode()).digest()
    rng = np.random.default_rng(list(key))
    pixels = composite(image, matte, backdrops.draw(rng, width, height))
    stem = file_stem(sample.sample_id)
    suffix = ".jpg" if images.probe(path).format == "JPEG" else ".png"
    data = images.encode(pixels, suffix, quality=_QUALITY)
    made = replace(
        moved(sample, geometry.IDENTITY, photo),
        image=f"images/{stem}{suffix}",
        mask=f"masks/{stem}.png",
        width=width,
        height=height,
        sha256=images.pixel_sha256(images.decode(data, path)),
    )
    if (name := depth.ref(sample)) is not None:  # the same view, so the map fits
        made = depth.with_ref(made, relative_to_out(root / name, out))
    images.write_bytes(out / made.image, data)
    images.write(out / f"masks/{stem}.png", matte.alpha)
    return made


def _matte(sample: Sample, image: images.Pixels, root: Path) -> masks.Matte:
    if sample.mask is None:
        matte = masks.find(image)
    else:
        labels = masks.read(root / sample.mask, image.shape[1], image.shape[0])
        matte = masks.matte_of(image, labels, sample.side)
    if matte is None:
        raise _BadMask("no hand on plain ground is seen", _picture(sample, image, None))
    visible = sample.keypoints[sample.visibility == kp.VISIBLE]
    reason = masks.check(matte.mask, visible)
    if reason is not None:
        raise _BadMask(reason, _picture(sample, image, matte.mask))
    return matte


def _picture(sample: Sample, image: images.Pixels, mask: masks.Mask | None) -> images.Pixels:
    """The photo with the mask's outline and the labels."""
    scale = min(1.0, _PICTURE / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if mask is not None:
        shape = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        lines, _ = cv2.findContours(shape, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(small, lines, -1, _OUTLINE, 1)
    return overlay.draw_skeleton(small, sample.keypoints * scale, sample.visibility)
