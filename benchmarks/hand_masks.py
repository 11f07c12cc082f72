"""The masks of a run on photographs whose hands people outlined, none of which it was trained on.

    python -m benchmarks.hand_masks RUN WORK --data DATA

DATA holds hand_masks_desk and hand_masks_scenes, as data/README.md describes them; one that is there is made
a training set of the run's size in WORK, whole pictures, and `curate evaluate` measures the run on it. Its
page, WORK/NAME-RUN/evaluation.html, shows the worst. Masks of half-grey edges count from half on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from curate.basics import files, images
from curate.build import build
from curate.data.dataset import INFO, write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.evaluate import evaluate
from curate.options.build import BuildOptions
from curate.scoring.mask_figures import MASK_FIGURES
from curate.training.run import open_run

FOLDERS = ("hand_masks_desk", "hand_masks_scenes")


def outlined(folder: Path, out: Path) -> Path:
    """A dataset of FOLDER/images and the masks of the same names, every value from half of the highest on."""
    if (out / INFO).exists():
        return out
    made = []
    for path in sorted((folder / "images").iterdir()):
        drawn = cv2.imread(str(folder / f"masks/{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        if drawn is None:
            raise SystemExit(f"{folder}: no mask of {path.name}")
        files.write(out / f"images/{path.name}", path.read_bytes())
        hand = drawn > drawn.max() // 2
        images.write(out / f"masks/{path.stem}.png", np.where(hand, 255, 0).astype(np.uint8))
        height, width = drawn.shape
        sample = Sample(f"{folder.name}/{path.stem}", folder.name, f"images/{path.name}", width, height)
        sample.mask, sample.split = f"masks/{path.stem}.png", "test"
        made.append(sample)
    write_table(out, [to_batch(made)])
    write_info(out, {"history": []})
    return out


def main() -> None:
    """Print the figures of each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    a = parser.parse_args()
    size = open_run(a.run).spec.size
    options = BuildOptions(size=size, colour=True, masks=True, keypoints=21, split="source")
    for name in FOLDERS:
        if not (a.data / name).is_dir():
            print(f"{name}: not in {a.data}")
            continue
        made = build([outlined(a.data / name, a.work / name)], a.work / f"{name}-{size}", options, quiet=True)
        report = evaluate(a.run, made.out, a.work / f"{name}-{a.run.name}", overwrite=True, quiet=True)
        print(f"{name}: {made.samples} pictures")
        for figure in MASK_FIGURES:
            if figure.name in report.figures:
                print(f"    {figure.name}: {report.figures[figure.name]}")


if __name__ == "__main__":
    main()
