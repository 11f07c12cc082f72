"""Hands cut out of photographs with clutter and people: right, refused, or wrong without a word.

python benchmarks/cutouts_in_clutter.py PHOTOS --masks DIR [--sheet sheet.jpg] [--unchecked]
python benchmarks/cutouts_in_clutter.py PHOTOS --labels DIR --count 60

The truth is a folder of masks (hand from half of the largest value on), or of YOLO pose labels, each named as
its photo. The tool never sees it. Two lines are printed:

  background   the outline of `curate background`. By masks, its IoU with the truth: right from 0.9 on, near
               from 0.7 on, else wrong. By labels it is right where nine tenths of the points lie on it and no
               more than 8 % of it lie too far from them to be hand or forearm; else wrong.
  crop         the box that `curate crop` cuts by colour. By masks, as above by the IoU of the boxes. By
               labels it is right where all points lie in the crop and its side is no more than 2.5 times as
               long as the box of the points, to leave room for the forearm; else wrong.

Refused is what goes to quarantine, and the photo that is kept whole. --unchecked leaves out the checks of
`curate.hands.cutout_checks`, to compare. The sheet shows each photo with the outline, what is wrong first.
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import images
from curate.data.sample import Sample
from curate.hands import cutout_checks, masks
from curate.hands.cropping import find_hand
from curate.hands.finding import FINDERS, WHOLE
from curate.hands.masks import Mask
from curate.hands.photograph import BadMask, Photograph
from curate.options.crop import Cropping

RIGHT, NEAR = 0.9, 0.7  # IoU
ON, BEYOND, LONGER = 0.02, 0.08, 2.5
VERDICTS = ("right", "near", "refused", "wrong")
THUMB, COLUMNS = 200, 8


class Truth(NamedTuple):
    """What is known of a photo: its hands' mask (H, W), or points (21, 2), pixels, NaN where unknown."""

    mask: Mask | None
    points: NDArray[np.float64]


class Judged(NamedTuple):
    """A photo, its verdicts for background and crop, its outline, and why it was refused."""

    path: Path
    background: str
    crop: str
    outline: Mask | None
    says: str


