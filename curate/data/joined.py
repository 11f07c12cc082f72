"""Several datasets read as one: their samples in order, the split each is in, and what is left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data import split as splits_of
from curate.data.dataset import Dataset, Rows
from curate.data.sample import labelled_points


@dataclass(frozen=True, slots=True)
class Batch:
    """Some samples of one of the datasets, without those that are left out, which `dropped` counts.

    Attributes
    ----------
    index: which batch of all datasets it is. root: of the dataset. splits: of each sample.
    notes: other things worth counting.
    """

    index: int
    root: Path
    rows: Rows
    splits: list[str]
    dropped: Counter[str]
    notes: Counter[str]


@dataclass(frozen=True, slots=True)
class Joined:
    """One entry a sample, over all datasets in order.

    Attributes
    ----------
    names: of the images. photos: as `Dataset.photos` says. clips: the recordings. shared: the image shows
        other samples, too.
    given: the split that the source says. labelled: it has a point of the chosen set, or a mask where these
        are wanted.
    """

    datasets: tuple[Dataset, ...]
    sample_ids: list[str]
    subjects: list[str | None]
    names: list[str]
    photos: list[str]
    clips: list[str | None]
    shared: list[bool]
    given: list[str | None]
    labelled: list[bool]

    @classmethod
    def of(cls, datasets: Sequence[Dataset], keypoints: int, *, masks: bool = False) -> Joined:
        """The samples of some datasets; `keypoints` is the chosen set, 20 or 21; `masks`: these are wanted.

        Raises InputError where two datasets share a sample_id.
        """
        all_of = cls(tuple(datasets), *([] for _ in range(8)))
        home: dict[str, Path] = {}
        for dataset in datasets:
            table = dataset.table(["sample_id", "subject_id", "image", "clip", "split"])
            ids, subjects, names, clips, given = (column.to_pylist() for column in table.columns)
            twin = next((i for i in ids if i in home), None)
            if twin is not None:
                found = f"{twin!r} stands in {home[twin]} too"
                remedy = "give each sample once, or convert one source under another name"
                raise InputError(dataset.root, found, field="sample_id", remedy=remedy)
            home.update(dict.fromkeys(ids, dataset.root))
            all_of.sample_ids.extend(ids)
            all_of.subjects.extend(subjects)
            all_of.names.extend(names)
            all_of.clips.extend(clips)
            all_of.given.extend(given)
            all_of.photos.extend(dataset.photos())
            hands = Counter(names)
            all_of.shared.extend(hands[name] > 1 for name in names)
            for batch in dataset.batches():
                seen = labelled_points(batch)[1][:, kp.subset(keypoints)]
                labelled = np.asarray((seen > 0).any(axis=1))
                if masks:
                    labelled |= ~np.asarray(batch.column("mask").is_null())
                all_of.labelled.extend(labelled.tolist())
        return all_of

    def split(
        self, how: str | os.PathLike[str] | None, *, seed: int, test: float, val: float
    ) -> list[str | None]:
        """Each sample's split; None for those that are left out.

        Parameters
        ----------
        how: "source", "subject", or a CSV file (`curate.data.split.from_list`). None: "source" if every
            sample has a split, else "subject".
        seed, test, val: as `curate.data.split.by_subject` takes them.

        Raises
        ------
        InputError: a split that puts a subject, a photo or a clip on two sides; see the functions of
            `curate.data.split`.
        """
        kept = [i for i, labelled in enumerate(self.labelled) if labelled]
        subjects = [self.subjects[i] for i in kept]
        photos = [self.photos[i] for i in kept]
        clips = [self.clips[i] for i in kept]
        given = [self.given[i] for i in kept]
        where = ", ".join(str(dataset.root) for dataset in self.datasets)
        found: Sequence[str | None]
        if how is None:
            how = "subject" if None in given else "source"
        if how == "subject":
            found = splits_of.by_subject(subjects, photos, clips, seed=seed, test=test, val=val)
        elif how == "source":
            found = splits_of.from_source(given, where)
        else:
            ids, names = [self.sample_ids[i] for i in kept], [self.names[i] for i in kept]
            found = splits_of.from_list(how, ids, subjects, names)
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
                here = range(start, start + batch.num_rows)
                kept = [i for i in here if splits[i] is not None]
                unlabelled = sum(not self.labelled[i] for i in here)
                dropped = Counter(
                    {
                        "no labelled keypoint of the chosen set": unlabelled,
                        "not in the split list": batch.num_rows - unlabelled - len(kept),
                    }
                )
                yield Batch(
                    index,
                    dataset.root,
                    Rows(
                        batch.take(pa.array([i - start for i in kept], pa.int64())),
                        [self.photos[i] for i in kept],
                        [self.shared[i] for i in kept],
                    ),
                    [name for i in kept if (name := splits[i]) is not None],
                    +dropped,
                    +Counter(samples_without_subject=sum(self.subjects[i] is None for i in kept)),
                )
                start += batch.num_rows
                index += 1
