"""Opens what `curate export` writes with the tools that it is written for, and compares the hands.

    make peers                                   in an environment of its own, .venv-peers
    python -m benchmarks.peers --python PYTHON   PYTHON has the tools, as constraints-peers.txt names them

Draws 24 hands, some with points that are hidden, not labelled, or outside the image, two in one image,
exports them to each format, and lets the tool itself read them, in a process of its own. Prints a table for
docs/formats/README.md: hands and labelled points out and in, how far the farthest point lies from where it
was, and what the format does not hold. Exits with 1 where a tool reads something else; a tool that is not
there is told, and is no error.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from converters.table import FORMATS
from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from curate.demo import Shoot, draw
from curate.export import export

HANDS = 24
TOOLS = {  # format -> the readers of `tools.py` that are to read it
    "csv": ("pandas",),
    "labelme": ("labelme",),
    "coco": ("pycocotools", "datumaro"),
    "mmpose": ("mmpose",),
    "yolo-pose": ("ultralytics",),
    "hf": ("datasets",),
    "croissant": ("mlcroissant",),
    "webdataset": ("webdataset",),
    "fiftyone": ("fiftyone",),
    "datumaro": ("datumaro",),
    "cvat": ("datumaro",),
    "label-studio": ("label_studio_sdk",),
}
# What does not come back: a hand without a labelled point, and a point outside the image. What comes besides:
# points that are not labelled. CVAT's XML tells them by `outside`, for which Datumaro does not ask.
NO_POINT, OUTSIDE, UNLABELLED = "hand without a point", "point outside the image", "unlabelled point"
OTHERWISE = {
    "mmpose": {NO_POINT},
    "labelme": {NO_POINT},
    "yolo-pose": {OUTSIDE},
    "cvat": {NO_POINT, UNLABELLED},
    "label-studio": {NO_POINT},
}
FARTHEST = 0.01  # pixels


class Read(NamedTuple):
    """What a tool read: its version, and its hands by id, or by number where a format has no ids."""

    version: str
    hands: list[tuple[str | None, Any]]  # id, (21, 2) pixels with NaN where not labelled


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python", required=True, help="an interpreter that has the tools")
    parser.add_argument("--only", nargs="*", default=list(TOOLS), choices=list(TOOLS), metavar="FORMAT")
    given = parser.parse_args()
    faults = 0
    print("| format | opened by | hands | points | farthest | not held |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        dataset = make(Path(place))
        for name in given.only:
            out = Path(place) / name
            lost = export(dataset, FORMATS[name].write, name, out, quiet=True).lost
            for tool in TOOLS[name]:
                row, fault = tried(given.python, tool, out, dataset, lost, OTHERWISE.get(name, set()))
                faults += fault
                print(f"| `{name}` | {row} |", flush=True)
    return 1 if faults else 0


def tried(
    python: str, tool: str, out: Path, dataset: Dataset, lost: dict[str, int], otherwise: set[str]
) -> tuple[str, bool]:
    """The cells of a row, and whether the tool read something else."""
    ran = subprocess.run(
        [python, str(Path(__file__).with_name("tools.py")), tool, str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = ran.stdout.splitlines()
    told = json.loads(lines[-1]) if ran.returncode == 0 and lines else None
    if told is None:
        reason = (ran.stderr.strip().splitlines() or ["no answer"])[-1]
        missing = "ModuleNotFoundError" in reason
        return f"{tool}: {reason[:100]} | | | | ", not missing
    found = [(name, np.array(points, float).reshape(kp.COUNT, 2)) for name, points in told["hands"]]
    cells, wrong = compared(Read(told["version"], found), list(dataset), otherwise)
    name = f"{tool.replace('_', '-')} {told['version']}"
    return " | ".join((name, *cells, ", ".join(lost) or "nothing")) + (" **differs**" if wrong else ""), wrong


def compared(read: Read, samples: list[Sample], otherwise: set[str]) -> tuple[tuple[str, ...], bool]:
    """Hands, points and how far the farthest lies from its place, as cells; whether something is missing."""
    wanted = [wanted_of(sample, otherwise) for sample in samples]
    wanted = [points for points in wanted if NO_POINT not in otherwise or np.isfinite(points).any()]
    ids = [s.sample_id for s in samples if NO_POINT not in otherwise or s.visibility.any()]
    by_id = {name: points for name, points in read.hands if name is not None}
    farthest, points_in, wrong = 0.0, 0, len(read.hands) != len(wanted)
    for name, points in zip(ids, wanted, strict=True):
        got = by_id.get(name, nearest(points, read.hands)) if read.hands else np.full_like(points, np.nan)
        labelled = np.isfinite(points).all(axis=1)
        there = np.isfinite(got).all(axis=1)
        points_in += int(there.sum())
        wrong |= bool((labelled & ~there if UNLABELLED in otherwise else labelled != there).any())
        if labelled.any():
            farthest = max(farthest, float(np.nan_to_num(np.abs(got - points)[labelled], nan=np.inf).max()))
    hands = f"{len(samples)} → {len(read.hands)}"
    count = sum(int((sample.visibility > 0).sum()) for sample in samples)
    return (hands, f"{count} → {points_in}", f"{farthest:.1g} px"), wrong or farthest > FARTHEST


def wanted_of(sample: Sample, otherwise: set[str]) -> Any:
    """The points that a tool should read."""
    points = sample.keypoints.astype(float)
    if OUTSIDE in otherwise:
        inside = ((points >= 0) & (points <= [sample.width or 0, sample.height or 0])).all(axis=1)
        points[~inside] = np.nan
    return points


def nearest(points: Any, hands: list[tuple[str | None, Any]]) -> Any:
    """The hand that was read whose points lie nearest."""
    away = [np.nanmean(np.abs(np.nan_to_num(found) - np.nan_to_num(points))) for _, found in hands]
    return hands[int(np.argmin(away))][1]


# The dataset ------------------------------------------------------------------------------------------


def make(place: Path) -> Dataset:
    draw(Shoot("drawn", (240, 180), HANDS, 0, 0), place / "drawn")
    mask = np.zeros((180, 240), np.uint8)
    mask[40:140, 60:180] = 255
    images.write(place / "mask.png", mask)
    Stage("vary", place / "hands", {}, quiet=True).run([place / "drawn"], _varied)
    return Dataset(place / "hands")


def _varied(root: Path) -> Part:
    samples = []
    for number, sample in enumerate(Dataset(root)):
        points, seen = sample.keypoints.copy(), sample.visibility.copy()
        seen[5 + number % 3 : 7] = kp.HIDDEN
        if number % 4 == 1:
            seen[0] = kp.UNLABELLED
        if number == 3:
            points[4] = (-5.5, 20.25)
        if number == 7:
            seen[:] = kp.UNLABELLED
        points[seen == kp.UNLABELLED] = np.nan
        # The last two hands are in one image.
        image = samples[-1].image if number == HANDS - 1 else f"../drawn/{sample.image}"
        samples.append(
            replace(
                sample,
                keypoints=points,
                visibility=seen,
                image=image,
                mask="../mask.png" if number == 0 else None,
                bbox=np.array([10, 10, 200, 160], np.float32) if number % 2 else None,
                split=("train", "val", "test")[number % 3],
                label_source="manual",
                K=np.array([[300.0, 0, 120], [0, 300, 90], [0, 0, 1]]),
                xyz=np.full((kp.COUNT, 3), 0.5, np.float32),
            )
        )
    samples[-1].split = samples[-2].split
    return Part(to_batch(samples))


if __name__ == "__main__":
    sys.exit(main())
