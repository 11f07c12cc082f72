"""Masks on labelled photographs: how many labelled points lie on them, by group, and the worst to look at.

python benchmarks/masks_on_photos.py DATASET [--by skinColor] [--sheet worst.jpg] [--limit N]

A point counts as on the mask where it is off it by no more than 2 % of the hand's size. What is refused is
counted apart. The contact sheet shows the photos whose points lie furthest off, then those whose outline is
longest for its area, with the mask's outline; one figure above each: the share of its points on the mask.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import images
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.hands import masks
from curate.hands.photograph import BadMask, Photograph

ON = 0.02  # of the hand's size
THUMB, COLUMNS, WORST = 160, 10, 100


def main() -> None:
    """Print the shares, and draw the sheet."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("dataset", type=Path, nargs="?", metavar="DATASET")
    options.add_argument("--by", default="skinColor", help="an attribute of the samples")
    options.add_argument("--sheet", type=Path)
    options.add_argument("--limit", type=int)
    given = options.parse_args()
    if given.dataset is None:
        print("give a labelled dataset of hands on plain ground: data/README.md says where they are")
        return
    dataset = Dataset(given.dataset)
    groups: dict[str, list[NDArray[np.bool_]]] = defaultdict(list)
    refused: dict[str, list[str]] = defaultdict(list)
    found: list[tuple[float, float, Sample]] = []
    for sample in first(dataset, given.limit):
        group = str(sample.attrs.get(given.by, "not known"))
        try:
            matte = Photograph(dataset.root, sample).matte()
        except BadMask as bad:
            refused[group].append(f"{sample.sample_id}: {bad}")
            continue
        on = masks.off_mask(matte.mask, sample.keypoints[sample.visibility > 0]) <= ON
        groups[group].append(on)
        found.append((float(on.mean()) if len(on) else 1.0, roughness(matte.mask), sample))
    print(f"{given.by:12} {'photos':>6} {'points':>7} {'on the mask':>11} {'refused':>8}")
    for group in sorted({*groups, *refused}):
        line(group, groups[group], len(refused[group]))
    line("all", [on for ons in groups.values() for on in ons], sum(map(len, refused.values())))
    for group in refused.values():
        print("\n".join(group[:30]))
    if given.sheet:
        found.sort(key=lambda entry: (entry[0] > 0.95, entry[0] if entry[0] <= 0.95 else -entry[1]))
        images.write(given.sheet, sheet(dataset, found[:WORST]), quality=88)


def first(dataset: Dataset, limit: int | None) -> Iterator[Sample]:
    """The samples, or the first of them."""
    for number, sample in enumerate(dataset):
        if limit is not None and number >= limit:
            return
        yield sample


def line(group: str, ons: list[NDArray[np.bool_]], refused: int) -> None:
    """One row of the table."""
    points = np.concatenate(ons) if ons else np.zeros(0, bool)
    share = f"{points.mean():.2%}" if len(points) else "-"
    photos = len(ons) + refused
    print(f"{group:12} {photos:6} {len(points):7} {share:>11} {refused:5} ({refused / max(photos, 1):.1%})")


def roughness(mask: masks.Mask) -> float:
    """Length of the outline, holes' too, against the square root of the area."""
    lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return sum(len(outline) for outline in lines) / max(float(np.sqrt(mask.sum())), 1.0)


def sheet(dataset: Dataset, entries: list[tuple[float, float, Sample]]) -> images.Pixels:
    """Thumbnails of the photos with their masks' outlines, worst first."""
    thumbs = []
    for share, _, sample in entries:
        photograph = Photograph(dataset.root, sample)
        image = photograph.read().copy()
        outline: Any = photograph.matte().mask.astype(np.uint8)
        lines, _ = cv2.findContours(outline, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, lines, -1, (0, 170, 0), max(1, image.shape[1] // 220))
        thumb: Any = cv2.resize(image, (THUMB, THUMB * image.shape[0] // image.shape[1]))
        label = f"{share:.0%} {Path(sample.image).stem[-7:]}"
        cv2.putText(thumb, label, (3, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (200, 0, 0), 1, cv2.LINE_AA)
        thumbs.append(cv2.copyMakeBorder(thumb, 0, THUMB - thumb.shape[0], 0, 0, cv2.BORDER_CONSTANT))
    thumbs += [np.zeros((THUMB, THUMB, 3), np.uint8)] * (-len(thumbs) % COLUMNS)
    rows = [np.hstack(thumbs[start : start + COLUMNS]) for start in range(0, len(thumbs), COLUMNS)]
    return np.vstack(rows)


if __name__ == "__main__":
    main()
