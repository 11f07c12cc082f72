"""The images of an export: each one once, upright, under a name that is valid on any system."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from curate.basics import files, images
from curate.basics.engine import Engine
from curate.basics.errors import UnreadableImage, UnsafeReference
from curate.data import references
from curate.data.dataset import Dataset
from curate.data.part import LEFT_OUT
from curate.data.sample import Sample, file_stem

Job = TypeVar("Job")
Result = TypeVar("Result")

# What exports count.
WITHOUT_IMAGE = LEFT_OUT + "sample without an image"
ANEW = "image turned upright or written anew as PNG"

_TASK = 64  # images at most: to hand them over one by one would take longer than to copy them
_LONGEST_STEM = 180  # with what is added to it while it is written, a name has 255 bytes at most
_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
}


class Placed(Mapping[str, Path]):
    """The file of each ref that was put into a folder. It keeps names: a million paths take a gigabyte."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._names = folder, dict[str, str]()

    def __getitem__(self, ref: str) -> Path:
        return self._folder / self._names[ref]

    def __contains__(self, ref: object) -> bool:
        return ref in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def add(self, ref: str, name: str) -> None:
        """Record that the file of `ref` is `name`, relative to the folder."""
        self._names[ref] = name

    def name(self, ref: str) -> str:
        """The file of `ref`, relative to the folder, with slashes."""
        return self._names[ref]


def put(dataset: Dataset, refs: Iterable[str], folder: Path, engine: Engine) -> tuple[Placed, Counter[str]]:
    """Put the images that `refs` (values of the field `image`) name into `folder`; more than files.A_FOLDER
    of them go into numbered folders below it.

    An upright file is copied as it is. A file that its EXIF tag turns, which not all tools do, and a row of a
    training set are written as PNG. A file keeps its name, unless two images share it.

    Returns
    -------
    The new file of each ref, and counts of images left out (unreadable) or written anew.
    """
    unique = sorted(set(refs))
    taken = Counter(_plain_stem(ref).lower() for ref in unique)
    shared = {stem for stem, count in taken.items() if count > 1}
    del taken

    def named(number: int, ref: str) -> tuple[str, str]:
        stem = _plain_stem(ref)
        within = f"{number // files.A_FOLDER:05d}/" if len(unique) > files.A_FOLDER else ""
        return ref, within + (file_stem(ref) if stem.lower() in shared else stem)

    placed = Placed(folder)
    counts = Counter[str]()
    jobs = (named(number, ref) for number, ref in enumerate(unique))
    made = in_tasks(engine, partial(_put_as_fits, dataset.root, folder), jobs, len(unique))
    for ref, told in zip(unique, made, strict=True):
        if isinstance(told, str):
            counts[told] += 1
        else:
            name, anew = told
            placed.add(ref, name)
            counts[ANEW] += anew and not images.in_stack(ref)
    return placed, +counts


def put_all(dataset: Dataset, folder: Path, engine: Engine) -> tuple[Placed, Counter[str]]:
    """Put all images of a dataset into `folder`, as `put` does; counts samples without an image, too."""
    refs = dataset.table(["image"]).column(0).to_pylist()
    placed, counts = put(dataset, refs, folder, engine)
    counts[WITHOUT_IMAGE] += sum(ref not in placed for ref in refs)
    return placed, +counts


def put_hands(
    dataset: Dataset, folder: Path, engine: Engine
) -> tuple[dict[Path, list[Sample]], Counter[str]]:
    """Put all images of a dataset into `folder`, as `put_all` does, for a format that holds only points.

    Returns
    -------
    The hands in each file, files in the order of the refs and hands in that of the dataset; and counts of
    what was left out or written anew. Hands without a labelled keypoint are counted as left out.
    """
    hands: dict[str, list[Sample]] = defaultdict(list)
    for sample in dataset:
        hands[sample.image].append(sample)
    placed, counts = put_all(dataset, folder, engine)
    bare = sum(not hand.visibility.any() for ref in placed for hand in hands[ref])
    counts[LEFT_OUT + "sample without a labelled keypoint"] += bare
    return {path: hands[ref] for ref, path in sorted(placed.items())}, +counts


