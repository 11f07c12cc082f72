"""Small sets to plant errors in, and what a check finds in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curate.basics import images
from curate.basics.engine import ONE
from curate.data.dataset import write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.data.stage import relative_to_out
from curate.hands.drawn_hands import Person, draw_hand
from qa.checks.check import Hit, Outcome
from qa.checks.table import CHECKS
from qa.view import View, open_view

CHECK = {check.id: check for check in CHECKS}


def save(root: Path, samples: list[Sample], **info: Any) -> Path:
    """A dataset of these samples, whose images and masks may lie anywhere."""
    root.mkdir(parents=True, exist_ok=True)
    samples = [
        replace(sample, image=_from(root, sample.image), mask=sample.mask and _from(root, sample.mask))
        for sample in samples
    ]
    refs = [ref for sample in samples for ref in (sample.image, sample.mask) if ref and ref.startswith("../")]
    write_table(root, [to_batch(samples)])
    stage = {"stage": "convert", "counts": {"out": len(samples)}}
    about = {"samples": len(samples), "sources": [], "licences": [], "history": [stage]}
    write_info(root, {**about, "refers_to": sorted({Path(ref).parent.as_posix() for ref in refs}), **info})
    return root


def tree(root: Path) -> dict[str, bytes]:
    """The files below a folder, by their paths there."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def _from(root: Path, ref: str) -> str:
    return relative_to_out(ref, root) if ref.startswith("/") else ref


def opened(*roots: Path) -> View:
    return open_view(roots, engine=ONE, quiet=True)


def view_of(folder: Path, samples: list[Sample]) -> View:
    """A view of a dataset of these samples, saved as `folder`/set."""
    return opened(save(folder / "set", samples))


def moved(view: View, points: np.ndarray) -> View:
    """The same samples with other keypoints, (n, 21, 2)."""
    return dataclasses.replace(view, keypoints=points.astype(np.float32))


def run(check: str, view: View, **limits: float) -> Outcome:
    return replace(CHECK[check], limits={**CHECK[check].limits, **limits}).measure(view)


def hits(check: str, view: View, **limits: float) -> list[Hit]:
    return list(run(check, view, **limits).hits)


def told(check: str, view: View) -> list[str]:
    return [finding.message for finding in CHECK[check].judge(view).findings]


