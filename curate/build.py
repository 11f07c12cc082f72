"""`curate build`: datasets become a training set, its images one array and its samples split by subject."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from curate.basics import files, heatmaps, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.paths import paths_of
from curate.basics.settings import require_options
from curate.data.dataset import Dataset
from curate.data.joined import Batch, Joined
from curate.data.part import Part
from curate.data.sample import Sample, moved, to_batch, without_points
from curate.data.stage import Stage, Summary, tasks
from curate.data.training_set import Form, Stored, Writer
from curate.hands.cropping import Dropped, count_points, record_of, set_aside
from curate.hands.finding import with_found_by
from curate.hands.frame import Frame
from curate.hands.labelled_twice import labelled_twice
from curate.hands.photograph import Photograph
from curate.hands.preparation import Preparation
from curate.hands.relabelled import forgotten
from curate.options.build import PEAK1, BuildOptions, weight_of
from curate.options.crop import Cropping
from curate.taggers.table import with_runs

_ROWS = 16  # samples a task, at least
_NO_HAND = "without a labelled point, kept as showing no hand"


def build(
    datasets: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: BuildOptions = BuildOptions(),
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Make a training set (`curate.data.training_set`): its samples, and their images as one array.

    An image that is not square is centred and padded by repeating its edge; then it is resized. The samples'
    keypoints, bbox and K are in pixels of the result; `transform` maps back to the photo. Samples without a
    label on any of the chosen keypoints are dropped and counted; a point without a label stays unlabelled.
    Samples that a split list does not name are dropped and counted. Heatmaps are drawn from the keypoints
    when the set is read; they are stored, (N, K, S, S), only on request. Integers hold value * max.

    With `crop`, hands are cut out as by `curate.crop.crop`, in one step from the photo to S pixels. With
    `backgrounds`, their background is replaced as by `curate.background.background`, only as finely as S
    needs; what fails goes to quarantine with its picture. With several backgrounds, a photo becomes several
    samples: the first has the photo's sample_id, the others have "~2", "~3" and so on appended.

    A sample of a hand that an earlier dataset labels in the same photograph is noted, and kept.

    With `weight`, weights.npy says how much each sample counts in training.

    With `masks`, masks.npy holds the share of each pixel that belongs to a hand: every hand in the sample's
    own mask, or the hand that was found in order to replace the background; on a new background, that hand
    alone. Samples without a mask are dropped and counted; those with one need no points.

    With `grounds_alone`, backgrounds without a hand become samples, too ("~0" is appended to the name),
    without points and with an empty mask. With `keep_empty`, samples that say nothing of a hand are kept as
    pictures without one, but only one sample of each photo.

    Raises
    ------
    InputError: an option out of range, a type that destroys the maps, a sample_id that two samples share, a
        weight for a source that is missing or not trained on, a subject, photo or clip in two splits, shares
        of splits that are not drawn, a margin without a crop.
    SchemaError: not a dataset. ConfigChanged: OUT was begun with other options or input.
    """
    require_options(options, BuildOptions)
    sources = _opened(paths_of(datasets))
    preparation = _preparation(options)
    record = _record(options, preparation)
    stage = Stage("build", Path(out), record, sources, engine=engine, overwrite=overwrite, quiet=quiet)
    joined = Joined.of(sources, options.keypoints, masks=options.masks, unlabelled=options.keep_empty)
    preparation.check_names(joined.column("sample_id"))
    _refuse_shares(options, joined.way(options.split))
    notes = Counter[str]()
    splits = joined.split(options.split, seed=options.seed, test=options.test, val=options.val, notes=notes)
    writer = Writer(preparation.form, stage.folder, Path(out), _weights(options, joined, splits))
    size, sizes = tasks(_ROWS, *sources)
    before = preparation.survey()
    before.notes.update(notes + labelled_twice(joined, splits))
    work = partial(_build_batch, writer=writer, preparation=preparation)
    return stage.run(joined.batches(size, splits), work, sizes=sizes, finish=writer.finish, before=before)


def _preparation(options: BuildOptions) -> Preparation:
    """How photos become pictures. Raises InputError: grounds alone are asked for, but the last is own."""
    preparation = Preparation.of(
        _form(options),
        _cropping(options),
        options.backgrounds,
        options.seed,
        options.grounds_alone,
        with_runs(options.crop),
    )
    if options.grounds_alone and preparation.grounds[-1] is None:
        remedy = "give a ground other than own as the last of --backgrounds"
        raise InputError("--grounds-alone", f"{options.grounds_alone:g}", remedy=remedy)
    return preparation


def _opened(datasets: tuple[Path, ...]) -> tuple[Dataset, ...]:
    sources = tuple(Dataset(path) for path in datasets)
    if not sources:
        raise InputError("build", "no dataset", allowed="one or more")
    for source in sources:
        source.refuse_training_set("build from its datasets")
    return sources


def _refuse_shares(options: BuildOptions, way: str | os.PathLike[str]) -> None:
    """Raise InputError if shares are given, but splits are not drawn: they would have no effect."""
    changed = options.changed()
    for name in ("test", "val"):
        if name in changed and way != "subject":
            found = f"{changed[name]:g}, while the split is {'the source' if way == 'source' else 'a list'}'s"
            remedy = "leave it out, or have the split drawn: --split subject"
            raise InputError(f"--{name}", found, remedy=remedy)


