"""The hand's outline against known masks: ours, scikit-image, an OpenCV recipe and GrabCut, in turn.

python benchmarks/background.py [--photos DIR ... | --dataset D] [--count 312] [--peers 24]

Hands whose mask is known to the pixel, stored as JPEG: cut out of photographs (of hands on plain ground) and
put on light grounds with shadow, vignette and noise; a tenth of them, and all without --photos, drawn hands
of 1600 x 1200. Or, with --dataset, the samples of a dataset with masks of their own, such as renders. Each
method goes from the file to a mask at full size; the peers take the first --peers.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import color, filters, io, measure, morphology

from curate.basics import images
from curate.data.dataset import Dataset
from curate.hands import drawn_hands, masks
from curate.hands.compositing import composite
from curate.hands.photograph import Photograph

Mask = NDArray[np.bool_]


def main() -> None:
    """Run all methods in turn; print seconds a picture (median), IoU and error of the outline."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--photos", type=Path, nargs="*", default=[], metavar="DIR")
    options.add_argument("--dataset", type=Path, metavar="D")
    options.add_argument("--count", type=int, default=12)
    options.add_argument("--peers", type=int, default=8)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, metavar="DIR", help="keep the pictures below IoU 0.95 here")
    given = options.parse_args()
    cv2.setNumThreads(1)
    ours = {"hand-curate": with_ours, "at 1/4": with_ours_small}
    ways = {"scikit-image": with_skimage, "OpenCV recipe": with_opencv, "GrabCut at 1/4": with_grabcut}
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in (*ours, *ways)}
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        hands = (
            pictures(given.photos, given.count, given.seed, Path(folder))
            if given.dataset is None
            else itertools.islice(samples(given.dataset), given.count)
        )
        for number, (path, truth) in enumerate(hands):
            for name, way in ours.items():
                row, found = measured(way, path, truth)
                if masks.check(found, np.zeros((0, 2))) is not None:
                    refused += 1
                else:
                    rows[name].append(row)
                if given.keep and row[1] < 0.95:
                    keep(given.keep / f"{row[1]:.3f}-{path.stem}-{len(name)}.jpg", path, truth, found)
            if number < given.peers:
                for name, way in ways.items():
                    rows[name].append(measured(way, path, truth)[0])
            if path.is_relative_to(folder):
                path.unlink()
    report(rows, refused)


def report(rows: dict[str, list[tuple[float, float, float]]], refused: int) -> None:
    """One line a method."""
    ours = statistics.median(row[0] for row in rows["hand-curate"])
    print(
        f"{'':15} {'pictures':>8} {'s each':>8} {'ours =1':>8} "
        f"{'mean IoU':>9} {'least':>7} {'< 0.90':>7} {'outline, px':>11}"
    )
    for name, row in rows.items():
        if not row:
            continue
        times, scores, errors = zip(*row, strict=True)
        taken = statistics.median(times)
        print(
            f"{name:15} {len(row):8} {taken:8.4f} {taken / ours:8.1f} {statistics.mean(scores):9.4f} "
            f"{min(scores):7.4f} {sum(s < 0.9 for s in scores):7} {statistics.median(errors):11.2f}"
        )
    print(f"refused by our checks: {refused}; outline: median over pictures of the median distance")


def measured(way: Callable[[Path], Mask], path: Path, truth: Mask) -> tuple[tuple[float, float, float], Mask]:
    """(seconds of CPU, IoU, median distance of the outlines in pixels) and the mask."""
    start = time.process_time()
    found = way(path)
    taken = time.process_time() - start
    score = float((found & truth).sum() / max(1, (found | truth).sum()))
    return (taken, score, outline_error(found, truth)), found


def outline_error(found: Mask, truth: Mask) -> float:
    """Median distance of the true outline's pixels from the found outline, pixels."""
    if not found.any() or found.all():
        return float("inf")
    inside, outside = (cv2.distanceTransform(m.astype(np.uint8), cv2.DIST_L2, 5) for m in (found, ~found))
    rim = truth & ~ndimage.binary_erosion(truth, border_value=1)
    # Pixels on both sides of an outline are half a pixel from it.
    return float(np.median(np.maximum(inside, outside)[rim] - 0.5))


