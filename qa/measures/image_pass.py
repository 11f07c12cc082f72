"""The image pass: each image is decoded once, and everything that the checks need is measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.basics import images, progress
from curate.basics import keypoints as kp
from curate.basics.engine import Engine
from curate.basics.errors import UnreadableImage
from curate.data import references
from curate.data.dataset import Dataset
from qa.measures.arrays import Flags, Floats, Names, Rows
from qa.measures.hand_look import DEPTHS, HandLook, look_at_hand
from qa.measures.image_look import THUMB, ImageLook, look_at_image

_CHUNK = 16
NOT_OPENED = "not opened"


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """What decoding the images gave, one row per sample; numbers are NaN where an image is unreadable.

    Attributes
    ----------
    opened: whether the images were opened at all; if not, each has NOT_OPENED as its error.
    size: (n, 2) width and height as displayed (EXIF applied), pixels.
    sha256: (n,) hash of the decoded pixels: the table's if it has one, else computed.
    error: (n,) why the image could not be read; None where it could.
    hashes: (n, 2) uint64, perceptual, of the image and its mirror image. thumbs: (n, 16, 16) uint8.
    looks: (n,) each, by name: the numbers of ImageLook and HandLook, and of the file's header (orientation,
        located, owned, see ImageInfo; NaN in a training set).
    depth: (n, 26), and likeness: (n, 21), see HandLook.
    """

    opened: bool
    size: Floats
    sha256: Names
    error: Names
    hashes: NDArray[np.uint64]
    thumbs: images.Pixels
    looks: dict[str, Floats]
    depth: Floats
    likeness: Floats

    def part(self, rows: Rows | slice) -> PixelFacts:
        """The facts of some samples."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("opened", "looks")}
        taken = {name: values[rows] for name, values in own.items()}
        return replace(self, **taken, looks={name: values[rows] for name, values in self.looks.items()})


@dataclass(frozen=True, slots=True)
class _Hand:
    """One sample in an image: its row in the view, points (21, 2), which of them are hidden (21,), the mask's
    path and the side."""

    row: int
    points: Floats
    hidden: Flags
    mask: str | None
    side: str | None


@dataclass(frozen=True, slots=True)
class _Job:
    root: Path
    ref: str
    needs_hash: bool
    hands: tuple[_Hand, ...]


@dataclass(frozen=True, slots=True)
class _Fact:
    """What an image gave: `error`, or all the other fields."""

    error: str | None
    size: tuple[int, int] = (0, 0)
    sha256: str | None = None
    look: ImageLook | None = None
    info: images.ImageInfo | None = None
    hands: tuple[HandLook, ...] = ()


_FILE = ("orientation", "located", "owned")
_IMAGE = ("entropy", "grey", "mean")
_HAND = (
    *("sharpness", "bright", "dark", "clipped", "found", "doubted"),
    *("parts", "area", "main", "holes", "sides", "rim"),
)