def _cropping(options: BuildOptions) -> Cropping | None:
    """How hands are cropped, if they are. Raises InputError: a margin is given, but no hand is cropped."""
    if options.crop is None and options.margin != BuildOptions().margin:
        remedy = "say what cuts the hands out: --crop"
        raise InputError("--margin", f"{options.margin:g}, without a crop", remedy=remedy)
    return None if options.crop is None else Cropping(by=options.crop, margin=options.margin)


def _form(options: BuildOptions) -> Form:
    """The form of the training set. Raises InputError: a sigma or a type that heatmaps cannot have."""
    channels = 3 if options.colour else 1
    form = Form(options.size, channels, options.keypoints, options.sigma, masks=options.masks)
    form.check("build")
    if options.store_heatmaps is None:
        return form
    peak1 = options.store_heatmaps.endswith(PEAK1)
    kind = options.store_heatmaps.removesuffix(PEAK1)
    try:
        dtype = heatmaps.check_dtype(kind, options.sigma, peak1=peak1)
    except InputError as error:
        raise error.at("--store-heatmaps") from None
    return replace(form, heatmaps=Stored(dtype.name, peak1))


def _record(options: BuildOptions, preparation: Preparation) -> dict[str, Any]:
    """The options for dataset.json: files by what they hold, and the crop as `curate crop` records it."""
    record = {name: value for name, value in asdict(options).items() if name not in ("crop", "margin")}
    for later in ("weight", "keep_empty"):  # sets that were built before these options stay valid
        if not record[later]:
            del record[later]
    if options.split not in (None, "source", "subject"):
        record["split"] = files.sha256(_file(options.split))
    if preparation.cropping is not None:
        record["crop"] = record_of(preparation.cropping, preparation.finders)
    return {**record, "backgrounds": preparation.backgrounds}


def _weights(options: BuildOptions, joined: Joined, splits: Sequence[str | None]) -> dict[str, float]:
    """The weight of each source. Raises InputError: a source has two, or is not trained on."""
    pairs = [weight_of(word) for word in options.weight]
    weights = dict(pairs)
    homes = set(zip(joined.column("source"), splits, strict=True)) if weights else set()
    there = {source for source, _ in homes}
    stray = next((source for source in weights if source not in there), None)
    if stray is not None:
        allowed = f"a source of the datasets: {', '.join(sorted(there))}"
        raise InputError("--weight", repr(stray), allowed=allowed)
    idle = next((source for source in weights if (source, "train") not in homes), None)
    if idle is not None:
        found, remedy = f"{idle!r}, with no sample in train", "leave it out, or split otherwise"
        raise InputError("--weight", found, remedy=remedy)
    often = Counter(source for source, _ in pairs)
    twice = next((source for source, count in often.items() if count > 1), None)
    if twice is not None:
        raise InputError("--weight", f"{twice!r} twice", allowed="one number for each source")
    return weights


def _file(path: str) -> Path:
    file = Path(path)
    if not file.is_file():
        raise InputError("--split", repr(path), allowed="source, subject or a CSV file")
    return file


def _build_batch(batch: Batch, *, writer: Writer, preparation: Preparation) -> Part:
    part = Part(batch.rows.batch, dropped=batch.dropped)
    samples: list[Sample] = []
    pixels: list[images.Pixels] = []
    masks: list[images.Pixels] = []
    form = preparation.form
    for (sample, photo, shared), split in zip(batch.rows.samples(), batch.splits, strict=True):
        with set_aside(part, sample.sample_id, writer.out):
            if form.masks and sample.mask is None and not preparation.replaces:
                raise Dropped("no mask to keep")
            prepared = preparation.apply(Photograph(batch.root, sample), shared, part)
            for name, image in zip(preparation.names(sample.sample_id), prepared.pictures, strict=True):
                made = _fitted(sample, name, photo, prepared.frame, image, split)
                if prepared.found_by is not None:
                    made = with_found_by(made, prepared.found_by)
                    count_points(made, part.notes)
                samples.append(made)
                pixels.append(image)
                if not form.masks and not made.visibility[kp.subset(form.keypoints)].any():
                    part.notes[_NO_HAND] += 1
            masks += prepared.masks
            if prepared.alone is not None:
                name = preparation.name_alone(sample.sample_id)
                nobody = _without_hand(sample)
                samples.append(_fitted(nobody, name, photo, prepared.frame, prepared.alone, split))
                pixels.append(prepared.alone)
                masks += [np.zeros_like(mask) for mask in prepared.masks[:1]]
                part.notes["grounds_without_a_hand"] += 1
            part.notes["samples_without_subject"] += sample.subject_id is None
    part.notes = +part.notes
    part.batch = to_batch(samples)
    writer.write(batch.index, part.batch, pixels, masks)
    return part


def _without_hand(sample: Sample) -> Sample:
    """The sample with nothing said of a hand."""
    return replace(
        forgotten(without_points(sample)),
        xyz=None,
        bbox=None,
        side=None,
        aspect=None,
        label_source=None,
        score=None,
        keypoint_scores=None,
        tilt=None,
        rotation=None,
    )


def _fitted(sample: Sample, name: str, photo: str, frame: Frame, pixels: images.Pixels, split: str) -> Sample:
    return replace(
        moved(sample, frame.affine, photo),
        sample_id=name,
        width=frame.size[0],
        height=frame.size[1],
        mask=None,
        split=split,
        sha256=images.pixel_sha256(pixels),
    )
