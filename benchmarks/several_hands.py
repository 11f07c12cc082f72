"""Hands that a finder sees in photographs of several hands and faces, against boxes that people drew.

    python -m benchmarks.several_hands DATA/hand_masks_scenes [--finder box|RUN]

The folder holds images/ and boxes/, a text file an image, "x y w h" in pixels a line. Printed are the hands,
on how many of them a place lies (IoU of 0.5 or more, and of 0.3), the places that lie on no hand (under 0.1),
and CPU seconds a photograph.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from curate.basics import images
from curate.data.sample import Sample
from curate.hands.photograph import Photograph
from curate.scoring import metrics
from curate.taggers.table import finder_of

NEAR, FAR, BESIDE = 0.5, 0.3, 0.1


def main() -> None:
    """Count them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--finder", default="box", metavar="box|RUN")
    a = parser.parse_args()
    cv2.setNumThreads(1)
    find = finder_of(a.finder).find_all
    if find is None:
        raise SystemExit(f"{a.finder}: finds one hand a photograph")
    overlaps, astray = [], 0
    pictures = sorted((a.folder / "images").iterdir())
    start = time.process_time()
    for path in pictures:
        height, width = images.read(path).shape[:2]
        boxes = np.loadtxt(a.folder / f"boxes/{path.stem}.txt", ndmin=2)
        found = find(Photograph(a.folder, Sample(path.stem, "s", f"images/{path.name}", width, height)))
        shared = np.array([[metrics.box_iou(hand.box, box) for hand in found] for box in boxes])
        overlaps += list(shared.max(1, initial=0.0))
        astray += int((shared.max(0) < BESIDE).sum())
    seconds = (time.process_time() - start) / len(pictures)
    near, far = (sum(overlap >= least for overlap in overlaps) for least in (NEAR, FAR))
    print(f"{len(pictures)} photographs, {len(overlaps)} hands: on {near} of them a place, near {far}")
    print(f"places on no hand: {astray}; {seconds:.1f} s of CPU time a photograph")


if __name__ == "__main__":
    main()
