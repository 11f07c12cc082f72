"""`curate background`: the same hands on other backgrounds, with their masks."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from curate.basics import files, geometry, images
from curate.basics.engine import ONE, Engine
from curate.basics.settings import require_options
from curate.data.dataset import Dataset, Rows
from curate.data.part import Part
from curate.data.sample import Sample, file_place, generator, moved, to_batch
from curate.data.stage import Stage, Summary, relative_to_out, tasks
from curate.hands.compositing import Backdrops, composite
from curate.hands.cropping import SHARED_WITHOUT_MASK, set_aside
from curate.hands.photograph import DIM, Photograph
from curate.options.background import BackgroundOptions

_ROWS = 8  # samples a task, at least
_QUALITY = 95  # of JPEGs


def background(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: BackgroundOptions = BackgroundOptions(),
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Replace the background of each hand; OUT/images holds the results, OUT/masks the alphas.

    The hand is found on a plain background by `curate.hands.masks.find`, or taken from the sample's own mask
    if it has one. The `mask` of the new sample is its alpha: 8-bit grey, hand from 128 on. Labels are
    unchanged. `transform` is the identity, or the sample's own if it was cut from a photo. A JPEG gives a
    JPEG (quality 95), other images give PNG.

    A mask that fails `curate.hands.masks.check` sends its sample to quarantine, with the reason, and its
    picture to OUT/quarantine.
    Hands that share a photo cannot be told apart by colour: without masks they are dropped.

    Raises
    ------
    InputError: an unknown background, a folder without images, a training set. SchemaError: not a dataset.
    ConfigChanged: OUT was begun with other options.
    """
    require_options(options, BackgroundOptions)
    backdrops = Backdrops.of(options.backgrounds)
    source = Dataset(dataset)
    source.refuse_training_set("replace backgrounds before building")
    record = {**asdict(options), "backgrounds": backdrops.identity}
    stage = Stage("background", Path(out), record, (source,), engine=engine, overwrite=overwrite, quiet=quiet)
    work = partial(
        _replace_batch,
        root=source.root,
        out=Path(out),
        count=len(source),
        backdrops=backdrops,
        seed=options.seed,
    )
    size, sizes = tasks(_ROWS, source)
    return stage.run(source.rows(size), work, sizes=sizes, before=backdrops.survey())


def _replace_batch(rows: Rows, *, root: Path, out: Path, count: int, backdrops: Backdrops, seed: int) -> Part:
    part = Part(rows.batch.slice(0, 0))
    samples = []
    for sample, photo, shared in rows.samples():
        if shared and sample.mask is None:
            part.dropped[SHARED_WITHOUT_MASK] += 1
            continue
        with set_aside(part, sample.sample_id, out):
            place = file_place(sample.sample_id, count)
            samples.append(_replace(Photograph(root, sample), photo, out, place, backdrops, seed, part))
            part.notes["masks_of_the_source"] += sample.mask is not None
    part.notes = +part.notes
    part.batch = to_batch(samples)
    return part


def _replace(
    photograph: Photograph, photo: str, out: Path, place: str, backdrops: Backdrops, seed: int, part: Part
) -> Sample:
    """Write the sample's new image and alpha; returns the new sample. Raises BadMask and InputError."""
    sample, info = photograph.sample, photograph.info
    part.notes[DIM] += photograph.dim
    matte = photograph.matte()
    backdrop = backdrops.draw(generator(seed, sample.sample_id), info.width, info.height, part)
    pixels = composite(photograph.read(), matte, backdrop)
    suffix = ".jpg" if info.format == "JPEG" else ".png"
    data = images.encode(pixels, suffix, quality=_QUALITY)
    made = replace(
        moved(sample, geometry.IDENTITY, photo),
        image=f"images/{place}{suffix}",
        mask=f"masks/{place}.png",
        width=info.width,
        height=info.height,
        sha256=images.pixel_sha256(images.decode(data, photograph.path)),
    )
    if photograph.depth_file is not None:  # the same view, so the map fits
        made.depth = relative_to_out(photograph.depth_file, out)
    files.write(out / made.image, data)
    images.write(out / f"masks/{place}.png", matte.alpha)
    return made
