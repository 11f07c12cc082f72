"""How long `curate qa` takes, and how it grows.

    python benchmarks/qa_speed.py [--samples 1000 10000 100000] [--pairs 50000]

Training sets of 96 x 96 px grey crops: drawn hands, each turned and scaled into as many different
samples as asked for, with noise. One process, CPU time. Last, the search for near duplicates alone,
on hashes of which one in fifty has a twin, and the hash of a decoded photograph of 1600 x 1200.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from curate import geometry, images
from curate.dataset import write_info, write_table
from curate.drawn_hands import Person, draw_hand
from curate.sample import Sample, to_batch
from qa.config import checks
from qa.measure import look
from qa.run import inspect
from qa.twins import near_pairs
from qa.view import open_view

SIZE, DRAWN, BITS = 96, 64, 8
DETAILED = 10_000  # samples up to which checks are timed one by one


def main() -> None:
    """Print seconds for each size, and milliseconds a sample."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--pairs", type=int, default=50_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for count in given.samples:
            root = _make(Path(folder) / str(count), count)
            start = time.process_time()
            inspect(root, Path(folder) / "qa", fail_on="never", quiet=True)
            whole = time.process_time() - start
            print(f"{count:7} samples: {whole:6.2f} s ({1000 * whole / count:.2f} ms each)", flush=True)
            if count > DETAILED:
                continue
            start = time.process_time()
            view = open_view([root], workers=1, quiet=True)
            read = time.process_time() - start
            slow = []
            for check in checks():
                before = time.process_time()
                check.run(view, check.limits)
                slow.append((time.process_time() - before, check.id))
            worst = ", ".join(f"{name} {seconds:.2f}" for seconds, name in sorted(slow)[:-4:-1])
            print(
                f"        of which images {read:.2f} s,",
                f"checks {sum(s for s, _ in slow):.2f} s ({worst})",
                flush=True,
            )
    _pairs(given.pairs)
    _hashes()


def _hashes() -> None:
    rng = np.random.default_rng(0)
    photo, _ = draw_hand(rng, Person.sample(rng), "left", width=1600, height=1200)
    rounds = []
    for _ in range(20):
        start = time.process_time()
        look(photo)
        rounds.append(time.process_time() - start)
    print(f"hashes, thumbnail, tone and entropy of a photograph: {1000 * np.median(rounds):.2f} ms")


def _pairs(count: int) -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 1 << 63, (count, 2), dtype=np.uint64)
    twins = rng.permutation(count)[: count // 50 * 2].reshape(-1, 2)
    for first, second in twins:
        flips = rng.choice(64, BITS, replace=False)
        hashes[second, 0] = hashes[first, 0] ^ np.bitwise_or.reduce(np.uint64(1) << flips.astype(np.uint64))
    start = time.process_time()
    found = near_pairs(hashes, BITS)
    seconds = time.process_time() - start
    known = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    share = np.mean([(min(a, b), max(a, b)) in known for a, b in twins.tolist()])
    print(f"near duplicates among {count}: {seconds:.2f} s, {100 * share:.1f} % of the twins found")


def _make(root: Path, count: int) -> Path:
    """A training set; subject i // 10 is in the split of its number."""
    rng = np.random.default_rng(0)
    drawn = [
        draw_hand(rng, Person.sample(rng), ("left", "right")[i % 2], width=SIZE, height=SIZE)
        for i in range(DRAWN)
    ]
    root.mkdir()
    pixels, samples = np.empty((count, SIZE, SIZE), np.uint8), []
    for i in range(count):
        picture, points = drawn[i % DRAWN]
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        matrix = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), rng.uniform(-40, 40), rng.uniform(0.8, 1.1))
        moved = cv2.warpAffine(grey, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
        pixels[i] = np.clip(moved + rng.normal(0, 12, moved.shape), 0, 255)
        places = geometry.apply(matrix, points) + rng.normal(0, 1, points.shape)
        places = places.astype(np.float32)
        subject = i // 10
        sample = Sample(
            f"bench/{i}", "bench", images.stack_ref(i), SIZE, SIZE, ("left", "right")[i % DRAWN % 2], "dorsal"
        )
        sample.subject_id, sample.split = (
            str(subject),
            ("train", "train", "train", "val", "test")[subject % 5],
        )
        sample.keypoints, sample.visibility = places, np.full(21, 2, np.uint8)
        samples.append(sample)
    np.save(root / "pixels.npy", pixels)
    write_table(root, [to_batch(samples)])
    training = {"size": SIZE, "sigma": 5.0, "keypoints": 20, "channels": 1}
    info = {"samples": count, "sources": ["bench"], "licences": [], "history": [], "training": training}
    write_info(root, info)
    return root


if __name__ == "__main__":
    main()
