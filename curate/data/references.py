"""What the samples of a dataset refer to: files of its own, and files of the folders that it names.

`image`, `mask` and the depth map of a sample are paths relative to the dataset. They may lead out of it only
into the folders that dataset.json names under "refers_to", which the stage that made it wrote, and only where
that was done here (curate.data.trust): no dataset of somebody else can have a picture of this machine copied
into what is published.

A dataset that is older than this list may refer to any file once it is trusted, but not through a link.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.basics import images, json_text
from curate.basics.errors import UnreadableImage, UnsafeReference
from curate.basics.paths import Places, is_path, read_file, within
from curate.data import trust

if TYPE_CHECKING:
    from curate.data.dataset import Dataset

INFO = trust.INFO
MAX_INFO = 1_000_000_000  # bytes
REFERS_TO = "refers_to"
OUTSIDE = "images outside the dataset"  # a note
_DIGITS = 15  # of a row's number, at most


def file_of(root: str | os.PathLike[str], ref: str) -> Path:
    """The file that a sample of the dataset at `root` refers to, whether it is there or not.

    Raises
    ------
    UnsafeReference: it leads out of the dataset, into none of the folders that the dataset names.
    """
    allowed = _allowed(root)
    if not is_path(ref) or ref.startswith("/") or not allowed.hold(ref):
        if not allowed.known:
            raise UnsafeReference(
                root,
                "leads out of a dataset that was not made here",
                field=repr(ref[:80]),
                remedy=f"if you trust whoever made it: curate trust {Path(root)}",
            )
        raise UnsafeReference(
            root,
            "leads out of the dataset",
            field=repr(ref[:80]),
            allowed=f"its own folder, and those that {INFO} names under {REFERS_TO!r}",
            remedy="convert the source again, or copy the file into the dataset",
        )
    return Path(root) / ref


def read_image(root: str | os.PathLike[str], ref: str, *, grey: bool = False) -> images.Pixels:
    """The image that a sample of the dataset at `root` refers to: a path, or "pixels.npy#row".

    Raises UnreadableImage, and UnsafeReference as `file_of`.
    """
    return read_image_info(root, ref, grey=grey)[0]


def read_image_info(
    root: str | os.PathLike[str], ref: str, *, grey: bool = False
) -> tuple[images.Pixels, images.ImageInfo | None]:
    """As `read_image`, with what the file's header says; None for a row of pixels.npy."""
    if images.in_stack(ref):
        stack = images.open_stack(root)
        row = images.stack_row(ref)
        if row is None or row >= len(stack):
            found = f"no row {ref.partition('#')[2][:_DIGITS]}; it has {len(stack)}"
            raise UnreadableImage(Path(root) / images.STACK, found)
        image: images.Pixels = np.array(stack[row])
        if grey and image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)  # type: ignore[assignment]
        return image, None
    path = file_of(root, ref)
    data = images.load(path)
    info = images.examine(data, path)
    return images.decode(data, path, grey=grey, info=info), info


def places_of(dataset: Dataset) -> list[Path]:
    """The folders that the files of a dataset may lie in: its own, and those that it names."""
    return [dataset.root, *(dataset.root / folder for folder in dataset.info.get(REFERS_TO) or ())]


def is_trusted(dataset: Dataset) -> bool:
    """Whether a dataset may refer to files outside it; one that refers to none is always trusted."""
    return _allowed(dataset.root).known


def take_word(root: str | os.PathLike[str]) -> None:
    """Trust the dataset at `root` as it is now. Raises OSError: that cannot be kept."""
    trust.remember(root)
    _read.cache_clear()


def count_outside(dataset: Dataset) -> int:
    """How many samples of a dataset that names no folders have their image outside it."""
    return 0 if REFERS_TO in dataset.info else sum(outside(dataset).values())


def outside(dataset: Dataset) -> Counter[str]:
    """How many samples have their image in each allowed folder outside the dataset, relative to it."""
    column = dataset.table(["image"]).column(0)
    refs = column.filter(pc.starts_with(column, "../")).to_pylist()
    allowed = _allowed(dataset.root)
    refs = [ref for ref in refs if is_path(ref) and allowed.hold(ref)]
    return Counter(os.path.dirname(ref) for ref in refs)  # noqa: PTH120 (a tenth of the time of Path.parent)


class Folders:
    """Collects the folders outside a dataset at `out` that its samples refer to."""

    def __init__(self, out: Path, known: Iterable[Path]) -> None:
        """known: folders that stand for all below them."""
        self._out = os.fspath(Path(out).absolute())
        self._known = [os.path.normpath(Path(folder).absolute()) for folder in known]
        self._told: dict[str, str] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Note the folders that these samples refer to."""
        for name in ("image", "mask", "depth"):
            column = batch.column(name)
            self._note(column.filter(pc.starts_with(column, "../")).unique().to_pylist())

    def relative(self) -> list[str]:
        """The folders as dataset.json names them."""
        return sorted({Path(os.path.relpath(place, self._out)).as_posix() for place in self._told.values()})

    def _note(self, refs: Iterable[str]) -> None:
        for ref in refs:
            folder = os.path.dirname(ref)  # noqa: PTH120 (a tenth of the time of Path.parent)
            if folder not in self._told:
                place = os.path.normpath(f"{self._out}/{folder}")
                self._told[folder] = next((known for known in self._known if within(place, known)), place)


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Where the files of the dataset at `root` (links followed) may lie.

    told: its dataset.json names the folders. known: the dataset is trusted.
    """

    root: str
    places: Places
    told: bool
    known: bool

    def hold(self, ref: str) -> bool:
        path = f"{self.root}/{ref}"
        if self.places.hold(path):
            return True
        return self.known and not self.told and os.path.normpath(path) == os.path.realpath(path)


def _allowed(root: str | os.PathLike[str]) -> _Allowed:
    try:
        state = Path(root, INFO).stat()
    except OSError:
        return _Allowed(os.path.realpath(root), Places([root]), told=True, known=True)
    return _read(os.path.realpath(root), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _read(root: str, _changed: int, _size: int) -> _Allowed:
    """What a dataset.json allows; it is read once as long as it stays the same."""
    folders: list[str] | None = []
    with suppress(OSError, ValueError, AttributeError, TypeError):
        named = json_text.parse(read_file(f"{root}/{INFO}", MAX_INFO)).get(REFERS_TO)
        folders = None if named is None else [f"{root}/{os.fspath(folder)}" for folder in list(named)]
    known = folders == [] or trust.is_known(root)
    places = Places([root, *(folders or [] if known else [])])
    return _Allowed(root, places, told=folders is not None, known=known)
