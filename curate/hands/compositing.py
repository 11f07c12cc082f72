"""Putting a hand that was cut out in front of something else."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curate.basics import files, images
from curate.basics.errors import InputError, UnreadableImage
from curate.basics.images import Pixels
from curate.basics.paths import require_place
from curate.data.part import Part
from curate.data.sample import to_batch
from curate.data.source import pictures_below
from curate.hands.masks import Matte
from curate.options.background import ALLOWED, KINDS

_COLOUR = re.compile(r"colour:#([0-9a-fA-F]{6})")
_KEPT = 500_000  # pixels: the last backdrops that are no larger are kept in memory
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as cvtColor and JPEG have it
_OCTAVES = (3, 6, 12, 24, 48, 96)  # cells across a noise backdrop
_THINNEST = 20  # a backdrop scaled to cover a picture may have so many times its pixels


def composite(image: Pixels, matte: Matte, backdrop: Pixels) -> Pixels:
    """The hand of an image before a backdrop: (H, W, 3) each, or both grey (H, W).

    Along the border, a pixel's colour is a mixture of the hand and the old ground. The old ground's share is
    replaced by the hand's colour near by first, so that no rim of it is left.
    """
    alpha = matte.alpha
    inside = (alpha == 255).astype(np.uint8)
    result = np.asarray(cv2.copyTo(image, inside, np.array(backdrop)), np.uint8)
    rows, columns = np.divmod(np.flatnonzero((alpha > 0) & (alpha < 255)), alpha.shape[1])
    share = alpha[rows, columns].astype(np.float32) / 255
    hand, ground = matte.colours.at(rows, columns, alpha.shape)
    spill = hand - ground
    if image.ndim == 2:
        spill = spill @ _LUMA
    else:
        share = share[:, None]
    pure = image[rows, columns] + (1 - share) * spill
    mixed = share * np.clip(pure, 0, 255) + (1 - share) * backdrop[rows, columns]
    result[rows, columns] = np.round(mixed).astype(np.uint8)
    return result


@dataclass(frozen=True, slots=True)
class Backdrops:
    """What hands are put in front of.

    Attributes
    ----------
    kind: "white", "noise", "gradient", "colour:#rrggbb", or "files".
    files: the images to choose from, sorted by name. folder: where they lie.
    notes: how many of its files are no pictures.
    """

    kind: str
    files: tuple[Path, ...] = ()
    folder: Path | None = None
    notes: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, what: str | os.PathLike[str]) -> Backdrops:
        """From the command's word for it, or a folder. Raises InputError: neither, or no image in it."""
        name = os.fspath(what)
        if name in KINDS or _COLOUR.fullmatch(name):
            return cls(name.lower())
        folder = Path(name)
        require_place(folder)
        if not folder.is_dir():
            raise InputError("--backgrounds", repr(name), allowed=ALLOWED)
        notes = Counter[str]()
        files = sorted(pictures_below(folder, notes))
        if not files:
            raise InputError("--backgrounds", f"{name!r}, a folder without an image", allowed=ALLOWED)
        return cls("files", tuple(files), folder, tuple(sorted(notes.items())))

    @property
    def identity(self) -> str:
        """A name by content: it stays the same where the folder of images is moved. A file that does not open
        is known by its name alone: `survey` tells of it."""
        if self.kind != "files":
            return self.kind
        digest = hashlib.sha256()
        for path in self.files:
            try:
                digest.update(bytes.fromhex(files.sha256(path)))
            except OSError:
                digest.update(os.fsencode(path.name))
        return f"{len(self.files)} images, sha256 {digest.hexdigest()}"

    @property
    def plain(self) -> bool:
        """Whether they have one colour, so that every part of one looks like the whole."""
        return self.kind == "white" or self.kind.startswith("colour")

    def survey(self) -> Part:
        """What of the folder cannot be used: pictures whose header does not open are `spoilt`, files that are
        no pictures counted."""
        told = Part(to_batch([]), notes=Counter(dict(self.notes)))
        for path in self.files:
            try:
                images.probe(path)
            except UnreadableImage as error:
                self._spoil(told, path, error)
        return told

    def draw(self, rng: np.random.Generator, width: int, height: int, part: Part | None = None) -> Pixels:
        """One backdrop, (height, width, 3). A file that cannot be read is told in `part.spoilt`.

        Raises UnreadableImage where none of the files can be read.
        """
        if self.kind == "files":
            return self._photo(rng, width, height, part)
        if self.kind == "noise":
            return _noise(rng, width, height)
        if self.kind == "gradient":
            return _gradient(rng, width, height)
        return self.of_one_colour(width, height)

    def of_one_colour(self, width: int, height: int) -> Pixels:
        """A plain backdrop, (height, width, 3). It is shared: nothing can be written to it."""
        found = _COLOUR.fullmatch(self.kind)
        return _one_colour(found[1] if found else "ffffff", width, height)

    def _spoil(self, part: Part, path: Path, error: UnreadableImage) -> None:
        part.spoilt[f"backdrop {path.relative_to(self.folder or path.anchor).as_posix()}"] = error.reason

    def _photo(self, rng: np.random.Generator, width: int, height: int, part: Part | None) -> Pixels:
        """A part of one of the images, as large as fits, mirrored or not."""
        first = int(rng.integers(len(self.files)))
        x, y, mirrored = rng.random(), rng.random(), rng.random() < 0.5
        for step in range(len(self.files)):
            path = self.files[(first + step) % len(self.files)]
            try:
                fitted = (_fitted if width * height > _KEPT else _fitted_once)(path, width, height)
            except UnreadableImage as error:
                if part is not None:
                    self._spoil(part, path, error)
                continue  # its neighbour in the list stands in
            left, top = int(x * (fitted.shape[1] - width + 1)), int(y * (fitted.shape[0] - height + 1))
            piece = fitted[top : top + height, left : left + width]
            return np.ascontiguousarray(piece[:, ::-1] if mirrored else piece)
        raise UnreadableImage(self.files[first].parent, "none of its images can be read")


