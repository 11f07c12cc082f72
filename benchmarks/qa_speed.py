"""How long `curate qa` takes, and how it grows.

    python benchmarks/qa_speed.py [--samples 1000 10000 100000] [--pairs 50000]

Training sets of 96 x 96 px grey crops: drawn hands, each turned and scaled into as many different
samples as asked for, with noise. One process, CPU time: the whole, then each part of it by itself. Last,
the search for look-alikes alone, on thumbnails of which one in fifty has a twin, beside what is usual: the
perceptual hashes of all pairs, as they are and mirrored; and the hash of a decoded photograph of 1600 x 1200.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from curate.basics import geometry, images
from curate.basics.engine import ONE
from curate.data.dataset import write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from qa.check_quality import check_quality
from qa.config import checks
from qa.finding import write_findings
from qa.measures.image_look import THUMB, look_at_image
from qa.measures.similar_pairs import correlations, similar_pairs
from qa.options import QualityOptions
from qa.report.junit import write_junit
from qa.report.page import write_report
from qa.report.sarif import write_sarif
from qa.report.verdict import verdict_on
from qa.view import open_view

SIZE, DRAWN = 96, 64
LIKENESS, COMPARED = 0.99, 1000  # as near-duplicates has them


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
            check_quality(root, Path(folder) / f"qa-{count}", QualityOptions(fail_on="never"), quiet=True)
            whole = time.process_time() - start
            print(f"{count:7} samples: {whole:6.2f} s ({1000 * whole / count:.2f} ms each)", flush=True)
            _parts(root, Path(folder) / "parts")
    _pairs(given.pairs)
    _hashes()


def _parts(root: Path, out: Path) -> None:
    """Where the time goes: images, the slowest checks, the report, the rest of what is written."""
    spent: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        spent[name] = spent.get(name, 0.0) + time.process_time() - start
        return result

    view = timed("images", lambda: open_view([root], engine=ONE, quiet=True))
    results = [timed(check.id, lambda check=check: check.judge(view)) for check in checks()]
    findings = [finding for result in results for finding in result.findings]
    timed("findings", lambda: write_findings(findings, out))
    timed("findings", lambda: write_junit(results, ("error",), out))
    timed("findings", lambda: write_sarif(results, out, None))
    verdict = verdict_on(results, len(view), training=True)
    timed("report", lambda: write_report(view, results, verdict, out / "report.html", seed=0))
    each = {check.id: spent.pop(check.id) for check in checks()}
    worst = sorted(each, key=lambda name: -each[name])[:5]
    print(f"        checks {sum(each.values()):.2f} s: {', '.join(f'{n} {each[n]:.2f}' for n in worst)}")
    print(f"        {', '.join(f'{name} {seconds:.2f}' for name, seconds in spent.items())} s", flush=True)


def _hashes() -> None:
    rng = np.random.default_rng(0)
    photo, _ = draw_hand(rng, Person.sample(rng), "left", width=1600, height=1200)
    rounds = []
    for _ in range(20):
        start = time.process_time()
        look_at_image(photo)
        rounds.append(time.process_time() - start)
    print(f"hashes, thumbnail, tone and entropy of a photograph: {1000 * np.median(rounds):.2f} ms")


def _pairs(count: int) -> None:
    rng = np.random.default_rng(0)
    smooth = np.zeros((count, THUMB, THUMB), np.float32)
    for side in (2, 4, 8, 16):  # as photographs are: contrast falls as the inverse of the frequency
        for picture, coarse in zip(smooth, rng.normal(0, 80 / side, (count, side, side)), strict=True):
            picture += cv2.resize(coarse.astype(np.float32), (THUMB, THUMB), interpolation=cv2.INTER_CUBIC)
    twins = rng.permutation(count)[: count // 50 * 2].reshape(-1, 2)
    smooth[twins[:, 1]] = smooth[twins[:, 0]]
    thumbs = np.clip(128 + smooth + rng.normal(0, 1, smooth.shape), 0, 255).astype(np.uint8)
    start = time.process_time()
    found, _ = similar_pairs(thumbs, LIKENESS, COMPARED)
    found = found.where(correlations(thumbs, found) >= LIKENESS)
    seconds = time.process_time() - start
    known = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    share = np.mean([(min(a, b), max(a, b)) in known for a, b in twins.tolist()])
    print(
        f"look-alikes among {count}: {seconds:.2f} s, {100 * share:.1f} % of the twins found; "
        f"{_all_pairs(rng, count):.2f} s for the hashes of all pairs"
    )


def _all_pairs(rng: np.random.Generator, count: int) -> float:
    """Seconds for the hashes of all pairs: those that differ by at most 8 bits (numpy's popcount)."""
    hashes = rng.integers(0, 2**64, (2, count), np.uint64)
    start = time.process_time()
    for row in range(count):
        np.flatnonzero(np.bitwise_count(hashes[0, row] ^ hashes[:, row + 1 :]) <= 8)
    return time.process_time() - start


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