def draw_hands(
    folder: Path, seed: int, splits: Sequence[str], rounds: int, size: tuple[int, int]
) -> list[Sample]:
    """Drawn hands of as many subjects as splits, each of them `rounds` times, their images as files."""
    rng = np.random.default_rng(seed)
    width, height = size
    people = [Person.sample(rng) for _ in splits]
    samples = []
    for i in range(rounds * len(splits)):
        subject, side = i % len(splits), ("left", "right")[i // len(splits) % 2]
        image, points = draw_hand(rng, people[subject], side, width=width, height=height)
        path = folder / f"{i}.png"
        images.write(path, image)
        sample = Sample(
            f"drawn/{i:03d}", "drawn", str(path), width, height, side, "dorsal", f"person {subject}", points
        )
        sample.visibility, sample.split, sample.licence = np.full(21, 2, np.uint8), splits[subject], "MIT"
        samples.append(sample)
    return samples


def copy_of(sample: Sample, **changes: Any) -> Sample:
    """A copy with points of its own."""
    points = {"keypoints": sample.keypoints.copy(), "visibility": sample.visibility.copy()}
    return dataclasses.replace(sample, **{**points, **changes})


def changed(sample: Sample, folder: Path, image: np.ndarray | None = None, **values: Any) -> Sample:
    """A copy with other values, and other pixels in a file of its own."""
    copy = copy_of(sample, **values)
    if image is not None:
        path = folder / f"changed{len(list(folder.iterdir()))}.png"
        images.write(path, image)
        copy.image, copy.width, copy.height = str(path), image.shape[1], image.shape[0]
    return copy


def pixels_of(sample: Sample) -> np.ndarray:
    return images.read(sample.image)


def again(samples: list[Sample], count: int, **columns: list[Any]) -> list[Sample]:
    """The samples again and again, half train, half test, each of its own subject."""
    made = []
    for i in range(count):
        sample = copy_of(samples[i % len(samples)], sample_id=f"n/{i}", subject_id=f"p{i}")
        sample.split = ("train", "test")[i % 2]
        for name, values in columns.items():
            setattr(sample, name, values[i])
        made.append(sample)
    return made


def photo(number: int, subject: str = "p1", aspect: str = "dorsal", **values: Any) -> Sample:
    """A numbered right hand, without an image or points."""
    sample = Sample(f"s/Hand_{number:04d}", "s", "none.png", 200, 150, "right", aspect, subject)
    return dataclasses.replace(sample, **values)


def posed(count: int, *, test: float) -> list[Sample]:
    """Crops of hands of `count` / 4 people, every third in test; hands there are turned by `test` degrees."""
    rng = np.random.default_rng(2)
    samples = []
    for i in range(count):
        if i % 4 == 0:
            person = Person.sample(rng)
        points = draw_hand(rng, person, "right", width=48, height=48)[1] * 4
        sample = photo(i, f"p{i // 4}", parent_id=f"photo {i}", width=192, height=192)
        sample.split = "test" if i // 4 % 3 == 0 else "train"
        turn = np.radians(test if sample.split == "test" else 0.0)
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        sample.keypoints = ((points - 96) @ spin.T + 96).astype(np.float32)
        sample.visibility = np.full(21, 2, np.uint8)
        samples.append(sample)
    return samples


def crops_of(samples: list[Sample], size: int = 64) -> tuple[np.ndarray, list[Sample]]:
    """A 20-point training set: each hand's box in the middle of a square crop."""
    pixels, crops = [], []
    for row, sample in enumerate(samples):
        low, high = sample.keypoints[1:].min(axis=0), sample.keypoints[1:].max(axis=0)
        scale = 0.8 * size / (high - low).max()
        points = (sample.keypoints - (low + high) / 2) * scale + size / 2
        visibility = sample.visibility.copy()
        visibility[0] = 0
        matrix = np.array([[scale, 0, 0], [0, scale, 0]], float)
        matrix[:, 2] = size / 2 - scale * (low + high) / 2
        pixels.append(cv2.warpAffine(images.read(sample.image, grey=True), matrix, (size, size)))
        crops.append(
            copy_of(
                sample,
                sample_id=f"{sample.sample_id}/crop",
                image=images.stack_ref(row),
                width=size,
                height=size,
                keypoints=points.astype(np.float32),
                visibility=visibility,
                parent_id=sample.sample_id,
            )
        )
    return np.stack(pixels), crops


def save_training(root: Path, samples: list[Sample], pixels: np.ndarray, sigma: float = 3.0) -> Path:
    """A training set of these crops."""
    root.mkdir(exist_ok=True)
    np.save(root / "pixels.npy", pixels)
    return save(
        root, samples, training={"size": pixels.shape[1], "sigma": sigma, "keypoints": 20, "channels": 1}
    )


def finger_wise_reversed(points: np.ndarray) -> np.ndarray:
    """Fingers numbered from the tip to the palm; points are (..., 21, 2)."""
    chains = points[..., 1:, :].reshape(*points.shape[:-2], 5, 4, 2)[..., ::-1, :]
    return np.concatenate([points[..., :1, :], chains.reshape(*points.shape[:-2], 20, 2)], axis=-2)


def mirror_side(sample: Sample) -> None:
    sample.side = {"left": "right", "right": "left"}[sample.side or ""]


def reverse_order(sample: Sample) -> None:
    sample.keypoints = finger_wise_reversed(sample.keypoints)


def hand_in_space(side: str, flex: tuple[float, float, float] = (0, 0, 0), aside: float = 0) -> np.ndarray:
    """(21, 3) metres: the back of a hand towards the camera, each finger flexed towards the palm, degrees."""
    place = np.zeros((21, 3))
    place[1:5] = [(-2, 2, 0), (-4, 4, 0), (-5, 6, 0), (-6, 7, 0)]
    for finger, x in enumerate((-3.0, -1.0, 1.0, 3.0)):
        at, angle = np.array([x, 8.0, 0]), 0.0
        place[5 + 4 * finger] = at
        for joint, length in enumerate((4.0, 2.5, 2.0)):
            angle += np.radians(flex[joint])
            step = np.array([0, np.cos(angle), -np.sin(angle)])
            if joint == 0:
                step = step + np.array([np.tan(np.radians(aside)) * np.cos(angle), 0, 0])
            at = at + length * step
            place[6 + 4 * finger + joint] = at
    camera = place * [1, -1, -1] + [0, 0, 50]  # x right, y down, z forward
    return camera * ([-1, 1, 1] if side == "left" else [1, 1, 1]) / 100


def in_space(folder: Path, xyz: np.ndarray, side: str = "right", **columns: Any) -> View:
    sample = Sample("s/0", "s", "none.png", 320, 320, side, "dorsal", xyz=xyz.astype(np.float32), **columns)
    return view_of(folder, [sample])
