"""Pictures to learn a hand's outline from: real hands, cut out, put anywhere before any ground.

    python benchmarks/tools/scenes.py CUT GROUNDS OUT [--per-hand 1] [--size 192] [--empty 0.1] [--seed 0]

CUT is a dataset with masks: what `curate background` made of photographs, or renders. GROUNDS is a folder of
pictures without hands. Each hand is turned, made smaller and moved, and a part of a ground is put behind it.
A share of `--empty` of the grounds is also kept alone. Where the photograph ended, the hand does. OUT is a
dataset whose samples have a mask and no keypoints, for `curate build --masks`.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry, images
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, file_stem, generator, to_batch
from curate.data.stage import Stage
from curate.hands.compositing import Backdrops
from curate.hands.cropping import set_aside
from curate.hands.photograph import Photograph

TURN, SIZES, STRAY, GAIN = 180.0, (0.3, 1.0), 0.3, (0.6, 1.25)
QUALITY = (60, 95)
Picture = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cut", type=Path)
    parser.add_argument("grounds", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--per-hand", type=int, default=1)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--empty", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    source, backdrops = Dataset(a.cut), Backdrops.of(a.grounds)
    options = {"per_hand": a.per_hand, "size": a.size, "empty": a.empty, "seed": a.seed}
    stage = Stage("scenes", a.out, {**options, "backgrounds": backdrops.identity}, (source,))
    work = partial(scenes, root=source.root, out=a.out, backdrops=backdrops, options=a)
    print(stage.run(((sample,) for sample in source), work, total=len(source)))


def scenes(
    samples: tuple[Sample, ...], *, root: Path, out: Path, backdrops: Backdrops, options: argparse.Namespace
) -> Part:
    """The pictures of one hand; one whose mask cannot be right goes to quarantine."""
    made: list[Sample] = []
    part = Part(to_batch(made))
    for sample in samples:
        with set_aside(part, sample.sample_id, out):
            photograph = Photograph(root, sample)
            alpha = photograph.matte().alpha
            for number in range(options.per_hand):
                # With the seed, so that the same hand before grounds of another run has another name.
                name = f"{sample.sample_id}.{options.seed}-{number}"
                rng = generator(options.seed, name)
                ground = backdrops.draw(rng, options.size, options.size)
                picture, mask = put(photograph.read(), alpha, ground, rng)
                made.append(stored(sample, name, picture, mask, out, rng))
                if rng.random() < options.empty:
                    made.append(stored(sample, f"{name}-0", ground, np.zeros_like(mask), out, rng))
    part.batch = to_batch(made)
    return part


def put(hand: Picture, alpha: Picture, ground: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """A hand before a ground, somewhere; and its mask."""
    size, rows, columns = ground.shape[0], *np.nonzero(alpha >= 128)
    middle = np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2
    scale = size * rng.uniform(*SIZES) / max(np.ptp(columns), np.ptp(rows), 1)
    angle = np.deg2rad(rng.uniform(-TURN, TURN))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([rng.choice([-1, 1]), 1])
    place = size / 2 + size * rng.uniform(-STRAY, STRAY, 2)
    affine = geometry.to_index_space(np.concatenate([turn, (place - turn @ middle)[:, None]], 1))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    moved = cv2.warpAffine(hand, affine, (size, size), flags=way, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(alpha, affine, (size, size), flags=cv2.INTER_LINEAR)
    lit = moved * rng.uniform(*GAIN) * rng.uniform(0.93, 1.07, 3)
    weight = cv2.GaussianBlur(share, (3, 3), 0)[..., None] / 255
    picture = np.clip(lit * weight + ground * (1 - weight), 0, 255).astype(np.uint8)
    return picture, (share >= 128).astype(np.uint8) * np.uint8(255)


def stored(
    of: Sample, name: str, picture: Picture, mask: Picture, out: Path, rng: np.random.Generator
) -> Sample:
    """Write a picture, blurred and noisy as cameras' are, and its mask; returns the sample."""
    blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.2, 1.2))
    noisy = blurred + rng.normal(0, rng.uniform(0, 8), picture.shape)
    stem = file_stem(name)
    quality = int(rng.integers(*QUALITY))
    images.write(out / f"images/{stem}.jpg", np.clip(noisy, 0, 255).astype(np.uint8), quality=quality)
    images.write(out / f"masks/{stem}.png", mask)
    size = picture.shape[0]
    return Sample(
        name,
        "scenes",
        f"images/{stem}.jpg",
        width=size,
        height=size,
        mask=f"masks/{stem}.png",
        subject_id=of.subject_id,
        split=of.split,
        parent_id=of.sample_id,
    )


if __name__ == "__main__":
    main()