def pixel_facts(
    datasets: Sequence[Dataset],
    dataset_of: Rows,
    image: Names,
    sha256: Names,
    points: NDArray[np.float32],
    hidden: Flags,
    mask: Names,
    side: Names,
    *,
    engine: Engine,
    quiet: bool,
) -> PixelFacts:
    """Decode each image once, however many hands are in it, and measure it.

    Parameters
    ----------
    dataset_of ... side: columns of the view, (n,). points: (n, 21, 2). hidden: (n, 21), visibility 1.
    """
    rows_of = _rows_of_images(dataset_of, image)

    def jobs() -> Iterator[_Job]:
        for (index, ref), rows in rows_of.items():
            hands = tuple(_Hand(i, points[i].astype(np.float64), hidden[i], mask[i], side[i]) for i in rows)
            yield _Job(datasets[index].root, ref, any(sha256[i] is None for i in rows), hands)

    count, size = len(image), np.full((len(image), 2), np.nan)
    depth, likeness = np.full((count, DEPTHS), np.nan), np.full((count, kp.COUNT), np.nan)
    hashes, thumbs = np.zeros((count, 2), np.uint64), np.zeros((count, THUMB, THUMB), np.uint8)
    digests, errors = sha256.copy(), np.full(count, None, object)
    looks = {name: np.full(count, np.nan) for name in (*_FILE, *_IMAGE, *_HAND)}
    total = -(-len(rows_of) // _CHUNK)
    with progress.bar("reading images", len(rows_of), quiet=quiet) as advance:
        facts = engine.map(_read_chunk, _chunks(jobs()), total=total)
        for rows, fact in zip(rows_of.values(), (f for part in facts for f in part), strict=True):
            advance(1)
            errors[rows] = fact.error
            if fact.look is None:
                continue
            size[rows], hashes[rows], thumbs[rows] = fact.size, fact.look.hashes, fact.look.thumb
            for name in _FILE if fact.info is not None else ():
                looks[name][rows] = getattr(fact.info, name)
            for name in _IMAGE:
                looks[name][rows] = getattr(fact.look, name)
            for row, hand in zip(rows, fact.hands, strict=True):
                digests[row] = digests[row] or fact.sha256
                depth[row], likeness[row] = hand.depth, hand.likeness
                for name in _HAND:
                    looks[name][row] = getattr(hand, name)
    return PixelFacts(
        opened=True,
        size=size,
        sha256=digests,
        error=errors,
        hashes=hashes,
        thumbs=thumbs,
        looks=looks,
        depth=depth,
        likeness=likeness,
    )


def _rows_of_images(dataset_of: Rows, image: Names) -> dict[tuple[int, str], list[int]]:
    """The rows of each image's hands, by its dataset and its name there."""
    rows_of = defaultdict[tuple[int, str], list[int]](list)
    for row, key in enumerate(zip(dataset_of.tolist(), image.tolist(), strict=True)):
        rows_of[key].append(row)
    return rows_of


def unopened(sha256: Names) -> PixelFacts:
    """The facts where no image is opened: only the hashes in the table."""
    count = len(sha256)

    def nothing(*shape: int) -> Floats:
        return np.broadcast_to(np.nan, (count, *shape))  # takes no memory

    return PixelFacts(
        opened=False,
        size=nothing(2),
        sha256=sha256,
        error=np.full(count, NOT_OPENED, object),
        hashes=np.broadcast_to(np.uint64(0), (count, 2)),
        thumbs=np.broadcast_to(np.uint8(0), (count, THUMB, THUMB)),
        looks={name: nothing() for name in (*_FILE, *_IMAGE, *_HAND)},
        depth=nothing(DEPTHS),
        likeness=nothing(kp.COUNT),
    )


def _chunks(jobs: Iterator[_Job]) -> Iterator[list[_Job]]:
    while chunk := list(islice(jobs, _CHUNK)):
        yield chunk


def _read_chunk(jobs: list[_Job]) -> list[_Fact]:
    return [_read_one(job) for job in jobs]


def _read_one(job: _Job) -> _Fact:
    try:
        pixels, info = references.read_image_info(job.root, job.ref)
    except UnreadableImage as error:
        return _Fact(error.reason)
    alone = len(job.hands) == 1
    hands = tuple(
        look_at_hand(
            pixels,
            hand.points,
            own_mask(job.root, hand.mask, pixels),
            hand.side,
            alone=alone,
            hidden=hand.hidden,
        )
        for hand in job.hands
    )
    digest = images.pixel_sha256(pixels) if job.needs_hash else None
    return _Fact(None, (pixels.shape[1], pixels.shape[0]), digest, look_at_image(pixels), info, hands)


def own_mask(root: Path, ref: str | None, pixels: images.Pixels) -> images.Pixels | None:
    """The mask that a sample of the dataset at `root` refers to; None if none has the image's size."""
    if ref is None:
        return None
    try:
        mask = references.read_image(root, ref, grey=True)
    except UnreadableImage:
        return None
    return mask if mask.shape == pixels.shape[:2] else None
