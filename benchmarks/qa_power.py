"""What `curate qa` catches: errors planted in a dataset, and the false alarms on the set as it is.

    python benchmarks/qa_power.py [--data DIR] [--share 0.05] [--rounds 2] [--seed 0] [--predictions FILE]

DIR is a dataset with one labelled hand an image, sides, aspects, subjects and splits, such as 11k Hands
brought in by `curate convert yolo-pose ... --hand-info HandInfo.csv`; without it, hands are drawn. Each kind
of error is planted in a share of the sound samples, the rest stays; everything is judged anew, the fits
included.
"Caught" is the share of the planted samples with a finding: at error level, and at warning or above.
FILE holds predictions of the set as it is, by networks that never saw the people (`curate qa --crossfit`).
They stand for what networks say where labels alone are spoilt; of spoilt pictures nothing is predicted.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.predictions import read_predictions
from curate.data.references import read_image
from curate.data.sample import Sample, to_batch
from curate.demo import Shoot, draw
from qa.config import checks
from qa.finding import Finding
from qa.measures.residuals import SIDE, read_residuals
from qa.view import View, open_view

DRAWN, PER_SUBJECT = 640, 8
Rng = np.random.Generator


@dataclasses.dataclass
class Plant:
    """The sample to spoil, its pixels, another sample's pixels, and chance."""

    sample: Sample
    pixels: np.ndarray[Any, Any]
    other: np.ndarray[Any, Any]
    rng: Rng

    @property
    def size(self) -> float:
        """Longer side of the hand's box, pixels."""
        points = self.sample.keypoints
        return float((np.nanmax(points, axis=0) - np.nanmin(points, axis=0)).max())

    def direction(self) -> np.ndarray[Any, Any]:
        """A step of length one."""
        angle = self.rng.uniform(0, 2 * np.pi)
        return np.array([np.cos(angle), np.sin(angle)], np.float32)

    def swap(self, a: list[int], b: list[int]) -> None:
        """Exchange keypoints."""
        self.sample.keypoints[a + b] = self.sample.keypoints[b + a]

    def reencode(self, image: np.ndarray[Any, Any], scale: float) -> None:
        """Scale the image and its labels, as JPEG of quality 60."""
        height, width = (round(side * scale) for side in image.shape[:2])
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        self.pixels = images.decode(images.encode(small, ".jpg", quality=60), "planted")
        self.sample.keypoints *= np.float32([width / image.shape[1], height / image.shape[0]])


def pip_dip(p: Plant) -> None:
    first = 6 + 4 * int(p.rng.integers(4))
    p.swap([first], [first + 1])


def reverse(p: Plant) -> None:
    order = list(kp.TIP_TO_PALM)
    p.sample.keypoints, p.sample.visibility = p.sample.keypoints[order], p.sample.visibility[order]


def index_middle(p: Plant) -> None:
    p.swap(list(range(5, 9)), list(range(9, 13)))


def thumb_little(p: Plant) -> None:
    p.swap(list(range(1, 5)), list(range(17, 21)))


def wrong_side(p: Plant) -> None:
    p.sample.side = kp.flip_side(p.sample.side)  # type: ignore[arg-type]


def mirrored_image(p: Plant) -> None:
    p.pixels = np.ascontiguousarray(p.pixels[:, ::-1])


def one_point(p: Plant, share: float = 0.15) -> None:
    seen = np.flatnonzero(p.sample.visibility[1:]) + 1
    p.sample.keypoints[p.rng.choice(seen)] += share * p.size * p.direction()


def one_point_10(p: Plant) -> None:
    one_point(p, 0.10)


def corner(p: Plant) -> None:
    p.sample.keypoints[int(p.rng.integers(1, kp.COUNT))] = 0


def shifted(p: Plant) -> None:
    p.sample.keypoints += 0.15 * p.size * p.direction()


def wrong_image(p: Plant) -> None:
    p.pixels = p.other


def stretched(p: Plant) -> None:
    p.sample.keypoints[:, 0] *= 4 / 3
    height, width = p.pixels.shape[:2]
    p.pixels = cv2.resize(p.pixels, (round(width * 4 / 3), height), interpolation=cv2.INTER_AREA)


