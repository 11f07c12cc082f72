"""Time a sample and peak memory of the commands that may be given very many, from thousands to a million.

    python benchmarks/many_samples.py [--samples 10000 100000] [--only convert qa ...] [--keep DIR]

The source is made here: COCO, a hand an image, the images links to a few pictures, in folders of 1,000. Each
command runs in a process of its own. Printed are its CPU time (user and system) a sample, its peak memory,
and the most files that it put into one folder: time should not grow, memory stay below 1 GB.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from curate.basics import images
from curate.basics import keypoints as kp
from curate.hands import drawn_hands

PICTURES, A_FOLDER = 64, 1000
PEOPLE = 200
COMMANDS = {
    "convert": "convert coco {source} --out {data}",
    "qa": "qa {data} --no-images --out {work}/qa --fail-on never",
    "select": "select {data} --where width>0 --out {work}/selected",
    "export coco": "export {data} --to coco --out {work}/coco",
    "export yolo-pose": "export {data} --to yolo-pose --out {work}/yolo",
    "review build": "review build {data} --out {work}/review",
    "build": "build {data} --size 32 --out {work}/set",
}


def main() -> None:
    """Make a source of each size, run the commands on it and print a row for each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--samples", type=int, nargs="+", default=[10_000, 100_000])
    options.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    options.add_argument("--keep", type=Path, metavar="DIR", help="leave all here, and use what is here")
    given = options.parse_args()
    print(f"{'':18} {'samples':>9} {'ms a sample':>11} {'peak MB':>8} {'files in a folder':>17}")
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for count in given.samples:
            work = folder / str(count)
            if not (work / "source").exists():
                # In another process: what this one has held counts as the peak of those that it starts.
                maker = multiprocessing.get_context("spawn").Process(
                    target=make_source, args=(work / "source", count)
                )
                maker.start()
                maker.join()
            for name in given.only:
                measure(name, work, count)


def make_source(root: Path, count: int) -> None:
    """A COCO file of `count` hands as we draw them, of which no two are alike."""
    rng = np.random.default_rng(0)
    pictures, drawn = [], []
    for number in range(PICTURES):
        pixels, hand = drawn_hands.draw_hand(
            rng, drawn_hands.Person.sample(rng), "left", width=128, height=128
        )
        pictures.append(root.with_name("pictures") / f"{number}.jpg")
        images.write(pictures[-1], pixels)
        drawn.append(hand)
    moved = np.stack(drawn)[np.arange(count) % PICTURES] + rng.normal(0, 0.5, (count, kp.COUNT, 2))
    points = np.concatenate([moved.round(2), np.full((count, kp.COUNT, 1), 2.0)], axis=2)
    entries, annotations = [], []
    for number in range(count):
        name = f"{number // A_FOLDER:04d}/{number:07d}.jpg"
        path = root / "images" / name
        if number % A_FOLDER == 0:
            path.parent.mkdir(parents=True)
        os.link(pictures[number % PICTURES], path)
        entries.append({"id": number, "file_name": name, "width": 128, "height": 128})
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "keypoints": points[number].reshape(-1).tolist(),
                "attributes": {"side": "left"},
            }
        )
    category = {"id": 1, "name": "hand", "keypoints": list(kp.NAMES)}
    document = {"images": entries, "annotations": annotations, "categories": [category]}
    (root / "annotations").mkdir()
    (root / "annotations" / "hands.json").write_bytes(msgspec.json.encode(document))


def measure(name: str, work: Path, count: int) -> None:
    """Run a command in a process of its own and print what it took."""
    places = {"source": work / "source", "data": work / "data", "work": work}
    words = [word.format(**places) for word in COMMANDS[name].split()]
    out = Path(words[words.index("--out") + 1])
    command = [sys.executable, "-m", "curate.cli", *words, "--workers", "1", "--quiet", "--overwrite"]
    process = os.posix_spawn(sys.executable, command, os.environ)
    _, status, used = os.wait4(process, 0)
    if status not in (0, 256):  # 1: something was found, or left out
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    most = max(len(files) for _, _, files in os.walk(out))
    seconds = used.ru_utime + used.ru_stime
    print(
        f"{name:18} {count:9,} {1e3 * seconds / count:11.3f} {used.ru_maxrss / 1024:8.0f} {most:17,}",
        flush=True,
    )


if __name__ == "__main__":
    main()
