"""`curate build`: datasets become a training set, its images one array and its samples split by subject."""

from __future__ import annotations

import io
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from curate.basics import files, geometry, heatmaps, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.data import split as splits_of
from curate.data.dataset import Dataset
from curate.data.part import Part, revise_part
from curate.data.sample import (
    Sample,
    from_batch,
    generator,
    labelled_points,
    moved,
    replace_columns,
    to_batch,
)
from curate.data.stage import Stage, Summary
from curate.hands.compositing import Backdrops, composite
from curate.hands.cropping import SHARED_WITHOUT_MASK, Cropping, Dropped, Frame, count_points, set_aside
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
class _Form:
    """What a training sample looks like: images of `size` pixels, grey or RGB, and how maps are stored."""

    size: int
    grey: bool
    keypoints: int
    sigma: float
    stored: np.dtype[Any] | None = None
    peak1: bool = False

    def in_colour(self, image: images.Pixels) -> images.Pixels:
        """The image as the set has them, grey or RGB."""
        if self.grey and image.ndim == 3:
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        return image


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
    crop: str | None = None,
    margin: float = 0.1,
    backgrounds: Grounds | Sequence[Grounds] | None = None,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Make a training set: OUT/pixels.npy, uint8 (N, S, S) grey or (N, S, S, 3) RGB, and its samples.

    An image that is not square is padded to one, centred, by repeating its edge; then it is resized. The
    samples' keypoints, bbox and K are in pixels of the result, `transform` leads back to the photo. Masks
    are left behind. Samples without a labelled point among the chosen ones are dropped and counted; a point
    without a label stays unlabelled. Heatmaps are drawn from the keypoints when the set is read; dataset.json
    holds their sigma under "training".

    Parameters
    ----------
    size: S, pixels; 96 and 128 are customary. keypoints: 21, or 20 (without the wrist).
    colour: "grey" or "colour". sigma: of the heatmaps, pixels of S.
    split: "source" (as the source has it), "subject", or a CSV file (`curate.data.split.from_list`) whose
        missing samples are dropped and counted. None: "source" if every sample has one, else "subject".
    seed, test, val: of the split by subject.
    store_heatmaps: also write OUT/heatmaps.npy, (N, K, S, S), as this type: float32, float16, uint16, or
        with "-peak1" behind it the form of height one; integers hold value * max.
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
    form = _form(size, keypoints, colour, sigma, store_heatmaps)
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
        **look.options,
    }
    stage = Stage("build", Path(out), options, sources, engine=engine, overwrite=overwrite, quiet=quiet)
    rows = _Rows.of(sources, keypoints)
    look.check_names(rows.sample_ids)
    jobs = _jobs(sources, rows, rows.split(split, seed, test, val))
    total = sum(-(-len(source) // _ROWS) for source in sources)
    work = partial(_build_batch, folder=stage.folder, out=Path(out), form=form, look=look)
    return stage.run(jobs, work, total=total, finish=partial(_finish, out=Path(out), form=form))


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


def _form(size: int, keypoints: int, colour: str, sigma: float, store_heatmaps: str | None) -> _Form:
    if not 16 <= size <= 1024:
        raise InputError("build", repr(size), field="size", allowed="16 to 1024 pixels")
    if keypoints not in (kp.COUNT, kp.COUNT - 1):
        raise InputError("build", repr(keypoints), field="keypoints", allowed="20 (without the wrist) or 21")
    if colour not in ("grey", "colour"):
        raise InputError("build", repr(colour), field="colour", allowed="grey, colour")
    if not 0.3 <= sigma <= size:
        raise InputError("build", repr(sigma), field="sigma", allowed=f"0.3 to {size} pixels")
    if store_heatmaps is None:
        return _Form(size, colour == "grey", keypoints, sigma)
    peak1 = store_heatmaps.endswith(_PEAK1)
    stored = heatmaps.check_dtype(store_heatmaps.removesuffix(_PEAK1), sigma, peak1=peak1)
    return _Form(size, colour == "grey", keypoints, sigma, stored, peak1)


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


def _build_batch(job: _Job, *, folder: Path, out: Path, form: _Form, look: _Look) -> Part:
    part = Part(job.batch, dropped=job.dropped, notes=job.notes)
    samples: list[Sample] = []
    pixels: list[images.Pixels] = []
    rows = zip(from_batch(job.batch), job.photos, job.shared, job.splits, strict=True)
    for sample, photo, shared, split in rows:
        with set_aside(part, sample.sample_id, out):
            photograph = Photograph(job.root, sample)
            frame = _frame(photograph, shared, form, look, part.notes)
            pictures = _pictures(photograph, frame, shared, form, look)
            for name, image in zip(look.names(sample.sample_id), pictures, strict=True):
                made = _fitted(sample, name, photo, frame, image, split)
                if look.cropping is not None:
                    count_points(made, part.notes)
                samples.append(made)
                pixels.append(image)
    part.notes = +part.notes
    part.batch = to_batch(samples)
    files.write(_rows_file(folder, "pixels", job.index), b"".join(i.tobytes() for i in pixels))
    if form.stored is not None:
        points, seen = labelled_points(part.batch)
        chosen = kp.subset(form.keypoints)
        maps = heatmaps.draw(points[:, chosen], seen[:, chosen], form.size, form.sigma, peak1=form.peak1)
        stored = heatmaps.as_dtype(maps, form.stored)
        files.write(_rows_file(folder, "heatmaps", job.index), stored.tobytes())
    return part


def _frame(photograph: Photograph, shared: bool, form: _Form, look: _Look, notes: Counter[str]) -> Frame:
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
    photograph: Photograph, frame: Frame, shared: bool, form: _Form, look: _Look
) -> list[images.Pixels]:
    """An S x S image for each ground. Raises Dropped, BadMask and InputError."""
    image = photograph.read(frame.shrink, grey=form.grey and not look.by_colour)
    pixels = frame.of(form.in_colour(image))
    if not look.replaces:
        return [pixels for _ in look.grounds]
    if shared and photograph.sample.mask is None:
        raise Dropped(SHARED_WITHOUT_MASK)
    matte = photograph.matte_of_part(frame.shrink, frame.box, frame.size)
    names = look.names(photograph.sample.sample_id)
    return [
        pixels
        if ground is None
        else composite(pixels, matte, form.in_colour(look.draw(ground, name, photograph, frame)))
        for name, ground in zip(names, look.grounds, strict=True)
    ]


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


def _finish(parts: list[Path], *, out: Path, form: _Form) -> dict[str, Any]:
    """Join the tasks' pixels and number the rows; says what dataset.json holds under "training"."""
    count = 0
    by_split: Counter[str] = Counter()

    def numbered(batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal count
        refs = [images.stack_ref(count + i) for i in range(batch.num_rows)]
        count += batch.num_rows
        by_split.update(batch.column("split").to_pylist())
        return replace_columns(batch, image=refs)

    for path in parts:
        revise_part(path, numbered)
    shape = (form.size, form.size) if form.grey else (form.size, form.size, 3)
    _join(out / "pixels.npy", parts, (count, *shape), np.dtype(np.uint8))
    training: dict[str, Any] = {
        "size": form.size,
        "keypoints": form.keypoints,
        "channels": 1 if form.grey else 3,
        "sigma": form.sigma,
        "splits": dict(sorted(by_split.items())),
    }
    if form.stored is not None:
        _join(out / "heatmaps.npy", parts, (count, form.keypoints, form.size, form.size), form.stored)
        training["heatmaps"] = {"dtype": form.stored.name, "peak1": form.peak1}
    return {"training": training}


def _join(target: Path, parts: list[Path], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """The rows that each task wrote, one behind the other, as one .npy file."""
    head = io.BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, description)
    temporary = target.with_name(f".{target.name}.tmp")
    with open(temporary, "wb") as joined:
        joined.write(head.getvalue())
        for index, part in enumerate(parts):
            with open(_rows_file(part.parent, target.stem, index), "rb") as rows:
                shutil.copyfileobj(rows, joined, 1 << 20)
    os.replace(temporary, target)


def _rows_file(folder: Path, name: str, index: int) -> Path:
    return folder / f"{name}-{index:06d}.raw"