def blurred(p: Plant) -> None:
    p.pixels = cv2.GaussianBlur(p.pixels, (0, 0), 0.02 * p.size)


def copied(p: Plant) -> None:
    pass


def reencoded(p: Plant) -> None:
    p.reencode(p.pixels, 0.9)


def mirrored_copy(p: Plant) -> None:
    p.pixels = np.ascontiguousarray(p.pixels[:, ::-1])
    p.sample.keypoints[:, 0] = p.pixels.shape[1] - p.sample.keypoints[:, 0]
    p.sample.side = kp.flip_side(p.sample.side)  # type: ignore[arg-type]


SPOILT: dict[str, Callable[[Plant], None]] = {
    "PIP and DIP swapped": pip_dip,
    "order tip to palm": reverse,
    "index and middle finger swapped": index_middle,
    "thumb and little finger swapped": thumb_little,
    "wrong side": wrong_side,
    "image mirrored, labels not": mirrored_image,
    "one point off by 15 % of the hand": one_point,
    "one point off by 10 % of the hand": one_point_10,
    "unlabelled point at (0, 0)": corner,
    "all points shifted by 15 %": shifted,
    "another hand's image": wrong_image,
    "stretched 4:3": stretched,
    "blurred (sigma 2 % of the hand)": blurred,
}
# Added to the set in another split, under another name and subject.
ADDED: dict[str, Callable[[Plant], None]] = {
    "copy in another split": copied,
    "copy, scaled to 90 % and JPEG 60": reencoded,
    "mirrored copy in another split": mirrored_copy,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a dataset folder (default: drawn hands)")
    parser.add_argument("--share", type=float, default=0.05, help="of the samples that is spoilt at a time")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--predictions", type=Path, help="a predictions.parquet of the set")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.data or _drawn(Path(folder) / "drawn")
        bench = Bench(Dataset(root), Path(folder), given.share, given.seed, predictions=given.predictions)
        bench.print_untouched()
        bench.print_spoilt(given.rounds)
        for name, spoil in ADDED.items():
            bench.print_row(name, [bench.spoil(name, spoil, turn, add=True) for turn in range(given.rounds)])
        bench.print_row("subject in two splits", [bench.leak(turn) for turn in range(given.rounds)])
        bench.print_row("whole set stretched 4:3", [bench.whole_set()])


class Network:
    """What networks predicted for a set, in the pixels of its photographs."""

    def __init__(self, path: Path, view: View) -> None:
        said = read_predictions(path)
        place = {name: row for row, name in enumerate(said.sample_ids)}
        self.points = np.full(view.keypoints.shape, np.nan)
        self.scores = np.full(view.visibility.shape, np.nan)
        self.scale = np.full(len(view), np.nan)  # px of a crop of 96, of each px of the photograph
        for row, name in enumerate(view.sample_id):
            if (at := place.get(name)) is None:
                continue
            known = np.isfinite(said.truth[at]).all(axis=1) & np.isfinite(view.keypoints[row]).all(axis=1)
            there, here = said.truth[at][known].astype(float), view.keypoints[row][known].astype(float)
            scale = np.linalg.norm(np.ptp(there, axis=0)) / np.linalg.norm(np.ptp(here, axis=0))
            self.points[row] = (said.predicted[at] - there.mean(axis=0)) / scale + here.mean(axis=0)
            self.scores[row], self.scale[row] = said.score[at], scale * SIDE / said.size

    def look(
        self, view: View, first: int, rows: Any, planted: Sequence[Sample], before: Sequence[Sample]
    ) -> None:
        """Set the residuals of the planted samples, which are the last of the view, where the picture is
        what it was."""
        for at, (row, sample) in enumerate(zip(rows, planted, strict=True), start=first):
            if Path(sample.image).name != Path(before[row].image).name:
                continue
            gap = np.linalg.norm(sample.keypoints - self.points[row], axis=1) * self.scale[row]
            view.residuals.distance[at] = gap
            view.residuals.confidence[at] = np.where(np.isfinite(gap), self.scores[row], np.nan)


Caught = list[list[Finding]]  # per planted sample, what was found of it


class Bench:
    """A set, what is found in it as it is, and experiments on it."""

    def __init__(
        self,
        dataset: Dataset,
        folder: Path,
        share: float,
        seed: int,
        *,
        predictions: Path | None = None,
        among: Callable[[Sample], bool] = lambda sample: True,
    ) -> None:
        """`among`: which samples may be spoilt."""
        self.samples, self.folder, self.seed = list(dataset), folder, seed
        self.root = dataset.root
        self.view = open_view([dataset], engine=ONE, quiet=True)
        self.network = None
        if predictions is not None:
            self.network = Network(predictions, self.view)
            found = read_residuals([predictions], self.view.sample_id.tolist(), self.view.points)
            self.view = dataclasses.replace(self.view, residuals=found)
        self.table = checks()
        self.before = [f for f in self.judge(self.view) if f.severity != "info"]
        bad = {f.row for f in self.before}
        rows = [i for i, sample in enumerate(self.samples) if among(sample)]
        self.sound = np.array([i for i in rows if i not in bad])
        self.count = max(1, round(share * len(rows)))

    def judge(self, view: View) -> list[Finding]:
        return [f for check in self.table for f in check.judge(view).findings]

    def print_untouched(self) -> None:
        total = len(self.samples)
        rows = {
            s: {f.row for f in self.before if f.severity == s and f.row is not None}
            for s in ("error", "warning")
        }
        print(f"{total} samples as they are: {len(rows['error'])} with errors", end="")
        print(f" ({100 * len(rows['error']) / total:.2f} %)", end="")
        some = rows["error"] | rows["warning"]
        print(f", {len(some)} with errors or warnings ({100 * len(some) / total:.2f} %)")
        for severity in ("error", "warning"):
            names = sorted({f.check for f in self.before if f.severity == severity})
            counts = {n: sum(f.check == n and f.severity == severity for f in self.before) for n in names}
            print(f"  {severity}s: {', '.join(f'{n} {c}' for n, c in counts.items()) or 'none'}")

    def print_spoilt(self, rounds: int) -> None:
        print(f"{'planted':36} {'samples':>8} {'error':>8} {'warning+':>8}   caught by")
        for name, spoil in SPOILT.items():
            self.print_row(name, [self.spoil(name, spoil, turn) for turn in range(rounds)])

    def spoil(self, name: str, spoil: Callable[[Plant], None], turn: int, *, add: bool = False) -> Caught:
        rng = np.random.default_rng([self.seed, turn, len(name)])
        chosen = rng.choice(self.sound, min(self.count, len(self.sound)), replace=False)
        others = rng.permutation(self.sound)
        planted, gone = [], set[int]()
        for number, row in enumerate(chosen):
            other = next(i for i in others[number:] if self._apart(int(i), int(row)))
            if spoil is wrong_image:
                gone.add(int(other))  # or the same image would stand in the set twice, which is too easy
            planted.append(self._planted(int(row), int(other), spoil, rng, add, number))
        kept = np.arange(len(self.samples))
        if not add:
            kept = np.setdiff1d(kept, [*chosen, *gone])
        joined = self._joined(kept, planted)
        if self.network is not None and not add:
            self.network.look(joined, len(kept), chosen, planted, self.samples)
        return self._found(joined, range(len(kept), len(kept) + len(planted)))

    def leak(self, turn: int) -> Caught:
        """One sample each of some subjects in another split."""
        rng = np.random.default_rng([self.seed, turn])
        subjects = sorted({s.subject_id for s in self.samples if s.subject_id})
        chosen = rng.choice(subjects, max(1, len(subjects) // 10), replace=False)
        view = dataclasses.replace(self.view, split=self.view.split.copy())
        for subject in chosen:
            row = int(rng.choice(np.flatnonzero(view.subject_id == subject)))
            view.split[row] = "train" if view.split[row] == "test" else "test"
        found = [f for f in self.judge(view) if f.check == "subject-leak"]
        return [[f for f in found if f"Subject {subject} " in f.message] for subject in chosen]

    def whole_set(self) -> Caught:
        """The set as one: every label stretched along x."""
        view = dataclasses.replace(self.view, keypoints=self.view.keypoints * np.float32([4 / 3, 1.0]))
        return [[f for f in self.judge(view) if f.check == "anisotropy"]]

    def print_row(self, name: str, rounds: list[Caught]) -> None:
        every = [found for caught in rounds for found in caught]
        error = np.mean([any(f.severity == "error" for f in found) for found in every])
        warning = np.mean([bool(found) for found in every])
        names = [n for found in every for n in {f.check for f in found}]
        ranked = sorted(set(names), key=lambda n: -names.count(n))[:3]
        by = ", ".join(f"{n} {100 * names.count(n) / len(every):.0f} %" for n in ranked)
        print(f"{name:36} {len(every):8} {100 * error:6.1f} % {100 * warning:6.1f} %   {by}", flush=True)

    def _apart(self, a: int, b: int) -> bool:
        one, two = self.samples[a], self.samples[b]
        return a != b and (one.subject_id is None or one.subject_id != two.subject_id)

    def _planted(
        self, row: int, other: int, spoil: Callable[[Plant], None], rng: Rng, add: bool, number: int
    ) -> Sample:
        before = self.samples[row]
        sample = dataclasses.replace(
            before, keypoints=before.keypoints.copy(), visibility=before.visibility.copy(), sha256=None
        )
        pixels = read_image(self.root, before.image)
        plant = Plant(sample, pixels, read_image(self.root, self.samples[other].image), rng)
        spoil(plant)
        sample = plant.sample
        if add:
            sample.sample_id = f"added/{number}"
            sample.split = "train" if before.split == "test" else "test"
            sample.subject_id = None if before.subject_id is None else f"added {number}"
        same = plant.pixels is pixels
        sample.image = str((self.root / before.image).resolve())
        if not same:
            path = self.folder / "planted" / f"{number}.png"
            images.write(path, plant.pixels)
            sample.image = str(path)
        sample.height, sample.width = plant.pixels.shape[:2]
        return sample

    def _joined(self, kept: np.ndarray[Any, Any], planted: list[Sample]) -> View:
        root = Path(tempfile.mkdtemp(dir=self.folder))
        for sample in planted:
            sample.image = os.path.relpath(sample.image, root)
        write_table(root, [to_batch(planted)])
        folders = sorted({Path(sample.image).parent.as_posix() for sample in planted})
        about: dict[str, Any] = {"sources": [], "licences": [], "history": [], "refers_to": folders}
        write_info(root, {"samples": len(planted), **about})
        new = open_view([root], engine=ONE, quiet=True)
        joined = _join(self.view, new, kept)
        return dataclasses.replace(
            joined,
            datasets=self.view.datasets + new.datasets,
            dataset_of=np.concatenate([self.view.dataset_of[kept], new.dataset_of + len(self.view.datasets)]),
        )

    def _found(self, view: View, rows: range) -> Caught:
        caught: Caught = [[] for _ in rows]
        for finding in self.judge(view):
            if finding.severity == "info" or finding.row is None:
                continue
            # Of a pair, either may be told.
            for row in {finding.row, *finding.rows} & set(rows):
                caught[row - rows.start].append(finding)
        return caught


def _join(old: Any, new: Any, kept: np.ndarray[Any, Any]) -> Any:
    """The rows `kept` of one view, then all of the other; views nest."""
    values = {}
    for field in dataclasses.fields(old):
        a, b = getattr(old, field.name), getattr(new, field.name)
        if isinstance(a, np.ndarray):
            values[field.name] = np.concatenate([a[kept], b])
        elif isinstance(a, dict):
            values[field.name] = {name: np.concatenate([a[name][kept], b[name]]) for name in a}
        elif dataclasses.is_dataclass(a):
            values[field.name] = _join(a, b, kept)
    return dataclasses.replace(old, **values)


def _drawn(root: Path) -> Path:
    """Drawn hands of 80 subjects; every fifth subject is in the test split."""
    draw(Shoot("bench", (240, 180), DRAWN, 0, 0), root)
    dataset = Dataset(root)
    samples = list(dataset)
    for sample in samples:
        sample.split = "test" if int(sample.subject_id or 0) % 5 == 0 else "train"
    write_table(root, [to_batch(samples)])
    write_info(root, {"samples": len(samples), "sources": ["drawn"], "licences": ["MIT"], "history": []})
    return root


if __name__ == "__main__":
    main()