def main() -> None:
    """Judge each photo; print the counts; draw the sheet."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("photos", type=Path, nargs="?", metavar="PHOTOS")
    options.add_argument("--masks", type=Path, metavar="DIR")
    options.add_argument("--labels", type=Path, metavar="DIR")
    options.add_argument("--count", type=int, help="of photos, drawn by --seed (default: all)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--unchecked", action="store_true")
    options.add_argument("--sheet", type=Path)
    given = options.parse_args()
    if given.photos is None or (given.masks is None) == (given.labels is None):
        print("give a folder of photographs with --masks or --labels: data/README.md says where they are")
        return
    paths = sorted(path for path in given.photos.rglob("*") if path.suffix.lower() in images.SUFFIXES)
    if given.count is not None:
        np.random.default_rng(given.seed).shuffle(paths)
        paths = paths[: given.count]
    with ExitStack() as patches:
        if given.unchecked:
            for name in ("judge", "doubt"):
                patches.enter_context(mock.patch.object(cutout_checks, name, return_value=None))
        entries = [judged(path, truth_of(path, given)) for path in paths]
    print(f"{'':12} {'photos':>6} " + " ".join(f"{verdict:>8}" for verdict in VERDICTS))
    for name in ("background", "crop"):
        counts = Counter(getattr(entry, name) for entry in entries)
        print(f"{name:12} {len(entries):6} " + " ".join(f"{counts[verdict]:8}" for verdict in VERDICTS))
    if given.sheet:
        entries.sort(key=lambda entry: -VERDICTS.index(entry.background))
        images.write(given.sheet, sheet(entries), quality=88)


def truth_of(path: Path, given: argparse.Namespace) -> Truth:
    """The truth of a photo."""
    if given.masks is not None:
        labels = images.read_mask(given.masks / f"{path.stem}.png")
        return Truth(labels > labels.max() // 2, np.zeros((0, 2)))
    info = images.probe(path)
    (text, *_) = next(given.labels.rglob(f"{path.stem}.txt")).read_text().splitlines()
    values = np.array(text.split()[5:], float).reshape(-1, 3)
    points = values[:, :2] * (info.width, info.height)
    points[values[:, 2] == 0] = np.nan
    return Truth(None, points)


def judged(path: Path, truth: Truth) -> Judged:
    """What comes of a photo of which nothing is known."""
    photograph = Photograph(path.parent, Sample(f"photo/{path.stem}", "photo", path.name))
    outline, says = None, ""
    try:
        outline = photograph.matte().mask
        background = by_mask(outline, truth)
    except BadMask as bad:
        background, says = "refused", str(bad)
    found = find_hand(Cropping(), photograph, False, Counter())
    crop = "refused" if found.by == WHOLE else by_box(photograph, found.box, truth)
    return Judged(path, background, crop, outline, says)


def by_mask(outline: Mask, truth: Truth) -> str:
    """Of a cut-out."""
    if truth.mask is not None:
        return verdict((outline & truth.mask).sum() / max((outline | truth.mask).sum(), 1))
    on = (masks.off_mask(outline, truth.points) <= ON).mean()
    beyond = cutout_checks.beyond(outline, truth.points) or 0.0
    return "right" if on >= RIGHT and beyond <= BEYOND else "wrong"


def by_box(photograph: Photograph, crop: NDArray[np.floating], truth: Truth) -> str:
    """Of a crop (x, y, w, h)."""
    if truth.mask is None:
        (x, y, w, h), known = crop, truth.points[np.isfinite(truth.points).all(axis=1)]
        inside = ((known >= (x, y)) & (known <= (x + w, y + h))).all()
        return "right" if inside and max(w, h) <= LONGER * np.ptp(known, axis=0).max() else "wrong"
    found = FINDERS["colour"].find(photograph)
    assert found is not None
    return verdict(overlap(found.box, cv2.boundingRect(truth.mask.view(np.uint8))))


def overlap(one: Any, other: Any) -> float:
    """IoU of two boxes (x, y, w, h)."""
    first, second = np.array(one, float), np.array(other, float)
    ends = np.minimum(first[:2] + first[2:], second[:2] + second[2:])
    shared = np.prod(np.maximum(ends - np.maximum(first[:2], second[:2]), 0))
    return float(shared / (first[2:].prod() + second[2:].prod() - shared))


def verdict(iou: float) -> str:
    """In a word."""
    return "right" if iou >= RIGHT else "near" if iou >= NEAR else "wrong"


def sheet(entries: list[Judged]) -> images.Pixels:
    """Thumbnails of the photos with what was cut out, and why some were refused."""
    thumbs = []
    for entry in entries:
        image = images.read(entry.path).copy()
        if entry.outline is not None:
            lines, _ = cv2.findContours(entry.outline.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(image, lines, -1, (230, 0, 0), max(1, max(image.shape) // 200))
        scale = THUMB / max(image.shape)
        thumb: Any = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        below, right = THUMB - thumb.shape[0], THUMB - thumb.shape[1]
        thumb = cv2.copyMakeBorder(thumb, 14, below, 0, right, cv2.BORDER_CONSTANT)
        label = f"{entry.path.stem[-6:]} {entry.background} {entry.says}"
        cv2.putText(thumb, label[:34], (2, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.33, (255, 255, 0), 1, cv2.LINE_AA)
        thumbs.append(thumb)
    thumbs += [np.zeros_like(thumbs[0])] * (-len(thumbs) % COLUMNS)
    rows = [np.hstack(thumbs[start : start + COLUMNS]) for start in range(0, len(thumbs), COLUMNS)]
    return np.vstack(rows)


if __name__ == "__main__":
    main()
