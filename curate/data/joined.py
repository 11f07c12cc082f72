"""Several datasets read as one: their samples in order, the split each is in, and what is left out."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.basics import files
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.paths import is_path
from curate.data import split as splits_of
from curate.data.dataset import Dataset, Rows
from curate.data.sample import labelled_points

STRAY = "row of the split list that names no sample"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some samples of one of the datasets; `dropped` counts those that are left out.

    Attributes
    ----------
    index: the number of the batch, over all datasets. root: the dataset's folder. splits: of each sample.
    """

    index: int
    root: Path
    rows: Rows
    splits: list[str]
    dropped: Counter[str]


@dataclass(frozen=True, slots=True)
class Joined:
    """One entry for each sample, over all datasets in order.

    Attributes
    ----------
    photos: as `Dataset.photos`. shared: (n,) whether the image shows other samples, too.
    pictures: a name of the image that is the same in all datasets: the hash of its pixels, else the path of
        its file; copies of a file in two datasets share a name.
    labelled: (n,) whether it is used: it has a point of the chosen set, or a mask if these are wanted, or
        shows no hand, if such samples are kept.
    """

    datasets: tuple[Dataset, ...]
    photos: list[str]
    pictures: list[str]
    shared: NDArray[np.bool_]
    labelled: NDArray[np.bool_]

    @classmethod
    def of(
        cls, datasets: Sequence[Dataset], keypoints: int, *, masks: bool = False, unlabelled: bool = False
    ) -> Joined:
        """Join the samples of some datasets.

        Parameters
        ----------
        keypoints: the chosen set, 20 or 21. masks: keep samples with a mask.
        unlabelled: keep samples that say nothing of a hand, if no other sample of their photo does.

        Raises
        ------
        InputError: two datasets share a sample_id.
        """
        photos: list[str] = []
        pictures: list[str] = []
        shared: list[NDArray[np.bool_]] = [np.empty(0, np.bool_)]
        labelled, told = shared.copy(), shared.copy()
        ids: dict[Path, pa.ChunkedArray] = {}
        for dataset in datasets:
            own = dataset.table(["sample_id"]).column(0)
            for root, others in ids.items():
                _refuse_twins(own, dataset.root, others, root)
            ids[dataset.root] = own
            photos += dataset.photos()
            pictures += _pictures(dataset)
            shared.append(dataset.shared())
            for batch in dataset.batches():
                seen = labelled_points(batch)[1] > 0
                there = np.asarray(seen[:, kp.subset(keypoints)].any(axis=1))
                if masks:
                    there |= ~np.asarray(batch.column("mask").is_null())
                labelled.append(there)
                if unlabelled:
                    told.append(_tells_of_a_hand(batch, seen))
        owner = np.repeat(np.arange(len(datasets)), [len(dataset) for dataset in datasets]).tolist()
        pictures = _as_copies(pictures, owner)
        wanted = np.concatenate(labelled)
        if unlabelled:
            wanted |= _without_hand(photos, pictures, owner, np.concatenate(told))
        return cls(tuple(datasets), photos, pictures, np.concatenate(shared), wanted)

    def column(self, name: str) -> list[Any]:
        """A column of the datasets' tables."""
        return [value for d in self.datasets for value in d.table([name]).column(0).to_pylist()]

    def way(self, how: str | os.PathLike[str] | None) -> str | os.PathLike[str]:
        """How `split` makes it: as asked for, else "source" if every sample has a split, else "subject"."""
        if how is not None:
            return how
        given = self.column("split")
        return "subject" if None in (given[i] for i in np.flatnonzero(self.labelled)) else "source"

    def split(
        self,
        how: str | os.PathLike[str] | None,
        *,
        seed: int,
        test: float,
        val: float,
        notes: Counter[str] | None = None,
    ) -> list[str | None]:
        """Each sample's split; None for those that are left out.

        Parameters
        ----------
        how: "source", "subject", or a CSV file (`curate.data.split.from_list`). None: as `way` says.
        seed, test, val: as `curate.data.split.by_subject` takes them.
        notes: where rows of the CSV file that name no sample are counted, and splits by subject that are
            asked for and stay empty.

        Raises
        ------
        InputError: a split that puts a subject, a photo or a clip on two sides; see the functions of
            `curate.data.split`.
        """
        kept = np.flatnonzero(self.labelled).tolist()

        def of_kept(column: list[Any]) -> list[Any]:
            return [column[i] for i in kept]

        subjects, clips, given = (of_kept(self.column(name)) for name in ("subject_id", "clip", "split"))
        photos = of_kept(self.photos)
        if len(self.datasets) > 1:
            photos = _as_one(photos, of_kept(self.pictures))
        where = ", ".join(str(dataset.root) for dataset in self.datasets)
        found: Sequence[str | None]
        how = self.way(how)
        if how == "subject":
            found = splits_of.by_subject(subjects, photos, clips, seed=seed, test=test, val=val)
            if notes is not None:
                notes += splits_of.unfilled(found, test=test, val=val)
        elif how == "source":
            found = splits_of.from_source(given, where)
        else:
            columns = (self.column(name) for name in ("sample_id", "subject_id", "image"))
            listed, strays = splits_of.from_list(how, *columns)
            found, where = of_kept(listed), str(how)
            if notes is not None and strays:
                notes[STRAY] += strays
        splits_of.check(found, subjects, photos, clips, where)
        result: list[str | None] = [None] * len(self.labelled)
        for i, name in zip(kept, found, strict=True):
            result[i] = name
        return result

    def batches(self, size: int, splits: Sequence[str | None]) -> Iterator[Batch]:
        """The samples that have a split, in batches of at most `size`; `splits`: as `split` gives them."""
        start = index = 0
        for dataset in self.datasets:
            for batch in dataset.batches(size):
                stop = start + batch.num_rows
                kept = [i for i in range(start, stop) if splits[i] is not None]
                chosen = batch.take(pa.array([i - start for i in kept], pa.int64()))
                unlabelled = int((~self.labelled[start:stop]).sum())
                dropped = Counter(
                    {
                        "no labelled keypoint of the chosen set": unlabelled,
                        "not in the split list": batch.num_rows - unlabelled - len(kept),
                    }
                )
                yield Batch(
                    index,
                    dataset.root,
                    Rows(chosen, [self.photos[i] for i in kept], self.shared[kept].tolist()),
                    [name for i in kept if (name := splits[i]) is not None],
                    +dropped,
                )
                start = stop
                index += 1


