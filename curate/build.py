"""`curate build`: datasets become a training set, its images one array and its samples split by subject."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curate.basics import files, geometry, heatmaps, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.data import split as splits_of
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import (
    Sample,
    from_batch,
    generator,
    labelled_points,
    moved,
    to_batch,
)
from curate.data.stage import Stage, Summary
from curate.data.training_set import HAND, Form, Stored, Writer
from curate.hands.compositing import Backdrops, composite
from curate.hands.cropping import SHARED_WITHOUT_MASK, Cropping, Dropped, Frame, count_points, set_aside
from curate.hands.masks import Matte
from curate.hands.photograph import Photograph

Grounds = str | os.PathLike[str]
OWN = "own"  # the ground of the photo

_ROWS = 64  # samples a task
_PEAK1 = "-peak1"


@dataclass(frozen=True, slots=True)
class _Look:
    """What is done to a photo on its way into the set: its hand cut out, put before other grounds.

    Attributes
    ----------
    grounds: a sample for each; None is the photo's own.
    """

    cropping: Cropping | None
    grounds: tuple[Backdrops | None, ...]
    seed: int

    @classmethod
    def of(
        cls, crop: str | None, margin: float, backgrounds: Grounds | Sequence[Grounds] | None, seed: int
    ) -> _Look:
        """From the arguments of `build`. Raises InputError: one that is out of range."""
        if backgrounds is None or isinstance(backgrounds, str | os.PathLike):
            backgrounds = [backgrounds or OWN]
        grounds = tuple(None if what == OWN else Backdrops.of(what) for what in backgrounds)
        return cls(None if crop is None else Cropping(crop, margin), grounds or (None,), seed)

    @property
    def replaces(self) -> bool:
        """Whether a hand is put before another ground."""
        return any(ground is not None for ground in self.grounds)

    @property
    def by_colour(self) -> bool:
        """Whether the photo's colours are looked at, so that it is not decoded to grey."""
        return self.replaces or (self.cropping is not None and self.cropping.by == "colour")

    def names(self, sample_id: str) -> list[str]:
        """The id of the sample for each ground: the first keeps that of the photo's."""
        return [f"{sample_id}~{n}" if n > 1 else sample_id for n in range(1, len(self.grounds) + 1)]

    def check_names(self, sample_ids: Iterable[str]) -> None:
        """Raises InputError where a sample has an id that another one is going to have."""
        known = set(sample_ids)
        taken = next((name for i in known for name in self.names(i)[1:] if name in known), None)
        if taken is not None:
            remedy = "give it another id, or build with fewer backgrounds"
            raise InputError("build", f"{taken!r}, the name of a copy", field="sample_id", remedy=remedy)

    def draw(self, ground: Backdrops, name: str, photograph: Photograph, frame: Frame) -> images.Pixels:
        """What comes behind a hand: the part that `curate background` would put there."""
        if ground.plain:
            return ground.of_one_colour(*frame.size)
        rng, info = generator(self.seed, name), photograph.info
        return frame.of(ground.draw(rng, info.width // frame.shrink, info.height // frame.shrink))

    @property
    def options(self) -> dict[str, Any]:
        """For dataset.json; steps that are not taken are not named."""
        crop = None if self.cropping is None else asdict(self.cropping)
        backgrounds = [OWN if ground is None else ground.identity for ground in self.grounds]
        named = {"crop": crop, "backgrounds": None if backgrounds == [OWN] else backgrounds}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Job:
    """The rows of one task, without those that are left out, which `dropped` and `notes` count."""

    index: int
    root: Path
    batch: pa.RecordBatch
    photos: list[str]
    shared: list[bool]
    splits: list[str]
    dropped: Counter[str]
    notes: Counter[str]


def build(
    datasets: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    size: int = 96,
    keypoints: int = 20,
    colour: str = "grey",
    sigma: float = 5.0,
    split: str | os.PathLike[str] | None = None,
    seed: int = 0,
    test: float = 0.1,
    val: float = 0.0,
    store_heatmaps: str | None = None,
    masks: bool = False,
    crop: str | None = None,
    margin: float = 0.1,
    backgrounds: Grounds | Sequence[Grounds] | None = None,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Make a training set (`curate.data.training_set`): its images, one array, and its samples.

    An image that is not square is padded to one, centred, by repeating its edge; then it is resized. The
    samples' keypoints, bbox and K are in pixels of the result, `transform` leads back to the photo. Samples
    without a labelled point among the chosen ones are dropped and counted; a point without a label stays
    unlabelled. Heatmaps are drawn from the keypoints when the set is read; dataset.json holds their sigma
    under "training".

    Parameters
    ----------
    size: S, pixels, a multiple of 16 from 32 to 512; 96 and 128 are customary.
    keypoints: 21, or 20 (without the wrist). colour: "grey" or "colour". sigma: of the heatmaps, pixels of S.
    split: "source" (as the source has it), "subject", or a CSV file (`curate.data.split.from_list`) whose
        missing samples are dropped and counted. None: "source" if every sample has one, else "subject".
    seed, test, val: of the split by subject.
    store_heatmaps: also write OUT/heatmaps.npy, (N, K, S, S), as this type: float32, float16, uint16, or
        with "-peak1" behind it the form of height one; integers hold value * max.
    masks: also write OUT/masks.npy, (N, S, S) uint8, 255 for the hand: by the sample's own mask, or where
        the ground is replaced as it was found. Samples without a mask are dropped and counted. False: masks
        are left behind.
    crop, margin: cut the hand out first, as `curate.crop.crop` does `by` colour, keypoints, mask or bbox; in
        memory, from the photo to S pixels in one step. None: the whole image.
    backgrounds: put the hand before another ground first, as `curate.background.background` does; in memory,
        only as finely as S needs. What fails goes to quarantine with its picture. "own", None: leave the
        ground. Of several, each photo becomes a sample before each: the first has the photo's sample_id, the
        others "~2", "~3" and so on behind it.

    Raises
    ------
    InputError: an option out of range, a type that destroys the maps, a sample_id that two samples share, a
        subject or photo in two splits. SchemaError: no dataset. ConfigChanged: OUT was begun otherwise.
    """
    form = _form(size, keypoints, colour, sigma, store_heatmaps, masks)
    sources = _opened(datasets)
    look = _Look.of(crop, margin, backgrounds, seed)
    options = {
        "size": size,
        "keypoints": keypoints,
        "colour": colour,
        "sigma": sigma,
        "split": split if split in (None, "source", "subject") else files.sha256(_file(split)),
        "seed": seed,
        "test": test,
        "val": val,
        "store_heatmaps": store_heatmaps,
        **({"masks": True} if masks else {}),
        **look.options,
    }
    stage = Stage("build", Path(out), options, sources, engine=engine, overwrite=overwrite, quiet=quiet)
    rows = _Rows.of(sources, keypoints)
    look.check_names(rows.sample_ids)
    jobs = _jobs(sources, rows, rows.split(split, seed, test, val))
    total = sum(-(-len(source) // _ROWS) for source in sources)
    writer = Writer(form, stage.folder, Path(out))
    return stage.run(jobs, partial(_build_batch, writer=writer, look=look), total=total, finish=writer.finish)


def _opened(datasets: Sequence[str | os.PathLike[str]]) -> tuple[Dataset, ...]:
    sources = tuple(Dataset(path) for path in datasets)
    if not sources:
        raise InputError("build", "no dataset", allowed="one or more")
    for source in sources:
        if source.training is not None:
            raise InputError(
                source.root, "a training set", allowed="a dataset", remedy="build from its datasets"
            )
    return sources


def _form(
    size: int, keypoints: int, colour: str, sigma: float, store_heatmaps: str | None, masks: bool
) -> Form:
    if colour not in ("grey", "colour"):
        raise InputError("build", repr(colour), field="colour", allowed="grey, colour")
    form = Form(size, 1 if colour == "grey" else 3, keypoints, sigma, masks=masks)
    form.check("build")
    if store_heatmaps is None:
        return form
    peak1 = store_heatmaps.endswith(_PEAK1)
    dtype = heatmaps.check_dtype(store_heatmaps.removesuffix(_PEAK1), sigma, peak1=peak1)
    return replace(form, heatmaps=Stored(dtype.name, peak1))


def _file(path: str | os.PathLike[str] | None) -> Path:
    file = Path(path or "")
    if not file.is_file():
        raise InputError("build", repr(str(path)), field="split", allowed="source, subject or a CSV file")
    return file


@dataclass(frozen=True, slots=True)
class _Rows:
    """One entry a sample, over all datasets in order. `labelled`: it has a point of the chosen set."""

    where: str
    sample_ids: list[str]
    subjects: list[str | None]
    names: list[str]
    photos: list[str]
    shared: list[bool]
    given: list[str | None]
    labelled: list[bool]

    @classmethod
    def of(cls, sources: Sequence[Dataset], keypoints: int) -> _Rows:
        """Raises InputError where two datasets share a sample_id."""
        rows = cls(", ".join(str(source.root) for source in sources), [], [], [], [], [], [], [])
        home: dict[str, Path] = {}
        for source in sources:
            table = source.table(["sample_id", "subject_id", "image", "split"])
            ids, subjects, names, given = (column.to_pylist() for column in table.columns)
            twin = next((i for i in ids if i in home), None)
            if twin is not None:
                found = f"{twin!r} stands in {home[twin]} too"
                remedy = "give each sample once, or convert one source under another name"
                raise InputError(source.root, found, field="sample_id", remedy=remedy)
            home.update(dict.fromkeys(ids, source.root))
            rows.sample_ids.extend(ids)
            rows.subjects.extend(subjects)
            rows.names.extend(names)
            rows.given.extend(given)
            rows.photos.extend(source.photos())
            hands = Counter(names)
            rows.shared.extend(hands[name] > 1 for name in names)
            for batch in source.batches():
                seen = labelled_points(batch)[1][:, kp.subset(keypoints)]
                rows.labelled.extend(np.asarray((seen > 0).any(axis=1)).tolist())
        return rows

    def split(
        self, split: str | os.PathLike[str] | None, seed: int, test: float, val: float
    ) -> list[str | None]:
        """Each row's split; None for rows that are left out."""
        kept = [i for i, labelled in enumerate(self.labelled) if labelled]
        subjects = [self.subjects[i] for i in kept]
        photos = [self.photos[i] for i in kept]
        given = [self.given[i] for i in kept]
        found: Sequence[str | None]
        if split is None:
            split = "subject" if None in given else "source"
        if split == "subject":
            found = splits_of.by_subject(subjects, photos, seed=seed, test=test, val=val)
        elif split == "source":
            found = splits_of.from_source(given, self.where)
        else:
            ids, names = [self.sample_ids[i] for i in kept], [self.names[i] for i in kept]
            found = splits_of.from_list(split, ids, subjects, names)
        splits_of.check(found, subjects, photos, self.where)
        result: list[str | None] = [None] * len(self.labelled)
        for i, name in zip(kept, found, strict=True):
            result[i] = name
        return result


def _jobs(sources: Sequence[Dataset], rows: _Rows, splits: list[str | None]) -> Iterator[_Job]:
    start = index = 0
    for source in sources:
        for batch in source.batches(_ROWS):
            here = range(start, start + batch.num_rows)
            kept = [i for i in here if splits[i] is not None]
            unlabelled = sum(not rows.labelled[i] for i in here)
            dropped = Counter(
                {
                    "no labelled keypoint of the chosen set": unlabelled,
                    "not in the split list": batch.num_rows - unlabelled - len(kept),
                }
            )
            yield _Job(
                index,
                source.root,
                batch.take(pa.array([i - start for i in kept], pa.int64())),
                [rows.photos[i] for i in kept],
                [rows.shared[i] for i in kept],
                [name for i in kept if (name := splits[i]) is not None],
                +dropped,
                +Counter(samples_without_subject=sum(rows.subjects[i] is None for i in kept)),
            )
            start += batch.num_rows
            index += 1


def _build_batch(job: _Job, *, writer: Writer, look: _Look) -> Part:
    part = Part(job.batch, dropped=job.dropped, notes=job.notes)
    samples: list[Sample] = []
    pixels: list[images.Pixels] = []
    hands: list[images.Pixels] = []
    form = writer.form
    rows = zip(from_batch(job.batch), job.photos, job.shared, job.splits, strict=True)
    for sample, photo, shared, split in rows:
        with set_aside(part, sample.sample_id, writer.out):
            if form.masks and sample.mask is None and not look.replaces:
                raise Dropped("no mask to keep")
            photograph = Photograph(job.root, sample)
            frame = _frame(photograph, shared, form, look, part.notes)
            pictures, hand = _pictures(photograph, frame, shared, form, look)
            for name, image in zip(look.names(sample.sample_id), pictures, strict=True):
                made = _fitted(sample, name, photo, frame, image, split)
                if look.cropping is not None:
                    count_points(made, part.notes)
                samples.append(made)
                pixels.append(image)
            hands += [] if hand is None else [hand] * len(pictures)
    part.notes = +part.notes
    part.batch = to_batch(samples)
    writer.write(job.index, part.batch, pixels, hands)
    return part


def _frame(photograph: Photograph, shared: bool, form: Form, look: _Look, notes: Counter[str]) -> Frame:
    """The part of the photo that becomes the sample's image. Raises Dropped, BadMask and InputError."""
    info = photograph.info
    if look.cropping is not None:
        part = look.cropping.box(photograph, shared, notes)
    else:
        part = np.floor(geometry.square_around(photograph.whole, 0.0))
        notes["padded_to_a_square"] += info.width != info.height
    frame = Frame.around(info, part, form.size, enlarge=True)
    notes["enlarged"] += frame.shrink * frame.box[2] < form.size
    return frame


def _pictures(
    photograph: Photograph, frame: Frame, shared: bool, form: Form, look: _Look
) -> tuple[list[images.Pixels], images.Pixels | None]:
    """An S x S image for each ground, and the hand's mask where the set keeps masks.

    Raises Dropped, BadMask and InputError.
    """
    image = photograph.read(frame.shrink, grey=form.channels == 1 and not look.by_colour)
    pixels = frame.of(form.in_colour(image))
    matte = _matte(photograph, frame, shared) if look.replaces else None
    hand = _hand(photograph, frame, matte) if form.masks else None
    if matte is None:
        return [pixels for _ in look.grounds], hand
    names = look.names(photograph.sample.sample_id)
    pictures = [
        pixels
        if ground is None
        else composite(pixels, matte, form.in_colour(look.draw(ground, name, photograph, frame)))
        for name, ground in zip(names, look.grounds, strict=True)
    ]
    return pictures, hand


def _matte(photograph: Photograph, frame: Frame, shared: bool) -> Matte:
    if shared and photograph.sample.mask is None:
        raise Dropped(SHARED_WITHOUT_MASK)
    return photograph.matte_of_part(frame.shrink, frame.box, frame.size)


def _hand(photograph: Photograph, frame: Frame, matte: Matte | None) -> images.Pixels | None:
    """The hand's mask, HAND and 0: the sample's own, else as it was found to replace its ground."""
    mask = photograph.mask_of_part(frame.shrink, frame.box, frame.size)
    if mask is None and matte is not None:
        mask = matte.mask
    return None if mask is None else mask * np.uint8(HAND)


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
