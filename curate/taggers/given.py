"""What `curate predict` is given: photos, videos, folders of them, datasets, or a camera."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from curate.basics import videos
from curate.basics.errors import InputError
from curate.basics.paths import NO_TEXT, Places, as_text, is_text, real, require_place
from curate.data.dataset import INFO as DATASET_INFO
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.source import pictures_below
from curate.hands.photograph import Photograph
from curate.taggers.clips import Clip
from curate.taggers.tagger import open_photograph
from curate.training.record import INFO as RUN_INFO

_ROWS = 16  # photos a task
_NUMBERED = re.compile(r"(.*)~[0-9]+", re.DOTALL)  # the id of a further hand in a photo
_CAMERA = re.compile(r"camera:([0-9]{1,3})")


@dataclass(frozen=True)
class Photo:
    """One photo to look at.

    Attributes
    ----------
    root, sample: the folder that its path starts from, and what is known about it.
    link: the link to it that was given.
    refused: why it must not be opened. is_twin: it is refused because another sample has its id.
    found_by: the finder that gave its bbox in this call.
    taken: ids with "~2" and so on that other samples have, so that no further hand in it may get them.
    """

    root: Path
    sample: Sample
    link: Path | None = None
    refused: InputError | None = None
    is_twin: bool = False
    found_by: str | None = None
    taken: frozenset[str] = frozenset()

    def open(self) -> Photograph | InputError:
        """The photograph, or why it cannot be used."""
        return self.refused or open_photograph(self.root, self.sample)

    @property
    def path(self) -> Path:
        """Its path as messages name it."""
        return self.link or self.root / self.sample.image

    def names(self, count: int) -> list[str]:
        """The ids of so many hands in it."""
        own = self.sample.sample_id
        further = (name for number in itertools.count(2) if (name := f"{own}~{number}") not in self.taken)
        return list(islice(chain([own], further), count))


@dataclass(frozen=True)
class Given:
    """The inputs of a prediction: datasets and files, which are photos or videos; or a camera.

    Attributes
    ----------
    found: the files. places: the folders that they may lie in.
    before: counts the files that were passed over, and quarantines those whose names no table can hold.
    """

    datasets: tuple[Dataset, ...]
    found: list[Path]
    photos: list[Path]
    clips: list[Clip]
    places: Places
    before: Part

    @property
    def fingerprint(self) -> str:
        """Hash of the files' names and sizes."""
        digest = hashlib.sha256()
        for path in self.found:
            size = path.stat().st_size if path.is_file() else -1
            digest.update(os.fsencode(f"{path.as_posix()}\0{size}\n"))
        return digest.hexdigest()

    @property
    def sizes(self) -> list[int]:
        """How many photos, or frames, each of the `items` stands for."""
        counts = [len(self.photos), *map(len, self.datasets)]
        batches = [min(_ROWS, count - first) for count in counts for first in range(0, count, _ROWS)]
        return [*batches, *(clip.promised() for clip in self.clips)]

    def items(self) -> Iterator[list[Photo] | Clip]:
        """The work: some photos at a time, then each video.

        Of samples that share an id only the first is used: their pictures would be written to one file, by
        processes that end in any order.
        """
        taken = _numbered(self.datasets)
        held: dict[str, str] = {}
        for where, photos in self._photos():
            while some := list(islice(photos, _ROWS)):
                yield [_first_of_its_id(photo, where, held, taken) for photo in some]
        yield from self.clips

    def _photos(self) -> Iterator[tuple[str, Iterator[Photo]]]:
        """The photos among the files, then those of each dataset; messages name where they are from."""
        yield "the files", (_photo(path, self.places) for path in self.photos)
        for dataset in self.datasets:
            yield os.fspath(dataset.root), (Photo(dataset.root, sample) for sample in dataset)


def _numbered(datasets: Iterable[Dataset]) -> dict[str, frozenset[str]]:
    """The ids that end in "~2" or another number, by what stands before it."""
    found: dict[str, set[str]] = {}
    for dataset in datasets:
        for sample_id in dataset.table(["sample_id"]).column(0).to_pylist():
            if told := _NUMBERED.fullmatch(sample_id):
                found.setdefault(told.group(1), set()).add(sample_id)
    return {name: frozenset(ids) for name, ids in found.items()}


def _first_of_its_id(
    photo: Photo, where: str, held: dict[str, str], taken: Mapping[str, frozenset[str]]
) -> Photo:
    """The photo; refused if a sample from elsewhere has its id. held: where the first of each id is from."""
    name = photo.sample.sample_id
    first = held.setdefault(name, where)
    if first != where:
        reason = f"another sample has its id, {name}: that of {first} is kept; this one is of {where}"
        return replace(photo, refused=InputError(photo.path, reason), is_twin=True)
    return replace(photo, taken=taken[name]) if name in taken else photo