def put_as(dataset: Dataset, places: Mapping[str, Path], engine: Engine) -> dict[str, bool]:
    """Put the image that each ref names at its place, as `place` does.

    Returns
    -------
    For each image that opened whether it was written anew.
    """
    made = in_tasks(engine, partial(_put_at, dataset.root), places.items(), len(places))
    return {ref: anew for ref, anew in zip(places, made, strict=True) if anew is not None}


def place(root: Path, ref: str, path: Path) -> bool:
    """Put the image that `ref` names in the dataset at `root` at `path`, in the format of its suffix.

    An upright file of that format is copied as it is; others are written anew. A file that is there already,
    from the same export before it was killed, is kept.

    Returns
    -------
    Whether the image is written anew.

    Raises
    ------
    UnreadableImage: the image does not open.
    """
    anew = images.in_stack(ref) or not _fits(images.probe(references.file_of(root, ref)), path.suffix)
    _make(root, ref, path, anew)
    return anew


class Packed(NamedTuple):
    """An image for a place within another file: its bytes, their suffix, and whether it was encoded anew."""

    data: bytes
    suffix: str
    anew: bool


def pack(root: Path, ref: str) -> Packed:
    """The image that `ref` names in the dataset at `root`, as `put` would write it.

    Raises UnreadableImage, and UnsafeReference for a file outside the dataset.
    """
    if not images.in_stack(ref):
        path, suffix = references.file_of(root, ref), Path(ref).suffix.lower()
        data = images.load(path)
        if _fits(images.examine(data, path), suffix):
            return Packed(data, suffix, False)
    return Packed(images.encode(references.read_image(root, ref)), ".png", True)


def size_of(root: Path, ref: str) -> tuple[int, int]:
    """Width and height of the image that `ref` names. Raises UnreadableImage."""
    if images.in_stack(ref):
        height, width = references.read_image(root, ref).shape[:2]
        return width, height
    info = images.probe(references.file_of(root, ref))
    return info.width, info.height


def in_tasks(
    engine: Engine, work: Callable[[Job], Result], jobs: Iterable[Job], count: int
) -> Iterator[Result]:
    """Yield work(job) of `count` jobs, in order; the engine gets many jobs at a time."""
    size = min(_TASK, 1 + count // (8 * engine.workers))  # several a worker, so that none waits long
    left = iter(jobs)
    tasks = iter(lambda: list(islice(left, size)), [])
    for results in engine.map(partial(_each, work), tasks, total=-(-count // size)):
        yield from results


def _each(work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    return [work(job) for job in jobs]


def _put_as_fits(root: Path, folder: Path, job: tuple[str, str]) -> tuple[str, bool] | str:
    """Put an image into a folder under a stem, with the suffix of the format that it gets.

    Returns its name and whether it was written anew; or the reason why it cannot be put there."""
    ref, stem = job
    suffix = Path(ref).suffix.lower()
    try:
        anew = images.in_stack(ref) or not _fits(images.probe(references.file_of(root, ref)), suffix)
        name = stem + (".png" if anew else suffix)
        _make(root, ref, folder / name, anew)
    except UnsafeReference:
        return "image refused, as it leads out of the dataset"
    except UnreadableImage:
        return "image missing or unreadable"
    return name, anew


def _put_at(root: Path, job: tuple[str, Path]) -> bool | None:
    try:
        return place(root, *job)
    except UnreadableImage:
        return None


def _fits(info: images.ImageInfo, suffix: str) -> bool:
    return info.orientation == 1 and suffix in _SUFFIXES.get(info.format, ())


def _make(root: Path, ref: str, path: Path, anew: bool) -> None:
    if path.exists():
        return
    if anew:
        images.write(path, references.read_image(root, ref))
    else:
        files.write(path, images.load(references.file_of(root, ref)))


def _plain_stem(ref: str) -> str:
    if images.in_stack(ref):
        return f"row_{ref.partition('#')[2]:0>7}"
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(ref).stem).strip("._") or "image"
    return stem if len(stem) <= _LONGEST_STEM else file_stem(ref)
