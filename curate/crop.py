"""`curate crop`: a square picture of each hand, with everything that is known about it moved along."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from curate.basics import files, images
from curate.basics.engine import ONE, Engine
from curate.basics.settings import require_options
from curate.data import depth
from curate.data.dataset import Dataset, Rows
from curate.data.part import Part
from curate.data.sample import Sample, file_place, moved, to_batch
from curate.data.stage import Stage, Summary, tasks
from curate.hands.cropping import count_points, find_hand, record_of, set_aside
from curate.hands.finding import Finder, with_found_by
from curate.hands.frame import Frame
from curate.hands.photograph import DIM, Photograph
from curate.options.crop import CropOptions
from curate.taggers.table import with_runs

_ROWS = 16  # samples a task, at least


def crop(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: CropOptions = CropOptions(),
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Cut each hand out of its photo. OUT/images holds the crops as PNG, OUT/masks and OUT/depth their masks
    and depth maps.

    More than 10,000 crops are stored in subfolders, named by the first digits of the hash in their names.

    The crop is centred on the hand's box, with a margin on each side; beyond the photo, the photo's edge is
    repeated. Keypoints, bbox, mask, depth and K are transformed with it. `transform` maps back to the photo,
    `parent_id` is the photo's first sample, and "found_by" in attrs says how the hand was found. A labelled
    point outside the crop keeps its true coordinates and is counted (note "labelled_points_outside_crop").
    Dropped samples are counted, too.

    With "colour", only pixels are used, never labels, so that new photos are cropped in the same way. If no
    hand is seen, the whole photo is kept (note "whole_photo_kept"). Colour cannot tell hands apart that share
    a photo: they are cut by their bbox, else by their keypoints (note "cut_by_label"). With "keypoints",
    "mask" and "bbox", samples without them are dropped. If `masks.check` refuses a mask, its sample goes to
    quarantine. A run works like "colour"; if it sees several hands, the largest is cut out.

    Raises
    ------
    InputError: a training set. SchemaError: not a dataset. ConfigChanged: OUT was begun with other options.
    """
    require_options(options, CropOptions)
    source = Dataset(dataset)
    source.refuse_training_set("crop before curate build")
    finders = with_runs(options.by)
    record = record_of(options, finders)
    stage = Stage("crop", Path(out), record, (source,), engine=engine, overwrite=overwrite, quiet=quiet)
    work = partial(
        _crop_batch, root=source.root, out=Path(out), count=len(source), options=options, finders=finders
    )
    size, sizes = tasks(_ROWS, source)
    return stage.run(source.rows(size), work, sizes=sizes)


def _crop_batch(
    rows: Rows, *, root: Path, out: Path, count: int, options: CropOptions, finders: Mapping[str, Finder]
) -> Part:
    part = Part(rows.batch.slice(0, 0))
    samples = []
    for sample, photo, shared in rows.samples():
        with set_aside(part, sample.sample_id, out):
            photograph = Photograph(root, sample)
            found = find_hand(options, photograph, shared, part.notes, finders)
            frame = Frame.around(photograph.info, found.box, options.size)
            name = f"{file_place(sample.sample_id, count)}.png"
            made = with_found_by(_cut(photograph, frame, photo, out, name), found.by)
            count_points(made, part.notes)
            if photograph.dim:
                part.notes[DIM] += 1
            samples.append(made)
    part.batch = to_batch(samples)
    return part


def _cut(photograph: Photograph, frame: Frame, photo: str, out: Path, name: str) -> Sample:
    """Write the crop, its mask and its depth map; returns the sample in it."""
    sample = photograph.sample
    pixels = frame.of(photograph.read(frame.shrink))
    labels, distances = photograph.labels(), photograph.depth()
    made = replace(
        moved(sample, frame.affine, photo),
        image=f"images/{name}",
        mask=None if labels is None else f"masks/{name}",
        width=frame.size[0],
        height=frame.size[1],
        sha256=images.pixel_sha256(pixels),
    )
    images.write(out / made.image, pixels)
    if labels is not None:
        images.write(out / "masks" / name, frame.of_labels(labels))
    if distances is not None:
        files.write(out / "depth" / name, depth.encode(frame.of_labels(distances)))
        made.depth = f"depth/{name}"
    return made
