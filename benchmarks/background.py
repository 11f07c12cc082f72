"""The hand's outline in a photograph: ours against scikit-image, an OpenCV recipe and GrabCut, in turn.

python benchmarks/background.py [--photos 8] [--rounds 3]

Drawn hands as 1600 x 1200 JPEGs with known masks. Each method goes from the file to a mask at full size.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import color, filters, io, measure, morphology

from curate import drawn_hands, images, masks

Mask = NDArray[np.bool_]


def main() -> None:
    """Run all methods in turn; print seconds a photo (median), mean and least IoU, and ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--photos", type=int, default=8)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    cv2.setNumThreads(1)
    ways: dict[str, Callable[[Path], Mask]] = {
        "scikit-image": with_skimage,
        "OpenCV recipe": with_opencv,
        "GrabCut at 1/4": with_grabcut,
        "hand-curate": with_ours,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        photos = [draw(Path(folder, f"{number}.jpg"), number) for number in range(given.photos)]
        for _ in range(given.rounds):
            for path, truth in photos:
                for name, way in ways.items():
                    start = time.process_time()
                    found = way(path)
                    times[name].append(time.process_time() - start)
                    scores[name].append(float((found & truth).sum() / max(1, (found | truth).sum())))
    ours = statistics.median(times["hand-curate"])
    print(f"{'':15} {'s a photo':>10} {'times ours':>11} {'mean IoU':>9} {'least IoU':>10}")
    for name in ways:
        taken = statistics.median(times[name])
        print(
            f"{name:15} {taken:10.4f} {taken / ours:11.1f} "
            f"{statistics.mean(scores[name]):9.4f} {min(scores[name]):10.4f}"
        )


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


def with_ours(path: Path) -> Mask:
    """The four guarded steps at a working size, the border at full size."""
    found = masks.find(images.read(path))
    return np.zeros((1200, 1600), bool) if found is None else found.mask


def with_skimage(path: Path) -> Mask:
    """As the paper describes it, at full size: Sobel, close, fill, open, largest piece."""
    grey = color.rgb2gray(io.imread(path))
    edges = filters.sobel(grey)
    closed = morphology.dilation(edges > filters.threshold_otsu(edges), morphology.disk(3))
    # The hand leaves the frame at the top: there the outline is closed by hand.
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
    return np.asarray(cv2.resize(found, (1600, 1200), interpolation=cv2.INTER_NEAREST) > 0)


if __name__ == "__main__":
    main()
