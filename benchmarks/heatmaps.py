"""How much faster hand-curate draws heatmaps than mmpose's unbiased generator, and how far they differ.

    python benchmarks/heatmaps.py [--mmpose PATH]

PATH is an mmpose checkout, an unpacked wheel, or the wheel itself (`pip download mmpose --no-deps`); without
it an installed mmpose is used, and failing that its algorithm as reimplemented below. The last line says
which. Both run in one process, in alternating rounds; the figures are medians.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from curate.basics import heatmaps

KEYPOINTS, SIZE, SIGMA = 21, 96, 5.0
ROUNDS, CALLS = 60, 20
FILE = "mmpose/codecs/utils/gaussian_heatmap.py"

Draw = Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mmpose", type=Path, help="a checkout, an unpacked wheel or a wheel of mmpose")
    arguments = parser.parse_args()
    theirs, peer = find_peer(arguments.mmpose)

    rng = np.random.default_rng(0)
    hands = rng.uniform(0, SIZE, (CALLS, KEYPOINTS, 2))
    seen = np.ones(KEYPOINTS)
    apart = max(float(np.abs(ours(hand, seen) - theirs(hand, seen)).max()) for hand in hands)
    times: dict[Draw, list[float]] = {ours: [], theirs: []}
    for _ in range(ROUNDS):
        for draw, taken in times.items():
            start = time.process_time()
            for hand in hands:
                draw(hand, seen)
            taken.append((time.process_time() - start) / CALLS * 1e3)
    mine, others = (float(np.median(taken)) for taken in times.values())
    print(f"{KEYPOINTS} maps of {SIZE} x {SIZE}, sigma {SIGMA:g}: largest difference {apart:.1e}")
    print(f"hand-curate {mine:.3f} ms   {peer} {others:.3f} ms   ratio {others / mine:.1f}")
    return 0 if apart <= 1e-6 else 1


def ours(points: np.ndarray[Any, Any], seen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return heatmaps.draw(points, seen, SIZE, SIGMA, peak1=True)


def find_peer(path: Path | None) -> tuple[Draw, str]:
    """mmpose's generator from `path` or an installed mmpose, else the reimplementation; and its name."""
    source = read_peer(path)
    if source is None:
        return dark_pose, "algorithm of mmpose's unbiased generator, reimplemented"
    module = types.ModuleType("gaussian_heatmap")
    exec(compile(source, FILE, "exec"), module.__dict__)  # the peer's own file, named by the user

    def draw(points: np.ndarray[Any, Any], seen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        # mmpose puts pixel centres at whole numbers.
        centres = points[None] - 0.5
        drawn: np.ndarray[Any, Any] = module.generate_unbiased_gaussian_heatmaps(
            (SIZE, SIZE), centres, seen[None], SIGMA
        )[0]
        return drawn

    return draw, "mmpose's own generate_unbiased_gaussian_heatmaps"


def read_peer(path: Path | None) -> str | None:
    if path is not None and path.is_file():
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(FILE).decode()
    if path is not None:
        return (path / FILE).read_text()
    found = importlib.util.find_spec("mmpose")  # does not import it: that would need torch and mmcv
    if found is None or found.origin is None:
        return None
    return (Path(found.origin).parent.parent / FILE).read_text()


def dark_pose(points: np.ndarray[Any, Any], seen: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The unbiased encoding of DARK (Zhang et al. 2020): the whole map's exponential, keypoint by keypoint,
    merged into the result by maximum; keypoints whose 3-sigma box misses the frame are left out."""
    maps = np.zeros((len(points), SIZE, SIZE), np.float32)
    across = np.arange(SIZE, dtype=np.float32)
    down = across[:, None]
    for map_, centre, labelled in zip(maps, points - 0.5, seen, strict=True):
        low, high = centre - 3 * SIGMA, centre + 3 * SIGMA + 1
        if labelled < 0.5 or (low >= SIZE).any() or (high < 0).any():
            continue
        squared = (across - centre[0]) ** 2 + (down - centre[1]) ** 2
        np.maximum(np.exp(-squared / (2 * SIGMA**2)), map_, out=map_)
    return maps


if __name__ == "__main__":
    sys.exit(main())