def look_through(
    inputs: Sequence[str | os.PathLike[str]], out: Path, *, seconds: float | None = None
) -> Given:
    """The inputs, without the files in `out`.

    Parameters
    ----------
    inputs: photos, videos, folders of them, or datasets; or one camera alone. seconds: how long that records.

    Raises
    ------
    InputError: nothing to look at, a training set, a run, a camera with other inputs.
    """
    _refuse_runs(inputs)
    datasets, places = _datasets(inputs), _places(inputs)
    before = Part(to_batch([]))
    camera = _camera(inputs, seconds)
    places_of = {} if camera else _files(inputs, before.notes)
    ours = real(out)
    found = [path for place, path in places_of.items() if not place.is_relative_to(ours)]
    named = list(_with_names(found, out, before))
    photos = [path for path in named if path.suffix.lower() not in videos.SUFFIXES]
    clips = [camera] if camera else _clips(named, places)
    if not found and not clips and not datasets:
        raise _nothing(inputs, out, list(places_of.values()))
    return Given(datasets, found, photos, clips, places, before)


def _nothing(inputs: Sequence[str | os.PathLike[str]], out: Path, ours: list[Path]) -> InputError:
    """The error that there is nothing to look at. ours: files that were left out as they lie in `out`."""
    if ours:
        more = f", as do {len(ours) - 1} more" if len(ours) > 1 else ""
        told = f"lies in --out {out}, where what is found is written to{more}"
        return InputError(ours[0], told, remedy="give another folder as --out")
    return InputError(os.fspath(inputs[0]) if inputs else "predict", "no photo", allowed="one or more")


def _refuse_runs(inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Raise InputError for a folder of a training, whose pictures of epochs are no photos."""
    for path in map(Path, inputs):
        require_place(path)
        if (path / RUN_INFO).exists():
            raise InputError(
                path,
                f"a run (it holds {RUN_INFO}) where a photo should be",
                allowed="one run, before the photos",
                remedy="curate predict RUN FILES",
            )


def names_camera(path: str | os.PathLike[str]) -> bool:
    """Whether a camera is given, as "camera:0"."""
    return _CAMERA.fullmatch(os.fspath(path)) is not None


def _camera(inputs: Sequence[str | os.PathLike[str]], seconds: float | None) -> Clip | None:
    """The camera that is given. Raises InputError: it is given beside other inputs."""
    given = [found for path in inputs if (found := _CAMERA.fullmatch(os.fspath(path)))]
    if not given:
        return None
    if len(inputs) > 1:
        raise InputError(given[0].group(), "given with other inputs", allowed="a camera alone")
    return Clip(given[0].group(), camera=int(given[0].group(1)), seconds=seconds)


def _clips(found: Iterable[Path], places: Places) -> list[Clip]:
    """The videos among the files."""
    return [
        Clip(path.as_posix(), path, refused=_refusal(path, places))
        for path in found
        if path.suffix.lower() in videos.SUFFIXES
    ]


def _refusal(path: Path, places: Places) -> InputError | None:
    """Why a file must not be looked at: it is a link that leads out of what is given."""
    try:
        places.require(path, option="curate predict RUN")
    except InputError as error:
        return error
    return None


def _datasets(inputs: Iterable[str | os.PathLike[str]]) -> tuple[Dataset, ...]:
    """The datasets among the inputs, each once. Raises InputError: a training set."""
    found: dict[Path, Path] = {}
    for path in map(Path, inputs):
        if (path / DATASET_INFO).exists():
            found.setdefault(real(path), path)
    datasets = tuple(map(Dataset, found.values()))
    for dataset in datasets:
        dataset.refuse_training_set("for those: curate evaluate", allowed="photos or datasets")
    return datasets


def _files(inputs: Iterable[str | os.PathLike[str]], notes: Counter[str]) -> dict[Path, Path]:
    """The photos and videos outside datasets, each once, by the place that links in their paths lead to.
    notes: counts other files of the folders."""
    found: dict[Path, Path] = {}
    for path in map(Path, inputs):
        if not path.is_dir():
            found.setdefault(real(path), path)
        elif not (path / DATASET_INFO).exists():
            for below in pictures_below(path, notes, videos.SUFFIXES):
                found.setdefault(real(below), below)
    return found


def _with_names(found: Iterable[Path], out: Path, before: Part) -> Iterator[Path]:
    """The files that a dataset at `out` can name; the others go to the quarantine of `before`."""
    for path in found:
        place = real(path) if path.is_symlink() else path
        if not is_text(path.as_posix()):
            before.quarantine.append((as_text(path.as_posix()), NO_TEXT))
        elif not is_text(os.path.relpath(place, out)):
            told = f"leads to {as_text(place.as_posix())}, {NO_TEXT}"
            before.quarantine.append((path.as_posix(), told))
        else:
            yield path


def _places(inputs: Iterable[str | os.PathLike[str]]) -> Places:
    """Where photos may lie: in the given folders, and in the folder that each given file leads to."""
    return Places(path if path.is_dir() else real(path).parent for path in map(Path, inputs))


def _photo(path: Path, places: Places) -> Photo:
    link = path if path.is_symlink() else None
    place = real(path) if link else path
    sample = Sample(f"photo/{path.as_posix()}", "photo", place.name)
    return Photo(place.parent, sample, link, _refusal(path, places))