def keep(target: Path, path: Path, truth: Mask, found: Mask) -> None:
    """The picture with both outlines: the true one green, ours red."""
    picture = images.read(path)
    for mask, colour in ((truth, (0, 200, 0)), (found, (230, 0, 0))):
        lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, lines, -1, colour, max(1, picture.shape[1] // 600))
    images.write(target, picture)


def pictures(photos: list[Path], count: int, seed: int, folder: Path) -> Iterator[tuple[Path, Mask]]:
    """Each as a JPEG file and its exact mask."""
    files = [path for root in photos for path in sorted(root.rglob("*.jpg"))]
    drawn = count // 10 if files else count
    for number in range(drawn):
        yield draw(folder / f"drawn-{number}.jpg", number)
    made, turn = drawn, 0
    while files and made < count:
        rng = np.random.default_rng([seed, turn])
        # Large photographs are few, so that they come first, each several times if need be.
        path = files[turn % len(files)]
        turn += 1
        if (placed := cut_and_place(rng, path, folder / f"{path.stem}-{turn}.jpg")) is not None:
            made += 1
            yield placed


def samples(root: Path) -> Iterator[tuple[Path, Mask]]:
    """Those of a dataset that have a mask and no sleeve: all but the ground, as a cut-out keeps the arm."""
    for sample in Dataset(root):
        if sample.attrs.get("sleeve") or sample.attrs.get("watch"):
            continue  # person in the mask, and ground to `masks.find`
        labels = Photograph(root, sample).labels()
        if labels is not None:
            yield root / sample.image, labels > 0


def draw(path: Path, number: int) -> tuple[Path, Mask]:
    """A drawn hand as a JPEG of 1600 x 1200, and its mask: where its relief stands above the ground."""
    rng = np.random.default_rng([5, number])
    person = drawn_hands.Person.sample(rng)
    reliefs: list[NDArray[np.float32]] = []
    relief_of = drawn_hands._relief

    def seen(*given: Any) -> NDArray[np.float32]:
        reliefs.append(relief_of(*given))
        return reliefs[-1]

    with mock.patch.object(drawn_hands, "_relief", seen):
        picture, _ = drawn_hands.draw_hand(
            rng, person, "left" if number % 2 else "right", width=1600, height=1200
        )
    images.write(path, picture, quality=90)
    return path, np.asarray(reliefs[0] > 1)


def cut_and_place(rng: np.random.Generator, photo: Path, target: Path) -> tuple[Path, Mask] | None:
    """The hand of a photograph on another light ground, which it shades; None where it cannot be cut out."""
    image = images.read(photo)
    matte = masks.find(image)
    if matte is None or masks.check(matte.mask, np.zeros((0, 2))) is not None:
        return None
    height, width = matte.mask.shape
    scale = max(height, width) / 1600
    ground = np.full((height, width, 3), rng.uniform(195, 252)) + rng.normal(0, 4, 3)
    across, down = (np.linspace(-1, 1, side) for side in (width, height))
    ground += (rng.uniform(-12, 12) * across)[None, :, None] + (rng.uniform(-12, 12) * down)[:, None, None]
    ways = np.round(rng.uniform(-30, 30, 2) * scale).astype(int)
    shadow = np.roll(matte.alpha.astype(np.float32) / 255, ways, (0, 1))
    shadow = cv2.GaussianBlur(shadow, (0, 0), rng.uniform(6, 40) * scale)
    ground *= 1 - rng.uniform(0.05, 0.4) * shadow[..., None]
    placed = composite(image, matte, np.clip(ground, 0, 255).astype(np.uint8)).astype(np.float64)
    placed *= 1 - rng.uniform(0, 0.2) * (across[None, :, None] ** 2 + down[:, None, None] ** 2) / 2
    placed += rng.normal(0, rng.uniform(0.5, 4), placed.shape)
    images.write(target, np.clip(placed, 0, 255).astype(np.uint8), quality=int(rng.integers(75, 96)))
    return target, matte.mask


def with_ours(path: Path) -> Mask:
    """The four guarded steps at a working size, the border at full size."""
    image = images.read(path)
    found = masks.find(image)
    return np.zeros(image.shape[:2], bool) if found is None else found.mask


def with_ours_small(path: Path) -> Mask:
    """As `curate build` does for samples of 96 pixels: of the photo decoded at a quarter."""
    info = images.probe(path)
    shrink = images.shrink_for(info, 400 / info.width)
    found = masks.find(images.reduced(images.read(path, shrink=shrink), 200), reduced=True)
    alpha = np.zeros((1, 1), np.uint8) if found is None else found.alpha
    return np.asarray(cv2.resize(alpha, (info.width, info.height), interpolation=cv2.INTER_LINEAR) >= 128)


def with_skimage(path: Path) -> Mask:
    """As the paper describes it, at full size: Sobel, close, fill, open, largest piece."""
    grey = color.rgb2gray(io.imread(path))
    edges = filters.sobel(grey)
    closed = morphology.dilation(edges > filters.threshold_otsu(edges), morphology.disk(3))
    # The hand leaves the frame at a side: there the outline is closed by hand, where that does not close all.
    closed[0] = True
    filled = ndimage.binary_fill_holes(closed)
    return largest(ndimage.binary_opening(filled, iterations=4))


def with_opencv(path: Path) -> Mask:
    """The same with OpenCV: Sobel, Otsu, close, outer contours filled."""
    grey = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2GRAY)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    size = cv2.convertScaleAbs(cv2.magnitude(across, down))
    _, edges = cv2.threshold(size, 0, 255, cv2.THRESH_OTSU)
    edges = cv2.dilate(edges, np.ones((5, 5), np.uint8))
    edges[0] = 255
    lines, _ = cv2.findContours(edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = cv2.drawContours(np.zeros_like(grey), lines, -1, 1, cv2.FILLED)
    return largest(cv2.morphologyEx(filled, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0)


def largest(mask: Mask) -> Mask:
    """Its largest piece."""
    pieces = measure.label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax())


def with_grabcut(path: Path) -> Mask:
    """GrabCut, five iterations at a quarter, begun with a box around what is darker than the ground."""
    small = cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_4)
    dark = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    _, rough = cv2.threshold(dark, 0, 1, cv2.THRESH_OTSU | cv2.THRESH_BINARY_INV)
    labels = np.where(cv2.dilate(rough, np.ones((9, 9))) > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(small, labels, None, *models, 5, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    info = images.probe(path)
    return np.asarray(cv2.resize(found, (info.width, info.height), interpolation=cv2.INTER_NEAREST) > 0)


if __name__ == "__main__":
    main()