def _tells_of_a_hand(batch: pa.RecordBatch, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) which samples do: they have a labelled point, `seen` (n, 21), or what only a hand has."""
    known = [~np.asarray(batch.column(name).is_null()) for name in ("bbox", "xyz", "side", "aspect")]
    tells: NDArray[np.bool_] = np.any([seen.any(axis=1), *known], axis=0)
    return tells


def _without_hand(
    photos: Sequence[str], pictures: Sequence[str], owner: Sequence[int], told: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(n,) which samples are alone in a photo that, by them and by other datasets, shows no hand."""
    samples_of = Counter(zip(owner, photos, strict=True))
    names = _as_one(photos, pictures)
    hands = {name for name, has in zip(names, told, strict=True) if has}
    free = (
        name not in hands and samples_of[home, photo] == 1
        for name, home, photo in zip(names, owner, photos, strict=True)
    )
    return np.fromiter(free, np.bool_, len(photos))


def _pictures(dataset: Dataset) -> Iterator[str]:
    """For each sample the hash of its image's pixels, or else the path of the file, links followed."""
    folders: dict[str, str] = {}
    for ref, pixels in zip(*(c.to_pylist() for c in dataset.table(["image", "sha256"]).columns), strict=True):
        folder, name = os.path.split(ref)
        if pixels is not None or not is_path(ref):
            yield pixels or ref
            continue
        if folder not in folders:
            folders[folder] = os.path.realpath(dataset.root / folder)
        path = os.path.join(folders[folder], name)
        yield os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114 (of each image)


def _as_copies(pictures: Sequence[str], owner: Sequence[int]) -> list[str]:
    """The pictures, where copies of a file in several datasets get one name. Only files of which another
    dataset has one of the same size are read. owner: the dataset of each."""
    homes = defaultdict[int, set[int]](set)  # of the files of each size
    sizes: dict[str, int] = {}
    for picture, home in zip(pictures, owner, strict=True) if len(set(owner)) > 1 else ():
        if picture.startswith(os.sep) and picture not in sizes:
            with suppress(OSError):  # a file that is not there is told later
                sizes[picture] = os.stat(picture).st_size  # noqa: PTH116 (of each image)
        if picture in sizes:
            homes[sizes[picture]].add(home)
    known: dict[str, str] = {}
    for picture, size in sizes.items():
        if len(homes[size]) > 1:
            with suppress(OSError):
                known[picture] = files.sha256(picture)
    return [known.get(picture, picture) for picture in pictures]


def _as_one(photos: Sequence[str], pictures: Sequence[str]) -> list[str]:
    """The photos by names that are the same for photos that share a picture, whatever datasets call them."""
    alias: dict[str, str] = {}

    def root(name: str) -> str:
        while name in alias:
            name = alias[name]
        return name

    home: dict[str, str] = {}
    for photo, picture in zip(photos, pictures, strict=True):
        first, name = root(home.setdefault(picture, photo)), root(photo)
        if first != name:
            alias[name] = first
    return [root(photo) for photo in photos]


def _refuse_twins(ids: pa.ChunkedArray, root: Path, others: pa.ChunkedArray, home: Path) -> None:
    """Raise InputError where a sample of the dataset at `root` has an id that one at `home` has, too."""
    twins = ids.filter(pc.is_in(ids, others.combine_chunks()))
    if len(twins):
        found = f"{twins[0].as_py()!r} is in {home} too"
        remedy = (
            "give each sample once; if two sources have files of the same names, rename the files of one, "
            "and convert it again"
        )
        raise InputError(root, found, field="sample_id", remedy=remedy)