@lru_cache(maxsize=4)
def _one_colour(code: str, width: int, height: int) -> Pixels:
    colour = np.frombuffer(bytes.fromhex(code), np.uint8)
    picture = np.tile(np.tile(colour, (1, width, 1)), (height, 1, 1))
    picture.flags.writeable = False
    return picture


def _fitted(path: Path, width: int, height: int) -> Pixels:
    """A file's image, scaled so that it just covers that size. Raises UnreadableImage."""
    info = images.probe(path)
    scale = max(width / info.width, height / info.height)
    if info.width * info.height * scale**2 > _THINNEST * width * height:
        found = f"a strip of {info.width} x {info.height} px"
        raise UnreadableImage(path, found, allowed="pictures, less long and thin")
    photo = images.read(path, shrink=images.shrink_for(info, scale))
    size = (max(width, round(info.width * scale)), max(height, round(info.height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photo, size, interpolation=way), np.uint8)


# To read a backdrop's file takes longer than to make a small sample.
_fitted_once = lru_cache(maxsize=64)(_fitted)


def _noise(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """Coloured noise of many scales, as busy as a photograph."""
    scale = min(1.0, 4 * _OCTAVES[-1] / max(width, height))  # no larger than its finest cells need
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    total: Any = 0.0
    for cells in _OCTAVES:
        coarse = rng.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        total = total + cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC) / np.sqrt(cells)
    total = np.clip(total * rng.uniform(40, 90) + rng.uniform(60, 190, 3), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(total, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _gradient(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """From one colour to another, in any direction."""
    start, end = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across, down = np.linspace(-1, 1, width), np.linspace(-1, 1, height)
    way = np.cos(angle) * across[None, :] + np.sin(angle) * down[:, None]
    way = ((way - way.min()) / max(float(np.ptp(way)), 1e-9)).astype(np.float32)[..., None]
    return np.asarray(np.clip(start + (end - start) * way, 0, 255), np.uint8)
