"""The image pass: every image decoded once for what the checks need, and pictures for the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate import images, progress
from curate.dataset import Dataset
from curate.engine import map_ordered
from curate.errors import UnreadableImage
from curate.overlay import draw_skeleton

_CHUNK = 64

Fact = tuple[int, int, str | None, str | None]


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """What decoding gave, a row a sample.

    Attributes
    ----------
    size: (n, 2) width and height as displayed (EXIF applied), pixels; NaN where unreadable.
    sha256: (n,) hash of the decoded pixels: the table's where it has one, else computed.
    error: (n,) why the image could not be read; None where it could.
    """

    size: NDArray[np.float64]
    sha256: NDArray[np.object_]
    error: NDArray[np.object_]


def pixel_facts(
    datasets: Sequence[Dataset],
    dataset_of: NDArray[np.intp],
    image: NDArray[np.object_],
    sha256: NDArray[np.object_],
    *,
    workers: int,
    quiet: bool,
) -> PixelFacts:
    """Decode each image once, however many hands lie in it."""
    keys = list(zip(dataset_of.tolist(), image.tolist(), strict=True))
    known: dict[tuple[int, str], bool] = {}
    for key, given in zip(keys, sha256.tolist(), strict=True):
        known[key] = known.get(key, True) and given is not None
    jobs = list(_jobs([d.root for d in datasets], known))
    facts: dict[tuple[int, str], Fact] = {}
    todo = iter(known)
    with progress.bar("reading images", len(known), quiet=quiet) as advance:
        for part in map_ordered(_read_chunk, jobs, workers=workers, total=len(jobs)):
            facts.update(zip(islice(todo, len(part)), part, strict=True))
            advance(len(part))
    rows = [facts[key] for key in keys]
    size = np.array([row[:2] for row in rows], np.float64).reshape(len(rows), 2)
    size[size == 0] = np.nan
    hashes, errors = np.empty(len(rows), object), np.empty(len(rows), object)
    hashes[:] = [given or row[2] for row, given in zip(rows, sha256.tolist(), strict=True)]
    errors[:] = [row[3] for row in rows]
    return PixelFacts(size, hashes, errors)


def picture(
    image: images.Pixels, points: NDArray[np.float64], visibility: NDArray[np.uint8], *, side: int
) -> images.Pixels:
    """The hand with its skeleton, the longer side `side` pixels.

    The whole image is shown, widened by up to a quarter to show points that lie outside; where the
    hand is small in it, only what is around the hand.
    """
    height, width = image.shape[:2]
    low, high = _window(points[visibility > 0], width, height)
    x0, y0 = np.floor(low).astype(int)
    x1, y1 = np.maximum(np.ceil(high).astype(int), (x0 + 1, y0 + 1))
    inside = image[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    border = [(max(-y0, 0), max(y1 - height, 0)), (max(-x0, 0), max(x1 - width, 0)), (0, 0)]
    shown: images.Pixels = np.pad(inside, border[: inside.ndim], constant_values=128)
    return draw_skeleton(shown, points - (x0, y0), visibility, size=side)


def _window(
    points: NDArray[np.float64], width: int, height: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of what to show, pixels."""
    frame = np.array([width, height], np.float64)
    if not len(points):
        return np.zeros(2), frame
    low, high = points.min(axis=0), points.max(axis=0)
    reach, longest = (high - low).max(), frame.max()
    if reach < 0.4 * longest:
        half = max(0.75 * reach, 0.15 * longest)
        centre = np.clip((low + high) / 2, 0, frame)
        return np.clip(centre - half, 0, frame - 1), np.clip(centre + half, 1, frame)
    margin = 0.25 * longest
    return np.clip(low - 4, -margin, 0), np.clip(high + 4, frame, frame + margin)


def _jobs(
    roots: Sequence[Path], known: dict[tuple[int, str], bool]
) -> Iterator[list[tuple[Path, str, bool]]]:
    todo = [(roots[index], ref, not hashed) for (index, ref), hashed in known.items()]
    for start in range(0, len(todo), _CHUNK):
        yield todo[start : start + _CHUNK]


def _read_chunk(jobs: list[tuple[Path, str, bool]]) -> list[Fact]:
    return [_read_one(root, ref, needs_hash) for root, ref, needs_hash in jobs]


def _read_one(root: Path, ref: str, needs_hash: bool) -> Fact:
    try:
        pixels = images.read_ref(root, ref)
    except UnreadableImage as error:
        return 0, 0, None, error.reason
    digest = images.pixel_sha256(pixels) if needs_hash else None
    return pixels.shape[1], pixels.shape[0], digest, None
